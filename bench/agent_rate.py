"""The rate that a publishing agent reaches when it is asked for more than it can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgelab.agents.process import AgentProcess
from edgelab.clock import Clock
from edgelab.history import Kind, Outcome, read_journal, read_segment

SIZE_BYTES = 1024
_OVERLOAD_HZ = 400_000.0
_SHORTEST_S = 0.1


@dataclass(frozen=True, slots=True)
class Rate:
    """What one side reached; ``client``: what drove it."""

    messages: int
    hz: float
    client: str = ""


def agent_rate(module: str, options: Mapping[str, Any], *, messages: int, folder: Path, answered: bool) -> Rate:
    """Publish, and count what is in the history: acknowledgements, or attempts where nobody answers."""
    clock = Clock.start()
    duration_s = max(_SHORTEST_S, messages / _OVERLOAD_HZ)
    spec = {
        "agent": "bench",
        "segment": str(folder / "bench.seg"),
        "journal": str(folder / "bench.jsonl"),
        "clock_offset_ns": clock.offset_ns,
        "seed": 1,
        "arrival": "uniform",
        "duration_s": duration_s,
        "sites": [
            {
                "site": "bench",
                "index": 0,
                "rate_hz": messages / duration_s,
                "size_bytes": SIZE_BYTES,
                "publishers": 1,
                "options": dict(options),
            }
        ],
    }
    agent = AgentProcess.spawn(module, spec, folder=folder, run_id="bench")
    try:
        agent.wait_ready(20.0)
        agent.start(clock.now_ns() + 200_000_000)
        agent.wait(300.0)
    finally:
        agent.kill()
    return _rate(agent, answered=answered)


def _rate(agent: AgentProcess, *, answered: bool) -> Rate:
    records, _ = read_segment(agent.segment)
    invoked = records[records["kind"] == Kind.INVOKE]
    acknowledged = records[(records["kind"] == Kind.OUTCOME) & (records["code"] == Outcome.ACKNOWLEDGED)]
    counted = acknowledged if answered else invoked
    took_s = float(counted["t_ns"].max() - invoked["t_ns"].min()) / 1e9
    client = next((line["client"] for line in read_journal(agent.journal) if "client" in line), "")
    return Rate(len(np.unique(counted["sequence"])), len(counted) / took_s, client)
