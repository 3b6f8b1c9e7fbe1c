"""Who is connected to whom, as the kernel knows it: no broker is asked, none can tell otherwise."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from .base import Connection

PROC_NET = Path("/proc/net")
_TABLES = ("tcp", "tcp6")
_ESTABLISHED = "01"


class Place(NamedTuple):
    """A port of a service, wherever it listens."""

    service: str
    port: str


def of_processes(services: Mapping[int, str], places: Mapping[int, Place]) -> frozenset[Connection] | None:
    """The connections of plain processes; None where the machine does not tell.

    Args:
        services: service of each process, by pid.
        places: what listens on loopback, by port number.
    """
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows those of others to root only
        return None
    found = set()
    for connection in connections:
        if connection.status != psutil.CONN_ESTABLISHED or not connection.raddr or connection.pid is None:
            continue
        place, caller = places.get(connection.raddr.port), services.get(connection.pid)
        if place is None or caller is None or place.service == caller:
            continue
        if _address(connection.raddr.ip).is_loopback:
            found.add(Connection(caller, *place))
    return frozenset(found)


def of_networks(tables: Mapping[str, Path], places: Mapping[tuple[str, int], Place]) -> frozenset[Connection] | None:
    """The connections of services that each have a network namespace of their own; None where one cannot be read.

    Args:
        tables: folder with the kernel's tables of each service, by its name.
        places: what listens, by address and port number.
    """
    found = set()
    for caller, folder in tables.items():
        try:
            called = {places.get(remote) for remote in established(folder)}
        except OSError:
            return None
        found |= {Connection(caller, *place) for place in called if place is not None and place.service != caller}
    return frozenset(found)


def established(folder: Path) -> Iterator[tuple[str, int]]:
    """Address and port of the far end of each established connection in the kernel's tables in ``folder``.

    Raises:
        OSError: they cannot be read.
    """
    for name in _TABLES:
        try:
            lines = (folder / name).read_text().splitlines()[1:]
        except FileNotFoundError:
            if name == "tcp6":
                continue  # a kernel without IPv6
            raise
        for line in lines:
            _, _, remote, state, *_ = line.split()
            if state == _ESTABLISHED:
                yield _endpoint(remote)


def tables_of(pid: int, container: str) -> Path | None:
    """The kernel's tables of a container's network; None where the engine does not run on this machine."""
    with suppress(OSError):
        # The number means something here only if the process is in this very container's control group.
        if container in Path(f"/proc/{pid}/cgroup").read_text():
            return Path(f"/proc/{pid}/net")
    return None


def _endpoint(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":")
    # Words of four bytes in the machine's order.
    words = [int(address[i : i + 8], 16) for i in range(0, len(address), 8)]
    return str(_address(struct.pack(f"={len(words)}I", *words))), int(port, 16)


def _address(found: str | bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(found)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
