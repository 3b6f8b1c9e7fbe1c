"""From a scenario to a finished run: folder, environment, play, analysis."""

from __future__ import annotations

from pathlib import Path

from . import environment, loading, store
from .deploy import room
from .deploy.addresses import check_placeholders
from .deploy.choose import runtime as choose
from .deploy.compose import write_project
from .errors import LabError
from .model import codec, validate
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
    refuse_what_cannot_be(scenario, Path(out))
    chosen = choose(runtime, scenario.topology(), progress=reporter.phase)
    folder = store.create(Path(out), scenario.name)
    try:
        _write_head(scenario, folder, runtime=chosen.name, command=command)
        play(scenario, scenario.system, chosen, folder, reporter, run_id=new_run_id())  # type: ignore[arg-type]  # systems are Systems
        reporter.phase("analysing")
        return analyse(folder.path)
    except OSError as error:
        failed = LabError(f"{error.filename or folder.path} cannot be written or read: {error.strerror or error}")
        failed.add_note(_kept(folder))
        raise failed from error
    except BaseException as error:
        error.add_note(_kept(folder))
        raise


def refuse_what_cannot_be(scenario: Scenario, out: Path) -> None:
    """What only shows once a scenario meets this version and this machine, while nothing is there yet."""
    validate.instance("scenario", scenario, Scenario, "a Scenario")
    loading.check_kept(scenario)
    check_placeholders(scenario.topology())
    room.check(scenario, out)


def _kept(folder: store.RunFolder) -> str:
    if any(folder.history.glob("*.seg")):
        return f"what was recorded is in {folder.path}"
    return f"nothing was recorded yet; configuration and the brokers' logs are in {folder.path}"


def _write_head(scenario: Scenario, folder: store.RunFolder, *, runtime: str, command: str) -> None:
    folder.write_json("scenario.json", codec.encode(scenario))
    folder.write_json("environment.json", environment.describe(scenario, runtime=runtime, command=command))
    if runtime != "compose":
        _write_compose(scenario, folder)


def _write_compose(scenario: Scenario, folder: store.RunFolder) -> None:
    """The topology as a compose file, whatever ran it: what was built can be read, and brought up by hand.

    In a folder of its own, because ``config/`` holds what the processes were given, with their addresses.
    """
    write_project(scenario.topology(), folder.path / "compose")
    (folder.path / "compose.yaml").write_text("include:\n  - compose/compose.yaml\n", encoding="utf-8")
