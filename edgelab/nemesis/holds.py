"""What faults do to links, as things that are held and counted. Pure.

A fault becomes *holds*: one thing done to one link, in one direction. Several faults may want the same hold; it is
switched on by the first and off by the last, so that clearing one fault leaves the others as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ..model.faults import Direction, Latency, LinkFault, Outage, Throttle
from ..model.topology import Link

Way = Literal["up", "down"]
HoldKind = Literal["cut", "stall", "silent", "rate", "delay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One thing done to one link.

    Attributes:
        way: the direction, seen from the site; None for a cut, which closes both.
        rate_bps: for a rate.
        one_way_s / jitter_s: for a delay.
        asked: the direction its fault named. Two delays of the same size add up if they come from faults of
            different direction, and must not be taken for one; two rates of the same size are one.
    """

    link: str
    kind: HoldKind
    way: Way | None = None
    rate_bps: float = 0.0
    one_way_s: float = 0.0
    jitter_s: float = 0.0
    asked: Direction = "both"


def holds_of(fault: LinkFault, link: Link) -> tuple[Hold, ...]:
    """What ``fault`` does to ``link``."""
    match fault:
        case Outage(kind="cut"):
            return (Hold(link=link.name, kind="cut"),)
        case Outage():
            return tuple(Hold(link=link.name, kind=fault.kind, way=way) for way in ways(fault.direction))
        case Throttle():
            return tuple(
                Hold(link=link.name, kind="rate", way=way, rate_bps=fault.rate_bps) for way in ways(fault.direction)
            )
        case Latency():
            return tuple(
                Hold(
                    link=link.name,
                    kind="delay",
                    way=way,
                    one_way_s=fault.one_way_s,
                    jitter_s=fault.jitter_s,
                    asked=fault.direction,
                )
                for way in ways(fault.direction)
            )


def ways(direction: Direction) -> tuple[Way, ...]:
    """The directions that ``direction`` names."""
    return ("up", "down") if direction == "both" else (direction,)


class Held:
    """Counts who wants which hold."""

    def __init__(self) -> None:
        self._wanted: Counter[Hold] = Counter()

    def take(self, holds: Iterable[Hold]) -> list[Hold]:
        """Want each once more; return those that nobody wanted before, which are now to be switched on."""
        new = []
        for hold in holds:
            self._wanted[hold] += 1
            if self._wanted[hold] == 1:
                new.append(hold)
        return new

    def give(self, holds: Iterable[Hold]) -> list[Hold]:
        """Want each once less; return those that nobody wants any more, which are now to be switched off."""
        gone = []
        for hold in holds:
            self._wanted[hold] -= 1
            if self._wanted[hold] == 0:
                del self._wanted[hold]
                gone.append(hold)
        return gone

    def of(self, link: str) -> frozenset[Hold]:
        """What is held on ``link``."""
        return frozenset(hold for hold in self._wanted if hold.link == link)
