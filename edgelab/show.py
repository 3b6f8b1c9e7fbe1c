"""Tables for a terminal: a run's outcome, runs side by side, what there is to choose from."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from .analysis import comparison_tables
from .analysis.report_tables import Table as Words
from .analysis.wording import broken
from .comparisons import Compared
from .deploy.doctor import Finding, runtimes
from .errors import EdgelabError
from .resolve import known_scenarios
from .runs import Run, load
from .store import newest_first
from .systems import SYSTEMS

_COLOURS = {"pass": "bold green", "fail": "bold red", "unknown": "bold yellow"}
_PHASES = ("detect_s", "reconnect_s", "resume_s", "sync_s")
_LEDGER = ("attempted", "lost", "stranded", "duplicated")
_MOST_SITES = 8
_MOST_COLUMNS = 8
_COLUMN, _WIDEST_COLUMN = 17, 34
"""Letters: four of them beside the names of the metrics fit on 100."""


def summary(run: Run) -> str:
    """What became of every message, how each site recovered, and the verdict."""
    result = run.result
    console = _console()
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    console.print(f"\n[bold]{result['scenario']}[/]  {result['system']}  ({versions}; {result['runtime']})")
    console.print(_fates(result))
    if result["windows"]:
        console.print(_recovery(result))
    for remark in result.get("remarks", ()):  # runs of before had none
        console.print(f"[dim]{escape(remark)}[/]")
    console.print(f"verdict [{_COLOURS[result['verdict']]}]{result['verdict']}[/]")
    for check in result["checks"]:
        if check["verdict"] != "pass":
            console.print(
                f"  [{_COLOURS[check['verdict']]}]{check['verdict']}[/] {check['name']}: {escape(check['why'])}"
            )
    console.print(f"run folder {escape(str(run.folder))}  (report.html, plots/, ledger.parquet)", soft_wrap=True)
    return _text(console)


def outcome_line(label: str, outcome: Run | EdgelabError) -> str:
    """What became of one run of a comparison, in a line."""
    if isinstance(outcome, EdgelabError):
        return f"{label}  no result: {outcome}"
    words = comparison_tables.in_a_line(Compared(name=label, runs={label: outcome}).sides[0])
    return f"{label}  {outcome.verdict}: {words}"


def comparison(compared: Compared, *, page: Path | None = None) -> str:
    """Runs side by side, a column each, or a row each where they are many; what differs beside; where they are."""
    console = _console()
    if compared.name:
        console.print(f"\n[bold]{escape(compared.name)}[/]")
    if len(compared.runs) > _MOST_COLUMNS:
        console.print(_in_rows(compared))
    else:
        _print_in_columns(console, comparison_tables.side_by_side(compared.sides, compared.failures))
    console.print(f"[dim]{comparison_tables.NOTE}[/]")
    for label, words in comparison_tables.remarks(compared.sides):
        console.print(f"[bold]{escape(label)}[/]  {escape(words)}")
    for failure in compared.failures:
        console.print(f"[bold red]{escape(failure.label)}[/] has no result: {escape(failure.why)}")
    different = compared.differences()
    if different.rows and len(compared.runs) <= _MOST_COLUMNS:
        console.print("\n[bold]not the same for all[/]")
        _print_in_columns(console, different)
    for label, run in compared.runs.items():
        console.print(f"{escape(label)}  {escape(str(run.folder))}", soft_wrap=True)
    folder = page or compared.folder
    if folder is not None:
        console.print(f"comparison {escape(str(folder))}  (comparison.html, plots/)", soft_wrap=True)
    return _text(console)


def _print_in_columns(console: Console, shown: Words) -> None:
    """A table of texts, cut into several where the columns do not fit."""
    names = max((len(row[0]) for row in shown.rows), default=0)
    room = console.width - names - 2
    fitting = max(1, room // (_COLUMN + 2))
    width = max(_COLUMN, min(_WIDEST_COLUMN, room // min(fitting, max(1, len(shown.head) - 1)) - 2))
    for first in range(1, len(shown.head), fitting):
        table = Table(box=None, padding=(0, 1), header_style="bold")
        table.add_column("", no_wrap=True)
        for label in shown.head[first : first + fitting]:
            table.add_column(escape(broken(label, width)), justify="right", max_width=width, overflow="fold")
        for name, *cells in shown.rows:
            table.add_row(escape(name), *(_marked(cell) for cell in cells[first - 1 : first - 1 + fitting]))
        console.print(table)


def _marked(cell: str) -> str:
    return f"[{_COLOURS[cell]}]{cell}[/]" if cell in _COLOURS else escape(cell)


def _in_rows(compared: Compared) -> Table:
    """One row per run: ledger and recovery of its slowest site."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("", "verdict", *_LEDGER, *(phase.removesuffix("_s") for phase in _PHASES)):
        table.add_column(column, justify="left" if column in {"", "verdict"} else "right")
    for row in compared.table().reset_index().to_dict("records"):
        table.add_row(
            escape(row["label"]),
            _marked(row["verdict"]),
            *(f"{row[count]:,}" for count in _LEDGER),
            *(_seconds(None if pd.isna(row[phase]) else row[phase]) for phase in _PHASES),
        )
    return table


