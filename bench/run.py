"""`make bench`: every benchmark, one after another (two at once would measure each other)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]
_SCRIPTS = {
    "publish": "publishing rate of the lab's agents, against nats bench on the same server",
    "publish_kafka": "publishing rate of the lab's agents, against Kafka's ProducerPerformance on the same broker",
    "overhead": "what a run costs beyond its own schedule and drain",
    "injection": "error of fault windows, and skew over 50 links",
    "analysis": "ledger and measurements of 5 million messages",
}


def main() -> int:
    """Run them; a script that fails does not stop the others."""
    failed = []
    for script, title in _SCRIPTS.items():
        print(f"\n== {title}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{script}"], cwd=_REPOSITORY, check=False).returncode != 0:
            failed.append(script)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
