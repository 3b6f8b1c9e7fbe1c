"""What there is: services, links and networks. Pure data; :mod:`edgelab.deploy` makes it run.

Configuration texts and arguments hold placeholders that a runtime's address book fills in, so that one topology
becomes containers or plain processes with the same configuration:

=================================  ==================================================================
``@{listen:PORT}``                 the address on which this service binds its own port
``@{dial:SERVICE:PORT}``           the address at which this service reaches that port
``@{lab:SERVICE:PORT}``            the address at which the lab, on the host, reaches that published port
``@{listen-host:PORT}``            the host part of it
``@{listen-port:PORT}``            the port part of it
``@{data}``                        this service's data directory
``@{file:NAME}``                   the path of this service's configuration file
=================================  ==================================================================
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ..errors import SpecError
from . import validate

HUB = "hub"
PROXY = "toxiproxy"
PROXY_API = "api"
TOXIPROXY_VERSION = "2.12.0"
Role = Literal["hub", "site", "proxy", "mirror"]
MIB = 1024 * 1024
MOST_SITES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a service.

    Attributes:
        name: unique within the service.
        number: where the service listens in its container.
        published: whether the lab, on the host, needs to reach it (bound to loopback only).
        probe_request: bytes to which whoever listens answers something at once, without opening a session; empty
            where it greets by itself, or speaks HTTP, or cannot be asked.
    """

    name: str
    number: int
    published: bool = True
    probe_request: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A file the service reads; ``text`` may hold placeholders."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One broker, mirror or proxy process.

    Attributes:
        role: what it is and when it starts: hub, proxy, sites, and at last the mirrors, which connect the others.
        site: the site that it serves, wherever it runs; empty for what serves all: the hub's brokers, the proxy.
        program: key of its binary and image: ``"nats-server"``, ``"toxiproxy"``, ``"kafka"``, ….
        version: of the program, ``"2.10.12"``.
        arguments: command line after the program's name; may hold placeholders.
        memory_bytes / cpus: limits (containers only; processes are not limited).
        keeps_data: whether it has a data directory, which survives a kill.
        supervised: whether it is started again when it ends by itself with a failure, as a supervisor at a real site
            would; one that is not and ends by itself ends the run.
    """

    name: str
    role: Role
    program: str
    version: str
    arguments: tuple[str, ...]
    site: str = ""
    files: tuple[ConfigFile, ...] = ()
    ports: tuple[Port, ...] = ()
    networks: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    memory_bytes: int = 256 * MIB
    cpus: float = 1.0
    keeps_data: bool = False
    supervised: bool = False

    @property
    def place(self) -> str:
        """Where it runs: ``"hub"``, or the site on whose network it is; empty for the proxy, which is everywhere."""
        if self.role == "proxy":
            return ""
        return HUB if self.role == "hub" or HUB in self.networks else self.site

    def port(self, name: str) -> Port:
        """The port called ``name``.

        Raises:
            SpecError: there is none.
        """
        for port in self.ports:
            if port.name == name:
                return port
        raise SpecError(f"service {self.name} has no port {name!r}, only {', '.join(p.name for p in self.ports)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The WAN path of one site, or one of several: a Toxiproxy proxy in front of ``service``'s ``port``.

    Attributes:
        name: of the proxy; the site's name where the site has one link.
        dialed_by: who opens its connections. "Up" is always from the site to the hub, so on a link dialed by
            the hub, up is Toxiproxy's *downstream*.
        probe_greeting: what the far end sends first on a new connection (its beginning); empty if it waits.
        probe_request: bytes to which the far end answers something at once without opening a session of its own.
    """

    name: str
    site: str
    service: str
    port: str
    dialed_by: Literal["site", "hub"] = "site"
    probe_greeting: bytes = b""
    probe_request: bytes = b""

    @property
    def listen_port(self) -> str:
        """Name of the proxy service's port for this link."""
        return f"link-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Sites, one hub, one Toxiproxy, and nothing between site and hub but its links.

    Build it with :func:`assemble`.
    """

    name: str
    sites: tuple[str, ...]
    services: tuple[Service, ...]
    links: tuple[Link, ...] = field(default=())

    def service(self, name: str) -> Service:
        """The service called ``name``.

        Raises:
            SpecError: there is none.
        """
        for service in self.services:
            if service.name == name:
                return service
        raise SpecError(f"topology {self.name} has no service {name!r}")

    def links_of(self, site: str) -> tuple[Link, ...]:
        """The links of ``site``."""
        return tuple(link for link in self.links if link.site == site)

    def services_of(self, site: str) -> tuple[Service, ...]:
        """The services of ``site``: its broker, if it has one, and whatever else serves it alone."""
        return tuple(service for service in self.services if service.site == site)

    @property
    def breakable(self) -> tuple[str, ...]:
        """Names of the services that a fault may hit: all but the proxy, which is the lab's own."""
        return tuple(service.name for service in self.services if service.role != "proxy")


def site_names(count: int) -> tuple[str, ...]:
    """``("site-1", …)``, zero-padded so that they sort."""
    validate.integer("sites", count, low=1, high=MOST_SITES)
    width = len(str(count))
    return tuple(f"site-{i:0{width}d}" for i in range(1, count + 1))


def site_network(site: str) -> str:
    """The network of one site; only its own services and the proxy are on it."""
    return f"{site}-lan"


def assemble(
    name: str,
    *,
    sites: Iterable[str],
    services: Iterable[Service],
    links: Iterable[Link],
    toxiproxy_version: str = TOXIPROXY_VERSION,
) -> Topology:
    """A topology from a system's brokers and links, with the Toxiproxy that carries the links.

    Raises:
        SpecError: bad or repeated names, or a service or link of a site that is not there.
    """
    validate.name("topology", name)
    names, services, links = tuple(sites), tuple(services), tuple(links)
    for what, items in (("sites", names), ("services", [s.name for s in services]), ("links", [x.name for x in links])):
        for item in items:
            validate.name(what, item)
        repeated = [item for item, n in Counter(items).items() if n > 1]
        if repeated:
            raise SpecError(f"{what} must not repeat a name, not {repeated[0]!r} twice")
    placed = [(f"link {link.name}", link.site) for link in links]
    placed += [(f"service {s.name}", s.site) for s in services if s.site or s.role == "site"]
    for what, site in placed:
        if site not in names:
            raise SpecError(f"site of {what} must be one of {', '.join(names)}, not {site!r}")
    return Topology(name=name, sites=names, services=(*services, _proxy(names, links, toxiproxy_version)), links=links)


def _proxy(sites: tuple[str, ...], links: tuple[Link, ...], version: str) -> Service:
    proxies = [
        {
            "name": link.name,
            "listen": f"@{{listen:{link.listen_port}}}",
            "upstream": f"@{{dial:{link.service}:{link.port}}}",
            "enabled": True,
        }
        for link in links
    ]
    ports = (
        Port(name=PROXY_API, number=8474),
        *(Port(name=x.listen_port, number=9001 + i) for i, x in enumerate(links)),
    )
    return Service(
        name=PROXY,
        role="proxy",
        program="toxiproxy",
        version=version,
        arguments=(
            "-host=@{listen-host:api}",
            "-port=@{listen-port:api}",
            "-config=@{file:toxiproxy.json}",
            "-proxy-metrics",
        ),
        files=(ConfigFile(name="toxiproxy.json", text=json.dumps(proxies, indent=2) + "\n"),),
        ports=ports,
        networks=(HUB, *(site_network(site) for site in sites)),
        memory_bytes=max(256, 8 * len(links)) * MIB,
        cpus=2.0,
    )
