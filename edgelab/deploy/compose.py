"""From a topology to a compose file. Pure, but for :func:`write_project`.

Every site has a network of its own, the hub has one, and Toxiproxy alone is on all of them: Docker drops what goes
from one bridge to another, so that the only way from a site to the hub is its link. (Networks that are ``internal``
would say so more plainly, but Docker publishes no ports of those.)

Configurations are folders beside the compose file, mounted read-only: what compose's own ``configs`` hold inline is
copied into the container, which a read-only container refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import yaml

from ..model.topology import MIB, Service, Topology
from . import images as images_
from .addresses import CONTAINER_CONFIG, CONTAINER_DATA, ContainerBook, fill, fixed_ports
from .owner import SERVICE_LABEL
from .programs import CONTAINER_ENVIRONMENT, SHELL, is_jvm

COMPOSE_FILE = "compose.yaml"
UNPRIVILEGED = 65_532
"""User and group of containers: the number that images without a user database agree on for "nobody in particular"."""

# Codecs of the JVM unpack their machine code there, and run it.
_JVM_TMPFS = "/tmp:exec,mode=1777,size=64m"  # noqa: S108 - of the container's own
# The engine starts a supervised service again, but would not write that into its log.
_WATCHED = (
    'trap \'kill $p; wait $p; exit\' TERM INT; "$0" "$@" & p=$!; wait $p; s=$?; '
    '[ $s = 0 ] || echo "edgelab: ended with status $s, started again"; exit $s'
)

Data = Literal["memory", "folder"]


def render(
    topology: Topology,
    *,
    project: str | None = None,
    data: Data = "memory",
    host_ports: Mapping[tuple[str, str], int] | None = None,
    images: Mapping[tuple[str, str], str] | None = None,
    labels: Mapping[str, str] | None = None,
    user: tuple[int, int] = (UNPRIVILEGED, UNPRIVILEGED),
    subnets: Sequence[str] = (),
) -> str:
    """``topology`` as the text of a compose file; the same arguments give the same text.

    Args:
        topology: what to render.
        project: compose's name for it; the topology's by default.
        data: ``"memory"`` needs no preparation and is gone with the container; ``"folder"`` is ``./data/SERVICE``,
            which must exist and belong to ``user``, and survives it.
        host_ports: where published ports are reached on loopback; fixed ones from 24000 on by default.
        images: by program and version; the official ones by default, which ``EDGELAB_…_IMAGE`` override.
        labels: put on every container and network.
        user: number of user and group that the services run as.
        subnets: one for each network, ``"10.200.0.0/28"``; by default the engine takes them from its own pool.
    """
    ports = fixed_ports(topology) if host_ports is None else host_ports
    book = ContainerBook(ports)
    document = {
        "name": project or topology.name,
        "services": {
            service.name: _service(topology, service, data, book, images, labels or {}, user)
            for service in topology.services
        },
        "networks": {
            network: _network(labels or {}, subnet)
            for network, subnet in zip_longest(networks_of(topology), subnets[: len(networks_of(topology))])
        },
    }
    return _heading(topology, ports) + yaml.safe_dump(document, sort_keys=False, width=120)


def write_project(topology: Topology, folder: Path, **options: Any) -> Path:
    """Write ``compose.yaml`` and the configuration files it mounts below ``folder``; the path of the former.

    Takes the options of :func:`render`.
    """
    text = render(topology, **options)
    book = ContainerBook(options.get("host_ports") or fixed_ports(topology))
    for service in topology.services:
        config = folder / "config" / service.name
        config.mkdir(parents=True, exist_ok=True)
        config.chmod(0o755)  # the container's user must read it, whatever this user's umask is
        for file in service.files:
            path = config / file.name
            path.write_text(fill(file.text, topology=topology, service=service, book=book))
            path.chmod(0o644)
    path = folder / COMPOSE_FILE
    path.write_text(text)
    return path


def _heading(topology: Topology, ports: Mapping[tuple[str, str], int]) -> str:
    lines = [f"# {topology.name}: rendered by edgelab; edit the topology, not this file. On this machine:"]
    lines += [f"#   127.0.0.1:{number}  {service} {port}" for (service, port), number in ports.items()]
    return "\n".join(lines) + "\n"


def _service(
    topology: Topology,
    service: Service,
    data: Data,
    book: ContainerBook,
    images: Mapping[tuple[str, str], str] | None,
    labels: Mapping[str, str],
    user: tuple[int, int],
) -> dict[str, Any]:
    program = (service.program, service.version)

    def filled(text: str) -> str:
        # A dollar sign as it is: compose would put a variable of its environment there.
        return fill(text, topology=topology, service=service, book=book).replace("$", "$$")

    made: dict[str, Any] = {
        "image": images[program] if images is not None else images_.by_default(*program),
        **_entrypoint(service),
        "command": [filled(argument) for argument in service.arguments],
        "user": f"{user[0]}:{user[1]}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": service.memory_bytes,
        "memswap_limit": service.memory_bytes,
        "cpus": service.cpus,
        "restart": "on-failure" if service.supervised else "no",
        "networks": list(service.networks),
    }
    environment = {name: filled(value) for name, value in service.environment}
    if is_jvm(service):
        environment = {**CONTAINER_ENVIRONMENT, **environment}
    if environment:
        made["environment"] = environment
    published = [
        f"127.0.0.1:{book.host_ports[service.name, port.name]}:{port.number}"
        for port in service.ports
        if port.published
    ]
    if published:
        made["ports"] = published
    volumes = _volumes(service, data)
    if volumes:
        made["volumes"] = volumes
    if tmpfs := _tmpfs(service, data, user):
        made["tmpfs"] = tmpfs
    if before := _before(topology, service):
        made["depends_on"] = before
    made["labels"] = {**labels, SERVICE_LABEL: service.name}
    return made


def _entrypoint(service: Service) -> dict[str, Any]:
    if not is_jvm(service):
        return {}  # the image's own
    return {"entrypoint": [SHELL, "-c", _WATCHED.replace("$", "$$"), SHELL] if service.supervised else [SHELL]}


def _tmpfs(service: Service, data: Data, user: tuple[int, int]) -> list[str]:
    found = []
    if service.keeps_data and data == "memory":
        # Half of the memory limit, which counts it: a broker meets a full disk before the kernel ends it.
        size = service.memory_bytes // 2 // MIB
        found.append(f"{CONTAINER_DATA}:uid={user[0]},gid={user[1]},mode=0750,size={size}m")
    if is_jvm(service):
        found.append(_JVM_TMPFS)
    return found


def _volumes(service: Service, data: Data) -> list[dict[str, Any]]:
    bound = []
    if service.files:
        bound.append((f"./config/{service.name}", CONTAINER_CONFIG, True))
    if service.keeps_data and data == "folder":
        bound.append((f"./data/{service.name}", CONTAINER_DATA, False))
    return [
        {
            "type": "bind",
            "source": source,
            "target": target,
            **({"read_only": True} if read_only else {}),
            "bind": {"create_host_path": False},
        }
        for source, target, read_only in bound
    ]


def _before(topology: Topology, service: Service) -> list[str]:
    # A site that starts before the proxy would wait a reconnect interval for a name that is not there yet.
    earlier = {"hub": (), "proxy": ("hub",), "site": ("proxy",), "mirror": ("proxy", "site")}[service.role]
    return [s.name for s in topology.services if s.role in earlier]


def networks_of(topology: Topology) -> list[str]:
    """Its networks, each once."""
    return list(dict.fromkeys(network for service in topology.services for network in service.networks))


def _network(labels: Mapping[str, str], subnet: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"driver": "bridge"}
    if subnet is not None:
        made["ipam"] = {"config": [{"subnet": subnet}]}
    if labels:
        made["labels"] = dict(labels)
    return made
