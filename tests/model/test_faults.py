"""Faults refuse nonsense and say what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from edgelab.errors import SpecError
from edgelab.model.faults import Fault, Kill, Latency, Outage, Partition, Pause, Throttle, describe
from edgelab.model.topology import site_names


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Outage("site-1", kind=cast("Any", "gone")), "kind must be one of stall, cut, silent, not 'gone'"),
        (
            lambda: Outage("site-1", direction=cast("Any", "left")),
            "direction must be one of both, up, down, not 'left'",
        ),
        (lambda: Outage("site-1", kind="cut", direction="up"), "direction must be 'both' for kind 'cut'"),
        (lambda: Outage(()), "sites must name at least one site"),
        (lambda: Outage(("a", "a")), "sites must not repeat a site"),
        (lambda: Outage("Site_1"), "sites must be 1 to 40 lower-case letters"),
        (lambda: Latency(one_way_s=-1.0), "one_way_s must be at least 0.001, not -1.0"),
        (lambda: Latency(one_way_s=float("nan")), "one_way_s must be a number, not nan"),
        (lambda: Latency(one_way_s=0.1, jitter_s=0.2), "jitter_s must be at most 0.1, not 0.2"),
        (lambda: Throttle(rate_bps=100), "rate_bps must be at least 8000, not 100"),
        (lambda: Throttle(rate_bps=True), "rate_bps must be a number, not True"),
        (lambda: Kill("no such"), "service must be 1 to 40"),
    ],
)
def test_nonsense_is_refused_with_field_bound_and_value(make: Callable[[], Fault], words: str) -> None:
    with pytest.raises(SpecError, match=words.replace("(", r"\(")):
        make()


def test_options_are_keywords_only() -> None:
    with pytest.raises(TypeError):
        cast("Any", Outage)("site-1", "cut")


def test_the_default_outage_is_a_stall_of_every_site_both_ways() -> None:
    fault = Outage()

    assert (fault.targets, fault.kind, fault.direction, fault.plane) == (("all",), "stall", "both", "proxy")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Partition(("a", "b"), kind="cut"), "Partition cut of a, b"),
        (Outage("a", direction="up"), "Outage stall (up) of a"),
        (Latency("a", one_way_s=0.3), "Latency 300 ms one way of a"),
        (Throttle("a", rate_bps=64_000), "Throttle 64 kbit/s of a"),
        (Pause("hub"), "Pause of hub"),
        (Partition(site_names(50)), "Partition stall of site-01 to site-50 (50 sites)"),
    ],
)
def test_a_fault_is_described_in_one_line(fault: Fault, words: str) -> None:
    assert describe(fault) == words
