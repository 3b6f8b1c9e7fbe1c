"""Comparisons: played with a lab that only pretends, and once for real; opened again; from runs that are there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgelab import comparisons, environment, lab, resolve, side_by_side, store
from edgelab.analysis import result
from edgelab.analysis.results import analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import no_buffer, no_causes
from edgelab.analysis.verdict import judge
from edgelab.cli import main
from edgelab.errors import EdgelabError, LabError, SpecError, SystemUnderTestError
from edgelab.model import codec
from edgelab.model.comparison import Comparison
from edgelab.model.scenario import Scenario
from edgelab.runs import Run
from edgelab.show import comparison
from scenarios import leaf_versus_mirrormaker, nats_leaf_outage

SHORT = ("--set", "systems=nats-leaf,nats-leaf-core", "--set", "rate_hz=50", "--set", "outage_s=2")


def made_up(scenario: Scenario, *, out: Path | str, **_how: Any) -> Run:
    """The folder that a run of ``scenario`` would leave, without its history; what that would give is made up."""
    buffers = scenario.system.name != "nats-leaf-core"
    facts = outage_run(sites=len(scenario.sites), rate_hz=20.0, behaviour=Behaviour(buffers=buffers))
    results = analyse(replace(facts, system=scenario.system.name), no_causes if buffers else no_buffer)
    folder = store.create(Path(out), scenario.name)
    folder.write_json("scenario.json", codec.encode(scenario))
    folder.write_json("environment.json", environment.describe(scenario, runtime="process", command=""))
    folder.write_json("result.json", result.value(results, judge(results, ())))
    run = Run(folder)
    run.__dict__["results"] = results
    return run


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Play nothing; the runs of the systems named end with ``error``."""

    def install(*failing: str, error: BaseException | None = None) -> None:
        def play(scenario: Scenario, **how: Any) -> Run:
            if scenario.system.name in failing:
                assert error is not None
                raise error
            return made_up(scenario, **how)

        monkeypatch.setattr(lab, "run", play)

    install()
    return install


@pytest.fixture
def asked() -> Comparison:
    return leaf_versus_mirrormaker(systems="nats-leaf,nats-leaf-core,nats-direct", outage_s=2.0)


@pytest.mark.usefixtures("pretend")
def test_entries_are_played_in_turn_into_one_folder_that_can_be_opened_again(asked: Comparison, tmp_path: Path) -> None:
    ended: list[str] = []

    compared = side_by_side.play(asked, out=tmp_path, ended=lambda label, _: ended.append(label), command="again")

    assert tuple(ended) == tuple(compared.runs) == asked.labels
    assert compared.folder is not None
    assert {path.name for path in compared.folder.iterdir() if path.is_file()} == {
        "comparison.html", "comparison.json", "comparison.md",
    }  # fmt: skip
    assert {path.name for path in (compared.folder / "plots").iterdir()} == {
        "backlogs.png", "recovery.png", "losses.png", "footprint.png",
    }  # fmt: skip
    assert (tmp_path / "latest").resolve() == compared.folder
    moved = compared.folder.rename(tmp_path / "elsewhere")
    again = comparisons.load(moved)
    assert again.table().equals(compared.table())
    assert not again.differences().rows


@pytest.mark.usefixtures("pretend")
def test_the_numbers_of_a_comparison_can_be_read_by_a_script(asked: Comparison, tmp_path: Path) -> None:
    compared = side_by_side.play(asked, out=tmp_path)

    assert compared.folder is not None
    told = json.loads((compared.folder / "comparison.json").read_text())
    assert [entry["label"] for entry in told["entries"]] == list(asked.labels)
    assert told["table"]["nats-leaf-core"]["lost"] == compared.runs["nats-leaf-core"].result["ledger"]["lost"] > 0
    assert told["table"]["nats-leaf-core"]["sync_s"] is None


def test_a_run_that_fails_does_not_lose_the_others(
    pretend: Callable[..., None], asked: Comparison, tmp_path: Path
) -> None:
    pretend("nats-leaf-core", error=SystemUnderTestError("site-1 was ended by signal 9"))
    outcomes: dict[str, Any] = {}

    compared = side_by_side.play(asked, out=tmp_path, ended=outcomes.__setitem__)

    assert list(compared.runs) == ["nats-leaf", "nats-direct"]
    assert isinstance(outcomes["nats-leaf-core"], SystemUnderTestError)
    assert compared.exit_code == 3
    assert compared.folder is not None
    shown = comparison(comparisons.load(compared.folder))
    assert "nats-leaf-core has no result: site-1 was ended by signal 9" in shown
    assert "site-1 was ended by signal 9" in (compared.folder / "comparison.html").read_text()


