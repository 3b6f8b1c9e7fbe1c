"""``kafka-mirrormaker``: a broker at each site, whose topic MirrorMaker 2 copies to the hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from ...deploy.base import Deployment
from ...history import Kind, SegmentWriter
from ...model.measured import Evidence, LogEvent, StoreState
from ...model.topology import Topology, assemble, site_network
from ..base import AgentPart
from . import (
    broker,
    causes,
    common,
    logs,
    positions,
    presets,
    properties,
    readiness,
    reading,
    remarks,
    topics,
)
from .mirror import TOPIC, Mirror, hub_topic
from .mirror_options import MirrorOptions
from .settings import Setting
from .versions import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaMirrorMaker(MirrorOptions):
    """MirrorMaker 2: each site's broker stores what it is sent, and a mirror copies its topic to the hub.

    A publish is acknowledged by the site's broker. The site's topic is ``edge``, the hub's ``SITE.edge``.
    """

    PRESETS: ClassVar[Mapping[str, tuple[Setting, ...]]] = presets.MIRROR

    @property
    def name(self) -> str:
        return "kafka-mirrormaker"

    @property
    def drain_idle_s(self) -> float:
        """Longer than a mirror's work may rest after an outage, and than its producer waits for one answer."""
        if self.mirror == "standalone":
            return 60.0
        return self._seconds("hub.scheduled.rebalance.max.delay.ms") + 60.0

    def topology(self, sites: tuple[str, ...]) -> Topology:
        at_hub = self.mirror == "hub"
        wan = {} if at_hub else {broker.wan_port(site): broker.proxied(site) for site in sites}
        site_services = (
            service for i, site in enumerate(sites) for service in self._site(site, broker.FIRST_SITE_NODE + i).services
        )
        return assemble(
            self.name,
            sites=sites,
            services=(*self._hub(sites, wan), *site_services, *(self._mirror(site).service for site in sites)),
            links=(broker.link(site, hub_dials=at_hub) for site in sites),
        )

    def prepare(self, lab: Deployment) -> None:
        readiness.prepare(lab, self._topics(lab.topology.sites), rest=self.mirror == "standalone")

    def publishing(self, lab: Deployment, site: str) -> AgentPart:
        return self._publish_to(lab.address(site, broker.LAB), TOPIC, presets.PUBLISHER)

    def watching(self, lab: Deployment) -> AgentPart:
        sites = lab.topology.sites
        sources = {
            site: {
                "bootstrap": str(lab.address(site, broker.LAB)),
                "topic": TOPIC,
                "partitions": self.partitions,
                "hub_topic": hub_topic(site),
            }
            for site in sites
        }
        return AgentPart(
            "watch_kafka", common.observing(lab, self.partitions, records=self._in_transactions, sources=sources)
        )

    def read_hub(self, lab: Deployment, writer: SegmentWriter) -> tuple[StoreState, ...]:
        return reading.read_hub(lab, writer, counted=not self._in_transactions)

    def read_site(self, lab: Deployment, site: str, writer: SegmentWriter) -> tuple[StoreState, ...]:
        place = positions.of_standalone if self.mirror == "standalone" else positions.of_dedicated
        position = place(lab, site)
        store = reading.Store(place=site, topic=TOPIC, kind=Kind.HELD)
        limits = {**position.limits, "errors.tolerance": self._tolerance}
        return reading.read_site(lab, store, writer, position.offsets, limits, skips=self._tolerance == "all")

    def hub_count(self, lab: Deployment) -> int:
        return self._count(lab, transactions=self._in_transactions)

    def log_events(self, lines: Iterable[str]) -> Iterator[LogEvent]:
        return logs.log_events(lines, mirror_at_hub=self.mirror == "hub")

    def causes(self, lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
        return causes.of_mirror(lost, evidence, unconfirmed=self._unconfirmed(presets.PUBLISHER))

    def remarks(self, windows: pd.DataFrame, evidence: Evidence) -> tuple[str, ...]:
        return remarks.of_mirror(
            windows,
            evidence,
            remarks.Worker(
                version=parse(self.version),
                in_group=self.mirror != "standalone",
                rebalance_delay_s=self._seconds("hub.scheduled.rebalance.max.delay.ms"),
                session_s=self._seconds("hub.session.timeout.ms"),
                flush_s=self._seconds("hub.offset.flush.interval.ms"),
                once=self._in_transactions,
            ),
        )

    def _topics(self, sites: tuple[str, ...]) -> topics.Topics:
        return topics.Topics(
            sites=sites,
            partitions=self.partitions,
            site_settings=topics.site_settings(
                retention_s=self.retention_s,
                retention_bytes=self.retention_bytes,
                segment_bytes=self.segment_bytes,
                least_segment_bytes=parse(self.version).smallest_segment_bytes,
            ),
        )

    def _site(self, site: str, node: int) -> broker.Broker:
        return broker.Broker(
            name=site,
            site=site,
            version=self.version,
            node=node,
            networks=(site_network(site),),
            wan=((broker.WAN, broker.proxied(site)),) if self.mirror == "hub" else (),
            zookeeper=self.metadata == "zookeeper",
            heap_bytes=self.heap_bytes,
            jvm=self.site_jvm_options,
            small=True,
            cpus=self.cpus,
            shortened=self.retention_s is not None or self.retention_bytes is not None,
            text=properties.parse("site_properties", self.site_properties),
        )

    def _mirror(self, site: str) -> Mirror:
        text = properties.parse("mirror_properties", self.mirror_properties)
        return Mirror(
            site=site,
            version=self.version,
            place=self.mirror,
            tasks_max=self.tasks_max,
            settings=self._settings(text),
            text=text,
            heap_bytes=self.mirror_heap_bytes,
            jvm=self.mirror_jvm_options,
            cpus=self.cpus,
        )
