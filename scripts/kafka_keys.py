"""Write edgelab/systems/kafka/keys: which settings each component of Kafka knows, by version, from its own jars.

    python scripts/kafka_keys.py 3.6.0=FOLDER-OF-JARS 3.9.2=FOLDER-OF-JARS 4.3.1=FOLDER-OF-JARS

Needs a JDK, not only a Java runtime: it compiles the small program beside this file. A line is a name that all of the
versions know, or a name and the versions that know it.
"""

# ruff: noqa: INP001 - a script, run by itself
from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

_KEYS = Path(__file__).parents[1] / "edgelab" / "systems" / "kafka" / "keys"
_PROGRAM = Path(__file__).with_name("KafkaKeys.java")


def main(arguments: list[str]) -> int:
    """Write one file for each component."""
    folders = dict(argument.split("=", 1) for argument in arguments)
    if not folders:
        sys.stderr.write(__doc__ or "")
        return 2
    known: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for version, folder in folders.items():
        for line in sorted(set(_print(folder).splitlines())):
            component, name = line.split(" ", 1)
            known[component][name].append(version)
    for component, names in known.items():
        lines = [
            name if len(having) == len(folders) else f"{name} {' '.join(having)}" for name, having in names.items()
        ]
        text = f"# Known to Kafka {', '.join(folders)}; written by scripts/kafka_keys.py.\n" + "\n".join(sorted(lines))
        (_KEYS / f"{component}.txt").write_text(text + "\n")
    return 0


def _print(folder: str) -> str:
    argv = ("java", "-cp", f"{folder}/*", str(_PROGRAM))
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