def test_where_no_entry_has_a_result_the_first_failure_is_told(
    pretend: Callable[..., None], asked: Comparison, tmp_path: Path
) -> None:
    pretend(*asked.labels, error=LabError("no room"))

    with pytest.raises(LabError, match="no room"):
        side_by_side.play(asked, out=tmp_path)


def test_an_interrupt_leaves_the_runs_that_had_ended_to_be_compared(
    pretend: Callable[..., None], asked: Comparison, tmp_path: Path
) -> None:
    pretend("nats-direct", error=KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt) as interrupted:
        side_by_side.play(asked, out=tmp_path)

    (note,) = interrupted.value.__notes__
    assert note.startswith("2 of 3 runs had ended; see them side by side: edgelab compare ")
    kept = comparisons.load(Path(note.rpartition(" ")[2]))
    assert list(kept.runs) == ["nats-leaf", "nats-leaf-core"]


def test_what_cannot_be_played_is_refused_before_anything_starts(
    pretend: Callable[..., None], asked: Comparison, tmp_path: Path
) -> None:
    pretend(*asked.labels, error=AssertionError("was played"))
    label, last = asked.entries[-1]
    bad = replace(asked, entries=(*asked.entries[:-1], (label, replace(last, checks=(_OwnCheck(),)))))

    with pytest.raises(SpecError, match="scenario must be made of edgelab's own"):
        side_by_side.play(bad, out=tmp_path)
    assert not list(tmp_path.iterdir())


class _OwnCheck:
    name = "mine"

    def check(self, results: Any) -> Any: ...


@pytest.mark.usefixtures("pretend")
def test_runs_of_different_schedules_are_compared_and_what_differs_is_said(tmp_path: Path) -> None:
    runs = [
        made_up(nats_leaf_outage(sites=2, outage_s=3.0), out=tmp_path),
        made_up(nats_leaf_outage(sites=1, outage_s=5.0, seed=2), out=tmp_path),
    ]

    compared = comparisons.compare(runs)

    assert list(compared.runs) == ["nats-leaf (1)", "nats-leaf (2)"]
    different = {row[0]: row[1:] for row in compared.differences().rows}
    assert set(different) == {"sites", "load", "faults", "seed"}
    assert different["faults"][1] == "Outage cut of site-1, from 5 to 10 s"
    shown = comparison(compared)
    assert "not the same for all" in shown
    assert str(runs[1].folder) in shown


def test_labels_tell_runs_apart_by_what_differs(tmp_path: Path) -> None:
    runs = [made_up(nats_leaf_outage(version=version, outage_s=1.0), out=tmp_path) for version in ("2.10.12", "2.14.0")]

    assert list(comparisons.compare(runs).runs) == ["nats-leaf@2.10.12", "nats-leaf@2.14.0"]


@pytest.mark.usefixtures("pretend")
def test_a_comparison_fits_on_100_columns_and_many_runs_have_a_row_each(asked: Comparison, tmp_path: Path) -> None:
    compared = side_by_side.play(asked, out=tmp_path)
    run = next(iter(compared.runs.values()))

    wide = comparison(compared)
    long = comparison(comparisons.compare([run] * 12))

    paths = [str(folder) for folder in (compared.folder, *(one.folder for one in compared.runs.values()))]
    assert all(len(line) <= 100 for line in wide.splitlines() if not any(path in line for path in paths))
    assert sum("pass" in line for line in long.splitlines()) == 12


@pytest.mark.usefixtures("pretend")
def test_the_command_line_plays_a_comparison_and_prints_each_outcome(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["run", "leaf_versus_mirrormaker", *SHORT, "--out", str(tmp_path)])

    assert done.exit_code == 0, done.output
    assert "1/2  nats-leaf  pass: " in done.stdout
    assert "2/2  nats-leaf-core  pass: " in done.stdout
    assert "sync" in done.stdout
    assert f"comparison {tmp_path}/leaf_versus_mirrormaker-" in done.stdout


