"""Made-up runs, for tests of checks, measurements and plots: no broker took part in them.

:class:`Story` tells a small history event by event; :func:`outage_run` makes a whole run of any size that behaves
as brokers were measured to behave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..history import RECORD, Kind, Outcome, Records
from ..model.faults import Outage, OutageKind
from ..model.measured import Evidence, LogEvent, MeasuredWindow
from ..model.schedule import Schedule, Window, once
from ..model.topology import site_names
from ..model.workload import Load, Workload
from .facts import Facts, LinkBytes

START_NS = 1_700_000_000_000_000_000
_ANSWERS = {"acknowledged": Outcome.ACKNOWLEDGED, "failed": Outcome.FAILED, "unknown": Outcome.UNKNOWN}
Answer = Literal["acknowledged", "failed", "unknown"]


def at(seconds: float) -> int:
    """An instant of a made-up run: ``seconds`` after its second 0."""
    return START_NS + round(seconds * 1e9)


@dataclass(slots=True)
class Story:
    """A history told event by event. Times are seconds of the schedule; sites are indices.

    Attributes:
        sites: their names.
        records / stored / held / progress / sessions: what has been told so far.
        windows / log_events: measured windows, and logs by site.
    """

    sites: tuple[str, ...] = ("site-1",)
    records: list[dict[str, int]] = field(default_factory=list)
    stored: list[dict[str, int]] = field(default_factory=list)
    held: list[dict[str, int]] = field(default_factory=list)
    progress: list[dict[str, int]] = field(default_factory=list)
    sessions: list[dict[str, int]] = field(default_factory=list)
    windows: list[MeasuredWindow] = field(default_factory=list)
    log_events: dict[str, list[LogEvent]] = field(default_factory=dict)

    def sent(
        self,
        sequence: int,
        sent_s: float,
        *,
        due_s: float | None = None,
        answer: Answer | None = "acknowledged",
        answered_s: float | None = None,
        site: int = 0,
        publisher: int = 0,
        position: int = 0,
        reason: int = 0,
    ) -> None:
        """A message is published, and answered 1 ms later unless said otherwise."""
        who = {"sequence": sequence, "site": site, "publisher": publisher}
        due_ns = at(sent_s if due_s is None else due_s)
        self.records.append({"kind": Kind.INVOKE, "t_ns": at(sent_s), "value": due_ns, **who})
        if answer is not None:
            self.answered(
                sequence, sent_s + 0.001 if answered_s is None else answered_s, answer, position=position,
                reason=reason, site=site, publisher=publisher,
            )  # fmt: skip

    def answered(
        self, sequence: int, answered_s: float, answer: Answer, *, position: int = 0, reason: int = 0, **who: int
    ) -> None:
        """A message is answered."""
        self.records.append(
            {
                "kind": Kind.OUTCOME,
                "t_ns": at(answered_s),
                "code": _ANSWERS[answer],
                "sequence": sequence,
                "position": position,
                "value": reason,
                "stream": 1,
                **who,
            }
        )

    def at_hub(
        self, sequence: int, stored_s: float | None, *, position: int, site: int = 0, stream: int = 0, said: int = 0
    ) -> None:
        """The hub has a copy; ``stored_s`` None where it keeps no stamp of its own."""
        self.stored.append(
            {
                "kind": Kind.STORED,
                "t_ns": 0 if stored_s is None else at(stored_s),
                "sequence": sequence,
                "position": position,
                "site": site,
                "stream": stream,
                "value": said,
            }
        )

    def at_site(self, sequence: int, *, site: int = 0) -> None:
        """The site's store still holds a message."""
        self.held.append({"kind": Kind.HELD, "sequence": sequence, "site": site})

    def reading(self, read_s: float, position: int, *, stream: int = 0) -> None:
        """The observer reads a hub store's last position."""
        self.progress.append({"kind": Kind.PROGRESS, "t_ns": at(read_s), "position": position, "stream": stream})

    def hub_sees(self, seen_s: float, *, up: bool, site: int = 0) -> None:
        """The hub sees a session come or go."""
        self.sessions.append({"kind": Kind.SESSION, "t_ns": at(seen_s), "code": int(up), "site": site})

    def logged(self, logged_s: float, kind: Literal["closed", "established", "dial", "trouble"], **how: Any) -> None:
        """A site's broker writes a line: ``site`` (its name) and ``detail`` may be given."""
        event = LogEvent(at(logged_s), kind, how.get("detail", ""))
        self.log_events.setdefault(how.get("site", self.sites[0]), []).append(event)

    def fault(self, start_s: float, end_s: float, *, site: str | None = "site-1", **changes: Any) -> None:
        """A window as measured: it bit and cleared, unless ``changes`` (fields of MeasuredWindow) say otherwise."""
        window = MeasuredWindow(
            window=len({w.window for w in self.windows}),
            target=site or "hub",
            site=site,
            fault="Outage",
            kind="cut",
            planned_start_ns=at(start_s),
            planned_end_ns=at(end_s),
            start_ns=at(start_s),
            end_ns=at(end_s),
            bit=True,
            cleared=True,
        )
        self.windows.append(replace(window, **changes))

    def facts(self, **changes: Any) -> Facts:
        """The facts of this story; ``changes`` are fields of :class:`~edgelab.analysis.facts.Facts`."""
        told: dict[str, Any] = {
            "sites": self.sites,
            "records": table(self.records),
            "stored": table(self.stored),
            "held": table(self.held),
            "progress": table(self.progress),
            "sessions": table(self.sessions),
            "windows": tuple(self.windows),
            "evidence": Evidence(
                windows=tuple(self.windows),
                log_events={site: tuple(events) for site, events in self.log_events.items()},
                stores=(),
            ),
            "hub_count": len(self.stored),
            "workload": Workload(duration_s=60.0, load=Load(rate_hz=1.0)),
            "schedule": Schedule(),
        }
        return Facts(**{**_ABOUT, **told, **changes})


