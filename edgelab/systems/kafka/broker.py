"""Configurations and services of brokers, with KRaft or with a ZooKeeper beside them."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...model.topology import HUB, MIB, PROXY, ConfigFile, Link, Port, Service
from . import heap, launch, properties
from .settings import Setting, merged, users
from .versions import parse

LAB, INTERNAL, CONTROLLER, WAN = "lab", "internal", "controller", "wan"
HUB_NODE, FIRST_SITE_NODE = 1, 101
PROBE = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""A request for the versions that a broker talks: any broker answers it at once, without opening a session."""
_PROPERTIES = "server.properties"
_ZOOKEEPER_PORT = "client"
_FIRST_WAN_NUMBER = 19100

_LISTEN = "Each listener is advertised at one address: the lab's own, the cluster's, and one for each link's proxy."
_SMALL = "A small heap: as shipped, the log cleaner takes 128 MiB when it starts."
_NODE = "Logs name a broker by it: the hub's is 1, the sites' begin at 101."
_SINGLE = "A cluster of one broker."
_STAMPS = "The lab measures with the stamps of the broker's own clock."


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One broker, before it becomes a service.

    Attributes:
        name: of its service: ``"hub"`` or the site's.
        site: whose it is; empty for the hub's.
        node: its number in its cluster, which logs name it by.
        networks: it is on.
        wan: of each link that ends at it, the port's name and the address at which its callers reach the proxy.
        zookeeper: whether its cluster keeps its metadata in a ZooKeeper.
        shortened: whether its topics' retention is short, and must be looked after often.
    """

    name: str
    site: str = ""
    version: str
    node: int
    networks: tuple[str, ...]
    wan: tuple[tuple[str, str], ...] = ()
    zookeeper: bool = False
    heap_bytes: int
    jvm: str = ""
    small: bool = False
    cpus: float = 1.0
    shortened: bool = False
    text: Mapping[str, str]

    @property
    def services(self) -> tuple[Service, ...]:
        """Its service, and that of its ZooKeeper."""
        return (_zookeeper(self), _service(self)) if self.zookeeper else (_service(self),)


def link(site: str, *, hub_dials: bool) -> Link:
    """The link of ``site``, to the listener that is advertised at its proxy."""
    if hub_dials:
        return Link(name=site, site=site, service=site, port=WAN, dialed_by="hub", probe_request=PROBE)
    return Link(name=site, site=site, service=HUB, port=wan_port(site), probe_request=PROBE)


def wan_port(site: str) -> str:
    """Name of the hub's port for the link of ``site``."""
    return f"{WAN}-{site}"


def proxied(site: str, *, for_lab: bool = False) -> str:
    """The address of the proxy of ``site``: for services, or for publishers on the host."""
    return f"@{{{'lab' if for_lab else 'dial'}:{PROXY}:link-{site}}}"


def configuration(broker: Broker) -> tuple[Setting, ...]:
    """``server.properties``, with the user's lines."""
    name = broker.name
    ports = [LAB, INTERNAL, *(port for port, _ in broker.wan)]
    advertised = {LAB: f"@{{lab:{name}:{LAB}}}", INTERNAL: f"@{{dial:{name}:{INTERNAL}}}", **dict(broker.wan)}
    if not broker.zookeeper:
        ports.append(CONTROLLER)
    ours = (
        *(_in_zookeeper(broker) if broker.zookeeper else _in_kraft(broker)),
        Setting("listeners", _joined(f"{_upper(p)}://@{{listen:{p}}}" for p in ports), _LISTEN),
        Setting("advertised.listeners", _joined(f"{_upper(p)}://{a}" for p, a in advertised.items()), _LISTEN),
        Setting("listener.security.protocol.map", _joined(f"{_upper(p)}:PLAINTEXT" for p in ports), _LISTEN),
        Setting("inter.broker.listener.name", _upper(INTERNAL), _LISTEN),
        Setting("num.network.threads", "1", "For each listener: a hub has one for every site."),
        Setting("log.dirs", "@{data}/log", "Its data."),
        Setting("log.message.timestamp.type", "LogAppendTime", _STAMPS),
        Setting("auto.create.topics.enable", "false", "The lab makes the topics."),
        Setting("offsets.topic.replication.factor", "1", _SINGLE),
        Setting("offsets.topic.num.partitions", "1", _SINGLE),
        Setting("transaction.state.log.replication.factor", "1", _SINGLE),
        Setting("transaction.state.log.min.isr", "1", _SINGLE),
        Setting("transaction.state.log.num.partitions", "1", _SINGLE),
        Setting("group.initial.rebalance.delay.ms", "0", "A group here has one member: there is nobody to wait for."),
        Setting("log.cleaner.dedupe.buffer.size", "4194304", _SMALL),
        Setting("log.cleaner.io.buffer.size", "65536", _SMALL),
        Setting("log.cleaner.threads", "1", _SMALL),
    )
    if broker.shortened:
        ours = (
            *ours,
            Setting("log.retention.check.interval.ms", "1000", "The topic's retention is short (shipped: 5 min)."),
            Setting("log.initial.task.delay.ms", "1000", "The topic's retention is short (shipped: 30 s)."),
        )
    return merged(ours, users(broker.text))


