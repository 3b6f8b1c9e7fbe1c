"""Run folders: made before the run, written during it, read for ever after.

::

    scenario.json  environment.json   before anything starts
    compose.yaml  config/  data/  logs/
    history/       *.seg (records), *.jsonl (windows, usage, stores, reasons, …), meta.json
    schedule.json  result.json  ledger.parquet  plots/  report.html     after the analysis
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import LabError, SpecError

RUNS = Path("runs")
COMPARISON = "comparison.json"
"""What the folder of a comparison holds, beside its runs' folders."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run. Nothing is created by naming it."""

    path: Path

    @property
    def history(self) -> Path:
        """Segments and journals as the agents and the lab wrote them."""
        return self.path / "history"

    @property
    def plots(self) -> Path:
        """PNG files."""
        return self.path / "plots"

    def segment(self, name: str) -> Path:
        """The segment called ``name``."""
        return self.history / f"{name}.seg"

    def journal(self, name: str) -> Path:
        """The journal called ``name``."""
        return self.history / f"{name}.jsonl"

    def write_json(self, name: str, value: Any) -> None:
        """Write ``name`` whole or not at all.

        Raises:
            LabError: the disk is full or the folder is gone; an older file of that name is kept.
        """
        target = self.path / name
        part = target.with_name(f".{target.name}.part")
        try:
            part.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
            part.replace(target)
        except OSError as error:
            raise LabError(f"{target} cannot be written: {error.strerror}") from error

    def read_json(self, name: str) -> Any:
        """Read ``name``.

        Raises:
            LabError: it is not there or cannot be read: the run ended before it was written.
        """
        target = self.path / name
        try:
            return json.loads(target.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise LabError(f"{target} does not exist: the run ended before it was written") from error
        except OSError as error:
            raise LabError(f"{target} cannot be read: {error.strerror}") from error
        except ValueError as error:  # not JSON, or not even text
            raise LabError(f"{target} is not JSON ({error}): it was changed or cut short") from error


def create(
    out: Path, scenario: str, *, parts: Sequence[str] = ("history", "plots"), now: datetime | None = None
) -> RunFolder:
    """A new, empty folder ``out/SCENARIO-YYYYMMDD-HHMMSS`` with ``parts``, and ``out/latest`` pointing to it.

    Raises:
        SpecError: ``out`` cannot be written to.
    """
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    name = f"{scenario}-{stamp}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        path = _make_unused(out, name)
        for part in parts:
            (path / part).mkdir()
        latest = out / "latest"
        if latest.is_symlink() or not latest.exists():
            swap = out / f".latest-{os.getpid()}"
            swap.unlink(missing_ok=True)
            swap.symlink_to(path.name)
            swap.replace(latest)
    except OSError as error:
        raise SpecError(f"--out must be a folder that can be written to, not {out}: {error.strerror}") from error
    return RunFolder(path.resolve())


def open_folder(path: Path) -> RunFolder:
    """An existing run folder.

    Raises:
        SpecError: there is none at ``path``.
    """
    if (path / COMPARISON).is_file():
        raise SpecError(f"RUN must be a run folder, not {path}: that holds a comparison, and the runs are in it")
    if not (path / "scenario.json").is_file():
        raise SpecError(f"RUN must be a run folder (it holds scenario.json), not {path}")
    return RunFolder(path.resolve())


def newest_first(out: Path) -> list[RunFolder]:
    """The run folders in ``out``, and in the folders of comparisons there, newest first."""
    found = (p.parent for pattern in ("*/scenario.json", "*/*/scenario.json") for p in out.glob(pattern))
    folders = [p for p in found if not p.is_symlink() and not p.parent.is_symlink()]
    return [RunFolder(p) for p in sorted(folders, key=lambda p: p.stat().st_mtime, reverse=True)]


def _make_unused(out: Path, name: str) -> Path:
    for attempt in range(1, 1000):
        path = out / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise SpecError(f"--out must have room for another run: {out}/{name}-999 exists")
