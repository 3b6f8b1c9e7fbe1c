"""From a comparison to its finished runs: one after another, then side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import lab, store
from .analysis.comparison import Failure
from .comparisons import Compared
from .errors import EdgelabError
from .model import validate
from .model.comparison import Comparison
from .model.scenario import Scenario
from .runner.live import Quiet, Reporter
from .runs import Run

Ended = Callable[[str, Run | EdgelabError], None]
"""Called with the label of an entry and what became of it."""
Reporting = Callable[[], Reporter]
"""Makes what shows the progress of one run."""


def _nothing(_label: str, _outcome: Run | EdgelabError) -> None:
    """An :data:`Ended` that does nothing."""


def play(
    comparison: Comparison,
    *,
    runtime: str = "auto",
    out: Path | str = store.RUNS,
    reporting: Reporting = Quiet,
    ended: Ended = _nothing,
    command: str = "",
) -> Compared:
    """Play the entries one after another, and put them side by side in a folder of ``out`` that holds their runs.

    An entry in which the lab fails does not end the others.

    Args:
        comparison: what to play.
        runtime: as for :func:`edgelab.lab.run`.
        out: where the folder goes.
        reporting: makes what shows the progress of a run; silent by default.
        ended: called after each entry.
        command: how to play it again, for the page.

    Raises:
        SpecError: an entry cannot be played on this machine; nothing was started.
        EdgelabError: no entry has a result: the first one's failure.
    """
    validate.instance("comparison", comparison, Comparison, "a Comparison")
    for _, scenario in comparison.entries:
        lab.refuse_what_cannot_be(scenario, Path(out))
    folder = store.create(Path(out), comparison.name, parts=("plots",)).path
    outcomes: dict[str, Run | EdgelabError] = {}
    try:
        for label, scenario in comparison.entries:
            outcomes[label] = _play_one(scenario, runtime=runtime, out=folder, reporting=reporting, command=command)
            compared = _compared(comparison.name, outcomes, folder, command)
            compared.keep()  # after each: what there is can be read, whatever comes then
            ended(label, outcomes[label])
    except BaseException as error:
        error.add_note(_kept(outcomes, len(comparison.entries), folder))
        raise
    if not compared.runs:
        raise next(one for one in outcomes.values() if isinstance(one, EdgelabError))
    compared.write(folder)
    return compared


def _play_one(scenario: Scenario, *, runtime: str, out: Path, reporting: Reporting, command: str) -> Run | EdgelabError:
    reporter = reporting()
    try:
        return lab.run(scenario, runtime=runtime, out=out, reporter=reporter, command=command)
    except EdgelabError as error:
        return error
    finally:
        reporter.close()
        (out / "latest").unlink(missing_ok=True)  # a pointer to the newest run means nothing among these


def _compared(name: str, outcomes: dict[str, Run | EdgelabError], folder: Path, command: str) -> Compared:
    return Compared(
        name=name,
        runs={label: one for label, one in outcomes.items() if isinstance(one, Run)},
        failures=tuple(Failure(label, str(one)) for label, one in outcomes.items() if isinstance(one, EdgelabError)),
        folder=folder,
        alike=True,
        command=command,
    )


def _kept(outcomes: dict[str, Run | EdgelabError], planned: int, folder: Path) -> str:
    if not outcomes:
        return f"none of the {planned} runs in {folder} had ended"
    return f"{len(outcomes)} of {planned} runs had ended; see them side by side: edgelab compare {folder}"
