"""What the logs of a site's broker and of its mirror say. Pure.

Formats were captured from 3.9.2 and 4.3.1 (``tests/systems/captured``); logging is the lab's own
(:mod:`.launch`), the same with log4j 1 and 2: ``[2026-01-31 12:00:00,123] LEVEL text (logger)``, in UTC.

- **started**: a JVM has begun its program, the broker's or the mirror's.
- **closed**: the mirror has noticed that a connection with the far cluster is gone: ``Node 1 disconnected`` by a
  client of its, where 1 is the hub's broker (from 101 on they are the sites'), or that it does not reach the
  coordinator of its group. A session that comes back leaves no line: it is seen on the link.
- **trouble**: the mirror gave its work away, a task failed, memory ran out.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator

from ...model.measured import Evidence, LogEvent

BROKER, MIRROR = "broker", "mirror"
REVOKED = "Revoking previous assignment"
OUT_OF_MEMORY = "OutOfMemoryError"
UNREACHED = "Failed to connect to and describe Kafka cluster"
UNSENT = "failed to send record to"
_SAME_NS = 1_000_000_000
_LINE = re.compile(r"\[(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d),(\d{3})\] ([A-Z]+) (.*)")
_STARTED = (
    ("Kafka MirrorMaker initializing", MIRROR),
    ("Kafka Connect worker initializing", MIRROR),
    ("Kafka Connect standalone worker initializing", MIRROR),
    ("Registered signal handlers for TERM, INT, HUP", BROKER),
)
_DISCONNECTED = re.compile(r"Node (\d+) disconnected")
_FIRST_SITE_NODE = 101
_LAST_NODE = 2_147_483_647
_COORDINATOR_LOST = re.compile(r"[Gg]roup coordinator .* is unavailable or invalid|[Cc]oordinator was unreachable")
_TROUBLE = re.compile(
    rf"{REVOKED}|{OUT_OF_MEMORY}|unrecoverable exception|Unrecoverable exception|Task is being killed|"
    rf"Error encountered in task|{UNREACHED}|No space left on device|"
    rf"{UNSENT}|Shutdown broker because all log dirs"
)
_LOGGER = re.compile(r" \([\w.$]+(?::\d+)?\)$")
_LONGEST = 300


def log_events(lines: Iterable[str], *, mirror_at_hub: bool) -> Iterator[LogEvent]:
    """The events in the log of one of a site's services, in its order."""
    last: dict[str, int] = {}
    for event in _all(lines, mirror_at_hub=mirror_at_hub):
        # A line for each of thousands of messages that could not be sent says no more than the first.
        if event.kind == "trouble":
            repeated = event.t_ns - last.get(event.detail, -_SAME_NS) < _SAME_NS
            last[event.detail] = event.t_ns
            if repeated:
                continue
        yield event


def tell(evidence: Evidence, site: str, words: str) -> bool:
    """Whether the logs of ``site`` tell of a trouble in these words."""
    return any(e.kind == "trouble" and words in e.detail for e in evidence.log_events.get(site, ()))


def _all(lines: Iterable[str], *, mirror_at_hub: bool) -> Iterator[LogEvent]:
    who, t_ns = BROKER, 0
    for line in lines:
        match = _LINE.search(line)
        if match is None:
            # Of a stack trace or of the JVM's own: it has no time but that of the line before.
            if any(words in line for words in (OUT_OF_MEMORY, UNREACHED)):
                yield LogEvent(t_ns, "trouble", f"{who}: {line.strip()[:_LONGEST]}")
            continue
        t_ns, text = _unix_ns(match), match[9]
        began = next((name for words, name in _STARTED if text.startswith(words)), None)
        if began is not None:
            who = began
            yield LogEvent(t_ns, "started", who)
        elif _is_closed(who, text, mirror_at_hub=mirror_at_hub):
            yield LogEvent(t_ns, "closed", _plain(text))
            if REVOKED in text:
                yield LogEvent(t_ns, "trouble", f"{who}: {_plain(text)}")
        elif _TROUBLE.search(text):
            yield LogEvent(t_ns, "trouble", f"{who}: {_plain(text)}")


def _is_closed(who: str, text: str, *, mirror_at_hub: bool) -> bool:
    if who != MIRROR:
        return False
    if node := _DISCONNECTED.search(text):
        number = int(node[1])
        # To its group's coordinator a client has a connection of its own, numbered from the other end.
        number = min(number, _LAST_NODE - number)
        return (number >= _FIRST_SITE_NODE) == mirror_at_hub
    return not mirror_at_hub and _COORDINATOR_LOST.search(text) is not None


def _plain(text: str) -> str:
    return _LOGGER.sub("", text.strip())[:_LONGEST]


def _unix_ns(match: re.Match[str]) -> int:
    year, month, day, hour, minute, second, ms = (int(match[i]) for i in range(1, 8))
    return calendar.timegm((year, month, day, hour, minute, second)) * 1_000_000_000 + ms * 1_000_000
