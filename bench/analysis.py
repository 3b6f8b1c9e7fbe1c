"""Ledger and all measurements of a long history: seconds and peak memory. Aim: 5 million in 5 s and 2 GB.

Usage: python bench/analysis.py [MESSAGES]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from edgelab.analysis.checks import judge, no_loss, syncs_within
from edgelab.analysis.facts import Facts
from edgelab.analysis.result import value
from edgelab.analysis.results import Results, analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import no_buffer

_SITES = 3
_DURATION_S = 60.0


def main() -> None:
    """Time what ``edgelab run`` does once a run is over, on made-up runs."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    rate_hz = messages / _SITES / _DURATION_S
    for title, behaviour in (("buffered", Behaviour(drain_hz=1e6)), ("lossy", Behaviour(buffers=False))):
        facts = outage_run(sites=_SITES, rate_hz=rate_hz, duration_s=_DURATION_S, behaviour=behaviour)
        print(f"{title}: {messages:,} messages, {_bytes(facts) / 1e6:,.0f} MB of history")
        _time_all(facts)
        print(f"  peak memory of this process so far: {_peak_bytes() / 1e9:.2f} GB")


def _time_all(facts: Facts) -> None:
    began = time.perf_counter()
    with _timed("ledger"):
        results = analyse(facts, no_buffer)
    parts: dict[str, Callable[[Results], object]] = {
        "windows": lambda r: r.windows,
        "losses": lambda r: r.losses,
        "latency": lambda r: r.latency,
        "backlog": lambda r: r.backlog,
        "footprint, links": lambda r: (r.footprint, r.links),
        "checks, result": lambda r: value(r, judge(r, (no_loss(), syncs_within(60.0)))),
    }
    for name, make in parts.items():
        with _timed(name):
            make(results)
    columns = results.ledger.memory_usage(deep=False).sum()
    print(f"  all: {time.perf_counter() - began:.2f} s; ledger {columns / 1e6:,.0f} MB")


@contextmanager
def _timed(name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"  {name:<18}{time.perf_counter() - began:6.2f} s")


def _bytes(facts: Facts) -> int:
    return int(np.sum([facts.records.nbytes, facts.stored.nbytes, facts.held.nbytes]))


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
