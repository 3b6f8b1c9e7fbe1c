"""What the observer writes down of what it reads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from edgelab.agents.changes import Changes
from edgelab.history import Kind, SegmentWriter, read_segment

_MS = 1_000_000


def _readings(folder: Path, *readings: tuple[int, int]) -> list[tuple[int, int]]:
    """What is written when the observer reads these (milliseconds, messages)."""
    path = folder / "observe.seg"
    with SegmentWriter(path, "observe") as history:
        agent: Any = SimpleNamespace(history=history)
        changes = Changes(agent)
        for at_ms, messages in readings:
            changes.note(Kind.PROGRESS, at_ms * _MS, (0,), value=messages, position=messages, stream=0)
    records, _ = read_segment(path)
    return [(int(r["t_ns"]) // _MS, int(r["value"])) for r in records]


def test_a_change_stands_between_the_last_reading_without_it_and_the_first_with_it(tmp_path: Path) -> None:
    assert _readings(tmp_path, (0, 5), (10, 5), (20, 5), (30, 8)) == [(0, 5), (20, 5), (30, 8)]


def test_what_changes_at_every_reading_is_written_once_each(tmp_path: Path) -> None:
    assert _readings(tmp_path, (0, 5), (10, 6), (20, 7)) == [(0, 5), (10, 6), (20, 7)]


def test_what_does_not_change_is_written_once_a_second(tmp_path: Path) -> None:
    assert _readings(tmp_path, *((at_ms, 5) for at_ms in range(0, 2100, 100))) == [(0, 5), (1000, 5), (2000, 5)]
