"""Runs side by side, as folders hold them: their table, plots and page."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from . import loading, store
from .analysis import comparison as numbers
from .analysis import comparison_report, comparison_tables
from .analysis.comparison import Failure, Side
from .analysis.plots import compared as plots
from .analysis.report_tables import Table
from .analysis.wording import brief_schedule, plural, traffic
from .errors import SpecError
from .runs import Run
from .runs import load as load_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """Runs side by side.

    Attributes:
        name: of the comparison.
        runs: by the label of each.
        failures: entries without a result, and why.
        folder: where it is kept; None for runs that were only put side by side.
        alike: whether they were made to differ in the system alone.
        command: how to play it again; empty where one cannot.
    """

    name: str
    runs: Mapping[str, Run]
    failures: tuple[Failure, ...] = ()
    folder: Path | None = None
    alike: bool = False
    command: str = ""

    @property
    def exit_code(self) -> int:
        """The worst of its runs', as the command line returns it; 3 if one has no result."""
        return max([one.exit_code for one in self.runs.values()] + [3] * bool(self.failures))

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        """What the table is made from, of each run."""
        return tuple(_side(label, run, backlog=False) for label, run in self.runs.items())

    def table(self) -> pd.DataFrame:
        """One row per run: :func:`edgelab.analysis.comparison.table` names the columns."""
        return numbers.table(self.sides)

    def differences(self) -> Table:
        """What bears on the numbers and is not the same for all runs; no rows if there is nothing."""
        return comparison_tables.differences({k: _circumstances(r, alike=self.alike) for k, r in self.runs.items()})

    def plot_backlogs(self, ax: Axes | None = None) -> Axes:
        """The backlog of each run, on one axis."""
        return plots.plot_backlogs(self._with_backlogs, ax=ax)

    def plot_recovery(self, ax: Axes | None = None) -> Axes:
        """Detect, reconnect, resume and sync of each run's slowest site, as parts of one bar."""
        return plots.plot_recoveries(self.sides, ax=ax)

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Lost messages of each run, by cause."""
        return plots.plot_losses(self.sides, ax=ax)

    def plot_footprint(self, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
        """Memory, processor time, start-up and bytes per message of each run."""
        return plots.plot_footprints(self.sides, axes=axes)

    def keep(self) -> None:
        """Write comparison.json into its folder: enough to open it again, and the numbers."""
        if self.folder is not None:
            store.RunFolder(self.folder).write_json(store.COMPARISON, self._to_json(self.folder))

    def write(self, folder: Path) -> None:
        """Write comparison.json, comparison.md, comparison.html and plots/ into ``folder``, made where missing.

        Raises:
            SpecError: it cannot be written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._write(folder)
        except OSError as error:
            raise SpecError(f"--out must be a folder that can be written to, not {folder}: {error.strerror}") from error

    def _write(self, folder: Path) -> None:
        where = store.RunFolder(folder)
        where.write_json(store.COMPARISON, self._to_json(folder))
        images = plots.render_all(self._with_backlogs) if self.runs else {}
        where.plots.mkdir(exist_ok=True)
        for name, image in images.items():
            (where.plots / f"{name}.png").write_bytes(image)
        page = comparison_report.Page(
            name=self.name,
            sides=self.sides,
            failures=self.failures,
            differences=self.differences(),
            asked=self._asked(),
            folders={label: _relative(run.folder, folder) for label, run in self.runs.items()},
            command=self.command,
        )
        (folder / "comparison.html").write_text(comparison_report.html(page, images), encoding="utf-8")
        (folder / "comparison.md").write_text(comparison_report.markdown(page), encoding="utf-8")

    def _to_json(self, folder: Path) -> dict[str, Any]:
        rows = self.table().astype(object)
        return {
            "name": self.name,
            "command": self.command,
            "alike": self.alike,
            "entries": [
                *({"label": k, "run": _relative(run.folder, folder), "failed": None} for k, run in self.runs.items()),
                *({"label": one.label, "run": None, "failed": one.why} for one in self.failures),
            ],
            "table": rows.where(rows.notna(), None).to_dict(orient="index"),
            "differences": [list(row) for row in self.differences().rows],
        }

    @cached_property
    def _with_backlogs(self) -> tuple[Side, ...]:
        return tuple(_side(label, run, backlog=True) for label, run in self.runs.items())

    def _asked(self) -> tuple[tuple[str, str], ...]:
        """What all of them share, in words."""
        told = [_circumstances(run, alike=self.alike) for run in self.runs.values()]
        return tuple((what, text) for what, text in (told or [{}])[0].items() if all(t.get(what) == text for t in told))


