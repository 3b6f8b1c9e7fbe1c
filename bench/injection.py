"""How exactly faults are injected: error of window starts and ends, and skew over 50 links.

Usage: python bench/injection.py [LINKS]
"""

from __future__ import annotations

import sys
import tempfile

import pandas as pd

from edgelab.lab import run
from scenarios import nats_partition


def main() -> None:
    """Cut, stall and silence all links of a fleet once each."""
    links = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    print(f"{links} links, one partition of all; milliseconds")
    for kind in ("cut", "stall", "silent"):
        scenario = nats_partition(
            sites=links, partitioned=links, rate_hz=5.0, before_s=3.0, outage_s=4.0, after_s=2.0, kind=kind
        )
        with tempfile.TemporaryDirectory() as out:
            windows = pd.DataFrame(run(scenario, runtime="process", out=out).results.facts.windows)
        for edge in ("start", "end"):
            error_ms = (windows[f"{edge}_ns"] - windows[f"planned_{edge}_ns"]) / 1e6
            print(
                f"  {kind:<7} {edge:<6} error median {error_ms.median():6.1f}  worst {error_ms.abs().max():6.1f}  "
                f"skew first to last {error_ms.max() - error_ms.min():6.1f}"
            )


if __name__ == "__main__":
    main()
