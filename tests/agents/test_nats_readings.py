"""What the observer keeps of the hub's connections."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from edgelab.agents.nats_readings import Sessions, WatchOptions
from edgelab.clock import Clock
from edgelab.history import Kind, SegmentWriter, read_segment


class _Hub:
    """A monitoring endpoint that shows one leaf, with these bytes up, one count a reading; None: no leaf."""

    def __init__(self, *counts: int | None) -> None:
        self._counts = iter(counts)

    async def get(self, _path: str) -> dict[str, Any]:
        count = next(self._counts)
        return {"leafs": [] if count is None else [{"name": "site-1", "id": 5, "in_bytes": count, "out_bytes": 7}]}


def test_what_a_session_carried_in_its_last_moments_is_counted(tmp_path: Path) -> None:
    path, counts = tmp_path / "observe.seg", (100, 4_000_000, None)
    options = WatchOptions(address="", monitor="", streams=("HUB",))
    with SegmentWriter(path, "observe") as history:
        agent: Any = SimpleNamespace(history=history, clock=Clock(0))
        hub: Any = _Hub(*counts)
        sessions = Sessions(agent, hub, options, {"site-1": 0})
        for _ in counts:
            asyncio.run(sessions.read())

    records, _ = read_segment(path)
    up = records[(records["kind"] == Kind.BYTES) & (records["code"] == 0)]
    assert up["value"].tolist() == [100, 4_000_000]
