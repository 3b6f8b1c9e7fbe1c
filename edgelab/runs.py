"""A run that was played: its result, its tables, its plots."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from . import loading, store
from .analysis import plots, report, result
from .analysis.results import Results
from .analysis.results import analyse as results_of
from .analysis.verdict import Judgement, judge
from .errors import LabError
from .model import codec
from .model.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .systems.base import System

_SHOWN = {"scenario", "system", "runtime", "versions", "verdict", "checks", "ledger", "losses", "windows"}
_EXIT_CODES = {"pass": 0, "fail": 1, "unknown": 3}


class Run:
    """One scenario, played.

    Made by :func:`edgelab.lab.run` or :func:`load`. ``result`` is read from the folder; tables and plots are made
    from the recorded history when first asked for.

    Attributes:
        folder: the run folder.
    """

    def __init__(self, folder: store.RunFolder) -> None:
        self._store = folder
        self.folder = folder.path

    @cached_property
    def result(self) -> dict[str, Any]:
        """What ``result.json`` holds.

        Raises:
            LabError: the run was not analysed (it was killed, or the lab failed).
        """
        value: dict[str, Any] = self._store.read_json("result.json")
        if not isinstance(value, dict) or not value.keys() >= _SHOWN or value["verdict"] not in _EXIT_CODES:
            raise LabError(
                f"{self.folder / 'result.json'} is of another version of edgelab, or was changed; "
                f"`edgelab report {self.folder}` writes it anew"
            )
        return value

    @property
    def verdict(self) -> str:
        """``"pass"``, ``"fail"`` or ``"unknown"``."""
        return str(self.result["verdict"])

    @property
    def exit_code(self) -> int:
        """0, 1 or 3, as the command line returns it."""
        return _EXIT_CODES[self.verdict]

    @cached_property
    def scenario(self) -> Scenario:
        """What was played."""
        with loading.intact(self._store):
            return loading.scenario_of(self._store)

    @cached_property
    def results(self) -> Results:
        """The analysis of the history, made anew.

        Raises:
            LabError: the run ended before the hub's store was read.
        """
        with loading.intact(self._store):
            facts = loading.facts_of(self._store, self.scenario)
        system: System = self.scenario.system  # type: ignore[assignment]  # systems are Systems
        return results_of(facts, system.causes, system.remarks)

    def history(self) -> pd.DataFrame:
        """Every record of every agent, in order of time: of a killed run, too."""
        with loading.intact(self._store):
            return loading.history_of(self._store)

    def ledger(self) -> pd.DataFrame:
        """One row per attempted message: :func:`edgelab.analysis.ledger.account` names the columns."""
        return self.results.ledger

    def windows(self) -> pd.DataFrame:
        """One row per fault window and site: detect_s, reconnect_s, resume_s, sync_s, seconds; missing where none."""
        return self.results.windows

    def backlog(self) -> pd.DataFrame:
        """Published and stored messages over time, per site."""
        return self.results.backlog

    def plot_stored(self, ax: Axes | None = None) -> Axes:
        """Published against stored over time."""
        return plots.plot_stored(self.results, ax=ax)

    def plot_backlog(self, ax: Axes | None = None) -> Axes:
        """Backlog over time: the sync plot."""
        return plots.plot_backlog(self.results, ax=ax)

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Messages lost per second, by cause: the loss plot."""
        return plots.plot_losses(self.results, ax=ax)

    def plot_recovery(self, ax: Axes | None = None) -> Axes:
        """Detect, reconnect, resume and sync per site."""
        return plots.plot_recovery(self.results, ax=ax)

    def __repr__(self) -> str:
        return f"<Run {self.folder.name}>"

    def _judge(self) -> Judgement:
        return judge(self.results, self.scenario.checks)


def load(folder: Path | str) -> Run:
    """The run in ``folder``.

    Raises:
        SpecError: ``folder`` is not a run folder.
    """
    return Run(store.open_folder(Path(folder)))


def analyse(folder: Path | str) -> Run:
    """Analyse the history in ``folder`` and write result, ledger, plots and report.

    Returns:
        The run, with its result.

    Raises:
        SpecError: ``folder`` is not a run folder.
        LabError: the run ended before the hub's store was read; what there is says the message.
    """
    where = store.open_folder(Path(folder))
    run = Run(where)
    results, judgement = run.results, run._judge()  # noqa: SLF001 - its own module
    value = result.value(results, judgement)
    where.write_json("result.json", value)
    where.write_json("schedule.json", _schedule(run))
    results.ledger.to_parquet(where.path / "ledger.parquet", index=False)
    images = plots.render_all(results, verdict=judgement.verdict)
    for name, image in images.items():
        (where.plots / f"{name}.png").write_bytes(image)
    (where.path / "report.html").write_text(report.render(results, judgement, images=images), encoding="utf-8")
    return Run(where)


def _schedule(run: Run) -> dict[str, Any]:
    """Planned and measured windows, side by side."""
    facts = run.results.facts
    return {
        "planned": [codec.encode(window) for window in facts.schedule],
        "measured": [window.to_json() for window in facts.windows],
        "start_ns": facts.start_ns,
    }