def compare(runs: Sequence[Run]) -> Compared:
    """Runs of any scenarios side by side, under labels made from their systems."""
    return Compared(name="comparison", runs=dict(zip(_labels(runs), runs, strict=True)))


def gather(folders: Sequence[Path]) -> Compared:
    """The runs in ``folders``, of which some may hold a comparison: one of those alone is just opened.

    Raises:
        SpecError: there are not two, or a folder holds neither.
    """
    if len(folders) == 1:
        if is_comparison(folders[0]):
            return load(folders[0])
        raise SpecError("RUN must be given at least twice to compare, not 1 time(s)")
    runs: list[Run] = []
    for folder in folders:
        runs += load(folder).runs.values() if is_comparison(folder) else [load_run(folder)]
    return compare(runs)


def load(folder: Path | str) -> Compared:
    """The comparison in ``folder``, with what was finished of it.

    Raises:
        SpecError: ``folder`` does not hold one.
        LabError: it cannot be read.
    """
    path = Path(folder).resolve()
    if not is_comparison(path):
        raise SpecError(f"RUN must hold {store.COMPARISON} to be a comparison, not {folder}")
    where = store.RunFolder(path)
    with loading.intact(where):
        told = where.read_json(store.COMPARISON)
        return Compared(
            name=told["name"],
            runs={one["label"]: load_run(path / one["run"]) for one in told["entries"] if one["run"] is not None},
            failures=tuple(Failure(one["label"], one["failed"]) for one in told["entries"] if one["run"] is None),
            folder=path,
            alike=told["alike"],
            command=told["command"],
        )


def is_comparison(folder: Path) -> bool:
    """Whether ``folder`` holds a comparison."""
    return (folder / store.COMPARISON).is_file()


def _side(label: str, run: Run, *, backlog: bool) -> Side:
    scenario = run.scenario
    waiting = run.backlog().groupby("t_s")["backlog"].sum() if backlog else pd.Series(dtype=float)
    with loading.intact(store.RunFolder(run.folder)):
        side = Side(
            label=label,
            result=run.result,
            places={service.name: service.place for service in scenario.topology().services},
            rate_hz=sum(scenario.workload.of(site).rate_hz for site in scenario.sites),
            backlog=waiting,
        )
        # A result of another version of edgelab must be told as that, and here: later it would look like a bug.
        numbers.table([side])
        numbers.same_faults([side])
    return side


def _circumstances(run: Run, *, alike: bool) -> dict[str, str]:
    """What bears on a run's numbers beside its system. The names of scenarios do, unless they were made ``alike``."""
    scenario, where = run.scenario, store.RunFolder(run.folder)
    with loading.intact(where):
        host = where.read_json("environment.json")["host"]
        memory = f"{host['memory_bytes'] / 1e9:.0f} GB"
        return {
            **({} if alike else {"scenario": scenario.name}),
            "sites": plural(len(scenario.sites), "site"),
            "load": traffic(scenario.workload),
            "faults": brief_schedule(scenario.schedule),
            "seed": str(scenario.seed),
            "runtime": f"{run.result['runtime']}; faults on the {run.result['plane']} plane",
            "host": f"{host['system']} {host['kernel']}, {host['cpus']} cores, {memory}, Python {host['python']}",
        }


def _labels(runs: Sequence[Run]) -> list[str]:
    """The system's name, with preset, version and a number where that tells runs apart."""
    systems: list[Any] = [run.scenario.system for run in runs]
    labels = [f"{one.name}:{one.preset}" if getattr(one, "preset", None) else str(one.name) for one in systems]
    for more in ([f"@{getattr(one, 'version', '')}" for one in systems], [f" ({i + 1})" for i in range(len(runs))]):
        often = Counter(labels)
        tried = [label + end if often[label] > 1 else label for label, end in zip(labels, more, strict=True)]
        labels = tried if len(set(tried)) > len(set(labels)) else labels
    return labels


def _relative(path: Path, folder: Path) -> str:
    """From ``folder``, so that a folder which is moved with its runs still finds them."""
    return os.path.relpath(path, folder.resolve())