def scenarios_table() -> str:
    """The scenarios, what they ask, and their parameters."""
    table = Table(title="scenarios  (edgelab run NAME --set PARAMETER=VALUE)", title_justify="left")
    table.add_column("name")
    table.add_column("what it is, and its parameters", overflow="fold")
    for name, function in known_scenarios().items():
        parameters = ", ".join(f"{p.name}={p.default}" for p in inspect.signature(function).parameters.values())
        table.add_row(name, f"{_first_paragraph(function)}\n[dim]{parameters}[/]")
    return _printed(table)


def systems_table() -> str:
    """The systems under test and their options."""
    table = Table(title="systems  (--system NAME, --set system.OPTION=VALUE)", title_justify="left")
    table.add_column("name")
    table.add_column("what it is, and its options")
    for name, kind in SYSTEMS.items():
        options = ", ".join(f"{f.name}={_default(f.default)}" for f in dataclasses.fields(kind) if f.init)
        table.add_row(name, f"{_first_paragraph(kind)}\n[dim]{options}[/]")
    shown = [_printed(table)]
    for name, kind in SYSTEMS.items():
        presets = getattr(kind, "PRESETS", None)
        if presets:
            shown.append(_printed(_presets_table(name, presets)))
    return "\n\n".join(shown)


def _presets_table(system: str, presets: Mapping[str, Sequence[Any]]) -> Table:
    """Every setting of every preset, with its reason; of those that only add to the first one, what they add."""
    table = Table(title=f"presets of {system}  (--set system.preset=NAME)", title_justify="left")
    table.add_column("setting", no_wrap=True)
    table.add_column("why", ratio=1)
    first_name, first = next(iter(presets.items()))
    for name, settings in presets.items():
        adds = name != first_name and {s.key for s in first} <= {s.key for s in settings}
        known = {(s.key, s.value) for s in first} if adds else set()
        table.add_section()
        table.add_row(f"[bold]{escape(name)}[/]", f"[dim]as {escape(first_name)}, but[/]" if adds else "")
        before = ""
        for setting in settings:
            if (setting.key, setting.value) not in known:
                why = "″" if setting.reason == before else escape(setting.reason)
                table.add_row(escape(f"{setting.key}={setting.value}"), why)
                before = setting.reason
    return table


def runs_table(out: Path) -> str:
    """The runs in ``out``, newest first."""
    folders = newest_first(out)
    if not folders:
        return f"no runs in {out} yet"
    table = Table(title=f"runs in {out}", title_justify="left")
    for column in ("run", "system", "attempted", "lost", "verdict"):
        table.add_column(column)
    for folder in folders:
        name = escape("/\n  ".join(folder.path.relative_to(out).parts))
        try:
            result = load(folder.path).result
        except EdgelabError:
            table.add_row(name, "", "", "", "[dim]not finished[/]")
            continue
        ledger, verdict = result["ledger"], result["verdict"]
        table.add_row(name, result["system"], f"{ledger['attempted']:,}", f"{ledger['lost']:,}", _marked(verdict))
    return _printed(table)


