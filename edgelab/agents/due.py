"""Which message is due next. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_CHUNK = 4096
NEVER_NS = 1 << 62


class Due:
    """The messages of one publisher in the order in which they are due.

    Args:
        times_s: intended send times of the whole site, by sequence number, seconds after the start.
        first / step: the publisher's sequence numbers are first, first + step, ….
        start_ns: the start on the run's clock.

    Attributes:
        next_ns: when the next message is due; :data:`NEVER_NS` after the last.
        sequence: its number.
        last_ns: when the last message is due.
    """

    def __init__(self, times_s: npt.NDArray[np.float64], *, first: int, step: int, start_ns: int) -> None:
        self._times_s = times_s[first::step]
        self._start_ns = start_ns
        self._step = step
        self._chunk: list[int] = []
        self._at = 0
        self._loaded = 0
        self.sequence = first
        self.next_ns = NEVER_NS
        self.last_ns = start_ns + round(float(self._times_s[-1]) * 1e9) if len(self._times_s) else start_ns
        self._load()

    @property
    def over(self) -> bool:
        """Whether every message was taken."""
        return self.next_ns == NEVER_NS

    def take(self) -> None:
        """Go on to the next message."""
        self.sequence += self._step
        self._at += 1
        if self._at == len(self._chunk):
            self._load()
        else:
            self.next_ns = self._chunk[self._at]

    def _load(self) -> None:
        # In chunks: Python integers of a million messages would take 36 MB, and numpy scalars are slow one by one.
        chunk = self._times_s[self._loaded : self._loaded + _CHUNK]
        self._loaded += len(chunk)
        self._chunk = (np.rint(chunk * 1e9).astype(np.int64) + self._start_ns).tolist()
        self._at = 0
        self.next_ns = self._chunk[0] if self._chunk else NEVER_NS
