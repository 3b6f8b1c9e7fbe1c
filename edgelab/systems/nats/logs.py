"""What a site broker's log says about its session with the hub. Pure.

Formats were captured from 2.9.25, 2.10.12 and 2.15.2 (``tests/systems/captured``):

- A session is **established** when the leaf has read the hub's *second* INFO, which the hub sends after it has taken
  the leaf's CONNECT: ``JetStream using domains`` (2.10 on) or ``JetStream Not Extended`` (2.9). ``Leafnode connection
  created`` proves nothing: it is logged when TCP connects, behind a dead link too.
- It is **closed** when ``Leafnode connection closed`` follows for the same connection. A connection that never became
  a session leaves no event.
- **dial** lines stand in the log at debug level only.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator

from ...model.measured import LogEvent

_LINE = re.compile(r"\[\d+\] (\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? \[[A-Z]{3}\] (.*)")
_DIAL = re.compile(r'Trying to connect as leafnode to remote server on "([^"]+)"')
_SESSION = re.compile(r"\S* ?- lid:(\d+) - (.*)")
_ESTABLISHED = ("JetStream using domains", "JetStream Not Extended")
_CLOSED = "Leafnode connection closed: "
_CLOSED_TAIL = re.compile(r"\s+(?:- )?(?:[Aa]ccount|Remote): .*$")
_TROUBLE = re.compile(
    r"Slow Consumer|Stale|[Ww]rite ?[Dd]eadline|Loop detected|Readloop processing time|Authorization|Replacing"
)
_BORN = "Starting nats-server"


def log_events(lines: Iterable[str]) -> Iterator[LogEvent]:
    """The events in the log of one site's broker, in its order."""
    sessions: set[str] = set()
    for line in lines:
        match = _LINE.search(line)
        if match is None:
            continue
        message = match[8]
        if message.startswith(_BORN):
            sessions.clear()  # connections are numbered anew
        elif dial := _DIAL.match(message):
            yield LogEvent(_unix_ns(match), "dial", dial[1])
        elif session := _SESSION.match(message):
            yield from _of_session(sessions, session[1], session[2], _unix_ns(match))


def _of_session(sessions: set[str], number: str, text: str, t_ns: int) -> Iterator[LogEvent]:
    if text.startswith(_ESTABLISHED):
        if number not in sessions:
            sessions.add(number)
            yield LogEvent(t_ns, "established", text.strip())
    elif number not in sessions:
        return
    elif text.startswith(_CLOSED):
        sessions.remove(number)
        yield LogEvent(t_ns, "closed", _CLOSED_TAIL.sub("", text[len(_CLOSED) :]).strip())
    elif _TROUBLE.search(text):
        yield LogEvent(t_ns, "trouble", text.strip())


def _unix_ns(match: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    whole = calendar.timegm((year, month, day, hour, minute, second))
    return whole * 1_000_000_000 + int((match[7] or "0").ljust(9, "0"))
