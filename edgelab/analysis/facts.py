"""Everything that one run left behind, in memory: what the analysis is a function of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..history import RECORD, Records
from ..model.measured import Evidence, MeasuredWindow
from ..model.schedule import Schedule
from ..model.workload import Workload

if TYPE_CHECKING:
    import pandas as pd


def no_records() -> Records:
    """An empty table of history records."""
    return np.empty(0, RECORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBytes:
    """What crossed one site's link.

    Attributes:
        bytes_up / bytes_down: over the whole run; up is from the site to the hub.
    """

    bytes_up: int
    bytes_down: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """One run as it is loaded from its folder. All instants are nanoseconds on the run's clock.

    Attributes:
        scenario / system / runtime / plane: their names.
        versions: of each program.
        seed: of the scenario.
        command: how to play the run again.
        environment: host facts, for the report.
        sites: names; a record's ``site`` is the position in it.
        confirms: whether the system answers publishes.
        workload / schedule: as planned; the schedule's sites are resolved.
        start_ns: second 0 of the schedule, when the first message may be due.
        publish_end_ns: the publishers had ended.
        drain_end_ns: nothing more was waited for; what the hub stored later is not looked at.
        drain: why the drain ended, in words.
        records: INVOKE and OUTCOME of all publishers.
        stored / held: copies at the hub and at the sites when the drain ended.
        progress / sessions: what the observer saw.
        bytes: readings of each site's links, or else of its session as the hub counts it.
        reasons: words of failures; an OUTCOME's ``value`` n stands for ``reasons[n - 1]``.
        windows: the measured fault windows.
        evidence: what causes of loss are inferred from.
        usage: columns ``t_ns``, ``service``, ``rss_bytes``, ``cpu_s``.
        links: bytes of each site's link.
        clock_drift_ns: how far wall time moved against the run's clock.
        hub_count: messages at the hub by an independent way; None if it could not be asked.
        bypasses: dials and connections that went round the proxy, in words.
        census: who was seen connected to whom: (caller, service, port), each once; empty where nobody could look.
        clients: which client library published, by publishing agent.
        startup_s: seconds from the first service's start until every site's session flowed; None if not recorded.
    """

    scenario: str
    system: str
    runtime: str
    plane: str
    versions: Mapping[str, str]
    seed: int
    command: str
    environment: Mapping[str, Any] = field(default_factory=dict)
    sites: tuple[str, ...]
    confirms: bool
    workload: Workload
    schedule: Schedule
    start_ns: int
    publish_end_ns: int
    drain_end_ns: int
    drain: str = ""
    records: Records
    stored: Records
    held: Records = field(default_factory=no_records)
    progress: Records = field(default_factory=no_records)
    sessions: Records = field(default_factory=no_records)
    bytes: Records = field(default_factory=no_records)
    reasons: tuple[str, ...] = ()
    windows: tuple[MeasuredWindow, ...] = ()
    evidence: Evidence
    usage: pd.DataFrame
    links: Mapping[str, LinkBytes] = field(default_factory=dict)
    clock_drift_ns: int = 0
    hub_count: int | None = None
    bypasses: tuple[str, ...] = ()
    census: tuple[tuple[str, str, str], ...] = ()
    clients: Mapping[str, str] = field(default_factory=dict)
    startup_s: float | None = None

    def seconds(self, t_ns: int) -> float:
        """``t_ns`` as seconds of the schedule."""
        return (t_ns - self.start_ns) / 1e9

    def planned_messages(self) -> int:
        """How many messages the workload was to publish."""
        if self.workload.arrival == "uniform":
            loads = (self.workload.of(site) for site in self.sites)
            return sum(int(load.rate_hz * self.workload.duration_s) for load in loads)
        return sum(len(self.workload.intended_s(site, seed=self.seed)) for site in self.sites)
