"""Folders of runs that are old, cut short or changed: told as that, never as a bug."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgelab import LabError, Scenario, Workload, load, store
from edgelab.comparisons import compare
from edgelab.history import SegmentWriter
from edgelab.model import codec
from edgelab.show import comparison, runs_table
from edgelab.systems import NatsLeaf

_META = {"hub_count": 1, "start_ns": 0, "publish_end_ns": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a run leaves it whose lab was killed before the analysis."""
    scenario = Scenario(name="x", system=NatsLeaf(), sites=("a",), workload=Workload(duration_s=1.0))
    made = store.create(tmp_path, scenario.name)
    made.write_json("scenario.json", codec.encode(scenario))
    made.write_json("environment.json", {"runtime": "process", "versions": {}, "command": ""})
    made.write_json("history/meta.json", _META)
    SegmentWriter(made.segment("observe"), "observe").close()
    return made.path


def _replace(old: str, new: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(path.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("scenario.json", lambda p: p.write_bytes(b"\xff\xfe"), "scenario.json is not JSON"),
        ("scenario.json", lambda p: p.write_text("[]"), "scenario.json does not hold a scenario"),
        ("scenario.json", _replace('"NatsLeaf"', '"NatsOld"'), "'NatsOld' is not known to this version"),
        ("scenario.json", _replace('"rate_hz": 100.0', '"rate_hz": -1'), "rate_hz must be at least 0.001, not -1"),
        ("environment.json", lambda p: p.unlink(), "environment.json does not exist"),
        ("environment.json", lambda p: p.write_text("{}"), "KeyError: 'runtime'"),
        ("history/meta.json", lambda p: p.write_text("{"), "meta.json is not JSON"),
        ("history/meta.json", lambda p: p.write_text("{}"), "ended before the hub's store was read"),
        ("history/meta.json", lambda _: None, "cannot be read (KeyError: 'confirms'): it is of another version"),
        ("history/observe.seg", lambda p: p.write_bytes(b"garbage"), "observe.seg is not a history segment"),
        (
            "history/observe.seg",
            lambda p: p.write_bytes(p.read_bytes()[:20]),
            "observe.seg was cut short or changed: its header cannot be read",
        ),
        ("history/stores.jsonl", lambda p: p.write_text("[3]\n"), "cannot be read"),
        ("history/windows.jsonl", lambda p: p.write_bytes(b"\xff\xfe\n"), "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(
    folder: Path, file: str, change: Callable[[Path], None], words: str
) -> None:
    change(folder / file)

    with pytest.raises(LabError) as failure:
        _ = load(folder).results

    assert words in str(failure.value)


def test_a_result_of_another_version_is_not_shown_and_does_not_hide_the_others(folder: Path) -> None:
    (folder / "result.json").write_text(json.dumps({"verdict": "pass"}))

    with pytest.raises(LabError, match=r"result\.json is of another version of edgelab.*edgelab report"):
        comparison(compare([load(folder), load(folder)]))
    assert "not finished" in runs_table(folder.parent)


def test_no_runs_is_said_in_words(tmp_path: Path) -> None:
    assert runs_table(tmp_path / "nowhere") == f"no runs in {tmp_path / 'nowhere'} yet"
