"""The compose runtime: every service a container, every site on a network of its own."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal

import docker

from ..errors import LabError, NotReady, SpecError, SystemUnderTestError
from ..model.topology import Service, Topology
from . import artifacts, census, containers, docker_api, images, owner
from .addresses import ContainerBook, take_ports
from .base import Address, Connection, Progress, Usage, silent
from .census import Place
from .compose import write_project
from .compose_start import accepts, ports_to_try, prepare_data, refused_config, subnets_for
from .containers import Container
from .ports import Ports
from .programs import up_deadline_s
from .shield import shielded
from .toolchain import run

_COMPOSE_TIMEOUT_S = 300.0
_KILL_DEADLINE_S = 60
_POLL_S = 0.05
_AT_ONCE = 16
_LOOK_EVERY_S = 0.5
_RUN_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")  # what compose takes for a project name


class ComposeRuntime:
    """Brings topologies up as containers, with Docker compose."""

    name = "compose"

    def up(self, topology: Topology, folder: Path, *, run_id: str, progress: Progress = silent) -> ComposeDeployment:
        if not _RUN_ID.fullmatch(run_id):
            raise SpecError(f"run_id must be lower-case letters, digits, hyphens and underscores, not {run_id!r}")
        client = docker_api.connect()
        ports = Ports()
        lab = None
        try:
            tags = images.for_topology(topology, progress=progress)
            compose = artifacts.compose_command(progress=progress)
            host_ports = take_ports(topology, ports, published_only=True)
            lab = ComposeDeployment(topology, folder.absolute(), client, ports, host_ports, tags, run_id=run_id)
            lab.bring_up(compose)
        except BaseException:  # Ctrl-C included: nothing may stay behind
            with shielded():
                if lab is not None:
                    lab.down(settle=True)
                ports.release()
                client.close()
            raise
        return lab


class ComposeDeployment:
    """A topology that is up as containers."""

    runtime = "compose"

    def __init__(
        self,
        topology: Topology,
        folder: Path,
        client: docker.DockerClient,
        ports: Ports,
        host_ports: Mapping[tuple[str, str], int],
        tags: Mapping[tuple[str, str], str],
        *,
        run_id: str,
    ) -> None:
        self.topology = topology
        self.folder = folder
        self._client = client
        self._ports = ports
        self._book = ContainerBook(host_ports)
        self._tags = tags
        self._run_id = run_id
        self._labels = {owner.RUN_LABEL: run_id, owner.OWNER_LABEL: str(owner.current(with_host=True))}
        self._ids: Mapping[str, str] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Lock()
        self._looked_s = 0.0
        self._is_down = False

    def bring_up(self, compose: Sequence[str]) -> None:
        """Write the project, let compose start it, wait until every published port answers."""
        user = prepare_data(self.topology, self.folder)
        file = write_project(
            self.topology,
            self.folder,
            project=self._run_id,
            data="folder",
            host_ports=self._book.host_ports,
            images=self._tags,
            labels=self._labels,
            user=user,
            subnets=subnets_for(self.topology),
        )
        argv = [*compose, "-p", self._run_id, "-f", str(file), "up", "--detach", "--no-build", "--pull", "never"]
        mirrors = [s for s in self.topology.services if s.role == "mirror"]
        others = [s for s in self.topology.services if s.role != "mirror"]
        # A mirror that finds nobody there ends, or backs off: it starts when the others listen.
        for services in filter(None, (others, mirrors)):
            argv += ["--no-recreate", *(s.name for s in services)] if mirrors else []
            run(argv, cwd=self.folder, environment={"DOCKER_HOST": docker_api.host()}, timeout_s=_COMPOSE_TIMEOUT_S)
            self._ids = {c.service: c.id for c in self._listed()}
            self._wait_listening(services)

    def address(self, service: str, port: str) -> Address:
        found = self.topology.service(service)
        if not found.port(port).published:
            raise LabError(f"port {port!r} of {service} is not published: only other containers reach it")
        return self._book.lab(found, port)

    def dial_address(self, caller: str, service: str, port: str) -> str:
        self.topology.service(caller)
        return str(self._book.dial(self.topology.service(service), port))

    def kill(self, service: str) -> None:
        with self._lock:
            self._stopped.add(service)
        with docker_api.translated(f"kill {service}"):
            self._client.api.kill(self._id(service), "SIGKILL")
            # A start that comes before the engine has seen the end would do nothing.
            self._client.api.wait(self._id(service), timeout=_KILL_DEADLINE_S)

    def start(self, service: str) -> None:
        with docker_api.translated(f"start {service}"):
            self._client.api.start(self._id(service))
        with self._lock:
            self._stopped.discard(service)

    def pause(self, service: str) -> None:
        with docker_api.translated(f"pause {service}"):
            self._client.api.pause(self._id(service))

    def resume(self, service: str) -> None:
        with docker_api.translated(f"resume {service}"):
            self._client.api.unpause(self._id(service))

    def state(self, service: str) -> Literal["running", "paused", "ended"]:
        with docker_api.translated(f"look at {service}"):
            state: str = self._client.api.inspect_container(self._id(service))["State"]["Status"]
        return "paused" if state == "paused" else "running" if state == "running" else "ended"

    def usage(self) -> Mapping[str, Usage]:
        return containers.usages(self._client, self._listed())

    def assert_alive(self) -> None:
        # Called many times a second; the engine is asked twice a second.
        now = time.monotonic()
        with self._lock:
            if now - self._looked_s < _LOOK_EVERY_S:
                return
            self._looked_s = now
        self._look()

    def connections(self) -> frozenset[Connection] | None:
        living = tuple(c for c in self._listed() if c.lives)
        tables = containers.network_tables(self._client, living)
        places = {
            (address, port.number): Place(container.service, port.name)
            for container in living
            for address in container.addresses
            for port in self.topology.service(container.service).ports
        }
        return None if tables is None else census.of_networks(tables, places)

    def network_tables(self, service: str) -> Path | None:
        name = self.topology.service(service).name
        found = containers.network_tables(
            self._client, tuple(c for c in self._listed() if c.service == name and c.lives)
        )
        return None if found is None else found.get(name)

    def collect_logs(self) -> Mapping[str, Path]:
        found = {c.service: self.folder / "logs" / f"{c.service}.log" for c in self._listed()}
        for container in self._listed():
            containers.save_log(self._client, container, found[container.service])
        return found

    def digests(self) -> Mapping[str, str]:
        with docker_api.translated("read image digests"):
            return {
                f"{program}:{version}": str(self._client.images.get(tag).id)
                for (program, version), tag in self._tags.items()
            }

    def down(self, *, settle: bool = False) -> None:
        """Save the logs, then remove the containers, networks and volumes that carry this run's label.

        With ``settle``, waits until the engine has stopped creating things: compose may have been interrupted.
        """
        with self._lock:
            if self._is_down:
                return
        with suppress(LabError):  # a log that cannot be read must not keep the rest from being removed
            self.collect_logs()
        containers.sweep(self._client, self._run_id, settle=settle)
        with self._lock:
            self._is_down = True
        self._ports.release()
        self._client.close()

    def _id(self, service: str) -> str:
        return self._ids[self.topology.service(service).name]

    def _listed(self) -> tuple[Container, ...]:
        return containers.listed(self._client, self._run_id)

    def _look(self) -> None:
        with self._lock:
            stopped = set(self._stopped)
        for container in self._listed():
            supervised = self.topology.service(container.service).supervised
            if not container.lives and not supervised and container.service not in stopped:
                end = containers.log_end(self._client, container)
                how = containers.how_ended(self._client, container)
                raise SystemUnderTestError(f"{container.service} {how}; its log ends:\n{end}")

    def _wait_listening(self, services: Sequence[Service]) -> None:
        waiting = set(ports_to_try(services))
        deadline_s = up_deadline_s(services)
        deadline = time.monotonic() + deadline_s
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while True:
                tried = sorted(waiting)
                answers = pool.map(lambda key: accepts(self.address(*key)), tried)
                waiting -= {key for key, answer in zip(tried, answers, strict=True) if answer}
                if not waiting:
                    return
                try:
                    self._look()
                except SystemUnderTestError:
                    self._raise_for_refused_config()
                    raise
                if time.monotonic() > deadline:
                    service, port = min(waiting)
                    raise NotReady(
                        f"{service} did not listen on {self.address(service, port)} ({port}) within "
                        f"{deadline_s:g} s; its log ends:\n{self._log_end(service)}"
                    )
                time.sleep(_POLL_S)

    def _log_end(self, service: str) -> str:
        return next((containers.log_end(self._client, c) for c in self._listed() if c.service == service), "")

    def _raise_for_refused_config(self) -> None:
        for container in self._listed():
            service = self.topology.service(container.service)
            if container.lives or service.program != "nats-server":
                continue
            tag = self._tags[service.program, service.version]
            words = refused_config(self._client, self.topology, service, self.folder, tag, self._labels)
            if words is not None:
                raise SpecError(
                    f"configuration of {service.name} was refused by nats-server {service.version}: {words}"
                )
