"""Runs side by side, as texts: metrics in rows, runs in columns. For terminals, pages and notes alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ..model.topology import PROXY
from .comparison import COUNTS, Failure, Side, slowest, table
from .report_tables import Table
from .wording import short_bytes, short_s

NONE = "—"
NOTE = (
    "Detect counts from the fault's start, reconnect, resume and sync from its clearing; of the slowest site. "
    "—: did not happen (resume, sync: not at every site), or not known. "
    "Site: all services at one site, the largest; cores: while messages were published."
)

_WORDS: Mapping[str, str] = {"lost_acknowledged": "lost, acknowledged"}
_PHASES = ("detect", "reconnect", "resume", "sync")


def side_by_side(sides: Sequence[Side], failures: Sequence[Failure] = ()) -> Table:
    """All metrics of all entries; an entry that failed has a column that says so."""
    numbers = table(sides)
    columns = [_cells(row, side) for row, side in zip(numbers.to_dict("records"), sides, strict=True)]
    columns += [{"verdict": "no result"} for _ in failures]
    names = list(columns[0]) if sides else ["verdict"]
    rows = tuple((name, *(cells.get(name, NONE) for cells in columns)) for name in names)
    # What no entry has to tell says nothing.
    told = tuple(row for row in rows if any(cell != NONE for cell in row[1:]))
    labels = (*(side.label for side in sides), *(failure.label for failure in failures))
    return Table(("", *labels), told, NOTE if sides else "")


def in_a_line(side: Side) -> str:
    """The outcome of one run in a line, without its verdict."""
    counts, recovery = side.result["ledger"], slowest(side.result)
    parts = [f"{counts['delivered']:,} of {counts['attempted']:,} delivered"]
    parts += [f"{counts[name]:,} {name}" for name in ("lost", "stranded", "duplicated") if counts[name]]
    if recovery is not None:
        whose = f"{recovery.site} " if side.several_sites else ""
        if recovery.sync_s is not None:
            parts.append(f"{whose}synced {short_s(recovery.sync_s)} after the fault")
        elif recovery.resume_s is not None:
            parts.append(f"{whose}resumed {short_s(recovery.resume_s)} after the fault")
        else:
            parts.append(f"{whose}did not come back")
    return ", ".join(parts)


def losses(sides: Sequence[Side]) -> Table:
    """Lost messages by cause; empty without losses."""
    causes = list(dict.fromkeys(cause for side in sides for cause in side.result["losses"]["by_cause"]))
    rows = tuple(
        (cause, *(_count(side.result["losses"]["by_cause"].get(cause, 0)) for side in sides)) for cause in causes
    )
    return Table(("cause", *(side.label for side in sides)), rows)


def differences(told: Mapping[str, Mapping[str, str]]) -> Table:
    """What the runs do not share although it bears on their numbers: ``told[label][what]``. Empty if all agree."""
    labels = list(told)
    whats = list(dict.fromkeys(what for facts in told.values() for what in facts))
    rows = tuple((what, *(told[label].get(what, NONE) for label in labels)) for what in whats)
    return Table(("", *labels), tuple(row for row in rows if len(set(row[1:])) > 1), words=1 + len(labels))


def markdown(shown: Table) -> str:
    """A table for a note."""
    lines = ["| " + " | ".join(shown.head) + " |", "|" + " --- |" + " ---: |" * (len(shown.head) - 1)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in shown.rows]
    return "\n".join(lines)


def _cells(row: Mapping[Any, Any], side: Side) -> dict[str, str]:
    recovery = slowest(side.result)
    whose = recovery.site if recovery is not None and side.several_sites else NONE
    return {
        "verdict": str(row["verdict"]),
        **{_WORDS.get(name, name): _count(row[name]) for name in COUNTS},
        **{phase: _told(short_s, row[f"{phase}_s"]) for phase in _PHASES},
        "slowest site": whose,
        "memory, a site": _told(short_bytes, row["site_memory_bytes"]),
        "memory, hub": _told(short_bytes, row["hub_memory_bytes"]),
        "cores, a site": _told("{:.2f}".format, row["site_cpu_ratio"]),
        "cores, hub": _told("{:.2f}".format, row["hub_cpu_ratio"]),
        "start-up": _told(short_s, row["startup_s"]),
        "bytes up per message": _told("{:,.0f}".format, row["up_bytes_per_message"]),
        "bytes down per message": _told("{:,.0f}".format, row["down_bytes_per_message"]),
        "published with": row["client"] if isinstance(row["client"], str) else NONE,
        "versions": ", ".join(f"{k} {v}" for k, v in side.result["versions"].items() if k != PROXY),
    }


def _told(words: Callable[[float], str], number: Any) -> str:
    return NONE if number is None or pd.isna(number) else words(float(number))


def _count(n: Any) -> str:
    return f"{int(n):,}"


def remarks(sides: Iterable[Side]) -> tuple[tuple[str, str], ...]:
    """What one must know to understand the recoveries, and why a verdict is not a pass: label and words."""
    told = []
    for side in sides:
        told += [(side.label, remark) for remark in side.result.get("remarks", ())]
        told += [
            (side.label, f"{check['verdict']}: {check['name']}: {check['why']}")
            for check in side.result["checks"]
            if check["verdict"] != "pass"
        ]
    return tuple(told)
