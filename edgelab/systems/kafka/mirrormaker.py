"""``kafka-mirrormaker``: a broker at each site, whose topic MirrorMaker 2 copies to the hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import pandas as pd

from ...deploy.base import Deployment
from ...history import Kind, SegmentWriter
from ...model import validate
from ...model.measured import Evidence, LogEvent, StoreState
from ...model.topology import MIB, Topology, assemble, site_network
from ..base import AgentPart
from . import (
    broker,
    causes,
    checking,
    common,
    counting,
    heap,
    logs,
    positions,
    presets,
    properties,
    readiness,
    reading,
    remarks,
    topics,
)
from .mirror import TOPIC, Mirror, Place, hub_topic
from .settings import Setting, merged, milliseconds, users
from .versions import Version, parse

Preset = Literal["default", "patched", "tuned", "exactly-once"]
Tolerance = Literal["none", "all"]

_LONGEST_S = 7 * 24 * 3600.0
_LEAST_MIRROR_HEAP_BYTES = 48 * MIB
_LEAST_MIRROR_WHY = "a mirror with 64 MiB starts (measured); with less than 48 it was never seen to"
_ASKED = "As asked."


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaMirrorMaker(common.KafkaHub):
    """MirrorMaker 2: each site's broker stores what it is sent, and a mirror copies its topic to the hub.

    A publish is acknowledged by the site's broker. The site's topic is ``edge``, the hub's ``SITE.edge``.

    Attributes:
        preset: ``"default"``: as shipped; ``"patched"``: the mirror's worker stays in its group through an outage;
            ``"tuned"``: and takes larger batches and fetches; ``"exactly-once"``: patched, and copies in transactions.
        mirror: ``"edge"``: MirrorMaker in dedicated mode at the site, which writes across the link; ``"hub"``: the same
            at the hub, which reads across it; ``"standalone"``: a Connect standalone worker at the site.
        tasks_max: most tasks of a mirror; one copies one partition or more.
        offset_flush_s: how often a mirror notes its position, seconds; None: the preset's.
        rebalance_delay_s: how long the work of a worker that left its group rests, seconds; None: the preset's.
        errors_tolerance: ``"none"``: a message that cannot be copied ends the task; ``"all"``: it is skipped.
        mirror_delivery_timeout_s: how long the mirror tries to deliver one message; None: for ever, as shipped.
        retention_s / retention_bytes: of the site's topic; None: no limit.
        segment_bytes: of the site's topic, which is dropped segment by segment; None: the broker's own, or a small one
            with a retention.
        heap_bytes: heap of each site's broker; ``-Xmx`` in ``site_jvm_options`` wins.
        mirror_heap_bytes: heap of each mirror; ``-Xmx`` in ``mirror_jvm_options`` wins.
        site_jvm_options / mirror_jvm_options: further options of their JVMs.
        site_properties: further lines for the sites' ``server.properties``.
        mirror_properties: further lines for ``mm2.properties``, in which ``@{site}`` is the site's cluster and ``hub``
            the hub's: ``@{site}.consumer.max.poll.records = 2000``.
        cpus: limit of each site's broker and mirror (containers only).
    """

    PRESETS: ClassVar[Mapping[str, tuple[Setting, ...]]] = presets.MIRROR

    preset: Preset = "default"
    mirror: Place = "edge"
    tasks_max: int = 1
    offset_flush_s: float | None = None
    rebalance_delay_s: float | None = None
    errors_tolerance: Tolerance = "none"
    mirror_delivery_timeout_s: float | None = None
    retention_s: float | None = None
    retention_bytes: int | None = None
    segment_bytes: int | None = None
    heap_bytes: int = 64 * MIB
    mirror_heap_bytes: int = 256 * MIB
    site_jvm_options: str = ""
    mirror_jvm_options: str = ""
    site_properties: str = ""
    mirror_properties: str = ""
    cpus: float = 1.0

    def __post_init__(self) -> None:
        version = self._check_hub()
        validate.one_of("preset", self.preset, get_args(Preset))
        validate.one_of("mirror", self.mirror, get_args(Place))
        validate.one_of("errors_tolerance", self.errors_tolerance, get_args(Tolerance))
        validate.integer("tasks_max", self.tasks_max, low=1, high=1000)
        self._check_numbers(version)
        self._check_broker("site", "heap_bytes", version)
        least, why = _LEAST_MIRROR_HEAP_BYTES, _LEAST_MIRROR_WHY
        heap.check_bytes("mirror_heap_bytes", self.mirror_heap_bytes, least_bytes=least, why=why)
        heap.check(
            "mirror_jvm_options", "mirror_heap_bytes", self.mirror_jvm_options, least_bytes=least, why=why
        )  # fmt: skip
        self._check_publishers(version, presets.PUBLISHER)
        text = properties.parse("mirror_properties", self.mirror_properties)
        checking.check_text(text, version, {line.key: self._option_of(line.key) for line in self._asked()})
        checking.check_mirror(
            {line.key: line.value for line in self._settings(text)},
            standalone=self.mirror == "standalone",
            preset=self.preset,
            rebalance_delay_s=self.rebalance_delay_s,
        )

    def _check_numbers(self, version: Version) -> None:
        for field, low in (
            ("offset_flush_s", 0.01),
            ("rebalance_delay_s", 0.0),
            ("mirror_delivery_timeout_s", 0.01),
            ("retention_s", 0.1),
        ):
            if (value := getattr(self, field)) is not None:
                validate.number(field, value, low=low, high=_LONGEST_S)
        for field, least in (("retention_bytes", 1), ("segment_bytes", version.smallest_segment_bytes)):
            if (value := getattr(self, field)) is not None:
                validate.integer(field, value, low=least, high=(1 << 31) - 1 if field == "segment_bytes" else 1 << 62)
        validate.number("cpus", self.cpus, low=0.01, high=1024.0)

    @property
    def name(self) -> str:
        return "kafka-mirrormaker"

    @property
    def drain_idle_s(self) -> float:
        """Longer than a mirror's work may rest after an outage, and than its producer waits for one answer."""
        if self.mirror == "standalone":
            return 60.0
        return int(self._effective().get("hub.scheduled.rebalance.max.delay.ms", "300000")) / 1e3 + 60.0

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
        return AgentPart(
            "publish_kafka",
            {
                "bootstrap": str(lab.address(site, broker.LAB)),
                "topic": TOPIC,
                "partitions": self.partitions,
                "client": self.client,
                "properties": dict(self._producer(presets.PUBLISHER)),
                "in_flight_max": self.in_flight_max,
                "attempts": None,
            },
        )

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
        return (reading.read_site(lab, store, writer, position.offsets, limits, skips=self._tolerance == "all"),)

    def hub_count(self, lab: Deployment) -> int:
        hub_topics = [hub_topic(site) for site in lab.topology.sites]
        return counting.count(common.hub_address(lab), hub_topics, transactions=self._in_transactions)

    def log_events(self, lines: Iterable[str]) -> Iterator[LogEvent]:
        return logs.log_events(lines, mirror_at_hub=self.mirror == "hub")

    def allowed_dials(self, lab: Deployment, site: str) -> frozenset[str]:
        del lab, site  # logs of Kafka's do not tell whom it dials; the census of connections does
        return frozenset()

    def causes(self, lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
        return causes.of_mirror(lost, evidence, unconfirmed=self._unconfirmed(presets.PUBLISHER))

    def remarks(self, windows: pd.DataFrame, evidence: Evidence) -> tuple[str, ...]:
        effective = self._effective()
        return remarks.of_mirror(
            windows,
            evidence,
            remarks.Worker(
                version=parse(self.version),
                in_group=self.mirror != "standalone",
                rebalance_delay_s=int(effective.get("hub.scheduled.rebalance.max.delay.ms", "300000")) / 1e3,
                session_s=int(effective.get("hub.session.timeout.ms", "10000")) / 1e3,
                flush_s=int(effective.get("hub.offset.flush.interval.ms", "60000")) / 1e3,
                once=self._in_transactions,
            ),
        )

    @property
    def _in_transactions(self) -> bool:
        return self._effective().get("hub.exactly.once.source.support") == "enabled"

    @property
    def _tolerance(self) -> str:
        effective = self._effective()
        return effective.get("@{site}->hub.errors.tolerance", effective.get("errors.tolerance", "none"))

    def _effective(self) -> Mapping[str, str]:
        text = properties.parse("mirror_properties", self.mirror_properties)
        return {line.key: line.value for line in self._settings(text)}

    def _settings(self, text: Mapping[str, str]) -> tuple[Setting, ...]:
        asked = tuple(line for line in self._asked() if line.key not in text)
        return merged(presets.MIRROR[self.preset], asked, users(text))

    def _asked(self) -> Iterator[Setting]:
        """What options say, in the keys of ``mm2.properties``."""
        if self.offset_flush_s is not None:
            yield Setting("hub.offset.flush.interval.ms", milliseconds(self.offset_flush_s), _ASKED)
        if self.rebalance_delay_s is not None:
            yield Setting("hub.scheduled.rebalance.max.delay.ms", milliseconds(self.rebalance_delay_s), _ASKED)
        if self.errors_tolerance != "none":
            yield Setting("@{site}->hub.errors.tolerance", self.errors_tolerance, _ASKED)
        if self.mirror_delivery_timeout_s is not None:
            whole_ms = int(milliseconds(self.mirror_delivery_timeout_s))
            yield Setting("hub.producer.delivery.timeout.ms", str(whole_ms), _ASKED)
            if whole_ms < 60_000:
                fits = "Must fit into the delivery timeout."
                yield Setting("hub.producer.request.timeout.ms", str(max(1, whole_ms * 2 // 5)), fits)

    def _option_of(self, key: str) -> str:
        return {
            "hub.offset.flush.interval.ms": "offset_flush_s",
            "hub.scheduled.rebalance.max.delay.ms": "rebalance_delay_s",
            "@{site}->hub.errors.tolerance": "errors_tolerance",
            "hub.producer.delivery.timeout.ms": "mirror_delivery_timeout_s",
        }.get(key, "")

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
