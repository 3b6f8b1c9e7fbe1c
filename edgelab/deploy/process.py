"""The process runtime: every service a local process, on loopback, with ports of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import psutil

from ..errors import LabError, NotReady, RuntimeMissing, SystemUnderTestError
from ..model.topology import Service, Topology
from . import census, configs, owner, programs
from .addresses import ProcessBook, fill, take_ports
from .base import Address, Connection, Progress, Usage, silent
from .census import Place
from .child import Child
from .footprint import sessions, usage_of
from .ports import Ports
from .preflight import check_configs
from .programs import Program, up_deadline_s
from .shield import shielded

_STOP_S = 5.0
_POLL_S = 0.01
_ROLES = ("hub", "proxy", "site", "mirror")


class ProcessRuntime:
    """Brings topologies up as local processes. Their memory and cores are not limited."""

    name = "process"

    def up(self, topology: Topology, folder: Path, *, run_id: str, progress: Progress = silent) -> ProcessDeployment:
        if os.name != "posix":
            raise RuntimeMissing("the process runtime needs Linux or macOS; use --runtime compose")
        configs.check_path(folder.absolute(), topology)
        wanted = dict.fromkeys((s.program, s.version) for s in topology.services)
        found = {key: programs.local(*key, progress=progress) for key in wanted}
        ports = Ports()
        try:
            book = ProcessBook(folder.absolute(), take_ports(topology, ports))
            lab = ProcessDeployment(topology, folder.absolute(), book, ports, found, run_id=run_id)
        except BaseException:
            ports.release()
            raise
        try:
            lab.bring_up()
        except BaseException:  # Ctrl-C included: nothing may stay behind
            with shielded():
                lab.down()
            raise
        return lab


class ProcessDeployment:
    """A topology that is up as local processes."""

    runtime = "process"

    def __init__(
        self,
        topology: Topology,
        folder: Path,
        book: ProcessBook,
        ports: Ports,
        found: Mapping[tuple[str, str], Program],
        *,
        run_id: str,
    ) -> None:
        self.topology = topology
        self.folder = folder
        self._book = book
        self._places = {number: Place(*where) for where, number in book.numbers.items()}
        self._ports = ports
        self._programs = found
        marks = owner.marks(run_id)
        configs.write(topology, book)
        self._children = MappingProxyType({s.name: self._child(s, marks) for s in topology.services})

    def bring_up(self) -> None:
        """Check configurations, then start hub, proxy, sites and mirrors, each once the one before listens."""
        argvs = [(s, self._argv(s)) for s in self.topology.services]
        check_configs(argvs)
        for role in _ROLES:
            services = [s for s in self.topology.services if s.role == role]
            for service in services:
                self._children[service.name].start()
            self._wait_listening(services)

    def address(self, service: str, port: str) -> Address:
        return self._book.listen(self.topology.service(service), port)

    def dial_address(self, caller: str, service: str, port: str) -> str:
        self.topology.service(caller)
        return str(self._book.dial(self.topology.service(service), port))

    def kill(self, service: str) -> None:
        self._find(service).kill()

    def start(self, service: str) -> None:
        self._find(service).start()

    def pause(self, service: str) -> None:
        self._find(service).pause()

    def resume(self, service: str) -> None:
        self._find(service).resume()

    def state(self, service: str) -> Literal["running", "paused", "ended"]:
        return self._find(service).state

    def usage(self) -> Mapping[str, Usage]:
        by_session = sessions()
        found = {}
        for name, child in self._children.items():
            if (pid := child.pid) is not None:
                found[name] = usage_of(by_session.get(pid, [pid]))
        return found

    def assert_alive(self) -> None:
        for child in self._children.values():
            _assert_alive(child)

    def connections(self) -> frozenset[Connection] | None:
        by_session = sessions()
        leaders = {pid: name for name, child in self._children.items() if (pid := child.pid) is not None}
        services = {pid: name for leader, name in leaders.items() for pid in by_session.get(leader, [leader])}
        return census.of_processes(services, self._places)

    def network_tables(self, service: str) -> Path | None:
        self.topology.service(service)
        return census.PROC_NET if census.PROC_NET.is_dir() else None

    def collect_logs(self) -> Mapping[str, Path]:
        return {name: child.log for name, child in self._children.items()}

    def digests(self) -> Mapping[str, str]:
        return {name: digest for program in self._programs.values() for name, digest in program.digests.items()}

    def down(self) -> None:
        try:
            children = self._children.values()
            for service in self.topology.services:
                child = self._children[service.name]
                # A mirror would wait for brokers that go at the same moment, and nobody reads what it still writes.
                child.kill() if service.role == "mirror" else child.terminate()
            deadline = time.monotonic() + _STOP_S
            for child in children:
                if not child.wait(max(0.0, deadline - time.monotonic())):
                    child.kill()
        finally:
            self._ports.release()

    def _find(self, service: str) -> Child:
        return self._children[self.topology.service(service).name]

    def _argv(self, service: Service) -> tuple[str, ...]:
        return (*self._program(service).command, *(self._fill(a, service) for a in service.arguments))

    def _program(self, service: Service) -> Program:
        return self._programs[service.program, service.version]

    def _fill(self, text: str, service: Service) -> str:
        return fill(text, topology=self.topology, service=service, book=self._book)

    def _child(self, service: Service, marks: Mapping[str, str]) -> Child:
        if service.keeps_data:
            Path(self._book.data(service)).mkdir(parents=True, exist_ok=True)
        log = self.folder / "logs" / f"{service.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        own = {name: self._fill(value, service) for name, value in service.environment}
        cwd = self.folder / "config" / service.name
        cwd.mkdir(parents=True, exist_ok=True)
        return Child(
            service.name,
            self._argv(service),
            cwd=cwd,
            log=log,
            environment={**self._program(service).environment, **own, **marks},
            supervised=service.supervised,
        )

    def _wait_listening(self, services: Sequence[Service]) -> None:
        waiting = {s.name: {self.address(s.name, p.name).port: p.name for p in s.ports} for s in services}
        deadline_s = up_deadline_s(services)
        deadline = time.monotonic() + deadline_s
        while True:
            for name in list(waiting):
                child = self._children[name]
                missing = waiting[name].keys() - child.listening()
                if not missing:
                    del waiting[name]
                elif child.pid is None:
                    self._raise_for_taken_port(name, waiting[name])
                    _assert_alive(child)
            if not waiting:
                return
            if time.monotonic() > deadline:
                name, ports = next(iter(waiting.items()))
                which = ", ".join(f"{ports[n]} ({n})" for n in ports.keys() - self._children[name].listening())
                raise NotReady(
                    f"{name} did not listen on {which} within {deadline_s:g} s; its log ends:\n"
                    f"{self._children[name].tail()}"
                )
            time.sleep(_POLL_S)

    def _raise_for_taken_port(self, name: str, ports: Mapping[int, str]) -> None:
        for number, holder in _listeners(ports).items():
            raise LabError(f"port {number}, which {name} needs for {ports[number]!r}, is taken by {holder}")


def _assert_alive(child: Child) -> None:
    if child.supervised or child.stopped_on_purpose or child.pid is not None:
        return
    raise SystemUnderTestError(f"{child.name} {child.end}; its log ends:\n{child.tail()}")


def _listeners(ports: Iterable[int]) -> dict[int, str]:
    wanted = set(ports)
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows those of others to root only
        return {}
    found = {}
    for connection in connections:
        address = connection.laddr
        if address and connection.status == psutil.CONN_LISTEN and address.port in wanted:
            with suppress(psutil.Error):
                name = psutil.Process(connection.pid).name() if connection.pid else "another process"
                found[address.port] = f"{name} (pid {connection.pid})" if connection.pid else name
    return found
