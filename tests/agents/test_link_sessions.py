"""Who is connected over a link, from the kernel's tables."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from edgelab.agents.link_sessions import Foreign, Sessions
from edgelab.agents.tcp_tables import Diagnosis, Row, TextTables
from edgelab.clock import Clock
from edgelab.history import Kind

# A listener on 25000 (61A8), a client of it on 45754 from both ends, one that is closing; and a JVM's.
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = HEAD + (
    "   0: 0100007F:61A8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 900 1 0 100 0 0 10 0\n"
    "   1: 0100007F:B2BA 0100007F:61A8 01 00000000:00000000 00:00000000 00000000     0        0 901 1 0 20 4 30 10 -1\n"
    "   2: 0100007F:61A8 0100007F:B2BA 01 00000000:00000000 00:00000000 00000000  1000        0 902 1 0 20 4 30 10 -1\n"
    "  13: 0100007F:B2BC 0100007F:61A8 06 00000000:00000000 03:00000B2A 00000000     0        0 0 3 0\n"
)
TCP6 = HEAD + (
    "   0: 0000000000000000FFFF0000020011AC:9C40 0000000000000000FFFF0000030011AC:61A8 01 00000000:00000000 "
    "02:00000A0B 00000000     0        0 903 2 0 20 4 30 10 -1\n"
)


def test_clients_of_a_link_are_those_whose_peer_has_its_port() -> None:
    tables = TextTables([25000, 25001], local=False)

    assert list(tables.of(TCP.encode())) == [Row(25000, "127.0.0.1", 45754, 901)]


def test_in_the_proxys_own_network_the_port_is_the_rows_own() -> None:
    tables = TextTables([25000], local=True)

    assert list(tables.of(TCP.encode())) == [Row(25000, "127.0.0.1", 45754, 902)]


def test_a_jvms_connections_are_ipv4_within_ipv6() -> None:
    tables = TextTables([25000], local=False)

    assert list(tables.of(TCP6.encode())) == [Row(25000, "172.17.0.2", 40000, 903)]


def test_other_ports_are_not_taken_for_the_links() -> None:
    assert list(TextTables([61, 0xA8, 45754 + 1], local=False).of((TCP + TCP6).encode())) == []


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's tables")
@pytest.mark.parametrize("local", [True, False])
def test_the_kernels_answer_is_that_of_its_text_tables(*, local: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            port = server.getsockname()[1]
            diagnosis = Diagnosis([port], local=local, network=None)
            asked, read = diagnosis.rows(), TextTables([port], local=local, files=[Path("/proc/net/tcp")]).rows()
            diagnosis.close()
        other = client.getsockname()[1]

    assert asked == read
    assert [(row.port, row.other, row.other_port) for row in asked] == [(port, "127.0.0.1", other)]


def test_a_session_is_there_with_the_first_connection_and_gone_with_the_last() -> None:
    told = _told([["a"], ["a"], ["a", "b"], ["b"], ["b"], [], []])

    assert told == [(0, 1), (5, 0)]


def test_a_connection_seen_once_is_a_probes_and_does_not_count() -> None:
    assert _told([["a"], [], ["b"], ["c"], []]) == []


def test_a_connection_that_a_proxy_drops_at_once_is_no_session() -> None:
    flaps = [["a"], ["a"], ["a"], [], ["b"], ["b"], []]

    assert _told([*flaps, *([["c"]] * 7)], step_ns=20_000_000) == [(7, 1)]


def test_a_session_that_came_back_between_two_readings_was_gone() -> None:
    assert _told([["a"], ["a"], ["b"], ["b"]]) == [(0, 1), (2, 0), (2, 1)]


def test_a_session_that_takes_another_connection_before_it_drops_the_first_was_never_gone() -> None:
    assert _told([["a"], ["a"], ["a", "b"], ["b"]]) == [(0, 1)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_the_labs_own_sockets_are_left_out() -> None:
    with socket.socket() as mine:
        inode = os.fstat(mine.fileno()).st_ino
        foreign = Foreign(own_network=False, pids=[os.getpid()])

        kept = foreign.of([Row(1, "127.0.0.1", 2, inode), Row(1, "127.0.0.1", 3, inode + 1_000_000)])

    assert [row.other_port for row in kept] == [3]


def test_seen_from_the_proxy_the_lab_comes_from_this_machine() -> None:
    foreign = Foreign(own_network=True, pids=[], addresses=["172.17.0.1"])

    assert foreign.of([Row(1, "172.17.0.1", 2, 0), Row(1, "172.17.0.5", 3, 0)]) == [Row(1, "172.17.0.5", 3, 0)]


def _told(readings: list[list[str]], step_ns: int = 100_000_000) -> list[tuple[int, int]]:
    """(number of the reading, code) of what was appended."""
    told: list[tuple[int, int]] = []

    def append(kind: Kind, t_ns: int, **says: Any) -> None:
        assert (kind, says["site"]) == (Kind.SESSION, 4)
        told.append((t_ns // step_ns, says["code"]))

    foreign = Foreign(own_network=True, pids=[], addresses=[])
    sessions = Sessions(Clock(0), append, list, foreign, {9000: 4})
    for number, names in enumerate(readings):
        sessions.note([Row(9000, name, 1, 1) for name in names], number * step_ns)
    return told
