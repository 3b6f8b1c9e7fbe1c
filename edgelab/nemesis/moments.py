"""When something has to happen: the boundaries of a schedule, those of the same time together. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model.schedule import Schedule

_SAME_S = 0.0005
"""Boundaries closer than this are one: sums of decimal seconds differ in the last binary digits."""
_SECOND_LOOK_S = 1.5
"""A window is probed a second time this long before its end: a probe needs up to about 1 s."""
_LOOK_AGAIN_FROM_S = 4.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What is due at ``at_s`` seconds after the start: positions of windows in the schedule.

    Attributes:
        begins / ends: windows to apply and to clear. All of a moment happen together, and what both an ending and a
            beginning window hold stays held without a gap.
        looks: windows to probe once more before they end.
    """

    at_s: float
    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    looks: tuple[int, ...] = ()


def moments(schedule: Schedule) -> tuple[Moment, ...]:
    """The moments of ``schedule`` in order of time."""
    groups: list[tuple[float, dict[str, list[int]]]] = []
    for at_s, what, window in sorted(_events(schedule)):
        if not groups or at_s - groups[-1][0] > _SAME_S or _too_short(groups[-1][1], what, window):
            groups.append((at_s, {"begins": [], "ends": [], "looks": []}))
        groups[-1][1][what].append(window)
    return tuple(Moment(at_s, **{what: tuple(found) for what, found in group.items()}) for at_s, group in groups)


def _events(schedule: Schedule) -> Iterator[tuple[float, str, int]]:
    for i, window in enumerate(schedule):
        yield window.start_s, "begins", i
        yield window.end_s, "ends", i
        if window.length_s >= _LOOK_AGAIN_FROM_S:
            yield window.end_s - _SECOND_LOOK_S, "looks", i


def _too_short(group: dict[str, list[int]], what: str, window: int) -> bool:
    """Whether the window would begin and end in one moment, and so never hold."""
    return what == "ends" and window in group["begins"]
