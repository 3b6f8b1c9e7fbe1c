"""Sessions over a link, from the kernel's word on who is connected to it: SESSION."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from ..clock import Clock
from ..history import Kind
from .tcp_tables import Row

_EVERY_S, _PER_SITE_S = 0.02, 0.001
_SETTLED_NS = 100_000_000
"""A proxy takes connections for a hub that does not serve yet, and drops them within tens of milliseconds."""
_SHARE = 25
"""A reading may take one part in so many of the time between two: text tables are dear to read."""


class Foreign:
    """Tells connections of the system under test from the lab's own probes.

    Args:
        own_network: the connections are seen in the proxy's network: the lab comes from one of this machine's
            addresses. Else all processes share a network: the lab's sockets are those of the processes ``pids``.
    """

    def __init__(self, *, own_network: bool, pids: Collection[int], addresses: Collection[str] | None = None) -> None:
        self._own_network = own_network
        self._pids = pids
        self._addresses = _own_addresses() if addresses is None else frozenset(addresses)
        self._lab: dict[int, bool] = {}

    def of(self, rows: Collection[Row]) -> list[Row]:
        """The rows that are not the lab's."""
        if self._own_network:
            return [row for row in rows if row.other not in self._addresses]
        inodes = {row.inode for row in rows}
        new = not inodes <= self._lab.keys()
        ours = {inode for pid in self._pids for inode in _sockets(pid)} if new else set()
        # What is gone is forgotten: numbers are used again.
        self._lab = {inode: self._lab.get(inode, inode in ours) for inode in inodes}
        return [row for row in rows if not self._lab[row.inode]]


class Sessions:
    """Readings of the links' sessions. A site has one as long as one connection or another is there.

    A connection counts from the second reading that shows it on: a probe of the lab's that is gone before its owner
    could be looked up must not count. A session begins with one that lasts for 0.1 s, and then since it was first seen.

    Args:
        append: of the history.
        rows: reads the connections.
        foreign: leaves the lab's out.
        site_of: index of the site, by the port of its link.
    """

    def __init__(
        self,
        clock: Clock,
        append: Callable[..., None],
        rows: Callable[[], list[Row]],
        foreign: Foreign,
        site_of: Mapping[int, int],
    ) -> None:
        self._clock = clock
        self._append = append
        self._rows = rows
        self._foreign = foreign
        self._site_of = site_of
        self._first_seen: dict[Row, int] = {}
        self._is_there: dict[int, bool] = {}

    def read(self) -> float:
        """Read once; return the pause to the next reading, seconds."""
        began_s = time.thread_time()
        with suppress(OSError):
            self.note(self._foreign.of(self._rows()), self._clock.now_ns())
        took_s = time.thread_time() - began_s
        return max(_EVERY_S + _PER_SITE_S * (len(self._site_of) - 1), took_s * _SHARE)

    def note(self, rows: Collection[Row], now_ns: int) -> None:
        """Append what changed."""
        before, self._first_seen = self._first_seen, {row: self._first_seen.get(row, now_ns) for row in rows}
        there: dict[int, set[Row]] = {site: set() for site in self._site_of.values()}
        for row in before.keys() & self._first_seen:
            there[self._site_of[row.port]].add(row)
        for site, connections in there.items():
            since_ns = min((self._first_seen[row] for row in connections), default=now_ns)
            if self._is_there.get(site, False):
                if not connections:
                    self._append(Kind.SESSION, now_ns, code=0, site=site)
                    self._is_there[site] = False
            elif connections and now_ns - since_ns >= _SETTLED_NS:
                self._append(Kind.SESSION, since_ns, code=1, site=site)
                self._is_there[site] = True


def _own_addresses() -> frozenset[str]:
    return frozenset(found.address for card in psutil.net_if_addrs().values() for found in card)


def _sockets(pid: int) -> Iterator[int]:
    folder = Path(f"/proc/{pid}/fd")
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - names only
            with suppress(OSError):
                target = os.readlink(folder / name)  # noqa: PTH115 - a text, and no file
                if target.startswith("socket:["):
                    yield int(target[8:-1])
