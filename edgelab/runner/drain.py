"""The drain: publishers are done, faults are over; when has everything arrived that will?

It ends on a predicate, never after a fixed time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from .counting import Counts

_POLL_S = 0.1
# A store that still grows shows it within a few of the observer's readings; this is many of them.
_SETTLED_S = 2.0


@dataclass(frozen=True, slots=True)
class Drained:
    """How a drain ended.

    Attributes:
        end_ns: when, on the run's clock.
        why: in words.
        timed_out: whether the deadline passed while messages were still owed.
    """

    end_ns: int
    why: str
    timed_out: bool = False


def drain(
    counts: Counts,
    clock: Clock,
    *,
    sites: int,
    confirms: bool,
    idle_s: float,
    deadline_s: float,
    tick: Callable[[], None],
) -> Drained:
    """Wait until the hub has all it is owed.

    That is, whichever comes first: its count has reached what was acknowledged and it is behind no site; it is
    behind no site and nothing has moved for 2 s (what is missing then is not coming: it is nowhere); nothing has
    moved for ``idle_s``; ``deadline_s`` has passed.

    Args:
        counts: of this run.
        clock: of this run.
        sites: how many there are.
        confirms: whether publishes are answered; where not, nothing is owed.
        idle_s: longest pause of the system that is not its end.
        deadline_s: when to give up.
        tick: called at each look, for display and for health.
    """
    began = moved = time.monotonic()
    counts.update()
    last = counts.stored
    while True:
        tick()
        counts.update()
        now = time.monotonic()
        if counts.stored != last:
            last, moved = counts.stored, now
        still = now - moved
        # Where the hub itself confirms, an acknowledged message has arrived: there is nothing to be behind with.
        if counts.caught_up(sites) or (confirms and not counts.knows_lag):
            if confirms and counts.stored >= counts.acknowledged:
                return Drained(clock.now_ns(), "everything acknowledged is at the hub")
            if still >= _SETTLED_S:
                return Drained(clock.now_ns(), f"the hub is behind no site and nothing moved for {_SETTLED_S:g} s")
        if still >= idle_s:
            return Drained(clock.now_ns(), f"nothing moved at the hub for {idle_s:g} s")
        if now - began >= deadline_s:
            return Drained(clock.now_ns(), f"the deadline of {deadline_s:g} s passed", timed_out=True)
        time.sleep(_POLL_S)
