"""What goes wrong around a run is told in words, with the place of what was recorded. No broker is started."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from edgelab import LabError, Scenario, SpecError, Workload, run
from edgelab.history import SegmentWriter
from edgelab.systems import NatsLeaf

PLAYED = Scenario(name="x", system=NatsLeaf(), sites=("a",), workload=Workload(duration_s=1.0))


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, records: bool) -> None:
    def play(_scenario: Any, _system: Any, _runtime: Any, folder: Any, _reporter: Any, **_: Any) -> None:
        if records:
            SegmentWriter(folder.segment("observe"), "observe").close()
        raise error

    monkeypatch.setattr("edgelab.lab.play", play)


def test_a_full_disk_is_the_labs_failure_and_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, OSError(errno.ENOSPC, "No space left on device", "/runs/x/history/usage.jsonl"), records=True)

    with pytest.raises(LabError, match=r"usage\.jsonl cannot be written or read: No space left on device") as failure:
        run(PLAYED, runtime="process", out=tmp_path)

    assert failure.value.__notes__ == [f"what was recorded is in {(tmp_path / 'latest').resolve()}"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LabError("no"), RuntimeError("a bug")])
def test_whatever_ends_a_run_says_where_its_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    _failing(monkeypatch, error, records=False)

    with pytest.raises(type(error)) as failure:
        run(PLAYED, runtime="process", out=tmp_path)

    folder = (tmp_path / "latest").resolve()
    assert failure.value.__notes__ == [
        f"nothing was recorded yet; configuration and the brokers' logs are in {folder}",
    ]


def test_what_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    out = tmp_path / "runs"

    with pytest.raises(SpecError, match="scenario must be a Scenario, not 'nats_leaf_outage'"):
        run("nats_leaf_outage", runtime="process", out=out)  # type: ignore[arg-type]  # what a user may do
    with pytest.raises(SpecError, match="runtime must be one of auto, compose, process, not 'vm'"):
        run(PLAYED, runtime="vm", out=out)

    assert not out.exists()