def test_the_command_line_ends_with_3_where_an_entry_has_no_result(
    pretend: Callable[..., None], tmp_path: Path
) -> None:
    error: EdgelabError = SystemUnderTestError("the hub died")
    error.add_note("what was recorded is in FOLDER")
    pretend("nats-leaf-core", error=error)

    done = CliRunner().invoke(main, ["run", "leaf_versus_mirrormaker", *SHORT, "--out", str(tmp_path)])

    assert done.exit_code == 3
    assert "2/2  nats-leaf-core  no result: the hub died" in done.stdout
    assert "what was recorded is in FOLDER" in done.stderr


@pytest.mark.usefixtures("pretend")
def test_compare_takes_the_folder_of_a_comparison_and_writes_a_page(asked: Comparison, tmp_path: Path) -> None:
    compared = side_by_side.play(asked, out=tmp_path)

    alone = CliRunner().invoke(main, ["compare", str(compared.folder)])
    reported = CliRunner().invoke(main, ["report", str(compared.folder)])
    listed = CliRunner().invoke(main, ["list", "runs", "--out", str(tmp_path)])

    assert alone.exit_code == 0, alone.output
    assert "nats-leaf-core" in alone.stdout
    assert reported.exit_code == 2
    assert "that holds a comparison" in reported.stderr
    assert listed.stdout.count("nats-leaf-core-") == 1
    compared.write(tmp_path / "page")
    assert "../leaf_versus_mirrormaker-" in (tmp_path / "page" / "comparison.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--system", "nats-leaf"), "--system nats-leaf must be of a scenario with one system"),
        (("--set", "system.reconnect_s=1"), "--set system.reconnect_s must be of a scenario with one system"),
        (("--set", "systems=nats-leaf"), "systems must name at least two, with commas between, not 'nats-leaf'"),
        (("--set", "systems= , "), "systems must name at least two, with commas between, not ','"),
        (("--set", "systems=nats-leaf,amqp"), "systems must be NAME, NAME:PRESET or NAME@VERSION of nats-leaf"),
        (("--set", "systems=nats-leaf,nats-leaf:fast"), "systems must not give a preset of nats-leaf"),
        (("--set", "systems=nats-leaf,nats-leaf@new"), "version must be"),
        (("--set", "systems=nats-leaf,nats-leaf"), "systems must name each once, not 'nats-leaf' twice"),
        (("--set", "outage_s=0", "--set", "systems=nats-leaf,nats-direct"), "outage_s must be more than 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(main, ["run", "leaf_versus_mirrormaker", *SHORT[2:4], *arguments])

    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())


def test_versions_are_compared_and_the_seed_is_that_of_all() -> None:
    made = resolve.asked("leaf_versus_mirrormaker", settings=["systems=nats-leaf@2.10.12,nats-leaf"], seed=9)

    assert isinstance(made, Comparison)
    assert made.entries[0][1].system.versions["nats-server"] == "2.10.12"
    assert [scenario.seed for _, scenario in made.entries] == [9, 9]


def test_a_compose_file_of_a_comparison_is_refused() -> None:
    done = CliRunner().invoke(main, ["compose", "leaf_versus_mirrormaker", *SHORT[:2]])

    assert done.exit_code == 2
    assert "SCENARIO must be of one system here, and leaf_versus_mirrormaker compares nats-leaf" in done.stderr


@pytest.mark.process
def test_two_systems_through_one_outage_on_real_brokers(tmp_path: Path) -> None:
    asked = leaf_versus_mirrormaker(
        systems="nats-leaf,nats-leaf-core", rate_hz=100.0, before_s=1.0, outage_s=2.0, after_s=1.0
    )

    compared = side_by_side.play(asked, runtime="process", out=tmp_path)

    rows = compared.table()
    assert list(rows["verdict"]) == ["pass", "pass"]
    assert list(rows["attempted"]) == [400, 400]
    leaf, core = rows.to_dict("records")
    assert leaf["lost"] == 0
    assert leaf["sync_s"] > 0
    assert core["lost"] > 100
    assert (rows["site_memory_bytes"] > 1e6).all()
    assert (rows["startup_s"] > 0).all()
    assert compared.folder is not None
    assert (compared.folder / "plots" / "backlogs.png").stat().st_size > 10_000
