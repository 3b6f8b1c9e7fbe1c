"""Counts of a run while it goes on, read from the history that its agents write."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..history import Kind, Outcome, Records, Tail

FRESH_S = 1.9
"""The observer says at least once a second how far the hub is behind. What it said longer ago than this may have been
of a hub that has died since. Less than a drain waits for something to move: what ends one is never from before it."""


class Counts:
    """Running totals.

    Attributes:
        attempted / acknowledged: of all publishers.
        stored: messages that the hub's stores hold, by their own count.
    """

    def __init__(self, publishers: Iterable[Path], observer: Path) -> None:
        self._publishers = [Tail(path) for path in publishers]
        self._observer = Tail(observer)
        self._stored: dict[int, int] = {}
        self._lag: dict[int, tuple[int, bool, float]] = {}
        self.attempted = 0
        self.acknowledged = 0

    @property
    def stored(self) -> int:
        """Messages that the hub's stores hold."""
        return sum(self._stored.values())

    @property
    def knows_lag(self) -> bool:
        """Whether the hub tells how far it is behind its sites (a direct system has no such notion)."""
        return bool(self._lag)

    def caught_up(self, sites: int) -> bool:
        """Whether the hub has heard of every one of ``sites`` sites lately, and is behind none."""
        since = time.monotonic() - FRESH_S
        return len(self._lag) == sites and all(
            heard and behind == 0 and read >= since for behind, heard, read in self._lag.values()
        )

    def update(self) -> None:
        """Read what is new."""
        for tail in self._publishers:
            records = tail.new()
            kinds = records["kind"]
            self.attempted += int(np.count_nonzero(kinds == Kind.INVOKE))
            answers = (kinds == Kind.OUTCOME) & (records["code"] == Outcome.ACKNOWLEDGED)
            self.acknowledged += int(np.count_nonzero(answers))
        seen = self._observer.new()
        for record in _last_of_each(seen[seen["kind"] == Kind.PROGRESS], "stream"):
            self._stored[int(record["stream"])] = int(record["value"])
        for record in _last_of_each(seen[seen["kind"] == Kind.LAG], "site"):
            self._lag[int(record["site"])] = (int(record["value"]), bool(record["code"]), time.monotonic())


def _last_of_each(records: Records, field: str) -> Records:
    _, last = np.unique(records[field][::-1], return_index=True)
    picked: Records = records[::-1][last]
    return picked
