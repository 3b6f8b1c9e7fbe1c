"""MirrorMaker's configuration and service: in dedicated mode, or as a connector in a Connect standalone worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ...model.topology import HUB, ConfigFile, Port, Service, site_network
from . import broker, heap, launch, properties
from .keys import FLOW, SITE
from .settings import Setting, merged, users
from .versions import parse

Place = Literal["edge", "hub", "standalone"]
REST = "rest"
TOPIC = "edge"
CONNECTOR = "MirrorSourceConnector"
_FILE, _WORKER_FILE = "mm2.properties", "worker.properties"
_GROUP = ("session.timeout.ms", "heartbeat.interval.ms", "rebalance.timeout.ms", "scheduled.rebalance.max.delay.ms")
_STORAGE = ("config.storage.", "offset.storage.", "status.storage.")
_BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
_ADDRESS = "The link's end of the connection is the proxy's address."
_COPY = "Messages are copied as they are."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """One mirror, before it becomes a service.

    Attributes:
        site: whose it is.
        place: where it runs, and as what.
        settings: preset and options, in the keys of ``mm2.properties``.
        text: the user's lines.
    """

    site: str
    version: str
    place: Place
    tasks_max: int
    settings: tuple[Setting, ...]
    text: Mapping[str, str]
    heap_bytes: int
    jvm: str = ""
    cpus: float = 1.0

    @property
    def service(self) -> Service:
        """Its service."""
        standalone = self.place == "standalone"
        version = parse(self.version)
        program = (
            ("org.apache.kafka.connect.cli.ConnectStandalone", f"@{{file:{_WORKER_FILE}}}", f"@{{file:{_FILE}}}")
            if standalone
            else ("org.apache.kafka.connect.mirror.MirrorMaker", f"@{{file:{_FILE}}}")
        )
        what = f"The mirror of {self.site}{', in a Connect standalone worker' if standalone else ''}."
        script = launch.script(
            what=what,
            version=version,
            jvm=heap.options(self.heap_bytes, self.jvm, small=False),
            archive="mirror",
            program=program,
            before=launch.data_folder() if standalone else "",
        )
        return Service(
            name=service_name(self.site),
            role="mirror",
            site=self.site,
            program="kafka",
            version=self.version,
            arguments=launch.ARGUMENTS,
            files=(script, *self._files(what), launch.logging(version)),
            ports=tuple(self._ports()),
            networks=(HUB if self.place == "hub" else site_network(self.site),),
            memory_bytes=heap.memory_bytes(heap.size_bytes(self.heap_bytes, self.jvm)),
            cpus=self.cpus,
            keeps_data=standalone,
            supervised=True,
        )

    def _files(self, what: str) -> tuple[ConfigFile, ...]:
        if self.place != "standalone":
            return (ConfigFile(name=_FILE, text=properties.render(what, dedicated(self))),)
        worker, connector = standalone(self)
        return (
            ConfigFile(name=_WORKER_FILE, text=properties.render(what, worker)),
            ConfigFile(name=_FILE, text=properties.render(what, connector)),
        )

    def _ports(self) -> Iterator[Port]:
        if self.place == "standalone":
            yield Port(name=REST, number=8083)
        elif any("@{listen:rest}" in setting.value for setting in self.settings):
            yield Port(name=REST, number=8083, published=False)


def service_name(site: str) -> str:
    """Name of the service of the mirror of ``site``."""
    return f"mirror-{site}"


def hub_topic(site: str) -> str:
    """The topic at the hub, as MirrorMaker names it when nothing else is said."""
    return f"{site}.{TOPIC}"


def dedicated(mirror: Mirror) -> tuple[Setting, ...]:
    """``mm2.properties``, with the user's lines."""
    site_address, hub_address = _addresses(mirror)
    one_way = "Messages flow from the site to the hub only."
    ours = (
        Setting("clusters", f"{SITE}, {HUB}", one_way),
        Setting(f"{SITE}.bootstrap.servers", site_address, _ADDRESS),
        Setting(f"{HUB}.bootstrap.servers", hub_address, _ADDRESS),
        Setting(f"{FLOW}enabled", "true", one_way),
        Setting(f"{HUB}->{SITE}.enabled", "false", one_way),
        Setting(f"{FLOW}topics", TOPIC, "The topic that publishers write to."),
        Setting("tasks.max", str(mirror.tasks_max), "As asked."),
    )
    lines = merged(ours, _placed(mirror), mirror.settings, users(mirror.text))
    return tuple(_of_site(line, mirror.site) for line in lines)


