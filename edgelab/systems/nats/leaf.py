"""``nats-leaf``: a store at each site, from which a store at the hub takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pandas as pd
from nats.aio.client import Client

from ...deploy.base import Deployment
from ...errors import SpecError
from ...history import Kind, SegmentWriter
from ...model import validate
from ...model.measured import Evidence, StoreState
from ...model.topology import HUB, Topology, assemble
from ..base import AgentPart
from . import causes, common, control, door, monitor, reading, remarks, versions

Mode = Literal["sources", "mirror"]
Discard = Literal["old", "new"]
Retention = Literal["limits", "workqueue", "interest"]
Storage = Literal["file", "memory"]

_ALL = "AGG"
_CONSUMER = "hub"
_LONGEST_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsLeaf(common.NatsBrokers):
    """Leaf nodes with JetStream: each site stores what it is sent, and the hub takes it from there.

    Each site is a JetStream domain with a stream ``EDGE-SITE``. At the hub one stream takes from all of them
    (``sources``), or one stream per site mirrors it (``mirror``). A publish is acknowledged by the site's store.

    Attributes:
        mode: ``"sources"`` or ``"mirror"``. A mirror keeps the site's time stamps, so its store times are known only
            as finely as the observer reads.
        durable_source: take from a durable consumer at the site, which the hub resets after an outage instead of
            making a new one (2.14 on).
        max_messages / max_bytes / max_age_s: limits of the site's stream; None: no limit.
        discard: what a full site's stream does: drop its ``"old"`` messages or refuse the ``"new"`` one.
        retention: of the site's stream.
        storage: of the site's stream.
        duplicate_window_s: for how long the site's stream remembers a ``Nats-Msg-Id``; None: the broker's own.
        ack_timeout_s: how long a publisher waits for the site's answer, seconds.
        in_flight_max: messages of one publisher that may wait for an answer.
    """

    mode: Mode = "sources"
    durable_source: bool = False
    max_messages: int | None = None
    max_bytes: int | None = None
    max_age_s: float | None = None
    discard: Discard = "old"
    retention: Retention = "limits"
    storage: Storage = "file"
    duplicate_window_s: float | None = None
    ack_timeout_s: float = 5.0
    in_flight_max: int = 4096

    def __post_init__(self) -> None:
        self._check_brokers(store=True)
        validate.one_of("mode", self.mode, get_args(Mode))
        validate.one_of("discard", self.discard, get_args(Discard))
        validate.one_of("retention", self.retention, get_args(Retention))
        validate.one_of("storage", self.storage, get_args(Storage))
        if not isinstance(self.durable_source, bool):
            raise SpecError(f"durable_source must be true or false, not {self.durable_source!r}")
        if self.durable_source and not versions.parse(self.version).has_durable_sources:
            raise SpecError(
                f"durable_source must be false with nats-server {self.version}: a stream takes from a durable "
                "consumer from 2.14.0 on"
            )
        for field in ("max_messages", "max_bytes"):
            if getattr(self, field) is not None:
                validate.integer(field, getattr(self, field), low=1, high=1 << 62)
        if self.max_age_s is not None:
            validate.number("max_age_s", self.max_age_s, low=0.1, high=_LONGEST_S)
        if self.duplicate_window_s is not None:
            most = _LONGEST_S if self.max_age_s is None else self.max_age_s
            validate.number("duplicate_window_s", self.duplicate_window_s, low=0.1, high=most)
        validate.number("ack_timeout_s", self.ack_timeout_s, low=0.01, high=3600.0)
        validate.integer("in_flight_max", self.in_flight_max, low=1, high=1_000_000)

    @property
    def name(self) -> str:
        return "nats-leaf"

    @property
    def confirms(self) -> bool:
        return True

    @property
    def drain_idle_s(self) -> float:
        # A source waits up to 30 s for an answer and backs off up to 2 min between two tries.
        return 160.0

    def topology(self, sites: tuple[str, ...]) -> Topology:
        return assemble(
            self.name,
            sites=sites,
            services=(self._hub(sites, leaves=True), *(self._site(site, store=True) for site in sites)),
            links=(common.link(site, common.LEAF) for site in sites),
        )

    def prepare(self, lab: Deployment) -> None:
        door.run(self._prepare(lab))

    def publishing(self, lab: Deployment, site: str) -> AgentPart:
        return AgentPart(
            "publish_nats",
            {
                "address": str(lab.address(site, common.CLIENT)),
                "subject": common.subject_of(site),
                "mode": "stream",
                "ack_timeout_s": self.ack_timeout_s,
                "in_flight_max": self.in_flight_max,
            },
        )

    def watching(self, lab: Deployment) -> AgentPart:
        sites = lab.topology.sites
        sources = {_site_stream(site): site for site in sites}
        return AgentPart(
            "watch_nats",
            common.observing(lab, streams=self._hub_streams(sites), sessions="leaves", sources=sources),
        )

    def read_hub(self, lab: Deployment, writer: SegmentWriter) -> tuple[StoreState, ...]:
        stores = (
            reading.Store(place=HUB, stream=stream, number=i, stamped=self.mode == "sources")
            for i, stream in enumerate(self._hub_streams(lab.topology.sites))
        )
        return tuple(reading.read(common.hub_client(lab), store, writer) for store in stores)

    def read_site(self, lab: Deployment, site: str, writer: SegmentWriter) -> tuple[StoreState, ...]:
        in_memory = self.storage == "memory"
        store = reading.Store(place=site, stream=_site_stream(site), kind=Kind.HELD, in_memory=in_memory)
        return (reading.read(lab.address(site, common.CLIENT), store, writer),)

    def hub_count(self, lab: Deployment) -> int:
        streams = frozenset(self._hub_streams(lab.topology.sites))
        return monitor.stored_messages(lab.address(HUB, common.MONITOR), streams)

    def allowed_dials(self, lab: Deployment, site: str) -> frozenset[str]:
        return common.leaf_dials(lab, site)

    def causes(self, lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
        return causes.of_leaf(lost, evidence)

    def remarks(self, windows: pd.DataFrame, evidence: Evidence) -> tuple[str, ...]:
        del evidence
        return remarks.of_leaf(windows, durable_source=self.durable_source)

    def _hub_streams(self, sites: tuple[str, ...]) -> tuple[str, ...]:
        return (_ALL,) if self.mode == "sources" else tuple(_mirror(site) for site in sites)

    async def _prepare(self, lab: Deployment) -> None:
        sites = lab.topology.sites
        await control.for_each(sites, lambda site: self._make_site_stream(lab, site))
        await common.leaves_up(lab)
        async with control.connected(common.hub_client(lab)) as hub:
            # What takes from a site asks its API across the link: an answer shows that the way is open.
            await control.for_each(sites, lambda site: _api_reached(hub, site))
            if self.mode == "sources":
                await control.make_stream(hub, {"name": _ALL, "sources": [self._origin(site) for site in sites]})
            else:
                await control.for_each(
                    sites,
                    lambda site: control.make_stream(hub, {"name": _mirror(site), "mirror": self._origin(site)}),
                )
            await control.until(
                lambda: self._not_taken_from(hub, sites),
                deadline_s=common.ready_s(sites),
                what="the hub to take from every site",
            )

    async def _make_site_stream(self, lab: Deployment, site: str) -> None:
        async with control.connected(lab.address(site, common.CLIENT)) as client:
            await control.make_stream(client, self._site_stream_config(site))
            if self.durable_source:
                await control.call(
                    client,
                    f"$JS.API.CONSUMER.DURABLE.CREATE.{_site_stream(site)}.{_CONSUMER}",
                    {"stream_name": _site_stream(site), "config": _durable_config(site)},
                )

    def _site_stream_config(self, site: str) -> dict[str, Any]:
        config = {
            "name": _site_stream(site),
            "subjects": [common.subject_of(site)],
            "retention": self.retention,
            "discard": self.discard,
            "storage": self.storage,
            "max_msgs": -1 if self.max_messages is None else self.max_messages,
            "max_bytes": -1 if self.max_bytes is None else self.max_bytes,
            "num_replicas": 1,
        }
        if self.max_age_s is not None:
            config["max_age"] = round(self.max_age_s * 1e9)
        if self.duplicate_window_s is not None:
            config["duplicate_window"] = round(self.duplicate_window_s * 1e9)
        return config

    def _origin(self, site: str) -> dict[str, Any]:
        origin: dict[str, Any] = {
            "name": _site_stream(site),
            "external": {"api": f"$JS.{site}.API", "deliver": ""},
        }
        if self.durable_source:
            origin["consumer"] = {"name": _CONSUMER, "deliver_subject": _deliver_subject(site)}
        return origin

    async def _not_taken_from(self, hub: Client, sites: tuple[str, ...]) -> str:
        infos = [await control.call(hub, f"$JS.API.STREAM.INFO.{name}") for name in self._hub_streams(sites)]
        waiting = {}
        for info in infos:
            for origin in info.get("sources") or [info.get("mirror") or {}]:
                if origin.get("error"):
                    waiting[str(origin.get("name"))] = str(origin["error"].get("description"))
                elif origin.get("active", -1) < 0:
                    waiting[str(origin.get("name"))] = "not heard of yet"
        return "; ".join(f"{stream}: {why}" for stream, why in sorted(waiting.items())[:3])


def _site_stream(site: str) -> str:
    return f"EDGE-{site}"


def _mirror(site: str) -> str:
    return f"MIRROR-{site}"


def _deliver_subject(site: str) -> str:
    return f"take.{site}"


def _durable_config(site: str) -> Mapping[str, Any]:
    return {
        "durable_name": _CONSUMER,
        "deliver_subject": _deliver_subject(site),
        "deliver_policy": "all",
        "ack_policy": "flow_control",
    }


async def _api_reached(hub: Client, site: str) -> None:
    async def missing() -> str:
        await control.call(hub, f"$JS.{site}.API.INFO", timeout_s=1.0)
        return ""

    await control.until(missing, deadline_s=common.ready_s(()), what=f"JetStream of {site} to answer the hub")
