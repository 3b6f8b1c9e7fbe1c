"""``kafka-direct``: the client publishes across the link into the hub's topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import pandas as pd

from ...deploy.base import Deployment
from ...errors import SpecError
from ...history import SegmentWriter
from ...model import validate
from ...model.measured import Evidence, LogEvent, StoreState
from ...model.topology import PROXY, Topology, assemble
from ..base import AgentPart
from . import broker, causes, common, presets, readiness, reading, topics
from .mirror import hub_topic
from .settings import Setting

Preset = Literal["default", "short-timeout", "three-attempts"]
_NOT_WITH_ATTEMPTS = ("linger_s", "delivery_timeout_s", "request_timeout_s", "retries", "idempotence")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaDirect(common.KafkaHub):
    """No broker at the site: publishers send each message through the link into the hub's topic.

    A publish is acknowledged by the hub; what the client gives up is lost.

    Attributes:
        preset: ``"default"``: the Java client's own settings; ``"short-timeout"``: a message is given up after 5 s;
            ``"three-attempts"``: acks all, batches of 100 ms, three attempts and then dropped, as kafka-go does.
    """

    PRESETS: ClassVar[Mapping[str, tuple[Setting, ...]]] = presets.DIRECT

    preset: Preset = "default"

    def __post_init__(self) -> None:
        version = self._check_hub()
        validate.one_of("preset", self.preset, get_args(Preset))
        if self._counts_attempts:
            for field in _NOT_WITH_ATTEMPTS:
                if getattr(self, field) is not None:
                    raise SpecError(f"{field} must not be set with preset='three-attempts', which has its own rule")
        self._check_publishers(version, self._own_preset)

    @property
    def name(self) -> str:
        return "kafka-direct"

    @property
    def drain_idle_s(self) -> float:
        # Publishers end with an answer for each message; nothing is on its way after that.
        return 5.0

    def topology(self, sites: tuple[str, ...]) -> Topology:
        wan = {broker.wan_port(site): broker.proxied(site, for_lab=True) for site in sites}
        return assemble(
            self.name,
            sites=sites,
            services=self._hub(sites, wan),
            links=(broker.link(site, hub_dials=False) for site in sites),
        )

    def prepare(self, lab: Deployment) -> None:
        wanted = topics.Topics(sites=lab.topology.sites, partitions=self.partitions, at_sites=False)
        readiness.prepare_direct(lab, wanted)

    def publishing(self, lab: Deployment, site: str) -> AgentPart:
        (link,) = lab.topology.links_of(site)
        near = lab.address(PROXY, link.listen_port)
        return self._publish_to(near, hub_topic(site), self._own_preset, attempts=self._attempts)

    def watching(self, lab: Deployment) -> AgentPart:
        return AgentPart("watch_kafka", common.observing(lab, self.partitions, records=False, sources={}))

    def read_hub(self, lab: Deployment, writer: SegmentWriter) -> tuple[StoreState, ...]:
        return reading.read_hub(lab, writer, counted=True)

    def read_site(self, lab: Deployment, site: str, writer: SegmentWriter) -> tuple[StoreState, ...]:
        del lab, site, writer
        return ()

    def hub_count(self, lab: Deployment) -> int:
        return self._count(lab, transactions=False)

    def log_events(self, lines: Iterable[str]) -> Iterator[LogEvent]:
        del lines  # there is no service at a site; its publishers tell of their connections themselves
        return iter(())

    def causes(self, lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
        return causes.of_direct(
            lost, evidence, attempts=self._counts_attempts, unconfirmed=self._unconfirmed(self._own_preset)
        )

    def remarks(self, windows: pd.DataFrame, evidence: Evidence) -> tuple[str, ...]:
        del windows, evidence
        return ()

    @property
    def _counts_attempts(self) -> bool:
        return self.preset == "three-attempts"

    @property
    def _own_preset(self) -> tuple[Setting, ...]:
        """What the preset says of the producer itself."""
        return tuple(line for line in presets.DIRECT[self.preset] if not line.key.startswith("attempts"))

    @property
    def _attempts(self) -> dict[str, Any] | None:
        if not self._counts_attempts:
            return None
        said = {line.key: int(line.value) for line in presets.DIRECT[self.preset] if line.key.startswith("attempts")}
        return {
            "count": said["attempts"],
            "batch_s": said["attempts.batch.ms"] / 1e3,
            "batch_messages": said["attempts.batch.messages"],
            "backoff_s": said["attempts.backoff.ms"] / 1e3,
            "timeout_s": said["attempts.timeout.ms"] / 1e3,
        }
