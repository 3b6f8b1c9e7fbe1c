"""A hub, sites and links small enough to start in a test."""

from collections.abc import Callable

import pytest

from edgelab.model import topology as t

NATS = "2.10.12"

HUB_CONFIG = """\
server_name: hub
listen: "@{listen:client}"
http: "@{listen:monitor}"
jetstream { domain: hub, store_dir: "@{data}" }
leafnodes { listen: "@{listen:leaf}", advertise: "127.0.0.1:9" }
"""
SITE_CONFIG = """\
server_name: SITE
listen: "@{listen:client}"
http: "@{listen:monitor}"
jetstream { domain: SITE, store_dir: "@{data}" }
leafnodes { reconnect: "50ms", remotes: [ { url: "nats-leaf://@{dial:toxiproxy:link-SITE}" } ] }
"""


@pytest.fixture
def small() -> Callable[..., t.Topology]:
    """Makes topologies of one hub and a few sites, with lines added to the sites' configuration."""
    return _small


def _small(*, sites: int = 1, extra: str = "", version: str = NATS) -> t.Topology:
    names = t.site_names(sites)
    return t.assemble(
        "small",
        sites=names,
        services=[
            _server("hub", "hub", HUB_CONFIG, t.HUB, version, t.Port(name="leaf", number=7422, published=False)),
            *(_server(s, "site", SITE_CONFIG.replace("SITE", s) + extra, t.site_network(s), version) for s in names),
        ],
        links=[t.Link(name=s, site=s, service="hub", port="leaf", probe_greeting=b"INFO ") for s in names],
    )


def _server(name: str, role: t.Role, config: str, network: str, version: str, *more: t.Port) -> t.Service:
    return t.Service(
        name=name,
        role=role,
        site=name if role == "site" else "",
        program="nats-server",
        version=version,
        arguments=("-c", "@{file:nats.conf}"),
        files=(t.ConfigFile(name="nats.conf", text=config),),
        ports=(t.Port(name="client", number=4222), t.Port(name="monitor", number=8222), *more),
        networks=(network,),
        keeps_data=True,
    )


BROKER = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@@{dial:hub:controller}
listeners=PLAINTEXT://@{listen:lab},CONTROLLER://@{listen:controller}
advertised.listeners=PLAINTEXT://@{lab:hub:lab}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=@{data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.io.buffer.size=65536
log.cleaner.threads=1
"""
LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
"""
START = """\
set -e
run() { "$EDGELAB_JAVA" HEAP -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$EDGELAB_KAFKA_LIBS/*" \
 -Dlog4j2.configurationFile=@{file:log4j2.properties} "$@"; }
run kafka.tools.StorageTool format --ignore-formatted -t MkU3OEVBNTcwNTJENDM2Qg -c @{file:broker.properties}
archive=
[ ! -f "$EDGELAB_CDS/broker.jsa" ] || archive="-XX:SharedArchiveFile=$EDGELAB_CDS/broker.jsa"
run() { exec "$EDGELAB_JAVA" HEAP -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$EDGELAB_KAFKA_LIBS/*" \
 -Dlog4j2.configurationFile=@{file:log4j2.properties} "$@"; }
run $archive kafka.Kafka @{file:broker.properties}
"""


@pytest.fixture
def broker() -> Callable[..., t.Topology]:
    """Makes topologies of nothing but one Kafka broker."""
    return _broker


def _broker(*, version: str = "4.3.1", heap: str = "-Xmx64m") -> t.Topology:
    files = {"broker.properties": BROKER, "log4j2.properties": LOGGING, "start.sh": START.replace("HEAP", heap)}
    hub = t.Service(
        name="hub",
        role="hub",
        program="kafka",
        version=version,
        arguments=("@{file:start.sh}",),
        files=tuple(t.ConfigFile(name=name, text=text) for name, text in files.items()),
        ports=(t.Port(name="lab", number=9092), t.Port(name="controller", number=9093, published=False)),
        networks=(t.HUB,),
        memory_bytes=512 * t.MIB,
        keeps_data=True,
    )
    return t.assemble("broker", sites=[], services=[hub], links=[])
