"""What a publishing agent writes down: each attempt, each outcome once, and words for what needs them."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np

from ..history import Journal, Kind, Outcome, SegmentWriter
from .in_flight import Flight


class Recorder:
    """Records of all publishers of one agent.

    Attributes:
        attempted / acknowledged / failed: counts so far. The rest of the attempted is unknown.
        answered_late: answers that came after their message had its outcome.
    """

    def __init__(self, history: SegmentWriter, journal: Journal) -> None:
        self._history = history
        self._journal = journal
        self._reasons: dict[str, int] = {}
        self._late_us = array("q")
        self.attempted = 0
        self.acknowledged = 0
        self.failed = 0
        self.answered_late = 0

    def invoke(self, flight: Flight, *, site: int, publisher: int) -> None:
        """A message is about to be tried for the first time."""
        self._history.append(
            Kind.INVOKE,
            flight.sent_ns,
            value=flight.intended_ns,
            sequence=flight.sequence,
            site=site,
            publisher=publisher,
        )
        self.attempted += 1
        self._late_us.append((flight.sent_ns - flight.intended_ns) // 1000)

    def acknowledge(self, flight: Flight, t_ns: int, position: int, *, site: int, publisher: int) -> None:
        """The store has it."""
        self._history.append(
            Kind.OUTCOME,
            t_ns,
            sequence=flight.sequence,
            position=position & 0xFFFFFFFF,
            site=site,
            publisher=publisher,
            code=Outcome.ACKNOWLEDGED,
            stream=min(flight.attempts, 0xFFFF),
        )
        self.acknowledged += 1

    def give_up(self, flight: Flight, t_ns: int, why: str, *, site: int, publisher: int) -> None:
        """It was not acknowledged: failed when it certainly never got in, unknown when it may have."""
        self._history.append(
            Kind.OUTCOME,
            t_ns,
            value=self._reason(why),
            sequence=flight.sequence,
            site=site,
            publisher=publisher,
            code=Outcome.UNKNOWN if flight.unsure else Outcome.FAILED,
            stream=min(flight.attempts, 0xFFFF),
        )
        if not flight.unsure:
            self.failed += 1

    def event(self, **words: Any) -> None:
        """Write a line in the journal."""
        self._journal.write(**words)

    def summary(self) -> dict[str, Any]:
        """Counts, and how late messages were sent: a generator that could not keep up shows here."""
        late_s = np.frombuffer(self._late_us, dtype=np.int64) / 1e6 if self._late_us else np.zeros(1)
        return {
            "attempted": self.attempted,
            "acknowledged": self.acknowledged,
            "failed": self.failed,
            "unknown": self.attempted - self.acknowledged - self.failed,
            "answered_late": self.answered_late,
            "late_p50_s": round(float(np.quantile(late_s, 0.5)), 6),
            "late_p99_s": round(float(np.quantile(late_s, 0.99)), 6),
            "late_max_s": round(float(late_s.max()), 6),
        }

    def _reason(self, why: str) -> int:
        if why not in self._reasons:
            self._reasons[why] = len(self._reasons) + 1
            self._journal.write(reason=self._reasons[why], text=why)
        return self._reasons[why]
