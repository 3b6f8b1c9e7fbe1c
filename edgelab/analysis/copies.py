"""What the hub holds, message by message: how many copies, when the first was stored, in what order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..history import Records
from .addressing import Ints, Rows

NEVER = np.iinfo(np.int64).max
"""Stands for a store time that nothing tells."""


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Copies at the hub, by row of the ledger.

    Attributes:
        count: copies of each message.
        stored_ns: when the first of them was stored; 0 without copies, :data:`NEVER` where nothing tells.
        unexpected: copies of messages that nobody attempted, foreign ones among them.
        unexpected_examples: the first few of them, in words.
        reordered: first copies that were stored after one with a higher sequence number of the same publisher.
        furthest: the greatest such distance, in sequence numbers of the site.
        late_ns: by how much the store time of each of our copies that has no stamp may be too late.
    """

    count: npt.NDArray[np.uint32]
    stored_ns: Ints
    unexpected: int
    unexpected_examples: tuple[str, ...]
    reordered: int
    furthest: int
    late_ns: Ints


def find(
    stored: Records,
    progress: Records,
    rows: Rows,
    *,
    sent_ns: Ints,
    publisher: npt.NDArray[np.uint16],
    sites: tuple[str, ...],
) -> Copies:
    """Account for every STORED record.

    A copy is one of ours when it was attempted *and* says the send time that the history knows: a leftover of
    another run has the same numbers, but not the same nanosecond.
    """
    row = rows.find(stored["site"], stored["sequence"])
    said = stored["value"]
    ours = row >= 0
    ours[ours] = (said[ours] == 0) | (said[ours] == sent_ns[row[ours]])
    strangers = stored[~ours]
    examples = tuple(_describe(stranger, sites) for stranger in strangers[:3])
    row = row[ours]
    t_ns, late_ns = _store_times(stored, ours, progress)
    order = (stored["stream"][ours].astype(np.int64) << 32) | stored["position"][ours].astype(np.int64)
    count = np.bincount(row, minlength=len(rows)).astype(np.uint32)
    if len(row) and count.max() > 1:
        first = _first_of_each(row, t_ns, order)
        row, t_ns, order = row[first], t_ns[first], order[first]
    stored_ns = np.zeros(len(rows), np.int64)
    stored_ns[row] = t_ns
    reordered, furthest = _reordered(row, order, rows, publisher)
    return Copies(
        count=count,
        stored_ns=stored_ns,
        unexpected=len(strangers),
        unexpected_examples=examples,
        reordered=reordered,
        furthest=furthest,
        late_ns=late_ns,
    )


def _store_times(stored: Records, ours: npt.NDArray[np.bool_], progress: Records) -> tuple[Ints, Ints]:
    """The hub's own stamp; where it keeps the site's (0), the first reading of its store that had the message.

    Also by how much each of the latter may be too late: the reading before did not have it yet.
    """
    t_ns: Ints = stored["t_ns"][ours].astype(np.int64)
    unstamped = np.flatnonzero(t_ns == 0)
    if not len(unstamped):
        return t_ns, np.empty(0, np.int64)
    streams = stored["stream"][ours][unstamped]
    positions = stored["position"][ours][unstamped]
    late_ns = np.zeros(len(unstamped), np.int64)
    for stream in np.unique(streams):
        readings = progress[progress["stream"] == stream]
        readings = readings[np.argsort(readings["t_ns"], kind="stable")]
        reached = np.maximum.accumulate(readings["position"].astype(np.int64))
        times = np.append(readings["t_ns"], NEVER)
        chosen = np.flatnonzero(streams == stream)
        at = np.searchsorted(reached, positions[chosen], side="left")
        t_ns[unstamped[chosen]] = times[at]
        # What was there at the first reading, or at none, has no bracket: a store that nobody saw grow.
        bracketed = (at > 0) & (at < len(readings))
        late_ns[chosen[bracketed]] = times[at[bracketed]] - times[at[bracketed] - 1]
    return t_ns, late_ns


def _first_of_each(row: Ints, t_ns: Ints, order: Ints) -> Ints:
    """Positions of the earliest copy of each row; ties go to the lower store position."""
    by_age = np.lexsort((order, t_ns, row))
    starts = np.flatnonzero(np.diff(row[by_age], prepend=-1))
    first: Ints = by_age[starts]
    return first


def _reordered(row: Ints, order: Ints, rows: Rows, publisher: npt.NDArray[np.uint16]) -> tuple[int, int]:
    """Late ones and the greatest distance, each (store, site, publisher) being a sequence of its own."""
    if not len(row):
        return 0, 0
    if np.any(order[1:] < order[:-1]):
        in_order = np.argsort(order, kind="stable")
        row, order = row[in_order], order[in_order]
    publishers = int(publisher.max()) + 1
    group = rows.site[row].astype(np.int64) * publishers + publisher[row]
    group += (order >> 32) * (len(np.unique(rows.site)) and (int(rows.site.max()) + 1) * publishers)
    if group.max() < 1 << 16:
        group = group.astype(np.uint16)  # a stable sort of 16-bit numbers is a radix sort
    together = np.argsort(group, kind="stable")
    # Groups ascend, so the running maximum over (group, sequence) starts anew with each of them.
    key = (group[together].astype(np.int64) << 32) | rows.sequence[row[together]].astype(np.int64)
    behind = np.maximum.accumulate(key) - key
    return int(np.count_nonzero(behind)), int(behind.max())


def _describe(stranger: np.void, sites: tuple[str, ...]) -> str:
    site, position = int(stranger["site"]), int(stranger["position"])
    if site >= len(sites):
        return f"a message that is not the lab's at store position {position}"
    return f"number {int(stranger['sequence'])} of {sites[site]} at store position {position}"
