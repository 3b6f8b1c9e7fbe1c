"""What a run costs beyond its own schedule and drain. Aim: under 3 s with processes, under 10 s with compose.

Usage: python bench/overhead.py [process|compose]...
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from edgelab.deploy import docker_api
from edgelab.lab import run
from scenarios import nats_leaf_outage


def main() -> None:
    """Play a short outage at 3 sites in each runtime."""
    wanted = sys.argv[1:] or ["process", *(["compose"] if docker_api.answers() else [])]
    scenario = nats_leaf_outage(sites=3, before_s=2.0, outage_s=3.0, after_s=2.0)
    for runtime in wanted:
        with tempfile.TemporaryDirectory() as out:
            began = time.monotonic()
            folder = run(scenario, runtime=runtime, out=out).folder
            whole_s = time.monotonic() - began
            own_s = _own_s(folder)
        print(f"{runtime}: {whole_s:.1f} s in all, {own_s:.1f} s of schedule and drain, {whole_s - own_s:.1f} s beyond")


def _own_s(folder: Path) -> float:
    meta = json.loads((folder / "history" / "meta.json").read_text())
    return float(meta["drain_end_ns"] - meta["start_ns"]) / 1e9


if __name__ == "__main__":
    main()