def standalone(mirror: Mirror) -> tuple[tuple[Setting, ...], tuple[Setting, ...]]:
    """Configurations of a Connect standalone worker and of the connector in it, from the keys of ``mm2.properties``.

    The worker is in no group: what those keys say of one has no place here.
    """
    site_address, hub_address = _addresses(mirror)
    worker = [
        Setting("bootstrap.servers", hub_address, _ADDRESS),
        Setting("listeners", f"http://@{{listen:{REST}}}", "The lab asks for the connector's state."),
        Setting("offset.storage.file.filename", "@{data}/offsets", "The mirror's position in the site's topic."),
        Setting("key.converter", _BYTES, _COPY),
        Setting("value.converter", _BYTES, _COPY),
        Setting("header.converter", _BYTES, _COPY),
    ]
    connector = [
        Setting("name", CONNECTOR, "As in dedicated mode."),
        Setting("connector.class", f"org.apache.kafka.connect.mirror.{CONNECTOR}", "As in dedicated mode."),
        Setting("source.cluster.alias", SITE, "The hub's topic is named after it."),
        Setting("target.cluster.alias", HUB, "The flow is named after it."),
        Setting("source.cluster.bootstrap.servers", site_address, _ADDRESS),
        Setting("target.cluster.bootstrap.servers", hub_address, _ADDRESS),
        Setting("topics", TOPIC, "The topic that publishers write to."),
        Setting("tasks.max", str(mirror.tasks_max), "As asked."),
    ]
    for line in merged(mirror.settings, users(mirror.text)):
        key = line.key
        if key.startswith(FLOW):
            connector.append(line._replace(key=key.removeprefix(FLOW)))
        elif key.startswith(f"{SITE}."):
            tail = key.removeprefix(f"{SITE}.")
            is_client = tail.startswith(("consumer.", "producer.", "admin."))
            connector.append(line._replace(key=f"source.{'' if is_client else 'cluster.'}{tail}"))
        elif key.startswith(f"{HUB}."):
            tail = key.removeprefix(f"{HUB}.")
            if tail not in _GROUP and not tail.startswith(_STORAGE):
                worker.append(line._replace(key=tail))
        elif not key.startswith(_STORAGE):
            connector.append(line)
    return _only(worker, mirror.site), _only(connector, mirror.site)


def _only(lines: Iterable[Setting], site: str) -> tuple[Setting, ...]:
    return tuple(_of_site(line, site) for line in merged(lines))


def _addresses(mirror: Mirror) -> tuple[str, str]:
    """Of the site's broker and of the hub's; the far one of the two is a proxy's."""
    site, hub = f"@{{dial:{mirror.site}:{broker.INTERNAL}}}", f"@{{dial:{HUB}:{broker.INTERNAL}}}"
    return (broker.proxied(mirror.site), hub) if mirror.place == "hub" else (site, broker.proxied(mirror.site))


def _placed(mirror: Mirror) -> tuple[Setting, ...]:
    if mirror.place != "hub":
        return ()
    why = "Kept at the hub, where the mirror is: nothing but fetches crosses the link."
    return (Setting("offset-syncs.topic.location", "target", why),)


def _of_site(line: Setting, site: str) -> Setting:
    return Setting(*(part.replace(SITE, site) for part in line))