def table(lines: list[dict[str, int]]) -> Records:
    """History records from their fields."""
    records = np.zeros(len(lines), RECORD)
    for i, line in enumerate(lines):
        for name, number in line.items():
            records[name][i] = number
    return records


def no_causes(lost: pd.DataFrame, _evidence: Evidence) -> pd.Series:
    """A system that cannot explain any loss."""
    return pd.Series([None] * len(lost), index=lost.index, dtype=object)


def no_buffer(lost: pd.DataFrame, _evidence: Evidence) -> pd.Series:
    """A system that explains every loss by having no buffer."""
    return pd.Series("no buffer on core NATS", index=lost.index, dtype=object)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the system of a made-up run behaves.

    Attributes:
        buffers: whether the site keeps what it cannot send (else it is lost until the session is back).
        reconnect_s: from clear to session, drawn up to twice this per site.
        resume_s: from clear to the first message, after the session is back.
        drain_hz: rate at which a site's backlog arrives.
    """

    buffers: bool = True
    reconnect_s: float = 0.5
    resume_s: float = 1.0
    drain_hz: float = 20_000.0


_ABOUT: Mapping[str, Any] = {
    "scenario": "made_up",
    "system": "made-up",
    "runtime": "process",
    "plane": "proxy",
    "versions": {"nats-server": "2.10.12", "toxiproxy": "2.12.0"},
    "seed": 1,
    "command": "edgelab run made_up --seed 1",
    "confirms": True,
    "start_ns": START_NS,
    "publish_end_ns": at(60.0),
    "drain_end_ns": at(90.0),
    "drain": "everything acknowledged is at the hub",
    "usage": pd.DataFrame({"t_ns": [], "service": [], "rss_bytes": [], "cpu_s": []}),
}


def outage_run(
    *,
    sites: int = 3,
    rate_hz: float = 200.0,
    duration_s: float = 60.0,
    outage: Window | None = None,
    kind: OutageKind = "cut",
    behaviour: Behaviour | None = None,
    seed: int = 1,
) -> Facts:
    """A run of ``sites`` sites through one outage of all links (30 s from second 15 unless given)."""
    names, rng, how = site_names(sites), np.random.default_rng(seed), behaviour or Behaviour()
    window = outage or Window(15.0, 45.0, Outage(kind=kind))
    workload = Workload(duration_s=duration_s, load=Load(rate_hz=rate_hz))
    invoked, answers, stored, measured, logs = [], [], [], [], {}
    ended_s = duration_s
    for index, site in enumerate(names):
        start_s, end_s = window.start_s + rng.uniform(0.002, 0.02), window.end_s + rng.uniform(0.002, 0.02)
        back_s = end_s + rng.uniform(0.1, 2.0) * how.reconnect_s * (kind != "stall")
        sent_s = workload.intended_s(site, seed=seed)
        left_s = np.maximum.accumulate(sent_s + rng.exponential(0.0004, len(sent_s)))
        arrives_s, lost = _arrivals(left_s, start_s, end_s, back_s, how, kind)
        ended_s = max(ended_s, float(arrives_s[~lost].max(initial=0.0)))
        who = {"site": index, "sequence": np.arange(len(sent_s))}
        sent_ns = _ns(left_s)
        invoked.append(_columns(Kind.INVOKE, t_ns=sent_ns, value=_ns(sent_s), **who))
        answers.append(_columns(Kind.OUTCOME, t_ns=sent_ns + 400_000, code=1, stream=1, **who))
        kept = _columns(Kind.STORED, t_ns=_ns(arrives_s), value=sent_ns, **who)
        stored.append(kept[~lost])
        measured.append(_measured(window, site, start_s, end_s, kind))
        logs[site] = _log(start_s, end_s, back_s, kind)
    at_hub = np.concatenate(stored)
    at_hub = at_hub[np.argsort(at_hub["t_ns"], kind="stable")]
    at_hub["position"] = np.arange(1, len(at_hub) + 1)
    windows = tuple(measured)
    about = {
        **_ABOUT,
        "scenario": "nats_leaf_outage" if how.buffers else "nats_core_outage",
        "system": "nats-leaf" if how.buffers else "nats-leaf-core",
        "command": f"edgelab run nats_leaf_outage --set sites={sites} --set rate_hz={rate_hz:g} --seed {seed}",
        "environment": {"host": "2 cores, 8 GB", "kernel": "Linux 6.1", "python": "3.11.7"},
        "publish_end_ns": at(duration_s),
        "drain_end_ns": at(ended_s + 2.0),
        "seed": seed,
    }
    return Facts(
        **{
            **about,
            "sites": names,
            "workload": workload,
            "schedule": once(window.fault, at_s=window.start_s, for_s=window.length_s).resolved(names),
            "records": np.concatenate(invoked + answers),
            "stored": at_hub,
            "windows": windows,
            "evidence": Evidence(windows=windows, log_events=logs, stores=()),
            "hub_count": len(at_hub),
            "usage": _usage(names[:3], duration_s, rng),
            "links": {s: LinkBytes(bytes_up=int(1.1e3 * rate_hz * duration_s), bytes_down=90_000) for s in names},
            "clock_drift_ns": 120_000,
        }
    )


Seconds = npt.NDArray[np.float64]


def _arrivals(
    sent_s: Seconds, start_s: float, end_s: float, back_s: float, how: Behaviour, kind: OutageKind
) -> tuple[Seconds, npt.NDArray[np.bool_]]:
    usual = sent_s + 0.003
    if kind == "stall":
        held = (usual > start_s) & (sent_s < end_s)
        arrives = np.where(held, end_s + 0.005 + np.cumsum(held) / how.drain_hz, usual)
        return np.maximum.accumulate(arrives), np.zeros(len(sent_s), np.bool_)
    waits = (usual > start_s) & (sent_s < back_s)
    if not how.buffers:
        return usual, waits
    resumes_s = end_s + how.resume_s + (back_s - end_s)
    # What comes in while the backlog drains queues behind it.
    queue = np.cumsum(usual > start_s) / how.drain_hz
    return np.where(usual > start_s, np.maximum(usual, resumes_s + queue), usual), np.zeros(len(sent_s), np.bool_)


def _measured(window: Window, site: str, start_s: float, end_s: float, kind: str) -> MeasuredWindow:
    return MeasuredWindow(
        window=0,
        target=site,
        site=site,
        fault="Outage",
        kind=kind,
        planned_start_ns=at(window.start_s),
        planned_end_ns=at(window.end_s),
        start_ns=at(start_s),
        end_ns=at(end_s),
        apply_call_ns=1_500_000,
        clear_call_ns=1_200_000,
        bit=True,
        cleared=True,
        evidence="a probe through the link got no answer during it, and one 0.2 s after",
    )


def _log(start_s: float, end_s: float, back_s: float, kind: str) -> tuple[LogEvent, ...]:
    if kind == "stall":
        return ()
    noticed = start_s + 0.002 if kind == "cut" else end_s + 0.001
    return (LogEvent(at(noticed), "closed", "Client Closed"), LogEvent(at(back_s), "established", ""))


def _usage(sites: tuple[str, ...], duration_s: float, rng: np.random.Generator) -> pd.DataFrame:
    lines = [
        {"t_ns": at(t), "service": name, "rss_bytes": int(rss + rng.uniform(0, 2e6)), "cpu_s": max(0.0, t + 5) * busy}
        for name, rss, busy in (("hub", 40e6, 0.2), ("toxiproxy", 14e6, 0.03), *((s, 16e6, 0.05) for s in sites))
        for t in np.arange(-5.0, duration_s)
    ]
    return pd.DataFrame(lines)


def _columns(kind: Kind, **columns: Any) -> Records:
    records = np.zeros(len(columns["sequence"]), RECORD)
    records["kind"] = kind
    for name, column in columns.items():
        records[name] = column
    return records


def _ns(seconds: Seconds) -> npt.NDArray[np.int64]:
    return START_NS + (seconds * 1e9).astype(np.int64)
