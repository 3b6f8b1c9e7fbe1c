"""Whole made-up runs of any size that behave as brokers were measured to: for tests of plots, reports and speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..history import RECORD, Kind, Records
from ..model.faults import Outage, OutageKind
from ..model.measured import Evidence, LogEvent, MeasuredWindow
from ..model.schedule import Window, once
from ..model.topology import site_names
from ..model.workload import Load, Workload
from .facts import Facts, LinkBytes
from .testing import ABOUT, START_NS, at

Seconds = npt.NDArray[np.float64]


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
    parts = [
        _site(index, site, workload.intended_s(site, seed=seed), window, how, kind, rng)
        for index, site in enumerate(names)
    ]
    at_hub = np.concatenate([part.stored for part in parts])
    at_hub = at_hub[np.argsort(at_hub["t_ns"], kind="stable")]
    at_hub["position"] = np.arange(1, len(at_hub) + 1)
    windows = tuple(part.window for part in parts)
    logs = dict(zip(names, (part.log for part in parts), strict=True))
    told = {
        "scenario": "nats_leaf_outage" if how.buffers else "nats_core_outage",
        "system": "nats-leaf" if how.buffers else "nats-leaf-core",
        "command": f"edgelab run nats_leaf_outage --set sites={sites} --set rate_hz={rate_hz:g} --seed {seed}",
        "environment": {"host": "2 cores, 8 GB", "kernel": "Linux 6.1", "python": "3.11.7"},
        "publish_end_ns": at(duration_s),
        "drain_end_ns": max(at(duration_s), int(at_hub["t_ns"].max(initial=0))) + 2_000_000_000,
        "seed": seed,
        "sites": names,
        "workload": workload,
        "schedule": once(window.fault, at_s=window.start_s, for_s=window.length_s).resolved(names),
        "records": np.concatenate([part.invoked for part in parts] + [part.answers for part in parts]),
        "stored": at_hub,
        "windows": windows,
        "evidence": Evidence(windows=windows, log_events=logs, stores=()),
        "hub_count": len(at_hub),
        "usage": _usage(names[:3], duration_s, rng),
        "links": {s: LinkBytes(bytes_up=int(1.1e3 * rate_hz * duration_s), bytes_down=90_000) for s in names},
        "clock_drift_ns": 120_000,
    }
    return Facts(**{**ABOUT, **told})


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """What one site contributes."""

    invoked: Records
    answers: Records
    stored: Records
    window: MeasuredWindow
    log: tuple[LogEvent, ...]


def _site(
    index: int,
    site: str,
    intended_s: Seconds,
    window: Window,
    how: Behaviour,
    kind: OutageKind,
    rng: np.random.Generator,
) -> _Site:
    start_s, end_s = window.start_s + rng.uniform(0.002, 0.02), window.end_s + rng.uniform(0.002, 0.02)
    back_s = end_s + rng.uniform(0.1, 2.0) * how.reconnect_s * (kind != "stall")
    sent_s = np.maximum.accumulate(intended_s + rng.exponential(0.0004, len(intended_s)))
    arrives_s, lost = _arrivals(sent_s, start_s, end_s, back_s, how, kind)
    who, sent_ns = {"site": index, "sequence": np.arange(len(sent_s))}, _ns(sent_s)
    return _Site(
        invoked=_columns(Kind.INVOKE, t_ns=sent_ns, value=_ns(intended_s), **who),
        answers=_columns(Kind.OUTCOME, t_ns=sent_ns + 400_000, code=1, stream=1, **who),
        stored=_columns(Kind.STORED, t_ns=_ns(arrives_s), value=sent_ns, **who)[~lost],
        window=_measured(window, site, start_s, end_s, kind),
        log=_log(start_s, end_s, back_s, kind),
    )


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
