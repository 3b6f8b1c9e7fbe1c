"""Run folders: never overwritten, written whole, found again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgelab import store
from edgelab.errors import LabError, SpecError

_NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def test_two_runs_in_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    first = store.create(tmp_path, "demo", now=_NOON)
    second = store.create(tmp_path, "demo", now=_NOON)

    assert (first.path.name, second.path.name) == ("demo-20260301-120000", "demo-20260301-120000-2")
    assert (tmp_path / "latest").resolve() == second.path


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = store.create(tmp_path, "demo")
    folder.write_json("result.json", {"lost": 0})

    with pytest.raises(ValueError, match="Out of range float"):
        folder.write_json("result.json", {"lost": float("nan")})

    assert folder.read_json("result.json") == {"lost": 0}


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="RUN must be a run folder"):
        store.open_folder(tmp_path)


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    folder = store.create(tmp_path, "demo")
    with pytest.raises(LabError, match=r"result\.json does not exist: the run ended before it was written"):
        folder.read_json("result.json")
    (folder.path / "result.json").write_text('{"lost": ')
    with pytest.raises(LabError, match=r"result\.json is not JSON"):
        folder.read_json("result.json")


def test_an_out_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SpecError, match="--out must be a folder that can be written to"):
        store.create(tmp_path / "file", "demo")


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    for name in ("a", "b"):
        store.create(tmp_path, name).write_json("scenario.json", {})

    assert {f.path.name[0] for f in store.newest_first(tmp_path)} == {"a", "b"}
    assert len(store.newest_first(tmp_path)) == 2
