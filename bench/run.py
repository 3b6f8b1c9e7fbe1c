"""`make bench`: every benchmark, one after another (two at once would measure each other)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_SCRIPTS = {
    "publish.py": "publishing rate of the lab's agents, against nats bench on the same server",
    "overhead.py": "what a run costs beyond its own schedule and drain",
    "injection.py": "error of fault windows, and skew over 50 links",
    "analysis.py": "ledger and measurements of 5 million messages",
}


def main() -> int:
    """Run them; a script that fails does not stop the others."""
    failed = []
    for script, title in _SCRIPTS.items():
        print(f"\n== {title}", flush=True)
        if subprocess.run([sys.executable, str(_HERE / script)], check=False).returncode != 0:
            failed.append(script)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
