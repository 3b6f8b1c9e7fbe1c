"""The value of ``result.json``: a contract that others script against.

Only JSON values; None where something did not happen or is not known.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from .recovery import RECOVERY_PHASES
from .results import Results
from .spans import merged
from .verdict import Judgement

_LATENCY = ("n", "p50_s", "p95_s", "p99_s", "max_s")


def value(results: Results, judgement: Judgement) -> dict[str, Any]:
    """What ``result.json`` says of a run."""
    facts = results.facts
    return {
        "scenario": facts.scenario,
        "system": facts.system,
        "runtime": facts.runtime,
        "plane": facts.plane,
        "seed": facts.seed,
        "versions": dict(facts.versions),
        "verdict": str(judgement.verdict),
        "checks": [check.to_json() for check in judgement.checks],
        "ledger": results.counts.to_json(),
        "losses": _losses(results),
        "windows": _windows(results),
        "remarks": list(results.remarks),
        "latency": _latency(results),
        "links": {
            site: {"bytes_up": link.bytes_up, "bytes_down": link.bytes_down} for site, link in facts.links.items()
        },
        "footprint": _footprint(results),
        "startup_s": facts.startup_s,
        "clients": dict(facts.clients),
    }


def _losses(results: Results) -> dict[str, Any]:
    """Lost messages by cause, and by when they were sent."""
    losses = results.losses

    def by(column: str) -> dict[str, int]:
        return {str(key): int(n) for key, n in losses.groupby(column, observed=True)["messages"].sum().items()}

    return {"by_cause": by("cause"), "by_phase": by("phase")}


def _windows(results: Results) -> list[dict[str, Any]]:
    facts, recoveries = results.facts, results.windows
    lines = []
    for number in sorted({w.window for w in facts.windows}):
        span = merged(w for w in facts.windows if w.window == number)
        held = None if span.start_ns is None or span.end_ns is None else (span.end_ns - span.start_ns) / 1e9
        own = recoveries[recoveries["window"] == number]
        lines.append(
            {
                "fault": span.fault,
                "kind": span.kind,
                "planned_s": (span.planned_end_ns - span.planned_start_ns) / 1e9,
                "measured_s": held,
                "planned_start_s": facts.seconds(span.planned_start_ns),
                "start_s": None if span.start_ns is None else facts.seconds(span.start_ns),
                "bit": span.bit,
                "cleared": span.cleared,
                "sites": {
                    row["site"]: {phase: number_or_none(row[phase]) for phase in RECOVERY_PHASES}
                    for row in own.to_dict("records")
                },
            }
        )
    return lines


def _latency(results: Results) -> dict[str, dict[str, float | None]]:
    table = results.latency
    return {
        str(phase): {name: int(row[name]) if name == "n" else number_or_none(row[name]) for name in _LATENCY}
        for phase, row in table.iterrows()
    }


def _footprint(results: Results) -> dict[str, dict[str, float | None]]:
    return {
        str(service): {
            "rss_bytes": int(row["rss_peak_bytes"]),
            "cpu_ratio": number_or_none(row["cpu_loaded_ratio"]),
            "rss_mean_bytes": int(row["rss_mean_bytes"]),
            "cpu_idle_ratio": number_or_none(row["cpu_idle_ratio"]),
        }
        for service, row in results.footprint.iterrows()
    }


def number_or_none(number: Any) -> float | None:
    """A finite number, or None: JSON has no NaN."""
    if number is None or pd.isna(number) or not math.isfinite(number):
        return None
    return float(number)
