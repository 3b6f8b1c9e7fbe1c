"""Whether a scenario has room on this machine, before anything is started.

Least amounts only: what is refused here could not have ended well; what is not may still turn out too large.
"""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

import psutil

from ..errors import SpecError
from ..model.scenario import Scenario
from ..model.topology import MIB
from .programs import is_jvm

_HISTORY_BYTES = 96  # of one message: attempted, answered, stored
_ANALYSIS_BYTES = 150  # of one message, in memory
_BROKER_BYTES = 10 * MIB  # an idle nats-server takes about 16
_JVM_BYTES = 130 * MIB  # with a heap of 32 MB
_OTHER_FILES = 100
_AGENTS = 8


def check(scenario: Scenario, out: Path) -> None:
    """Refuse what cannot fit.

    Raises:
        SpecError: the disk below ``out``, the memory or the open files would not do; the message says what would.
    """
    _check_disk(scenario, out)
    _check_memory(scenario)
    _check_files(scenario)


def _check_disk(scenario: Scenario, out: Path) -> None:
    loads = [scenario.workload.of(site) for site in scenario.sites]
    duration_s = scenario.workload.duration_s
    needed = sum(int(x.rate_hz * duration_s) * (x.size_bytes + _HISTORY_BYTES) for x in loads)
    folder = out.absolute()
    while not folder.exists():
        folder = folder.parent
    disk = shutil.disk_usage(folder)
    if disk.total and needed > disk.free:  # /proc and the like have no size, and are refused for what they are
        raise SpecError(
            f"{scenario.messages:,} messages need at least {_size(needed)} of disk at the hub and in the history, and "
            f"{out} has {_size(disk.free)} free; lower rate_hz, size_bytes, sites or the duration, or use another --out"
        )


def _check_memory(scenario: Scenario) -> None:
    services = scenario.topology().services
    brokers = f"{len(services)} brokers"
    if jvms := sum(map(is_jvm, services)):
        brokers += f" and mirrors, {jvms} of them in Java,"
    needed = (len(services) - jvms) * _BROKER_BYTES + jvms * _JVM_BYTES + scenario.messages * _ANALYSIS_BYTES
    free = psutil.virtual_memory().available
    if needed > free:
        raise SpecError(
            f"{brokers} and the account of {scenario.messages:,} messages need at least {_size(needed)} of "
            f"memory, and {_size(free)} are free; lower sites, rate_hz or the duration"
        )


def _check_files(scenario: Scenario) -> None:
    clients = sum(scenario.workload.of(site).publishers for site in scenario.sites)
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = (limit - _OTHER_FILES) * min(_AGENTS, len(scenario.sites))
    if limit != resource.RLIM_INFINITY and clients > most:
        raise SpecError(
            f"publishers of all sites together must be at most {most} (a process may open {limit} files here: "
            f"`ulimit -n`), not {clients}"
        )


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
