"""Whatever is put into a field of a scenario's values is taken or refused as the user's: it never fails elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from edgelab.analysis.checks import Within, no_loss
from edgelab.errors import SpecError
from edgelab.model.faults import Kill, Latency, Outage, Partition, Pause, Throttle
from edgelab.model.scenario import Scenario
from edgelab.model.schedule import Schedule, Window, flapping, once
from edgelab.model.topology import site_names
from edgelab.model.workload import Load, Workload
from edgelab.systems import SYSTEMS, NatsDirect, NatsLeaf

_NONSENSE: tuple[Any, ...] = (
    "x y", "\0", "{", None, float("nan"), float("inf"), -1, 10**9, 10**30, [], {}, (), True, 3.7, b"x", object(), int,
)  # fmt: skip
_SENSE: dict[type, dict[str, Any]] = {
    Outage: {},
    Partition: {},
    Latency: {"one_way_s": 1.0},
    Throttle: {"rate_bps": 1e6},
    Kill: {"service": "hub"},
    Pause: {"service": "hub"},
    Load: {},
    Workload: {"duration_s": 10.0},
    Window: {"start_s": 0.0, "end_s": 1.0, "fault": Outage()},
    Schedule: {},
    Within: {"phase": "sync", "limit_s": 1.0},
    Scenario: {"name": "x", "system": NatsLeaf(), "sites": ("a",), "workload": Workload(duration_s=10.0)},
    **{system: {} for system in SYSTEMS.values()},
}


def _fields() -> Iterator[tuple[type, str]]:
    for kind in _SENSE:
        yield from ((kind, field.name) for field in dataclasses.fields(kind))


@pytest.mark.parametrize(("kind", "field"), list(_fields()))
def test_nonsense_in_any_field_is_a_refusal_or_no_nonsense_there(kind: Any, field: str) -> None:
    for value in _NONSENSE:
        with suppress(SpecError):
            kind(**{**_SENSE[kind], field: value})


@pytest.mark.parametrize("value", _NONSENSE)
def test_nonsense_in_a_schedule_is_refused(value: Any) -> None:
    with pytest.raises(SpecError):
        once(value, at_s=1.0, for_s=1.0)
    with pytest.raises(SpecError):
        flapping(value, at_s=1.0, on_s=1.0, off_s=1.0, times=2)
    with pytest.raises(SpecError):
        Schedule((value,))
    with suppress(SpecError):
        flapping(Outage(), at_s=value, on_s=1.0, off_s=1.0, times=2)


def _scenario(**changes: Any) -> Scenario:
    plain = Scenario(name="x", system=NatsLeaf(), sites=("a", "b"), workload=Workload(duration_s=10.0))
    return dataclasses.replace(plain, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sites": "ab"}, "sites must be several names, such as ('site-1', 'site-2'), not 'ab'"),
        ({"sites": ()}, "sites must be 1 to 1000 names, not 0"),
        ({"sites": tuple(f"s{i}" for i in range(1001))}, "sites must be 1 to 1000 names, not 1001"),
        ({"sites": ("toxiproxy",)}, "sites must not be called hub, toxiproxy, all (they mean something else)"),
        ({"system": NatsLeaf}, "system must be a system under test, such as NatsLeaf(), not <class"),
        ({"checks": (no_loss,)}, "checks must hold checks, such as no_loss(), not <function"),
        ({"schedule": once(Outage("zz"), at_s=1, for_s=1)}, "sites must name links that are there (a, b), not 'zz'"),
        ({"schedule": once(Outage(), at_s=10, for_s=1)}, "must be less than the workload's duration_s (10), not 10"),
        (
            {"system": NatsDirect(), "schedule": once(Kill("a"), at_s=1, for_s=1)},
            "service must be one that runs (hub), not 'a'",
        ),
        ({"workload": Workload(duration_s=1.0, per_site={"z": Load()})}, "per_site must name sites that are there"),
        ({"workload": Workload(duration_s=1.0, load=Load(rate_hz=0.1))}, "of all sites) must be at least 1, not 0"),
        (
            {"sites": site_names(100), "workload": Workload(duration_s=6e5, load=Load(rate_hz=1e6))},
            "messages (rate_hz x duration_s, of all sites) must be at most 1000000000, not 60000000000000",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_field_bound_and_value(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as refused:
        _scenario(**changes)

    assert words in str(refused.value)


def test_a_bound_is_shown_as_one_would_type_it() -> None:
    with pytest.raises(SpecError, match="seed must be at most 4294967295, not 4294967296"):
        _scenario(seed=2**32)
    with pytest.raises(SpecError, match=r"rate_hz must be at least 0\.001, not 0"):
        Load(rate_hz=0)


def test_thousands_of_windows_are_checked_in_no_time_and_more_are_refused() -> None:
    many = flapping(Outage(), at_s=0.0, on_s=1.0, off_s=1.0, times=10_000)

    with pytest.raises(SpecError, match="must not do the same thing to one target twice"):
        flapping(Outage(), at_s=0.0, on_s=10.0, off_s=1.0, times=500) + once(Outage("a"), at_s=5000.0, for_s=9.0)
    with pytest.raises(SpecError, match="windows must be at most 10000, not 10001"):
        many + once(Latency(one_way_s=1.0), at_s=1.0, for_s=1.0)
