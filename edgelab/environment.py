"""What a run was played on: enough to judge whether two runs compare."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

from .model.scenario import Scenario
from .model.topology import PROXY

_LIBRARIES = (
    "edgelab", "nats-py", "kafka-python", "confluent-kafka", "toxiproxy-python", "docker", "numpy", "pandas", "uvloop",
)  # fmt: skip


def describe(scenario: Scenario, *, runtime: str, command: str) -> dict[str, Any]:
    """Host facts, versions and the command that plays ``scenario`` again. Names no person, path or machine."""
    return {
        "command": command,
        "runtime": runtime,
        "versions": versions_of(scenario),
        "host": {
            "system": platform.system(),
            "kernel": platform.release(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "python": platform.python_version(),
        },
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


def versions_of(scenario: Scenario) -> dict[str, str]:
    """Version of each program in the scenario's topology."""
    return {**scenario.system.versions, PROXY: scenario.topology().service(PROXY).version}


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
