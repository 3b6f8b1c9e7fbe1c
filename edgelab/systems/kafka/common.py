"""Options of the hub, which the two systems share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ...deploy.base import Address, Deployment
from ...errors import SpecError
from ...model import validate
from ...model.topology import HUB, MIB, PROXY, Link, Service
from ..base import AgentPart
from . import broker, counting, heap, keys, properties, publishing
from .mirror import hub_topic
from .settings import Setting
from .versions import NEWEST, Version, parse

Metadata = Literal["kraft", "zookeeper"]
LEAST_BROKER_HEAP_BYTES = 40 * MIB
LEAST_BROKER_WHY = "a broker with 40 MiB starts and works, one with 32 MiB dies at its start (measured)"
_HUB_HEAP_BYTES, _HUB_HEAP_PER_SITE_BYTES = 192 * MIB, 4 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaHub(publishing.Publishers):
    """Options of the hub's broker and of publishers.

    Attributes:
        version: of Kafka, everywhere.
        metadata: ``"kraft"``, or ``"zookeeper"``: one beside each broker, before 4.0.
        partitions: of each site's topic.
        hub_heap_bytes: heap of the hub's broker; ``-Xmx`` in ``hub_jvm_options`` wins. None: 192 MiB, and 4 a site.
        hub_jvm_options: further options of its JVM.
        hub_properties: further lines for its ``server.properties``.
    """

    version: str = NEWEST
    metadata: Metadata = "kraft"
    partitions: int = 1
    hub_heap_bytes: int | None = None
    hub_jvm_options: str = ""
    hub_properties: str = ""

    @property
    def versions(self) -> Mapping[str, str]:
        return {"kafka": self.version}

    @property
    def confirms(self) -> bool:
        return True

    def allowed_dials(self, lab: Deployment, site: str) -> frozenset[str]:
        del lab, site  # logs of Kafka's do not tell whom it dials; the census of connections does
        return frozenset()

    def _check_hub(self) -> Version:
        version = parse(self.version)
        validate.one_of("metadata", self.metadata, get_args(Metadata))
        if self.metadata == "zookeeper" and not version.has_zookeeper:
            raise SpecError(
                f"metadata must be kraft with Kafka {self.version}, which runs without ZooKeeper only, not 'zookeeper'"
            )
        validate.integer("partitions", self.partitions, low=1, high=1000)
        self._check_broker("hub", "hub_heap_bytes", version)
        return version

    def _check_broker(self, who: str, heap_field: str, version: Version) -> None:
        if (value := getattr(self, heap_field)) is not None:
            heap.check_bytes(heap_field, value, least_bytes=LEAST_BROKER_HEAP_BYTES, why=LEAST_BROKER_WHY)
        jvm_field = f"{who}_jvm_options"
        heap.check(
            jvm_field,
            heap_field,
            getattr(self, jvm_field),
            least_bytes=LEAST_BROKER_HEAP_BYTES,
            why=LEAST_BROKER_WHY,
        )
        field = f"{who}_properties"
        keys.check_broker(field, properties.parse(field, getattr(self, field)), version)

    def _hub(self, sites: tuple[str, ...], wan: Mapping[str, str]) -> tuple[Service, ...]:
        """The hub's services; ``wan`` gives the address at which each of its WAN ports is advertised."""
        return broker.Broker(
            name=HUB,
            version=self.version,
            node=broker.HUB_NODE,
            networks=(HUB,),
            wan=tuple(wan.items()),
            zookeeper=self.metadata == "zookeeper",
            heap_bytes=self.hub_heap_bytes or _HUB_HEAP_BYTES + _HUB_HEAP_PER_SITE_BYTES * len(sites),
            jvm=self.hub_jvm_options,
            cpus=2.0,
            text=properties.parse("hub_properties", self.hub_properties),
        ).services

    def _publish_to(
        self, near: Address, topic: str, preset: Iterable[Setting], *, attempts: Mapping[str, Any] | None = None
    ) -> AgentPart:
        """How publishers reach ``near``, a broker or a link's end; ``attempts``: the rule by which they give up."""
        return AgentPart(
            "publish_kafka",
            {
                "bootstrap": str(near),
                "topic": topic,
                "partitions": self.partitions,
                "client": self.client,
                "properties": dict(self._producer(preset)),
                "in_flight_max": self.in_flight_max,
                "attempts": attempts,
            },
        )

    def _count(self, lab: Deployment, *, transactions: bool) -> int:
        """Messages in the hub's topics, counted independently."""
        hub_topics = [hub_topic(site) for site in lab.topology.sites]
        return counting.count(hub_address(lab), hub_topics, transactions=transactions)


def hub_address(lab: Deployment) -> Address:
    """Where the lab reaches the hub: by a listener of its own, which no fault touches."""
    return lab.address(HUB, broker.LAB)


def observing(
    lab: Deployment, partitions: int, *, records: bool, sources: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Options of the agent ``watch_kafka``; see there."""
    sites = lab.topology.sites
    tables = lab.network_tables(PROXY)
    return {
        "bootstrap": str(hub_address(lab)),
        "topics": [[hub_topic(site), partitions] for site in sites],
        "count": "records" if records else "offsets",
        "sources": {site: dict(source) for site, source in sources.items()},
        "sessions": {
            "tables": None if tables is None else str(tables),
            "ports": {link.site: _port_in_network(lab, link) for link in lab.topology.links},
            "own_network": lab.runtime != "process",
        },
    }


def _port_in_network(lab: Deployment, link: Link) -> int:
    """The number at which the proxy listens for a link, in the network that it is in."""
    return int(lab.dial_address(HUB, PROXY, link.listen_port).rpartition(":")[2])
