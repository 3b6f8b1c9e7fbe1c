"""Reading streams back, without a broker: the wire against scripted bytes, and what counts as incomplete."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from edgelab.deploy.base import Address
from edgelab.errors import LabError
from edgelab.history import FOREIGN_SITE, RECORD, Kind, Records
from edgelab.model.message import Identity, pack
from edgelab.systems.nats import reading
from edgelab.systems.nats.wire import Message, Wire

_STORE = reading.Store(place="hub", stream="AGG", number=3)


@pytest.fixture
def served() -> Iterator[Callable[..., Wire]]:
    """A wire to a server that says the given chunks, one packet each, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    wires: list[Wire] = []

    def serve(chunks: list[bytes]) -> None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            for chunk in chunks:
                connection.sendall(chunk)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass

    def connect(*chunks: bytes, timeout_s: float = 5.0) -> Wire:
        thread = threading.Thread(target=serve, args=(list(chunks),), daemon=True)
        thread.start()
        wires.append(Wire(Address(*listener.getsockname()), timeout_s=timeout_s))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.close()
    listener.close()


_SAID = (
    b'INFO {"a":1} \r\nMSG a 1 5\r\nhello\r\nPING\r\n+OK\r\n'
    b"HMSG b 2 r.s 12 14\r\nNATS/1.0\r\n\r\nhi\r\nMSG c 1 q 0\r\n\r\n"
)
_MEANT = [
    Message(b"1", b"", b"", b"hello"),
    Message(b"2", b"r.s", b"NATS/1.0\r\n\r\n", b"hi"),
    Message(b"1", b"q", b"", b""),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_messages_are_the_same_however_the_bytes_are_cut(size: int, served: Callable[..., Wire]) -> None:
    wire = served(*(_SAID[i : i + size] for i in range(0, len(_SAID), size)))

    messages = wire.messages()

    assert [next(messages) for _ in _MEANT] == _MEANT


def test_a_server_that_hangs_up_is_an_error_not_the_end(served: Callable[..., Wire]) -> None:
    wire = served(b"INFO {}\r\nMSG a 1 5\r\nhel")

    with pytest.raises(LabError, match="closed the reader's connection"):
        next(wire.messages())


def test_what_the_server_complains_of_is_passed_on(served: Callable[..., Wire]) -> None:
    wire = served(b"INFO {}\r\n-ERR 'Authorization Violation'\r\n")

    with pytest.raises(LabError, match="told the reader 'Authorization Violation'"):
        next(wire.messages())


def test_nobody_listening_is_said_with_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(*listener.getsockname())

    with pytest.raises(LabError, match=f"{address} did not take a reader"):
        Wire(address)


@pytest.mark.parametrize(
    "subject",
    [
        b"$JS.ACK.AGG.consumer.1.17.4.1764000000123456789.5",
        b"$JS.ACK.hub.accounthash.AGG.consumer.1.17.4.1764000000123456789.5.token",
        b"$JS.ACK.hub.accounthash.AGG.consumer.1.17.4.1764000000123456789.5",
    ],
)
def test_sequence_time_and_what_is_left_stand_in_the_acknowledgement_subject(subject: bytes) -> None:
    assert reading._ack_subject(subject) == (17, 1764000000123456789, 5)


def test_a_message_becomes_the_record_it_names() -> None:
    who = Identity(site=2, publisher=1, sequence=99, intended_ns=10, sent_ns=11)

    (record,) = np.array([reading._row(_STORE, 17, 1234, pack(who) + b"filler")], RECORD)

    assert {name: int(record[name]) for name in RECORD.names or ()} == {
        "t_ns": 1234,
        "value": 11,
        "sequence": 99,
        "position": 17,
        "site": 2,
        "publisher": 1,
        "kind": Kind.STORED,
        "code": 0,
        "stream": 3,
    }


@pytest.mark.parametrize("payload", [b"", b"EDGE", b"something else that is long enough"])
def test_a_message_that_is_not_ours_is_counted_as_foreign(payload: bytes) -> None:
    (record,) = np.array([reading._row(_STORE, 1, 5, payload)], RECORD)

    assert (int(record["site"]), int(record["position"])) == (FOREIGN_SITE, 1)


def _read(*positions: int) -> list[Records]:
    records = np.zeros(len(positions), RECORD)
    records["position"] = positions
    return [records]


@pytest.mark.parametrize(
    ("parts", "state", "problem"),
    [
        (_read(1, 2, 5), {"messages": 3, "last_seq": 5}, ""),
        ([], {"messages": 0, "last_seq": 7}, ""),
        (_read(1, 2), {"messages": 3, "last_seq": 3}, "holds 3 messages, 2 were read"),
        (_read(1, 2, 2), {"messages": 3, "last_seq": 3}, "twice or out of order"),
        (_read(1, 3, 2), {"messages": 3, "last_seq": 3}, "twice or out of order"),
        (_read(1, 2, 9), {"messages": 3, "last_seq": 3}, "last sequence is 3, one numbered 9"),
    ],
)
def test_what_was_read_must_be_what_the_stream_says_it_holds(
    parts: list[Records], state: dict[str, Any], problem: str
) -> None:
    found = reading._problem(parts, state)

    assert problem in found
    assert bool(found) == bool(problem)
