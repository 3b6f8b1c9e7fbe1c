"""Address books: what the placeholders of a topology become under each runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import SpecError
from ..model.topology import Service, Topology
from .base import Address
from .ports import Ports

CONTAINER_CONFIG = "/etc/edgelab"
CONTAINER_DATA = "/data"
FIRST_FIXED_PORT = 24_000
_PLACEHOLDER = re.compile(r"@\{([^{}\n]*)\}")


class AddressBook(Protocol):
    """Where things are, as seen by the services themselves."""

    def listen(self, service: Service, port: str) -> Address:
        """What ``service`` binds for ``port``."""

    def dial(self, service: Service, port: str) -> Address:
        """Where other services reach ``port`` of ``service``."""

    def lab(self, service: Service, port: str) -> Address:
        """Where the lab, on the host, reaches ``port`` of ``service``, which must be published."""

    def data(self, service: Service) -> str:
        """The data directory of ``service``."""

    def file(self, service: Service, name: str) -> str:
        """The path of a configuration file of ``service``."""


@dataclass(frozen=True, slots=True)
class ProcessBook:
    """Everything on loopback, each port of each service with a number of its own."""

    folder: Path
    numbers: Mapping[tuple[str, str], int]

    def listen(self, service: Service, port: str) -> Address:
        service.port(port)
        return Address("127.0.0.1", self.numbers[service.name, port])

    def dial(self, service: Service, port: str) -> Address:
        return self.listen(service, port)

    def lab(self, service: Service, port: str) -> Address:
        _check_published(service, port)
        return self.listen(service, port)

    def data(self, service: Service) -> str:
        return str(self.folder / "data" / service.name)

    def file(self, service: Service, name: str) -> str:
        return str(self.folder / "config" / service.name / name)


@dataclass(frozen=True, slots=True)
class ContainerBook:
    """A host name for each service, and the port numbers of the topology.

    Attributes:
        host_ports: where published ports are reached on the host's loopback.
    """

    host_ports: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def listen(self, service: Service, port: str) -> Address:
        return Address("0.0.0.0", service.port(port).number)  # noqa: S104 - inside a container

    def dial(self, service: Service, port: str) -> Address:
        return Address(service.name, service.port(port).number)

    def lab(self, service: Service, port: str) -> Address:
        _check_published(service, port)
        return Address("127.0.0.1", self.host_ports[service.name, port])

    def data(self, service: Service) -> str:
        del service
        return CONTAINER_DATA

    def file(self, service: Service, name: str) -> str:
        del service
        return f"{CONTAINER_CONFIG}/{name}"


def take_ports(topology: Topology, ports: Ports, *, published_only: bool = False) -> dict[tuple[str, str], int]:
    """A free host port for each port of each service (for the published ones only, if so asked)."""
    return {
        (service.name, port.name): ports.take()
        for service in topology.services
        for port in service.ports
        if port.published or not published_only
    }


def fixed_ports(topology: Topology) -> dict[tuple[str, str], int]:
    """Host ports for a compose file that people use by hand: the same each time, counted from 24000."""
    published = [(service.name, port.name) for service in topology.services for port in service.ports if port.published]
    return {key: FIRST_FIXED_PORT + i for i, key in enumerate(published)}


def fill(text: str, *, topology: Topology, service: Service, book: AddressBook) -> str:
    """``text`` of ``service`` with every placeholder replaced.

    Raises:
        SpecError: a placeholder that does not exist, or names what does not.
    """

    def value(match: re.Match[str]) -> str:
        kind, *names = match[1].split(":")
        match kind, names:
            case "listen", [port]:
                return str(book.listen(service, port))
            case "listen-host", [port]:
                return book.listen(service, port).host
            case "listen-port", [port]:
                return str(book.listen(service, port).port)
            case (("dial" | "lab"), [other, port]):
                where = book.dial if kind == "dial" else book.lab
                return str(where(topology.service(other), port))
            case "data", []:
                return book.data(service)
            case "file", [name]:
                if name not in {file.name for file in service.files}:
                    raise SpecError(f"service {service.name} has no file {name!r}, which {match[0]} names")
                return book.file(service, name)
        raise SpecError(f"service {service.name} uses {match[0]}, which is no placeholder of a topology")

    return _PLACEHOLDER.sub(value, text)


def check_placeholders(topology: Topology) -> None:
    """Refuse placeholders, which users may write too, that stand for nothing.

    Raises:
        SpecError: one does; the message names it and its service.
    """
    book = ContainerBook(fixed_ports(topology))
    for service in topology.services:
        for text in (*service.arguments, *(file.text for file in service.files)):
            fill(text, topology=topology, service=service, book=book)


def _check_published(service: Service, port: str) -> None:
    if not service.port(port).published:
        raise SpecError(f"port {port!r} of {service.name} is not published: the lab does not reach it")
