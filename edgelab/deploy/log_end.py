"""The end of a log, as a person wants to see it in an error message."""

from __future__ import annotations

import re

_LINE = 240  # Toxiproxy writes JSON of any length
# Where in Java's code it happened: what happened stands above, out of sight.
_FRAME = re.compile(r"\s+(at \S+\(|\.\.\. \d+ )")


# A line of Kafka's that something went wrong, and one that all is well or will be.
_ERROR = re.compile(r"\[[^]]*\] (ERROR|FATAL) |Exception in thread ")
_CALM = re.compile(r"\[[^]]*\] (WARN|INFO|DEBUG|TRACE) ")


def last_lines(text: str, *, lines: int = 12) -> str:
    """The last ``lines`` of ``text``: long ones cut, and without the frames of Java's stack traces.

    Where Kafka says among them what went wrong, without what it says besides.
    """
    kept = [line for line in text.splitlines() if not _FRAME.match(line)][-lines:]
    if any(map(_ERROR.match, kept)):
        kept = [line for line in kept if not _CALM.match(line)]
    return "\n".join(line if len(line) <= _LINE else f"{line[:_LINE]} …" for line in kept).rstrip()
