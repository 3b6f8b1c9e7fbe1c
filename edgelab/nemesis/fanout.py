"""Many small HTTP requests at the same moment.

A partition has to begin on all its links together. Measured against Toxiproxy 2.12.0 on two cores, from the first
request to the last answer, several runs each:

======================================  ==================  ==================
                                        50 links            100 links
                                        (100 requests)      (200 requests)
======================================  ==================  ==================
one after another (``requests``)        83 ms               184 ms
pool of 8 to 100 threads, kept alive    66 to 76 ms         131 to 146 ms
this: opened before, written together   2 to 10 ms          8 to 18 ms
======================================  ==================  ==================

The pool is bound by the interpreter, not by the proxy; more threads do not help. So the connections are opened just
before the moment (Toxiproxy drops idle ones after 15 s), the requests are made up before, and written back to back.
"""

from __future__ import annotations

import json
import selectors
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..clock import Clock
from ..deploy.base import Address

_CONNECT_S = 2.0
_MOST_AT_ONCE = 256  # a usual limit of open files is 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``payload`` becomes JSON."""

    method: str
    path: str
    payload: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Attributes:
        status: HTTP status; 0 if there was no answer, and then ``text`` says why.
        sent_ns / answered_ns: just before it was written; when the answer began to arrive, or was given up.
    """

    status: int
    text: str
    sent_ns: int
    answered_ns: int

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300


class Fanout:
    """Sends requests to one HTTP server together. Not to be used by two threads at once."""

    def __init__(self, address: Address, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._opened: deque[socket.socket] = deque()

    def open(self, count: int) -> None:
        """Open connections ahead of time, for up to ``count`` requests within the next few seconds."""
        self.close()
        for _ in range(min(count, _MOST_AT_ONCE)):
            try:
                self._opened.append(self._connect())
            except OSError:
                return  # send() tries again, and reports it

    def close(self) -> None:
        """Close what was opened and not used."""
        while self._opened:
            self._opened.pop().close()

    def send(self, requests: Sequence[Request], *, deadline_s: float) -> list[Answer]:
        """Send all, and return each one's answer. Never raises, never takes much longer than ``deadline_s``."""
        exchange = _Exchange(self._clock, requests, self._clock.now_ns() + int(deadline_s * 1e9))
        try:
            exchange.run(self._opened, self._connect)
        finally:
            exchange.close()
            self.close()
        return exchange.answers()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=_CONNECT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


@dataclass(slots=True)
class _Call:
    text: bytes
    sent_ns: int = 0
    answered_ns: int = 0
    received: bytes = b""
    failure: str = ""


class _Exchange:
    """One round of requests, each on a connection of its own, which the server closes after its answer."""

    def __init__(self, clock: Clock, requests: Sequence[Request], deadline_ns: int) -> None:
        self._clock = clock
        self._deadline_ns = deadline_ns
        self._calls = [_Call(_wire(request)) for request in requests]
        self._selector = selectors.DefaultSelector()

    def run(self, opened: deque[socket.socket], connect: Any) -> None:
        """Send and receive."""
        waiting = deque(self._calls)
        while waiting or self._selector.get_map():
            while waiting and len(self._selector.get_map()) < _MOST_AT_ONCE:
                self._start(waiting.popleft(), opened, connect)
            left_s = (self._deadline_ns - self._clock.now_ns()) / 1e9
            if left_s <= 0:
                for call in self._calls:
                    if not call.answered_ns:
                        self._fail(call, "no answer in time")
                return
            for key, _ in self._selector.select(left_s):
                self._receive(key.fileobj, key.data)  # type: ignore[arg-type]

    def close(self) -> None:
        """Close what is still open."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def answers(self) -> list[Answer]:
        """One for each request, in order."""
        return [_answer(call) for call in self._calls]

    def _start(self, call: _Call, opened: deque[socket.socket], connect: Any) -> None:
        call.sent_ns = self._clock.now_ns()
        connection = None
        try:
            connection = opened.popleft() if opened else connect()
            connection.sendall(call.text)
        except OSError as error:
            if connection is not None:
                connection.close()
            self._fail(call, str(error))
            return
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, call)

    def _receive(self, connection: socket.socket, call: _Call) -> None:
        try:
            data = connection.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(call, str(error))
            data = b""
        call.answered_ns = call.answered_ns or self._clock.now_ns()
        call.received += data
        if not data:
            self._selector.unregister(connection)
            connection.close()

    def _fail(self, call: _Call, why: str) -> None:
        call.failure = why
        call.sent_ns = call.sent_ns or self._clock.now_ns()
        call.answered_ns = self._clock.now_ns()


def _wire(request: Request) -> bytes:
    body = b"" if request.payload is None else json.dumps(request.payload).encode()
    # HTTP 1.0: the server closes after its answer, and never sends it in chunks, so that reading it is reading to
    # the end.
    head = f"{request.method} {request.path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def _answer(call: _Call) -> Answer:
    head, _, body = call.received.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if call.failure or len(words) < 2 or not words[1].isdigit():
        return Answer(0, call.failure or "no HTTP answer", call.sent_ns, call.answered_ns)
    return Answer(int(words[1]), body.decode(errors="replace").strip(), call.sent_ns, call.answered_ns)
