"""Sessions over a link, from the kernel's tables of TCP connections: SESSION.

``/proc/net/tcp`` and ``tcp6`` (a line per socket; addresses in hexadecimal, four bytes at a time in the machine's
order)::

      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 0100007F:4E20 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 12345 1 …
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from ..clock import Clock
from ..history import Kind, SegmentWriter
from .watch_options import Ports

EVERY_S = 0.02


class Row(NamedTuple):
    """An established connection: its port of the link, who is at the other end, and its socket."""

    port: int
    other: str
    inode: int


class Table:
    """Reads the rows of some ports out of a table.

    Args:
        ports: of the links.
        local: whether a port is the row's own, and not its peer's.
    """

    def __init__(self, ports: Iterable[int], *, local: bool) -> None:
        wanted = "|".join(f"{port:04X}" for port in sorted(set(ports)))
        any_, ours = rb"([0-9A-F]{8,32}):([0-9A-F]{4})", rb"([0-9A-F]{8,32}):(%s)" % wanted.encode()
        pair = ours + b" " + any_ if local else any_ + b" " + ours
        self._local = local
        self._row = re.compile(rb"\d: " + pair + rb" 01 [0-9A-F:]+ [0-9A-F:]+ [0-9A-F]+ +\d+ +\d+ (\d+)")

    def rows(self, table: bytes) -> Iterator[Row]:
        """The established connections in a table's text."""
        for found in self._row.findall(table):
            local, local_port, remote, remote_port, inode = found
            yield Row(
                int(local_port if self._local else remote_port, 16),
                (remote + b":" + remote_port if self._local else local + b":" + local_port).decode(),
                int(inode),
            )


def host_address(text: str) -> str:
    """An address as the tables write it, readable: IPv4 also where it is mapped into IPv6."""
    words = [int(text[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(text), 8)]
    if len(words) == 1:
        return str(ipaddress.IPv4Address(words[0]))
    address = ipaddress.IPv6Address(b"".join(words))
    return str(address.ipv4_mapped or address)


class Foreign:
    """Tells connections of the system under test from the lab's own probes.

    Args:
        own_network: the tables are of the proxy's network: the lab comes from one of this machine's addresses. Else
            all processes share the tables: the lab's sockets are those of the processes ``pids``.
    """

    def __init__(self, *, own_network: bool, pids: Collection[int], addresses: Collection[str] | None = None) -> None:
        self._own_network = own_network
        self._pids = pids
        self._addresses = _own_addresses() if addresses is None else frozenset(addresses)
        self._lab: dict[int, bool] = {}

    def of(self, rows: Collection[Row]) -> list[Row]:
        """The rows that are not the lab's."""
        if self._own_network:
            return [row for row in rows if host_address(row.other.partition(":")[0]) not in self._addresses]
        inodes = {row.inode for row in rows}
        new = not inodes <= self._lab.keys()
        ours = {inode for pid in self._pids for inode in _sockets(pid)} if new else set()
        # What is gone is forgotten: numbers are used again.
        self._lab = {inode: self._lab.get(inode, inode in ours) for inode in inodes}
        return [row for row in rows if not self._lab[row.inode]]


class Sessions:
    """Readings of the links' sessions. A site has one as long as one connection or another is there.

    A connection counts from the second reading that shows it on, and then since the first: a probe of the lab's that
    is gone before its owner could be looked up must not count.
    """

    def __init__(
        self, clock: Clock, history: SegmentWriter, options: Ports, sites: Mapping[str, int], foreign: Foreign
    ) -> None:
        self._clock = clock
        self._append: Callable[..., None] = history.append
        self._files = options.files
        self._table = Table(options.ports.values() or (0,), local=options.own_network)
        self._site_of = {port: sites[site] for site, port in options.ports.items()}
        self._foreign = foreign
        self._first_seen: dict[Row, int] = {}
        self._there: dict[int, frozenset[Row]] = {}

    def read(self) -> None:
        """Read the tables once; when they are gone, there is nothing to be seen."""
        rows: list[Row] = []
        for path in self._files:
            with suppress(OSError):
                rows += self._table.rows(path.read_bytes())
        self.note(self._foreign.of(rows), self._clock.now_ns())

    def note(self, rows: Collection[Row], now_ns: int) -> None:
        """Append what changed."""
        before, self._first_seen = self._first_seen, {row: self._first_seen.get(row, now_ns) for row in rows}
        for site in self._site_of.values():
            there = frozenset(row for row in before.keys() & self._first_seen if self._site_of[row.port] == site)
            had = self._there.get(site, frozenset())
            if had and not had & there:
                self._append(Kind.SESSION, now_ns, code=0, site=site)
                had = frozenset()
            if there and not had:
                since = min(self._first_seen[row] for row in there)
                self._append(Kind.SESSION, since, code=1, site=site)
            self._there[site] = there


def _own_addresses() -> frozenset[str]:
    return frozenset(found.address for card in psutil.net_if_addrs().values() for found in card)


def _sockets(pid: int) -> Iterator[int]:
    folder = Path(f"/proc/{pid}/fd")
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - names only, 50 times a second
            with suppress(OSError):
                target = os.readlink(folder / name)  # noqa: PTH115 - as above
                if target.startswith("socket:["):
                    yield int(target[8:-1])
