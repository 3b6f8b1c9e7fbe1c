"""What processes of this machine use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

import psutil

from .base import Usage


def usage_of(pids: Iterable[int]) -> Usage:
    """Resident memory and processor time of ``pids`` together; those that are gone count nothing."""
    rss_bytes, cpu_s = 0, 0.0
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                rss_bytes += process.memory_info().rss
                cpu_s += times.user + times.system
    return Usage(rss_bytes, cpu_s)


def sessions() -> Mapping[int, list[int]]:
    """The processes of each session, in one pass: a tree per service would be a pass each."""
    found: dict[int, list[int]] = {}
    for pid in psutil.pids():
        with suppress(OSError):
            found.setdefault(os.getsid(pid), []).append(pid)
    return found
