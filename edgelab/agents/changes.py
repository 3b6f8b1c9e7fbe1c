"""What an observer writes down of what it reads."""

from __future__ import annotations

from dataclasses import dataclass

from ..history import Kind
from .lifecycle import Agent

_REPEAT_NS = 1_000_000_000


class Changes:
    """Appends a record when what it says has changed, and again once a second.

    Before a change comes the last reading that did not show it yet: between the two, and no earlier, it happened.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._last: dict[tuple[int, ...], _Reading] = {}

    def note(self, kind: Kind, now_ns: int, key: tuple[int, ...], **says: int) -> None:
        """Append, unless the same was appended for ``key`` less than a second ago."""
        before = self._last.get((kind, *key))
        if before is not None and before.says == says and now_ns - before.appended_ns < _REPEAT_NS:
            before.read_ns = now_ns
            return
        if before is not None and before.says != says and before.read_ns > before.appended_ns:
            self._agent.history.append(kind, before.read_ns, **before.says)
        self._last[kind, *key] = _Reading(says, now_ns, now_ns)
        self._agent.history.append(kind, now_ns, **says)


@dataclass(slots=True)
class _Reading:
    """What was last read, when, and when it was last appended."""

    says: dict[str, int]
    read_ns: int
    appended_ns: int
