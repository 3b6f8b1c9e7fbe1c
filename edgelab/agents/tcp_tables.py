"""Established TCP connections of a network, as the kernel tells them: by its diagnosis socket, else by its text tables.

The text tables ``/proc/…/net/tcp`` and ``tcp6`` are there for everyone, but reading both takes some 10 ms of CPU (the
kernel walks all of its hash table, and writes a line for each connection that was closed a minute ago), while the
diagnosis socket (``sock_diag(7)``) takes 0.5 ms for both. ::

      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 0100007F:4E20 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 12345 1 …
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import re
import socket
import struct
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .watch_options import Ports

_SOCK_DIAG, _BY_FAMILY, _REQUEST_AND_DUMP = 4, 20, 0x301
_DONE, _ERROR = 3, 2
_ESTABLISHED = 1 << 1
_NEW_NETWORK = 0x40000000
_HEAD = struct.Struct("=IHHII")
_ASKED = struct.Struct("=BBBxI48x")
_FOUND = struct.Struct("=BBBB2s2s16s16s")
_INODE_AT = 68
_ANSWER_S = 1.0
_RECEIVED_BYTES = 1 << 17


class Row(NamedTuple):
    """An established connection: its port of a link, who is at the other end, and its socket."""

    port: int
    other: str
    other_port: int
    inode: int


class Diagnosis:
    """Asks the kernel. The tables of a process in another network are asked for from within that network.

    Args:
        ports: of the links.
        local: whether a port is the row's own, and not its peer's.
        network: file of the network; None: the own one.

    Raises:
        OSError: this kernel has no such socket, or this user may not enter the network.
    """

    def __init__(self, ports: Collection[int], *, local: bool, network: Path | None) -> None:
        self._ports = frozenset(ports)
        self._local = local
        self._socket = _socket_in(network)
        self._socket.settimeout(_ANSWER_S)
        self._number = 0

    def rows(self) -> list[Row]:
        """The established connections now."""
        return [row for family in (socket.AF_INET, socket.AF_INET6) for row in self._of(family)]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _of(self, family: int) -> Iterator[Row]:
        self._number += 1
        asked = _ASKED.pack(family, socket.IPPROTO_TCP, 0, _ESTABLISHED)
        self._socket.send(_HEAD.pack(_HEAD.size + len(asked), _BY_FAMILY, _REQUEST_AND_DUMP, self._number, 0) + asked)
        while True:
            answer, at = self._socket.recv(_RECEIVED_BYTES), 0
            while at < len(answer):
                length, kind, _, number, _ = _HEAD.unpack_from(answer, at)
                if number == self._number:
                    if kind == _DONE:
                        return
                    if kind == _ERROR:
                        (code,) = struct.unpack_from("=i", answer, at + _HEAD.size)
                        raise OSError(-code, os.strerror(-code))
                    yield from self._row(answer, at + _HEAD.size)
                at += (length + 3) & ~3

    def _row(self, answer: bytes, at: int) -> Iterator[Row]:
        family, _, _, _, own_port, peer_port, own, peer = _FOUND.unpack_from(answer, at)
        ours, other_port = (own_port, peer_port) if self._local else (peer_port, own_port)
        if (port := int.from_bytes(ours)) in self._ports:
            address = peer if self._local else own
            (inode,) = struct.unpack_from("=I", answer, at + _INODE_AT)
            yield Row(
                port,
                _readable(address[:4] if family == socket.AF_INET else address),
                int.from_bytes(other_port),
                inode,
            )


class TextTables:
    """Reads the text tables.

    Args:
        ports / local: as for :class:`Diagnosis`.
        files: the tables; one that is gone has no rows.
    """

    def __init__(self, ports: Collection[int], *, local: bool, files: Collection[Path] = ()) -> None:
        wanted = "|".join(f"{port:04X}" for port in sorted(ports))
        any_, ours = rb"([0-9A-F]{8,32}):([0-9A-F]{4})", rb"([0-9A-F]{8,32}):(%s)" % wanted.encode()
        pair = ours + b" " + any_ if local else any_ + b" " + ours
        self._local = local
        self._files = files
        self._row = re.compile(rb"\d: " + pair + rb" 01 [0-9A-F:]+ [0-9A-F:]+ [0-9A-F]+ +\d+ +\d+ (\d+)")

    def rows(self) -> list[Row]:
        """The established connections now."""
        found: list[Row] = []
        for path in self._files:
            with suppress(OSError):
                found += self.of(path.read_bytes())
        return found

    def of(self, table: bytes) -> Iterator[Row]:
        """The established connections in a table's text."""
        for own, own_port, peer, peer_port, inode in self._row.findall(table):
            ours, other, other_port = (own_port, peer, peer_port) if self._local else (peer_port, own, own_port)
            words = [int(other[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(other), 8)]
            yield Row(int(ours, 16), _readable(b"".join(words)), int(other_port, 16), int(inode))


def reader(options: Ports) -> Callable[[], list[Row]]:
    """How to read the connections to the ports of ``options``: the cheapest way that works here."""
    ports = frozenset(options.ports.values())
    folder = Path(options.tables or "")
    network = folder.parent / "ns" / "net" if options.own_network else None
    with suppress(OSError):
        diagnosis = Diagnosis(ports, local=options.own_network, network=network)
        diagnosis.rows()
        return diagnosis.rows
    return TextTables(ports, local=options.own_network, files=(folder / "tcp", folder / "tcp6")).rows


def _readable(address: bytes) -> str:
    """An address in words: IPv4 also where it is mapped into IPv6, as a JVM's are."""
    if len(address) == 4:
        return str(ipaddress.IPv4Address(address))
    found = ipaddress.IPv6Address(address)
    return str(found.ipv4_mapped or found)


def _socket_in(network: Path | None) -> socket.socket:
    if network is None:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG)
    # A thread enters the network, and ends with it; what it opened stays there.
    with network.open("rb") as file, ThreadPoolExecutor(1) as thread:
        return thread.submit(_open_in, file.fileno()).result()


def _open_in(network: int) -> socket.socket:
    if ctypes.CDLL(None, use_errno=True).setns(network, _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG)
