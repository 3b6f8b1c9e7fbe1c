"""What a run costs beyond its own schedule and drain, and the memory of one site's services.

Aims: NATS under 3 s with processes and under 10 s with compose (3 sites); Kafka under 15 s with processes (1 site).

Usage: python bench/overhead.py [process|compose]...
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from edgelab import Run, Scenario
from edgelab.deploy import docker_api
from edgelab.lab import run
from scenarios import mirrormaker_outage, nats_leaf_outage

_MIB = 1024 * 1024


def main() -> None:
    """Play a short outage of each family in each runtime."""
    wanted = sys.argv[1:] or ["process", *(["compose"] if docker_api.answers() else [])]
    for scenario in (
        nats_leaf_outage(sites=3, before_s=2.0, outage_s=3.0, after_s=2.0),
        mirrormaker_outage(sites=1, before_s=2.0, outage_s=3.0, after_s=2.0),
    ):
        for runtime in wanted:
            _measure(scenario, runtime)


def _measure(scenario: Scenario, runtime: str) -> None:
    with tempfile.TemporaryDirectory() as out:
        began = time.monotonic()
        played = run(scenario, runtime=runtime, out=out)
        whole_s = time.monotonic() - began
        own_s = _own_s(played.folder)
        memory_mib = _site_memory_mib(played)
    print(
        f"{scenario.system.name}, {runtime}: {whole_s:.1f} s in all, {own_s:.1f} s of schedule and drain, "
        f"{whole_s - own_s:.1f} s beyond; memory of one site's services at most {memory_mib:.0f} MiB"
    )


def _own_s(folder: Path) -> float:
    meta = json.loads((folder / "history" / "meta.json").read_text())
    return float(meta["drain_end_ns"] - meta["start_ns"]) / 1e9


def _site_memory_mib(played: Run) -> float:
    """Peaks of the services of one site, in sum; the dearest site's."""
    topology = played.scenario.topology()
    peaks = {name: used["rss_bytes"] for name, used in played.result["footprint"].items()}
    return max(sum(float(peaks[s.name]) for s in topology.services_of(site)) for site in topology.sites) / _MIB


if __name__ == "__main__":
    main()
