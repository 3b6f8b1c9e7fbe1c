"""What the compose runtime and :mod:`~edgelab.deploy.clean` ask of the engine about a lab's containers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import psutil
from docker.errors import NotFound

from ..errors import LabError
from .base import Usage
from .census import tables_of
from .docker_api import translated
from .footprint import usage_of
from .log_end import last_lines
from .owner import OWNER_LABEL, RUN_LABEL, SERVICE_LABEL

_AT_ONCE = 8
_LOG_LINES = 400  # of which stack traces may take most
_SWEEPS = 10
_SWEEP_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a lab, as the engine lists it.

    Attributes:
        state: the engine's word: ``"running"``, ``"paused"``, ``"exited"``, ….
        networks: names of those it is on, sorted.
        addresses: its own on them.
    """

    id: str
    name: str
    run: str
    owner: str
    service: str
    state: str
    networks: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def lives(self) -> bool:
        """Whether its processes exist."""
        return self.state in {"running", "paused"}


def listed(client: docker.DockerClient, run_id: str | None = None) -> tuple[Container, ...]:
    """The containers of one lab, or of all; one request."""
    with translated("list containers"):
        found: list[dict[str, Any]] = client.api.containers(all=True, filters=_filters(run_id))
    return tuple(
        Container(
            id=item["Id"],
            name=(item.get("Names") or ["/?"])[0].lstrip("/"),
            run=item["Labels"][RUN_LABEL],
            owner=item["Labels"].get(OWNER_LABEL, ""),
            service=item["Labels"].get(SERVICE_LABEL, ""),
            state=item["State"],
            networks=tuple(sorted(item["NetworkSettings"]["Networks"])),
            addresses=tuple(x["IPAddress"] for x in item["NetworkSettings"]["Networks"].values() if x.get("IPAddress")),
        )
        for item in found
    )


def usages(client: docker.DockerClient, containers: tuple[Container, ...]) -> Mapping[str, Usage]:
    """Memory and processor time of each container that lives.

    Read from the kernel where the engine runs on this machine: at once, and by the same definition as for plain
    processes. Elsewhere (Docker Desktop, a remote engine) by the engine's statistics, which take a second.
    """

    def ask(container: Container) -> Usage | None:
        try:
            pid = client.api.inspect_container(container.id)["State"]["Pid"]
            here = _usage_here(container, pid)
            return here or _usage(client.api.stats(container.id, stream=False, one_shot=True))
        except (NotFound, KeyError):  # gone, or stopped, since it was listed
            return None

    living = [c for c in containers if c.lives]
    with translated("read usage"), ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip((c.service for c in living), pool.map(ask, living), strict=True))
    return {service: usage for service, usage in found.items() if usage is not None}


def network_tables(client: docker.DockerClient, containers: tuple[Container, ...]) -> Mapping[str, Path] | None:
    """The kernel's tables of each container's network, by service; None where the engine runs on another machine."""

    def ask(container: Container) -> tuple[str, Path | None] | None:
        try:
            pid = client.api.inspect_container(container.id)["State"]["Pid"]
        except NotFound:
            return None
        return (container.service, tables_of(pid, container.id)) if pid else None  # it may have ended since

    with translated("inspect containers"), ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(filter(None, pool.map(ask, containers)))
    known = {service: folder for service, folder in found.items() if folder is not None}
    return known if len(known) == len(found) else None


