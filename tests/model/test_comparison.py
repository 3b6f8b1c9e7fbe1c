from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgelab.errors import SpecError
from edgelab.model.comparison import Comparison
from edgelab.model.faults import Outage
from edgelab.model.scenario import Scenario
from edgelab.model.schedule import once
from edgelab.model.workload import Load, Workload
from edgelab.systems import NatsLeaf, NatsLeafCore

LEAF = Scenario(
    name="leaf",
    system=NatsLeaf(),
    sites=("a", "b"),
    workload=Workload(duration_s=10.0),
    schedule=once(Outage(), at_s=2.0, for_s=3.0),
)
CORE = replace(LEAF, name="core", system=NatsLeafCore())


def test_scenarios_that_differ_in_the_system_alone_compare() -> None:
    made = Comparison(name="leaf_or_core", entries=(("leaf", LEAF), ("core", CORE)))

    assert made.labels == ("leaf", "core")
    assert [scenario.seed for _, scenario in made.with_seed(7).entries] == [7, 7]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sites": ("a", "b", "c")}, r"sites of other must be that of leaf \(\('a', 'b'\)\), not \('a', 'b', 'c'\)"),
        ({"seed": 2}, r"seed of other must be that of leaf \(1\), not 2"),
        ({"workload": Workload(duration_s=10.0, load=Load(rate_hz=5.0))}, "workload of other must be that of leaf"),
        ({"schedule": once(Outage(), at_s=2.0, for_s=4.0)}, "schedule of other must be that of leaf"),
    ],
)
def test_what_is_not_shared_is_refused_by_its_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        Comparison(name="x", entries=(("leaf", LEAF), ("other", replace(CORE, **changes))))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ((("leaf", LEAF),), "entries must be 2 to 16 pairs of a label and a Scenario, not 1"),
        ((("leaf", LEAF), ("leaf", CORE)), "entries must have a label each of their own, not 'leaf' twice"),
        ((("leaf", LEAF), CORE), "entries must be pairs of a label and a Scenario, not Scenario"),
        ((("leaf", LEAF), ("", CORE)), "label must be 1 to 60 printable letters, not ''"),
        ((("leaf", LEAF), ("a\nb", CORE)), "label must be 1 to 60 printable letters"),
        ((("leaf", LEAF), ("core", NatsLeafCore())), "scenario of core must be a Scenario"),
        ("leaf", "entries must be several pairs"),
    ],
)
def test_entries_that_cannot_be_are_refused(entries: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        Comparison(name="x", entries=entries)


def test_a_name_that_cannot_be_a_folder_is_refused() -> None:
    with pytest.raises(SpecError, match="name must be"):
        Comparison(name="a/b", entries=(("leaf", LEAF), ("core", CORE)))
