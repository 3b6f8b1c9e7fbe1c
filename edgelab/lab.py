"""From a scenario to a finished run: folder, environment, play, analysis."""

from __future__ import annotations

from pathlib import Path

from . import environment, store
from .deploy.choose import runtime as choose
from .deploy.compose import write_project
from .errors import EdgelabError
from .model import codec
from .model.scenario import Scenario
from .runner.live import Quiet, Reporter
from .runner.play import new_run_id, play
from .runs import Run, analyse


def run(
    scenario: Scenario,
    *,
    runtime: str = "auto",
    out: Path | str = store.RUNS,
    reporter: Reporter | None = None,
    command: str = "",
) -> Run:
    """Play ``scenario`` once and analyse it.

    Args:
        scenario: what to play; it was checked when it was made.
        runtime: ``"auto"`` (Docker where a daemon answers, else processes), ``"compose"`` or ``"process"``.
        out: where the run folder goes.
        reporter: shows progress; silent by default.
        command: how to play it again, for the report.

    Returns:
        The run; its verdict may be pass, fail or unknown.

    Raises:
        LabError: the lab failed. Faults are healed, everything is down, and the history until then is in the
            run folder, which a note of the error names.
        SystemUnderTestError: a broker died unasked; the same holds.
    """
    reporter = reporter or Quiet()
    chosen = choose(runtime, scenario.topology(), progress=reporter.phase)
    folder = store.create(Path(out), scenario.name)
    folder.write_json("scenario.json", codec.encode(scenario))
    folder.write_json("environment.json", environment.describe(scenario, runtime=chosen.name, command=command))
    if chosen.name != "compose":
        _write_compose(scenario, folder)
    try:
        play(scenario, scenario.system, chosen, folder, reporter, run_id=new_run_id())  # type: ignore[arg-type]  # systems are Systems
        reporter.phase("analysing")
        return analyse(folder.path)
    except (EdgelabError, KeyboardInterrupt) as error:
        error.add_note(f"what was recorded is in {folder.path}")
        raise


def _write_compose(scenario: Scenario, folder: store.RunFolder) -> None:
    """The topology as a compose file, whatever ran it: what was built can be read, and brought up by hand.

    In a folder of its own, because ``config/`` holds what the processes were given, with their addresses.
    """
    write_project(scenario.topology(), folder.path / "compose")
    (folder.path / "compose.yaml").write_text("include:\n  - compose/compose.yaml\n", encoding="utf-8")
