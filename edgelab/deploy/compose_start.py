"""Steps of bringing containers up: folders they may write, ports that answer, configurations that are refused."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

import docker
import psutil
from docker.errors import ContainerError

from ..errors import LabError
from ..model.topology import Service, Topology
from . import docker_api
from .addresses import CONTAINER_CONFIG, ContainerBook, fill
from .base import Address
from .compose import UNPRIVILEGED, networks_of

_SILENCE_S = 0.15
_FEW_NETWORKS = 12  # the engine's pool usually holds about thirty, for all that runs on it
_FIRST_BLOCK = ipaddress.IPv4Address("10.200.0.0")
_SUBNET_BITS = 28  # gateway, proxy and up to twelve services
_BOOK = ContainerBook()


def refused_config(
    client: docker.DockerClient,
    topology: Topology,
    service: Service,
    folder: Path,
    tag: str,
    labels: Mapping[str, str],
) -> str | None:
    """What nats-server says against the configuration of ``service``; None if nothing."""
    arguments = [fill(a, topology=topology, service=service, book=_BOOK) for a in service.arguments]
    config = {str(folder / "config" / service.name): {"bind": CONTAINER_CONFIG, "mode": "ro"}}
    try:
        with docker_api.translated(f"check the configuration of {service.name}"):
            client.containers.run(
                tag,
                ["-t", *arguments],
                volumes=config,
                remove=True,
                stderr=True,
                network_mode="none",
                labels=dict(labels),
            )
    except LabError as error:
        refused = error.__cause__
        if not isinstance(refused, ContainerError):
            raise
        words = refused.stderr.decode(errors="replace") if isinstance(refused.stderr, bytes) else refused.stderr
        return (words or str(refused)).strip().removeprefix("nats-server: ")
    return None


def prepare_data(topology: Topology, folder: Path) -> tuple[int, int]:
    """Make the data folders; the number of user and group that they belong to."""
    # A lab that runs as root gives its containers a user without rights; any other lab gives them its own.
    user = (UNPRIVILEGED, UNPRIVILEGED) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    for service in topology.services:
        if service.keeps_data:
            data = folder / "data" / service.name
            data.mkdir(parents=True, exist_ok=True)
            os.chown(data, *user)
    return user


def ports_to_try(services: Iterable[Service]) -> list[tuple[str, str]]:
    """Service and name of the ports that show whether ``services`` are up."""
    # Toxiproxy opens its links before its API; a trial connection to a link would be one to the broker behind it.
    return [
        (service.name, port.name)
        for service in services
        for port in service.ports
        if port.published and not (service.role == "proxy" and port.name.startswith("link-"))
    ]


def subnets_for(topology: Topology) -> list[str]:
    """A small subnet for each network, where there are more than the engine's own pool may hold; else none."""
    wanted = len(networks_of(topology))
    if wanted <= _FEW_NETWORKS:
        return []
    taken = [
        ipaddress.ip_interface(f"{address.address}/{address.netmask}").network
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and address.netmask
    ]
    for block in ipaddress.IPv4Network("10.0.0.0/8").subnets(new_prefix=16):
        if block.network_address >= _FIRST_BLOCK and not any(block.overlaps(other) for other in taken):
            return [str(subnet) for subnet in islice(block.subnets(new_prefix=_SUBNET_BITS), wanted)]
    raise LabError(f"no free range of addresses above {_FIRST_BLOCK} for {wanted} networks; run `edgelab clean`")


def accepts(address: Address) -> bool:
    """Whether something accepts connections there."""
    # Docker's own proxy accepts whatever the container does, and hangs up at once where nobody listens behind it:
    # a port counts as open when the connection stays, or says something.
    try:
        with socket.create_connection(address, timeout=1.0) as connection:
            connection.settimeout(_SILENCE_S)
            try:
                return connection.recv(1) != b""
            except TimeoutError:
                return True
    except OSError:
        return False
