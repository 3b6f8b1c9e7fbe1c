"""The tables of the report, as texts."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from .facts import Facts
from .plots.style import fleet_spans
from .results import Results
from .spans import PHASES, Span
from .wording import named, plural, short_bytes, short_s

_MOST_ROWS = 24


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the report: texts only.

    Attributes:
        head: of the columns.
        rows: their cells; the first cell of each names the row.
        note: a line below.
        words: how many columns, from the left, hold words; the others hold numbers.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    words: int = 1


def faults(results: Results) -> Table:
    """What was planned and what was measured, one row per fault."""
    facts, spans = results.facts, fleet_spans(results)
    rows = []
    for span in spans[:_MOST_ROWS]:
        targets = [w for w in facts.windows if w.window == span.window]
        starts = [w.start_ns for w in targets if w.start_ns is not None]
        calls_s = max(w.clear_call_ns for w in targets) / 1e9
        rows.append(
            (
                f"{span.window + 1}. {name_of(span)}",
                plural(len(targets), "target"),
                f"{facts.seconds(span.planned_start_ns):.3f} to {facts.seconds(span.planned_end_ns):.3f} s",
                f"{_seconds(facts, span.start_ns)} to {_seconds(facts, span.end_ns)} s",
                short_s((max(starts) - min(starts)) / 1e9) if starts else "—",
                short_s(calls_s),
                _yes(span.bit),
                _yes(span.cleared),
            )
        )
    head = ("fault", "on", "planned", "measured", "skew", "clearing took", "bit", "cleared")
    note = "Skew: from the first target's start to the last one's. Recovery is counted from the start of the clearing."
    return Table(head, tuple(rows), note + _more(len(spans)), words=8)


def ledger(results: Results) -> Table:
    """What became of the messages."""
    counts = results.counts
    rows = (
        ("attempted", counts.attempted, "publish was invoked"),
        ("acknowledged", counts.acknowledged, "the broker confirmed it"),
        ("failed", counts.failed, "the broker or the client said no"),
        ("unknown", counts.unknown, "no answer"),
        ("delivered", counts.delivered, "distinct messages at the hub when the drain ended"),
        ("stranded", counts.stranded, "not at the hub, but held by the site's store: late, not lost"),
        ("lost", counts.lost, "neither at the hub nor held by the site"),
        ("lost, acknowledged", counts.lost_acknowledged, "lost although confirmed: the broker broke its word"),
        ("lost, unexplained", counts.lost_unexplained, "lost without a known cause"),
        ("duplicated", counts.duplicated, "extra copies at the hub"),
        ("reordered", counts.reordered, _reordered(results)),
        ("unexpected", counts.unexpected, "at the hub, but never attempted"),
    )
    cells = tuple((name, text, f"{n:,}") for name, n, text in rows)
    return Table(("", "which are", "messages"), cells, words=2)


def _reordered(results: Results) -> str:
    what = "stored after a later message of the same publisher"
    furthest = results.account.furthest_reorder
    return f"{what}, by up to {furthest:,} sequence numbers" if furthest else what


def losses(results: Results) -> Table:
    """Lost messages by cause and phase; empty without losses."""
    losses = results.losses
    if losses.empty:
        return Table((), ())
    by = losses.pivot_table(index="cause", columns="phase", values="messages", aggfunc="sum", observed=True)
    by = by.reindex(columns=list(PHASES)).fillna(0).astype(int)
    acknowledged = losses[losses["acknowledged"]].groupby("cause", observed=True)["messages"].sum()
    rows = [
        (
            str(cause),
            f"{int(row.sum()):,}",
            *(f"{row[phase]:,}" for phase in PHASES),
            f"{int(acknowledged.get(cause, 0)):,}",
        )
        for cause, row in by.iterrows()
    ]
    head = ("cause", "lost", "sent before", "during", "after the fault", "of them acknowledged")
    return Table(head, tuple(rows))


def recovery(results: Results) -> Table:
    """Phases of recovery, one row per site and fault."""
    windows, shown = results.windows, results.windows
    if len(windows) > _MOST_ROWS:  # those that never synced, then the slowest
        shown = windows.sort_values("sync_s", ascending=False, na_position="first", kind="stable").head(_MOST_ROWS)
    rows = [
        (
            f"{row['site']}",
            f"{row['window'] + 1}. {named(row['fault'], row['kind'])}",
            *(_phase(row[f"{phase}_s"]) for phase in ("detect", "reconnect", "resume", "sync")),
            f"{row['lost']:,}",
        )
        for row in shown.to_dict("records")
    ]
    head = ("site", "fault", "detect", "reconnect", "resume", "sync", "lost")
    note = (
        "Detect counts from the fault's start, the others from its clearing. Resume: the first message stored at the "
        "hub. Sync: the last message sent before the clearing is stored. —: did not happen."
    )
    more = f" The slowest {_MOST_ROWS} of {len(windows)} are shown." if len(windows) > _MOST_ROWS else ""
    return Table(head, tuple(rows), note + more, words=2)


def latency(results: Results) -> Table:
    """Latency by phase."""
    rows = [
        (str(phase), f"{int(row['n']):,}", *(_phase(row[name]) for name in ("p50_s", "p95_s", "p99_s", "max_s")))
        for phase, row in results.latency.iterrows()
    ]
    negative = int(results.latency["negative"].sum())
    note = "From when a message was due to when the hub stored it; full sample."
    if negative:
        note += f" {plural(negative, 'message')} seemed to be stored before being due: the clocks' granularity."
    return Table(("sent … the fault", "messages", "p50", "p95", "p99", "max"), tuple(rows), note)


def links(results: Results) -> Table:
    """Bytes over the links."""
    table = results.links
    phased = [f"up_{phase}" for phase in PHASES] if table.filter(like="up_").notna().any(axis=None) else []
    rows = [
        (
            str(site),
            short_bytes(row["bytes_up"]),
            short_bytes(row["bytes_down"]),
            *(short_bytes(row[name]) for name in phased),
            _count(row["bytes_per_message"]),
        )
        for site, row in table.head(_MOST_ROWS).iterrows()
    ]
    head = ("link", "up", "down", *(name.replace("_", " ") for name in phased), "bytes per delivered message")
    note = "Up is from the site to the hub. By phase as read four times a second." if phased else ""
    return Table(head, tuple(rows), note + _more(len(table)))


def footprint(results: Results) -> Table:
    """Memory and processor time of each service."""
    table = results.footprint.sort_values("rss_peak_bytes", ascending=False, kind="stable")
    rows = [
        (
            str(service),
            short_bytes(row["rss_peak_bytes"]),
            short_bytes(row["rss_mean_bytes"]),
            _ratio(row["cpu_idle_ratio"]),
            _ratio(row["cpu_loaded_ratio"]),
        )
        for service, row in table.head(_MOST_ROWS).iterrows()
    ]
    head = ("service", "memory, peak", "memory, mean", "cores, idle", "cores, loaded")
    took_s = results.facts.startup_s
    note = "" if took_s is None else f"From the first start until every site's session flowed: {short_s(took_s)}."
    return Table(head, tuple(rows), note + _more(len(table)))


def census(results: Results) -> Table:
    """Who was seen connected to whom, services of one kind together; empty where nobody could look."""
    facts = results.facts
    kinds: dict[tuple[str, ...], int] = {}
    for caller, service, port in facts.census:
        key = tuple(_any_site(word, facts.sites) for word in (caller, service, port))
        kinds[key] = kinds.get(key, 0) + 1
    rows = tuple((*key, f"{n:,}") for key, n in sorted(kinds.items()))
    note = "Between two services, by the kernel's tables, every 2 s. SITE stands for each of the sites."
    return Table(("who", "was connected to", "port", "pairs"), rows, note, words=3)


def _any_site(word: str, sites: tuple[str, ...]) -> str:
    found = next((site for site in sorted(sites, key=len, reverse=True) if word.endswith(site)), None)
    return word if found is None else f"{word.removesuffix(found)}SITE"


def name_of(span: Span) -> str:
    """``"Outage cut"``."""
    return f"{span.fault} {span.kind}".strip()


def _seconds(facts: Facts, t_ns: int | None) -> str:
    return "never" if t_ns is None else f"{facts.seconds(t_ns):.3f}"


def _phase(seconds: float) -> str:
    return "—" if pd.isna(seconds) else short_s(seconds)


def _yes(answer: bool | None) -> str:  # noqa: FBT001 - what a probe saw
    return {True: "yes", False: "no", None: "not known"}[answer]


def _count(n: float) -> str:
    return "—" if pd.isna(n) else f"{n:,.0f}"


def _ratio(n: float) -> str:
    return "—" if pd.isna(n) else f"{n:.2f}"


def _more(rows: int) -> str:
    return f" {rows - _MOST_ROWS} more rows are in the run folder." if rows > _MOST_ROWS else ""
