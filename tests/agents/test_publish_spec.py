"""Specs of publishing agents, refused where they are wrong; and which message is due when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelab.agents.due import NEVER_NS, Due
from edgelab.agents.lifecycle import read_spec
from edgelab.agents.nats_options import NatsOptions
from edgelab.agents.publish_spec import site_parts
from edgelab.errors import SpecError
from edgelab.model.workload import Load, Workload


def test_intended_times_are_those_of_the_workload() -> None:
    (part,) = site_parts(_spec(), NatsOptions)

    workload = Workload(duration_s=2.0, load=Load(rate_hz=50.0, size_bytes=100), arrival="poisson")
    assert np.array_equal(part.times_s, workload.intended_s("depot", seed=5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"arrival": "bursty"}, "arrival must be one of uniform, poisson, not 'bursty'"),
        ({"duration_s": 0}, "duration_s must be at least 0.1, not 0"),
        ({"sites": []}, "sites must hold at least one site"),
        ({"sites": [{"site": "depot"}]}, r"sites\[\].index is missing"),
        ({"rate_hz": 0}, "rate_hz must be at least 0.001, not 0"),
        ({"size_bytes": 27}, "size_bytes must be at least 28, not 27"),
        ({"publishers": 0}, "publishers must be at least 1, not 0"),
        ({"index": 65535}, r"sites\[\].index must be at most 65534, not 65535"),
        ({"site": "Depot"}, r"sites\[\].site must be .*, not 'Depot'"),
        ({"address": "nowhere"}, "address must be host:port, not 'nowhere'"),
        ({"address": "127.0.0.1:70000"}, "address must be host:port"),
        ({"subject": "a b"}, "subject must be a NATS subject"),
        ({"mode": "stram"}, "mode must be one of core, stream, not 'stram'"),
        ({"attempts": 0}, "attempts must be at least 1, not 0"),
        ({"backoff_s": 0.0}, "backoff_s must be at least 0.001, not 0.0"),
        ({"ack_timeout_s": float("nan")}, "ack_timeout_s must be a number, not nan"),
        ({"in_flight_max": 1.5}, "in_flight_max must be a whole number, not 1.5"),
        ({"retries": 3}, "NatsOptions got an unexpected keyword argument 'retries'"),
    ],
)
def test_a_wrong_field_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        site_parts(_spec(**change), NatsOptions)


def test_a_repeated_site_is_refused() -> None:
    spec = _spec()
    spec["sites"] *= 2

    with pytest.raises(SpecError, match="sites must not repeat a site"):
        site_parts(spec, NatsOptions)


def test_patience_covers_all_attempts() -> None:
    options = NatsOptions(address="127.0.0.1:4222", subject="a", attempts=3, ack_timeout_s=2.0, backoff_s=0.5)

    assert options.patience_s == 7.5


@pytest.mark.parametrize("field", ["agent", "segment", "journal", "clock_offset_ns", "sites"])
def test_a_missing_common_field_is_named(tmp_path: Path, field: str) -> None:
    spec = {"agent": "a", "segment": "s", "journal": "j", "clock_offset_ns": 0, "sites": []}
    del spec[field]
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))

    with pytest.raises(SpecError, match=f"^{field} must be"):
        read_spec(path)


def test_a_spec_that_is_no_json_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text("{")

    with pytest.raises(SpecError, match=r"spec\.json cannot be read"):
        read_spec(tmp_path / "spec.json")


def test_publishers_of_a_site_share_its_messages() -> None:
    times_s = np.arange(10_001) / 1000

    taken = sorted(pair for first in range(3) for pair in _drain(Due(times_s, first=first, step=3, start_ns=5)))

    assert taken == [(sequence, 5 + sequence * 1_000_000) for sequence in range(10_001)]


def test_a_publisher_without_messages_is_over_at_once() -> None:
    due = Due(np.arange(2.0), first=5, step=6, start_ns=17)

    assert (due.over, due.next_ns, due.last_ns) == (True, NEVER_NS, 17)


def _drain(due: Due) -> list[tuple[int, int]]:
    taken = []
    while not due.over:
        taken.append((due.sequence, due.next_ns))
        due.take()
    assert not taken or taken[-1][1] == due.last_ns
    return taken


def _spec(**change: Any) -> dict[str, Any]:
    options = {"address": "127.0.0.1:4222", "subject": "edge.data"}
    site = {"site": "depot", "index": 0, "rate_hz": 50.0, "size_bytes": 100, "publishers": 1, "options": options}
    spec = {"seed": 5, "arrival": "poisson", "duration_s": 2.0, "sites": [site]}
    for key, value in change.items():
        place = next((part for part in (spec, site) if key in part), options)
        place[key] = value
    return spec
