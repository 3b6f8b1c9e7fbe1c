"""The report of a run: one HTML file that needs nothing else, for a reader who was not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from . import report_tables
from .fault_words import meaning
from .page import data_uri, fill
from .plots import render_all
from .plots.style import fleet_spans
from .report_tables import name_of
from .results import Results
from .verdict import Judgement
from .wording import brief_schedule, plural, short_s, traffic

_CAPTIONS = {
    "stored": "Messages published at the sites and stored at the hub. Grey: the faults, as measured.",
    "backlog": "What each site had published, was not lost, and had not yet arrived at the hub.",
    "losses": "Lost messages by the second in which they were sent, and their causes.",
    "recovery": "How long each site took to notice the fault, and to come back after it had cleared.",
}


_SAID_ELSEWHERE = {"command", "runtime", "versions"}


def render(results: Results, judgement: Judgement, *, images: Mapping[str, bytes] | None = None) -> str:
    """The report as HTML. ``images`` are the figures' PNGs by name, drawn anew if not given."""
    drawn = render_all(results, verdict=judgement.verdict) if images is None else images
    return fill(
        "report.html.jinja",
        facts=results.facts,
        counts=results.counts,
        verdict=str(judgement.verdict),
        summary=_summary(results),
        reasons=judgement.reasons,
        remarks=results.remarks,
        checks=judgement.checks,
        asked=_asked(results),
        meanings=_meanings(results),
        faults=report_tables.faults(results),
        ledger=report_tables.ledger(results),
        losses=report_tables.losses(results),
        recovery=report_tables.recovery(results),
        latency=report_tables.latency(results),
        links=report_tables.links(results),
        footprint=report_tables.footprint(results),
        census=report_tables.census(results),
        environment=_pairs({k: v for k, v in results.facts.environment.items() if k not in _SAID_ELSEWHERE}),
        figures=[(name, caption, data_uri(drawn[name])) for name, caption in _CAPTIONS.items() if name in drawn],
    )


def _summary(results: Results) -> str:
    """One sentence: what came of it."""
    counts, windows = results.counts, results.windows
    parts = [f"Of {plural(counts.attempted, 'message')}, {counts.delivered:,} arrived at the hub"]
    parts += [f"{n:,} {what}" for n, what in ((counts.lost, "were lost"), (counts.stranded, "still wait")) if n]
    sentence = f"{', '.join(parts)}."
    synced, resumed = windows["sync_s"].max(), windows["resume_s"].max()
    if not pd.isna(synced):
        sentence += f" The slowest site had synced {short_s(synced)} after its fault cleared."
    elif not pd.isna(resumed):
        sentence += f" The slowest site got its first message through {short_s(resumed)} after its fault cleared."
    return sentence


def _asked(results: Results) -> tuple[tuple[str, str], ...]:
    facts = results.facts
    sites = plural(len(facts.sites), "site")
    return (
        ("system", f"{facts.system}, {sites} and a hub"),
        ("load", traffic(facts.workload)),
        ("faults", brief_schedule(facts.schedule)),
        ("runtime", f"{facts.runtime}; faults on the {facts.plane} plane"),
        ("seed", str(facts.seed)),
        *((("published with", ", ".join(sorted(set(facts.clients.values())))),) if facts.clients else ()),
    )


def _meanings(results: Results) -> tuple[tuple[str, str], ...]:
    found = {name_of(span): meaning(span.fault, span.kind) for span in fleet_spans(results)}
    return tuple((name, text) for name, text in found.items() if text)


def _pairs(values: Mapping[str, Any], prefix: str = "") -> tuple[tuple[str, str], ...]:
    """Nested mappings as flat (name, text) pairs."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs += _pairs(value, f"{prefix}{name} / ")
        else:
            listed = isinstance(value, Iterable) and not isinstance(value, str)
            pairs.append((f"{prefix}{name}", ", ".join(map(str, value)) if listed else str(value)))
    return tuple(pairs)
