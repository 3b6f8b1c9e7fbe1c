"""Links through a real Toxiproxy, with a broker's stand-in at the far end that counts every byte."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edgelab.clock import Clock
from edgelab.deploy.artifacts import binary
from edgelab.deploy.base import Address
from edgelab.deploy.ports import Ports
from edgelab.model.topology import HUB, PROXY, PROXY_API, TOXIPROXY_VERSION, Link, Port, Service, Topology, assemble

GREETING = b"INFO " + b"x" * 600 + b"\r\n"


class StandIn:
    """Greets like a broker; answers PING; after SINK counts what it is sent; after SOURCE sends that many bytes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received = 0
        self.digest = hashlib.sha256()
        self.reading = threading.Event()
        self.reading.set()
        self._connections: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.listen()

    def listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=1000)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def die(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._connections.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError):
            self.reading.wait()
            connection.sendall(GREETING)
            lines = connection.makefile("rb")
            while word := lines.readline().split():
                self.reading.wait()
                if word[0] == b"PING":
                    connection.sendall(b"PONG\r\n")
                elif word[0] == b"SOURCE":
                    connection.sendall(bytes(int(word[1])))
                elif word[0] == b"SINK":
                    while data := lines.read1(65536):
                        self.digest.update(data)
                        self.received += len(data)
                        self.reading.wait()
        with suppress(OSError):
            connection.close()


class Bench:
    """A deployment of links that all lead to one stand-in."""

    runtime = "process"

    def __init__(self, topology: Topology, ports: Ports, folder: Path) -> None:
        self._made: list[socket.socket] = []
        self.topology = topology
        self.folder = folder
        proxy = topology.service(PROXY)
        self._ports = {port.name: ports.take() for port in proxy.ports}
        self.hub = StandIn(ports.take())
        listen = {
            link.name: {
                "name": link.name,
                "listen": f"127.0.0.1:{self._ports[link.listen_port]}",
                "upstream": f"127.0.0.1:{self.hub.port}",
                "enabled": True,
            }
            for link in topology.links
        }
        (folder / "toxiproxy.json").write_text(json.dumps(list(listen.values())))
        self.log = folder / "toxiproxy.log"
        with self.log.open("wb") as log:
            argv = [str(binary("toxiproxy", TOXIPROXY_VERSION)), "-host=127.0.0.1", f"-port={self._ports[PROXY_API]}"]
            argv += [f"-config={folder / 'toxiproxy.json'}", "-proxy-metrics"]
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        self._await(self.address(PROXY, PROXY_API))
        for link in topology.links:
            self._await(self.address(PROXY, link.listen_port))

    def address(self, service: str, port: str) -> Address:
        return Address("127.0.0.1", self.hub.port if service == HUB else self._ports[port])

    def kill(self, _service: str) -> None:
        self.hub.die()

    def start(self, _service: str) -> None:
        self.hub.listen()

    def pause(self, _service: str) -> None:
        self.hub.reading.clear()

    def resume(self, _service: str) -> None:
        self.hub.reading.set()

    def connect(self, link: str, first: bytes = b"") -> socket.socket:
        """A connection through ``link``, its greeting read, and ``first`` sent."""
        connection = socket.create_connection(self.address(PROXY, f"link-{link}"), timeout=10)
        self._made.append(connection)
        if first:
            got = b""
            while not got.endswith(b"\n"):
                got += connection.recv(4096)
            connection.sendall(first)
        return connection

    def down(self) -> None:
        for connection in self._made:
            connection.close()
        self.hub.reading.set()
        self.process.kill()
        self.process.wait()
        self.hub.die()

    def _await(self, address: Address) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(address, timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.02)
            else:
                return


def links_topology(sites: int, dialed_by: Any = "site", **link: Any) -> Topology:
    names = tuple(f"site-{i}" for i in range(1, sites + 1))
    link = {"probe_greeting": b"INFO ", "probe_request": b"PING\r\n", **link}
    hub = Service(
        name=HUB, role="hub", program="none", version="1.0.0", arguments=(), ports=(Port(name="leaf", number=7422),)
    )
    links = [Link(name=s, site=s, service=HUB, port="leaf", dialed_by=dialed_by, **link) for s in names]
    return assemble("bench", sites=names, services=[hub], links=links)


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    ports = Ports()
    made: list[Bench] = []

    def make(sites: int = 1, **more: Any) -> Bench:
        folder = tmp_path / f"bench-{len(made)}"
        folder.mkdir()
        made.append(Bench(links_topology(sites, **more), ports, folder))
        return made[-1]

    yield make
    for bench in made:
        bench.down()
    ports.release()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


@pytest.fixture
def clock() -> Clock:
    return Clock.start()


@pytest.fixture
def deaf() -> Iterator[Address]:
    """Accepts, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield Address(*listener.getsockname())


@pytest.fixture
def wait_for() -> Callable[..., None]:
    def wait(predicate: Callable[[], bool], within_s: float = 10.0) -> None:
        deadline = time.monotonic() + within_s
        while not predicate():
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.01)

    return wait
