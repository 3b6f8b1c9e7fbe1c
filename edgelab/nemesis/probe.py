"""Knocking at a door: does a link, or a service, carry a question there and an answer back?

A probe opens a connection of its own, waits for the far end's greeting, asks, and waits for any answer. A close
counts as an answer once the question is out: the far end has read it. (NATS leaf port: greets with ``INFO``; to
``PING`` 2.10.12 answers ``PONG``, 2.15.2 ``-ERR 'Authorization Violation'`` and closes; both at once.)
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, replace
from typing import Literal

from ..deploy.base import Address, Deployment
from ..errors import FaultError, SpecError
from ..model.topology import PROXY, Link

Outcome = Literal["refused", "closed", "silent", "greeted", "answered"]
_PASSIVE_S = 0.3
_HTTP = b"GET / HTTP/1.0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Door:
    """Where to knock, and how.

    Attributes:
        greeting: how the far end's first line begins; empty if it waits to be asked.
        request: what to ask; empty if the greeting is all there is.
    """

    address: Address
    greeting: bytes = b""
    request: bytes = b""

    @property
    def tells(self) -> bool:
        """Whether more than an open port can be learnt here."""
        return bool(self.greeting or self.request)


@dataclass(frozen=True, slots=True)
class Knock:
    """What came of knocking.

    Attributes:
        outcome: ``refused`` = nobody listens; ``closed`` = accepted and closed without a word; ``silent`` = accepted,
            then nothing; ``greeted`` = the greeting came, no answer (or none was asked for); ``answered``.
        greeted_s: from connecting to the end of the greeting's line.
        answered_s: from asking to the first byte of the answer, or to the close.
        sent_bytes / received_bytes: what the probe itself put on the link.
    """

    outcome: Outcome
    greeted_s: float | None = None
    answered_s: float | None = None
    sent_bytes: int = 0
    received_bytes: int = 0

    @property
    def came_back(self) -> bool:
        """Whether the far end spoke at all."""
        return self.outcome in {"greeted", "answered"}


def knock(door: Door, timeout_s: float) -> Knock:
    """Knock once; each of connecting, greeting and answer may take ``timeout_s``."""
    began = time.monotonic()
    try:
        connection = socket.create_connection(door.address, timeout=timeout_s)
    except TimeoutError:
        return Knock("silent")
    except OSError:
        return Knock("refused")
    with connection:
        if not door.greeting:
            return _answered(connection, door, timeout_s)
        line = _line(connection, timeout_s)
        if line is None:
            return Knock("silent")
        if not line.endswith(b"\n"):
            return Knock("greeted" if line else "closed", received_bytes=len(line))
        greeted = Knock("greeted", time.monotonic() - began, received_bytes=len(line))
        return _answered(connection, door, timeout_s, greeted)


def _answered(connection: socket.socket, door: Door, timeout_s: float, before: Knock | None = None) -> Knock:
    """What asking adds to what was seen ``before``."""
    so_far = before or Knock("silent")
    if not door.request:
        return so_far
    asked, sent = time.monotonic(), len(door.request)
    answer = _ask(connection, door.request, timeout_s)
    if answer is None:
        return replace(so_far, sent_bytes=sent)
    if not answer and before is None:
        return Knock("closed", sent_bytes=sent)
    received = so_far.received_bytes + len(answer)
    return Knock("answered", so_far.greeted_s, time.monotonic() - asked, sent, received)


def link_door(deployment: Deployment, link: Link) -> Door:
    """The near end of ``link``, as the lab reaches it."""
    return Door(deployment.address(PROXY, link.listen_port), link.probe_greeting, link.probe_request)


def service_door(deployment: Deployment, service: str) -> Door | None:
    """The door of ``service`` that tells most; None where it has none.

    A port with a question of its own or that greets, else one that answers HTTP, else any.
    """
    found: Door | None = None
    for port in deployment.topology.service(service).ports:
        if not port.published:
            continue
        address = deployment.address(service, port.name)
        if port.probe_request:
            return Door(address, request=port.probe_request)
        greeting = _first_words(address)
        if greeting:
            return Door(address, greeting)
        door = Door(address, request=_HTTP)
        answers = knock(door, _PASSIVE_S).outcome == "answered"
        if found is None or (answers and not found.tells):
            found = door if answers else Door(address)
    return found


def round_trips(deployment: Deployment, link: Link, n: int, *, timeout_s: float = 5.0) -> list[float]:
    """Round-trip times of ``link``, seconds, each on a connection of its own.

    Raises:
        SpecError: the link has nothing to ask.
        FaultError: an answer did not come.
    """
    if not link.probe_request:
        raise SpecError(f"link {link.name} has no probe_request to time a round trip with")
    door, found = link_door(deployment, link), []
    for _ in range(n):
        got = knock(door, timeout_s)
        if got.answered_s is None:
            raise FaultError(f"link {link.name} at {door.address}: a probe was {got.outcome}, not answered")
        found.append(got.answered_s)
    return found


def _line(connection: socket.socket, timeout_s: float) -> bytes | None:
    """The first line, or what there is of it in time; None for nothing in time; empty if it was closed first."""
    deadline = time.monotonic() + timeout_s
    line = b""
    while not line.endswith(b"\n"):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return line or None
        connection.settimeout(left_s)
        try:
            data = connection.recv(4096)
        except TimeoutError:
            return line or None
        except OSError:
            return b""
        if not data:
            return b""
        line += data
    return line


def _ask(connection: socket.socket, request: bytes, timeout_s: float) -> bytes | None:
    """What is answered to ``request``: empty if the far end closed, None if nothing came."""
    connection.settimeout(timeout_s)
    try:
        connection.sendall(request)
        return connection.recv(4096)
    except TimeoutError:
        return None
    except OSError:
        return b""


def _first_words(address: Address) -> bytes:
    try:
        with socket.create_connection(address, timeout=_PASSIVE_S) as connection:
            return connection.recv(4)
    except OSError:
        return b""
