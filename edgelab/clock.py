"""One clock for a run: monotonic, and close to wall time so that broker timestamps compare with it."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Nanoseconds that never step.

    The monotonic clock of this host (one for all its processes) plus a fixed offset taken when the run began, so
    that the values read as Unix time. Brokers stamp what they store with wall time of the same host; as long as
    nobody steps that (:meth:`drift_ns` tells), the two compare.

    Attributes:
        offset_ns: wall time minus monotonic time when the run began.
    """

    offset_ns: int

    @classmethod
    def start(cls) -> Clock:
        """A clock that agrees with wall time now."""
        return cls(_wall_minus_monotonic_ns())

    def now_ns(self) -> int:
        """Nanoseconds now."""
        return time.monotonic_ns() + self.offset_ns

    def drift_ns(self) -> int:
        """How far wall time has moved against this clock since the run began."""
        return _wall_minus_monotonic_ns() - self.offset_ns

    def sleep_until(self, t_ns: int) -> None:
        """Return once ``t_ns`` has come; at once if it is past."""
        while (left := t_ns - self.now_ns()) > 0:
            time.sleep(left / 1e9)


def _wall_minus_monotonic_ns() -> int:
    # The narrowest of a few bracketed readings: a preemption between two calls would count as offset.
    best_width, best = 1 << 62, 0
    for _ in range(5):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        if after - before < best_width:
            best_width, best = after - before, wall - (before + after) // 2
    return best
