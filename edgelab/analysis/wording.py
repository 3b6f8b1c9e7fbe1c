"""Sentences about losses and instants, for checks and reports: which messages, of which site, when, why."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import pandas as pd

from ..model.faults import Fault, describe
from ..model.schedule import Schedule
from ..model.workload import Workload
from .results import Results
from .spans import PHASES

MOST_NAMED = 3
"""More groups or sites than this are summed up, not listed."""


def which_lost(results: Results, *, cause: str | None = None) -> str:
    """The losses in words, largest group first; of one cause if ``cause`` is given."""
    losses = results.losses if cause is None else results.losses[results.losses["cause"] == cause]
    if losses["site"].nunique() > MOST_NAMED:
        return _of_fleet(results, losses)
    groups = [
        (group, int(group["messages"].sum())) for _, group in losses.groupby(["site", "window", "cause"], observed=True)
    ]
    groups.sort(key=lambda pair: -pair[1])
    told = [_of_site(results, group, n) for group, n in groups[:MOST_NAMED]]
    rest = sum(n for _, n in groups[MOST_NAMED:])
    return "; ".join(told) + (f"; and {rest:,} more" if rest else "")


def when(results: Results, first_ns: int, last_ns: int) -> str:
    """``"from 10.0 to 20.3 s"`` or ``"at 10.0 s"`` of the schedule."""
    first, last = f"{results.facts.seconds(first_ns):.1f}", f"{results.facts.seconds(last_ns):.1f}"
    return f"at {first} s" if first == last else f"from {first} to {last} s"


def plural(n: int, noun: str) -> str:
    """``"1 site"``, ``"1,200 sites"``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def short_s(seconds: float) -> str:
    """Three significant digits, microseconds at the finest: ``"3.20 ms"``, ``"0.053 ms"``, ``"356 s"``."""
    number, unit = (seconds * 1e3, "ms") if abs(seconds) < 1 else (seconds, "s")
    if abs(number) < 0.1 and number:
        return f"{number:.3f} {unit}"
    return f"{number:,.0f} {unit}" if abs(number) >= 100 or number == 0 else f"{number:#.3g} {unit}"


def short_bytes(n: float) -> str:
    """Three significant digits: ``"950 B"``, ``"1.34 MB"``; a dash for what is not known."""
    if pd.isna(n):
        return "—"
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= size:
            return f"{n / size:.3g} {unit}"
    return f"{n:.0f} B"


def named(fault: str, kind: str) -> str:
    """A measured fault within a sentence: ``"cut"``, ``"300 ms latency"``, ``"kill"``."""
    return kind if fault in {"Outage", "Partition"} else f"{kind} {fault.lower()}".strip()


def brief(fault: Fault) -> str:
    """A planned fault: ``"Outage cut of site-1, site-2"``, or ``"Partition stall of 100 sites"``."""
    words, many = describe(fault), len(fault.targets) > MOST_NAMED
    return f"{words.rpartition(' of ')[0]} of {len(fault.targets)} sites" if many else words


def brief_schedule(schedule: Schedule) -> str:
    """The first few planned faults, with their times, and how many more there are."""
    faults = [f"{brief(w.fault)}, from {w.start_s:g} to {w.end_s:g} s" for w in schedule]
    return "; ".join(faults[:6]) + (f"; and {len(faults) - 6} more" if len(faults) > 6 else "") or "none"


def traffic(workload: Workload) -> str:
    """What is published at each site."""
    load = workload.load
    rate = f"{load.rate_hz:g} messages per second of {load.size_bytes:,} bytes"
    differ = " (some differ)" if workload.per_site else ""
    return f"{rate} at each site{differ}, {workload.arrival} arrivals, for {workload.duration_s:g} s"


def broken(label: str, width: int) -> str:
    """A run's label on as many lines as it needs, broken where its parts end."""
    if len(label) <= width:
        return label
    parts = label.replace(":", "\n:").replace("@", "\n@").replace(" (", "\n(").split("\n")
    return "\n".join(line for part in parts for line in wrap(part, width))


def abridged(names: list[str], noun: str = "other sites") -> list[str]:
    """The first few names, and how many more there are."""
    return names if len(names) <= MOST_NAMED else [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} {noun}"]


def _of_site(results: Results, group: pd.DataFrame, n: int) -> str:
    first = group.iloc[0]
    low, high = int(group["first_sequence"].min()), int(group["last_sequence"].max())
    numbers = f"number {low}" if low == high else f"numbers {low} to {high}"
    all_of_them = "" if n == high - low + 1 else f"{n:,} of "
    told = [
        f"{first['site']}: {all_of_them}{numbers}",
        f"sent {when(results, int(group['first_sent_ns'].min()), int(group['last_sent_ns'].max()))}",
        *_phases(results, group),
        *_acknowledged(group, n),
        f"cause: {first['cause']}",
    ]
    return ", ".join(told)


def _phases(results: Results, group: pd.DataFrame) -> list[str]:
    measured = [w for w in results.facts.windows if w.window == group.iloc[0]["window"]]
    if not measured:
        return []
    what = f"the {named(measured[0].fault, measured[0].kind)}"
    by_phase = group.groupby("phase", observed=True)["messages"].sum()
    parts = [(phase, int(by_phase[phase])) for phase in PHASES if phase in by_phase]
    if len(parts) == 1:
        return [f"{parts[0][0]} {what}"]
    told = [f"{count:,} {phase}" for phase, count in parts]
    return [f"{', '.join(told[:-1])} and {told[-1]} {what}"]


def _acknowledged(group: pd.DataFrame, n: int) -> list[str]:
    confirmed = int(group.loc[group["acknowledged"], "messages"].sum())
    if not confirmed:
        return []
    return ["although acknowledged" if confirmed == n else f"{confirmed:,} of them although acknowledged"]


def _of_fleet(results: Results, losses: pd.DataFrame) -> str:
    by_site = _largest_first(losses, "site")
    first_ns, last_ns = int(losses["first_sent_ns"].min()), int(losses["last_sent_ns"].max())
    causes = ", ".join(f"{cause} ({n:,})" for cause, n in _largest_first(losses, "cause"))
    worst_site, worst_n = by_site[0]
    return (
        f"at {len(by_site)} sites, most at {worst_site} ({worst_n:,}), sent {when(results, first_ns, last_ns)}, "
        f"cause: {causes}"
    )


def _largest_first(losses: pd.DataFrame, column: str) -> list[tuple[Any, int]]:
    sums = losses.groupby(column, observed=True)["messages"].sum().sort_values(ascending=False, kind="stable")
    return [(key, int(n)) for key, n in sums.items()]
