import socket
import threading
import time
from collections.abc import Callable

import pytest

from edgelab.deploy.base import Address
from edgelab.nemesis.probe import Door, knock

PING = b"PING\r\n"


def _serve(script: Callable[[socket.socket], None]) -> tuple[Address, threading.Thread]:
    """A server that plays ``script`` on its first connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection:
                script(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return Address(*listener.getsockname()), thread


def _greet(connection: socket.socket) -> None:
    connection.sendall(b"INFO {}")
    time.sleep(0.05)
    connection.sendall(b"\r\n")


def _greet_and_answer(connection: socket.socket) -> None:
    _greet(connection)
    connection.recv(100)
    connection.sendall(b"PONG\r\n")


def _greet_and_close_when_asked(connection: socket.socket) -> None:
    _greet(connection)
    connection.recv(100)


def _greet_and_wait(connection: socket.socket) -> None:
    _greet(connection)
    connection.recv(100)
    connection.recv(100)


@pytest.mark.parametrize(
    ("script", "greeting", "request_", "outcome"),
    [
        (_greet_and_answer, b"INFO", PING, "answered"),
        (_greet_and_close_when_asked, b"INFO", PING, "answered"),
        (_greet_and_wait, b"INFO", PING, "greeted"),
        (_greet, b"INFO", b"", "greeted"),
        (lambda connection: connection.recv(100), b"INFO", PING, "silent"),
        (lambda connection: connection.recv(100), b"", PING, "closed"),
        (lambda _: None, b"INFO", PING, "closed"),
        (lambda connection: connection.sendall(b"INFO"), b"INFO", PING, "closed"),
    ],
)
def test_a_knock_says_how_far_it_came(
    script: Callable[[socket.socket], None], greeting: bytes, request_: bytes, outcome: str
) -> None:
    address, thread = _serve(script)

    got = knock(Door(address, greeting, request_), 0.5)

    assert got.outcome == outcome
    assert (got.greeted_s is not None) == (got.came_back and bool(greeting))
    thread.join(10)


def test_a_knock_at_a_door_that_never_speaks_comes_to_an_end(deaf: Address) -> None:
    began = time.monotonic()

    assert knock(Door(deaf, b"INFO", PING), 0.2).outcome == "silent"
    assert knock(Door(deaf, b"", PING), 0.2).outcome == "silent"
    assert time.monotonic() - began < 5
