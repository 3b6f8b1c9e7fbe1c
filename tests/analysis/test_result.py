from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from edgelab.analysis.checks import judge, no_loss
from edgelab.analysis.result import number_or_none, value
from edgelab.analysis.results import analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import Story, no_buffer, no_causes


def _value(**how: Any) -> dict[str, Any]:
    results = analyse(outage_run(rate_hz=50.0, **how), no_buffer)
    return value(results, judge(results, (no_loss(),)))


def _shape(found: Any) -> Any:
    """Keys of objects, and of the first element of lists."""
    if isinstance(found, dict):
        return {key: _shape(item) for key, item in found.items()}
    return [_shape(found[0])] if isinstance(found, list) and found else ...


def test_the_keys_are_those_of_the_contract() -> None:
    shape = _shape(_value())

    phases = {"detect_s": ..., "reconnect_s": ..., "resume_s": ..., "sync_s": ...}
    sample = {"n": ..., "p50_s": ..., "p95_s": ..., "p99_s": ..., "max_s": ...}
    usage = {"rss_bytes": ..., "cpu_ratio": ..., "rss_mean_bytes": ..., "cpu_idle_ratio": ...}
    assert shape == {
        "scenario": ...,
        "system": ...,
        "runtime": ...,
        "plane": ...,
        "seed": ...,
        "versions": {"nats-server": ..., "toxiproxy": ...},
        "verdict": ...,
        "checks": [{"name": ..., "verdict": ..., "why": ...}],
        "ledger": dict.fromkeys(
            (
                "attempted", "acknowledged", "failed", "unknown", "delivered", "duplicated", "reordered",
                "unexpected", "stranded", "lost", "lost_acknowledged", "lost_unexplained",
            ),
            ...,
        ),
        "losses": {"by_cause": {}, "by_phase": {}},
        "remarks": ...,
        "windows": [
            {
                "fault": ...,
                "kind": ...,
                "planned_s": ...,
                "measured_s": ...,
                "planned_start_s": ...,
                "start_s": ...,
                "bit": ...,
                "cleared": ...,
                "sites": {"site-1": phases, "site-2": phases, "site-3": phases},
            }
        ],
        "latency": {"before": sample, "during": sample, "after": sample},
        "links": {site: {"bytes_up": ..., "bytes_down": ...} for site in ("site-1", "site-2", "site-3")},
        "footprint": dict.fromkeys(("hub", "site-1", "site-2", "site-3", "toxiproxy"), usage),
        "startup_s": ...,
        "clients": {},
    }  # fmt: skip


def test_it_is_json_with_null_where_a_phase_did_not_happen() -> None:
    found = _value(behaviour=Behaviour(buffers=False))

    text = json.dumps(found, allow_nan=False)

    assert json.loads(text) == found
    assert found["windows"][0]["sites"]["site-1"]["sync_s"] is None
    assert found["latency"]["during"] == {"n": 0, "p50_s": None, "p95_s": None, "p99_s": None, "max_s": None}
    assert found["verdict"] == "fail"


def test_losses_are_told_by_cause_and_phase_and_add_up() -> None:
    found = _value(behaviour=Behaviour(buffers=False))

    lost = found["ledger"]["lost"]
    assert found["losses"]["by_cause"] == {"no buffer on core NATS": lost}
    assert sum(found["losses"]["by_phase"].values()) == lost


def test_planned_and_measured_are_lengths_in_seconds() -> None:
    (window,) = _value()["windows"]

    assert (window["planned_s"], window["planned_start_s"]) == (30.0, 15.0)
    assert window["measured_s"] == pytest.approx(30.0, abs=0.05)
    assert (window["bit"], window["cleared"]) == (True, True)


def test_a_window_that_never_held_is_null() -> None:
    story = Story()
    story.fault(10.0, 20.0, start_ns=None, end_ns=None, bit=None, cleared=None)
    results = analyse(story.facts(), no_causes)

    (window,) = value(results, judge(results, ()))["windows"]

    assert (window["measured_s"], window["start_s"], window["bit"]) == (None, None, None)
    json.dumps(window, allow_nan=False)


def test_an_empty_run_is_still_a_result() -> None:
    results = analyse(Story().facts(), no_causes)

    found = value(results, judge(results, ()))

    json.dumps(found, allow_nan=False)
    assert (found["verdict"], found["windows"], found["losses"]["by_cause"]) == ("unknown", [], {})


@pytest.mark.parametrize("nothing", [float("nan"), float("inf"), None, pd.NA])
def test_json_has_no_number_that_is_not_one(nothing: Any) -> None:
    assert number_or_none(nothing) is None