def save_log(client: docker.DockerClient, container: Container, path: Path) -> None:
    """Write all that a container has logged to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with translated(f"read the log of {container.service}"), path.open("wb") as file:
        for chunk in client.api.logs(container.id, stream=True, follow=False):
            file.write(chunk)


def log_end(client: docker.DockerClient, container: Container, *, lines: int = 12) -> str:
    """The end of what a container has logged."""
    with translated(f"read the log of {container.service}"):
        text: bytes = client.api.logs(container.id, tail=_LOG_LINES)
    return last_lines(text.decode(errors="replace"), lines=lines)


def how_ended(client: docker.DockerClient, container: Container) -> str:
    """How a container that does not live ended, in words."""
    try:
        with translated(f"inspect {container.service}"):
            state = client.api.inspect_container(container.id)["State"]
    except LabError:  # removed meanwhile
        return f"ended ({container.state})"
    why = ": the kernel ended a process of it at its memory limit" if state.get("OOMKilled") else ""
    return f"ended with status {state['ExitCode']} ({container.state}){why}"


def sweep(client: docker.DockerClient, run_id: str, *, settle: bool = False) -> list[str]:
    """Remove everything that carries the label of ``run_id``; what was removed.

    With ``settle``, looks again until nothing is found twice: the engine may still be creating something.
    """
    removed: list[str] = []
    quiet = 0
    for _ in range(_SWEEPS):
        now = _sweep_once(client, run_id)
        removed += now
        quiet = 0 if now else quiet + 1
        if quiet > settle:
            break
        if not now:
            time.sleep(_SWEEP_PAUSE_S)
    return removed


def _sweep_once(client: docker.DockerClient, run_id: str) -> list[str]:
    def container(found: Container) -> str:
        # The engine publishes ports through the first network by name. Leaving that one first, as it does when a
        # container ends, sets all ports up again on the next, and so on: half a second for each site of Toxiproxy.
        for name in reversed(found.networks[1:]):
            with _removing(f"container {found.name} from network {name}"):
                client.api.disconnect_container_from_network(found.id, name, force=True)
        with _removing(f"container {found.name}"):
            client.api.remove_container(found.id, force=True, v=True)
        return f"container {found.name}"

    def network(found: Mapping[str, Any]) -> str:
        with _removing(f"network {found['Name']}"):
            client.api.remove_network(found["Id"])
        return f"network {found['Name']}"

    def volume(found: Mapping[str, Any]) -> str:
        with _removing(f"volume {found['Name']}"):
            client.api.remove_volume(found["Name"], force=True)
        return f"volume {found['Name']}"

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        removed = list(pool.map(container, listed(client, run_id)))
        with translated(f"list networks and volumes of {run_id}"):
            networks, volumes = _networks(client, run_id), _volumes(client, run_id)
        return removed + list(pool.map(network, networks)) + list(pool.map(volume, volumes))


def owners(client: docker.DockerClient) -> Mapping[str, str]:
    """Run id and owner of every lab of which the engine holds a container, network or volume."""
    found = {c.run: c.owner for c in listed(client)}
    with translated("list networks and volumes"):
        held = [*_networks(client, None), *_volumes(client, None)]
    for item in held:
        found.setdefault(item["Labels"][RUN_LABEL], item["Labels"].get(OWNER_LABEL, ""))
    return found


@contextmanager
def _removing(what: str) -> Iterator[None]:
    with translated(f"remove {what}"), suppress(NotFound):  # gone already is as good
        yield


def _networks(client: docker.DockerClient, run_id: str | None) -> list[dict[str, Any]]:
    return list(client.api.networks(filters=_filters(run_id)))


def _volumes(client: docker.DockerClient, run_id: str | None) -> list[dict[str, Any]]:
    return list(client.api.volumes(filters=_filters(run_id))["Volumes"] or ())


def _filters(run_id: str | None) -> dict[str, str]:
    return {"label": RUN_LABEL if run_id is None else f"{RUN_LABEL}={run_id}"}


def _usage_here(container: Container, pid: int) -> Usage | None:
    try:
        if tables_of(pid, container.id) is None:
            return None
        first = psutil.Process(pid)
        return usage_of([pid, *(p.pid for p in first.children(recursive=True))])
    except (OSError, psutil.Error):
        return None


def _usage(stats: Mapping[str, Any]) -> Usage:
    memory = stats["memory_stats"]["stats"]
    # What ps calls resident, under either version of control groups: not the page cache, not a memory-backed store.
    if "anon" in memory:
        rss_bytes = memory["anon"] + memory.get("file_mapped", 0)
    else:
        rss_bytes = memory["total_rss"] + memory.get("total_mapped_file", 0)
    return Usage(rss_bytes, stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9)