def findings(found: Sequence[Finding]) -> str:
    """What this machine can and cannot run."""
    table = Table("", "", Column("", overflow="fold"), show_header=False, box=None, padding=(0, 1))
    for finding in found:
        mark = "[green]ok[/]" if finding.ok else "[bold red]mend[/]" if finding.needed else "[yellow]absent[/]"
        text = escape(finding.found)
        table.add_row(mark, finding.name, text if finding.ok else f"{text}\n[bold]{escape(finding.mend)}[/]")
    able = " and ".join(f"--runtime {name}" for name in runtimes(found))
    return f"{_printed(table)}\n\n" + (f"this machine can run {able}" if able else "nothing runs here before that")


def _first_paragraph(documented: object) -> str:
    return escape((inspect.getdoc(documented) or "").split("\n\n")[0].replace("``", ""))


def _default(value: object) -> str:
    return "none" if value in {None, ""} else str(value)


def _fates(result: dict[str, Any]) -> Table:
    ledger = result["ledger"]
    table = Table(show_header=False, box=None, padding=(0, 1))
    table.add_column(justify="right")
    table.add_row(f"{ledger['attempted']:,}", "attempted", f"[dim]{ledger['acknowledged']:,} acknowledged, "
                  f"{ledger['failed']:,} failed, {ledger['unknown']:,} unanswered[/]")  # fmt: skip
    table.add_row(f"{ledger['delivered']:,}", "delivered", f"[dim]{ledger['duplicated']:,} duplicated[/]")
    table.add_row(
        f"{ledger['stranded']:,}", "stranded", "[dim]still held by a site's store[/]" if ledger["stranded"] else ""
    )
    causes = "; ".join(f"{n:,} {cause}" for cause, n in result["losses"]["by_cause"].items())
    table.add_row(f"{ledger['lost']:,}", "lost", f"[dim]{causes}[/]")
    return table


def _recovery(result: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("window", "held", "bit", "site", "detect", "reconnect", "resume", "sync"):
        table.add_column(column, justify="right" if column in {"detect", "reconnect", "resume", "sync"} else "left")
    for window in result["windows"]:
        shown = sorted(window["sites"].items(), key=lambda item: -(item[1]["sync_s"] or 0.0))
        for site, phases in shown[:_MOST_SITES]:
            table.add_row(
                f"{window['fault']} {window['kind']}", _span(window), _yes(window["bit"]), site,
                *(_seconds(phases[p]) for p in _PHASES),
            )  # fmt: skip
        if len(shown) > _MOST_SITES:
            table.add_row("", "", "", f"[dim]and {len(shown) - _MOST_SITES} faster ones[/]")
    return table


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}" if value < 10 else f"{value:.2f}"


def _span(window: dict[str, Any]) -> str:
    start, length = window["start_s"], window["measured_s"]
    return "?" if start is None or length is None else f"{start:.2f} s + {length:.2f} s"


def _yes(value: bool | None) -> str:  # noqa: FBT001 - three-valued, shown as a word
    return {True: "yes", False: "[red]no[/]", None: "[yellow]?[/]"}[value]


def _console() -> Console:
    terminal = Console()
    least = 80 if terminal.is_terminal else 100  # what a narrower one cuts is still found in a file
    return Console(
        file=StringIO(), force_terminal=terminal.is_terminal, width=max(least, terminal.width), highlight=False
    )


def _text(console: Console) -> str:
    file = console.file
    assert isinstance(file, StringIO)  # noqa: S101 - made so in _console
    return file.getvalue().rstrip("\n")


def _printed(table: Table) -> str:
    console = _console()
    console.print(table)
    return _text(console)