def _in_kraft(broker: Broker) -> tuple[Setting, ...]:
    voter = f"{broker.node}@@{{dial:{broker.name}:{CONTROLLER}}}"
    return (
        Setting("process.roles", "broker,controller", _SINGLE),
        Setting("node.id", str(broker.node), _NODE),
        Setting("controller.quorum.voters", voter, _SINGLE),
        Setting("controller.listener.names", _upper(CONTROLLER), _LISTEN),
    )


def _in_zookeeper(broker: Broker) -> tuple[Setting, ...]:
    return (
        Setting("broker.id", str(broker.node), _NODE),
        Setting("zookeeper.connect", f"@{{dial:{_zookeeper_name(broker)}:{_ZOOKEEPER_PORT}}}", "Its cluster's."),
    )


def _service(broker: Broker) -> Service:
    version = parse(broker.version)
    kraft = launch.format_storage(_cluster_id(broker.name), _PROPERTIES)
    ports = [Port(name=LAB, number=9092, probe_request=PROBE), Port(name=INTERNAL, number=9093, published=False)]
    if not broker.zookeeper:
        ports.append(Port(name=CONTROLLER, number=9094, published=False))
    ports += [Port(name=name, number=_FIRST_WAN_NUMBER + i, published=False) for i, (name, _) in enumerate(broker.wan)]
    return Service(
        name=broker.name,
        role="site" if broker.site else "hub",
        site=broker.site,
        program="kafka",
        version=broker.version,
        arguments=launch.ARGUMENTS,
        files=(
            launch.script(
                what=f"The broker of {broker.name}.",
                version=version,
                jvm=heap.options(broker.heap_bytes, broker.jvm, small=broker.small),
                archive="broker",
                program=("kafka.Kafka", f"@{{file:{_PROPERTIES}}}"),
                before=launch.data_folder() + ("" if broker.zookeeper else kraft),
            ),
            ConfigFile(
                name=_PROPERTIES,
                text=properties.render(f"The broker of {broker.name}.", configuration(broker)),
            ),
            launch.logging(version),
        ),
        ports=tuple(ports),
        networks=broker.networks,
        memory_bytes=heap.memory_bytes(heap.size_bytes(broker.heap_bytes, broker.jvm)),
        cpus=broker.cpus,
        keeps_data=True,
    )


def _zookeeper(broker: Broker) -> Service:
    lines = (
        Setting("dataDir", "@{data}", "Its data."),
        Setting("clientPort", f"@{{listen-port:{_ZOOKEEPER_PORT}}}", _LISTEN),
        Setting("clientPortAddress", f"@{{listen-host:{_ZOOKEEPER_PORT}}}", _LISTEN),
        Setting("admin.enableServer", "false", "Nobody asks it."),
        Setting("tickTime", "2000", "As shipped."),
    )
    name = _zookeeper_name(broker)
    return Service(
        name=name,
        role="site" if broker.site else "hub",
        site=broker.site,
        program="kafka",
        version=broker.version,
        arguments=launch.ARGUMENTS,
        files=(
            launch.script(
                what=f"The ZooKeeper of {broker.name}.",
                version=parse(broker.version),
                jvm=heap.options(_ZOOKEEPER_HEAP_BYTES, "", small=True),
                archive="zookeeper",
                program=("org.apache.zookeeper.server.quorum.QuorumPeerMain", "@{file:zookeeper.properties}"),
                before=launch.data_folder(),
            ),
            ConfigFile(name="zookeeper.properties", text=properties.render(f"The ZooKeeper of {broker.name}.", lines)),
            launch.logging(parse(broker.version)),
        ),
        ports=(Port(name=_ZOOKEEPER_PORT, number=2181, published=False),),
        networks=broker.networks,
        memory_bytes=heap.memory_bytes(_ZOOKEEPER_HEAP_BYTES),
        cpus=broker.cpus,
        keeps_data=True,
    )


def _zookeeper_name(broker: Broker) -> str:
    return f"zookeeper-{broker.name}"


def _cluster_id(name: str) -> str:
    """A UUID as Kafka writes them, the same for the same cluster."""
    text = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:16]).decode().rstrip("=")
    # One that began with a hyphen would be read as an option.
    return text if text[0] != "-" else f"A{text[1:]}"


def _upper(port: str) -> str:
    """Name of the listener of a port."""
    return port.upper().replace("-", "_")


def _joined(items: Iterable[str]) -> str:
    return ",".join(items)


_ZOOKEEPER_HEAP_BYTES = 64 * MIB
