"""Which row of the ledger a record belongs to: direct addressing by (site, sequence), no merges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
# Sequence numbers count from 0, so a table with a slot for each is about as long as the ledger. A history with
# wild numbers gets sorted keys instead of a table of gigabytes.
_SPARSE = 8


class Rows:
    """The rows of a ledger, in order of (site, sequence).

    Args:
        site / sequence: of every attempted message, in any order, repeated or not.
        sites: how many sites there are; every ``site`` is below it.
    """

    def __init__(self, site: npt.NDArray[np.uint16], sequence: npt.NDArray[np.uint32], *, sites: int) -> None:
        lengths = np.zeros(sites, np.int64)
        np.maximum.at(lengths, site, sequence.astype(np.int64) + 1)
        self._lengths = lengths
        self._starts = np.concatenate(([0], np.cumsum(lengths)))
        slots = int(self._starts[-1])
        self._table: npt.NDArray[np.int32] | None = None
        self._keys: Ints | None = None
        if slots <= _SPARSE * len(site) + 1_000_000:
            present = np.zeros(slots, np.bool_)
            present[self._starts[site] + sequence] = True
            self._table = np.cumsum(present, dtype=np.int32)
            self._table -= 1
            self._table[~present] = -1
            found = np.flatnonzero(present)
            self.site = np.repeat(np.arange(sites, dtype=np.uint16), self._count_per_site(present))
            self.sequence = (found - self._starts[self.site]).astype(np.uint32)
        else:
            self._keys = np.unique(_key(site, sequence))
            self.site = (self._keys >> 32).astype(np.uint16)
            self.sequence = (self._keys & 0xFFFFFFFF).astype(np.uint32)

    def __len__(self) -> int:
        return len(self.sequence)

    def find(self, site: npt.NDArray[np.uint16], sequence: npt.NDArray[np.uint32]) -> Ints:
        """The row of each (site, sequence); -1 where no such message was attempted."""
        rows = np.full(len(site), -1, np.int64)
        if not len(self):
            return rows
        known = site < len(self._lengths)
        lengths = self._lengths[np.where(known, site, 0)]
        known &= sequence < lengths
        if self._table is not None:
            slots = self._starts[np.where(known, site, 0)]
            slots += np.where(known, sequence, 0)
            rows[known] = self._table[slots[known]]
        elif self._keys is not None:
            keys = _key(site, sequence)
            at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            known &= self._keys[at] == keys
            rows[known] = at[known]
        return rows

    def of_sites(self) -> Ints:
        """Bounds: the rows of site i are ``bounds[i]`` to ``bounds[i + 1]``."""
        return np.searchsorted(self.site, np.arange(len(self._lengths) + 1)).astype(np.int64)

    def _count_per_site(self, present: npt.NDArray[np.bool_]) -> Ints:
        running = np.concatenate(([0], np.cumsum(present)))
        counts: Ints = np.diff(running[self._starts])
        return counts


def _key(site: npt.NDArray[np.uint16], sequence: npt.NDArray[np.uint32]) -> Ints:
    key: Ints = (site.astype(np.int64) << 32) | sequence.astype(np.int64)
    return key
