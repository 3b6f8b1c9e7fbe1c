"""Who is connected to whom."""

import os
import socket
import struct
from pathlib import Path

import pytest

from edgelab.deploy import census
from edgelab.deploy.base import Connection
from edgelab.deploy.census import Place

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def four(address: str, port: int) -> str:
    (word,) = struct.unpack("=I", socket.inet_aton(address))
    return f"{word:08X}:{port:04X}"


def six(address: str, port: int) -> str:
    words = struct.unpack("=4I", socket.inet_pton(socket.AF_INET6, address))
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


def table(*rows: tuple[str, str, str]) -> str:
    lines = [
        f"   {i}: {local} {remote} {state} 00000000:00000000 rest" for i, (local, remote, state) in enumerate(rows)
    ]
    return HEAD + "\n".join(lines) + "\n"


def test_established_connections_are_read_from_the_kernels_tables(tmp_path: Path) -> None:
    here = four("172.18.0.2", 40000)
    (tmp_path / "tcp").write_text(
        table(
            (here, four("172.18.0.3", 9092), "01"),
            (here, four("172.18.0.4", 9092), "06"),  # waits out its end
            (here, four("172.18.0.0", 0), "0A"),  # listens
        )
    )
    (tmp_path / "tcp6").write_text(
        table(
            (six("::ffff:172.18.0.2", 40001), six("::ffff:172.18.0.5", 9001), "01"),
            (six("::1", 40002), six("fd00::5", 9002), "01"),
        )
    )

    found = list(census.established(tmp_path))

    assert found == [("172.18.0.3", 9092), ("172.18.0.5", 9001), ("fd00::5", 9002)]


def test_connections_of_containers_are_told_by_address_and_port(tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text(
        table(
            (four("172.18.0.2", 40000), four("172.18.0.3", 9092), "01"),
            (four("172.18.0.2", 9092), four("172.18.0.3", 50000), "01"),  # the other end of another's
            (four("172.18.0.2", 40001), four("172.18.0.2", 9092), "01"),  # itself
        )
    )
    places = {("172.18.0.2", 9092): Place("site-1", "lab"), ("172.18.0.3", 9092): Place("hub", "wan-site-1")}

    found = census.of_networks({"site-1": tmp_path}, places)

    assert found == frozenset({Connection("site-1", "hub", "wan-site-1")})
    assert census.of_networks({"site-1": tmp_path / "gone"}, places) is None


@pytest.mark.skipif(not census.PROC_NET.is_dir(), reason="only Linux tells whose a connection is without root")
def test_connections_of_processes_are_told_by_owner_and_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        port = server.getsockname()[1]

        found = census.of_processes({os.getpid(): "site-1"}, {port: Place("hub", "wan-site-1")})
        own = census.of_processes({os.getpid(): "hub"}, {port: Place("hub", "wan-site-1")})
        of_another = census.of_processes({os.getpid() + 1: "site-1"}, {port: Place("hub", "wan-site-1")})

        assert found == frozenset({Connection("site-1", "hub", "wan-site-1")})
        assert (own, of_another) == (frozenset(), frozenset())
        assert ("127.0.0.1", port) in census.established(census.PROC_NET)
