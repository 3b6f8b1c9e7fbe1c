"""The same scenario in containers and as processes: the same fate for every message."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import docker
import pytest

from edgelab.analysis.checks import all_losses_explained, no_loss
from edgelab.lab import run
from edgelab.model.faults import Kill, Outage
from edgelab.model.scenario import Scenario
from edgelab.model.schedule import once
from edgelab.model.topology import site_names
from edgelab.model.workload import Load, Workload
from edgelab.runs import Run
from edgelab.systems import NatsDirect, NatsLeaf, NatsLeafCore

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

_AT_S, _FOR_S = 1.5, 3.0
# When a leaf is back is its own affair (it redials at random within an interval or two); what was sent then may differ.
_UNDECIDED_S = 3.0
# A client that tries again may bridge the end of the outage.
_PATIENCE_S = 1.5


def scenario(system: Any, kind: Any, *, sites: int, check: Any) -> Scenario:
    return Scenario(
        name="both",
        system=system,
        sites=site_names(sites),
        workload=Workload(duration_s=_AT_S + _FOR_S + _UNDECIDED_S + 1.0, load=Load(rate_hz=100.0, size_bytes=200)),
        schedule=once(Outage(kind=kind), at_s=_AT_S, for_s=_FOR_S),
        checks=(check,),
    )


def decided_fates(outcome: Run) -> dict[tuple[str, int], str]:
    ledger, facts = outcome.ledger(), outcome.results.facts
    due_s = (ledger["intended_ns"] - facts.start_ns) / 1e9
    edge = due_s.between(_AT_S - 0.2, _AT_S + 0.2) | due_s.between(
        _AT_S + _FOR_S - _PATIENCE_S, _AT_S + _FOR_S + _UNDECIDED_S
    )
    kept = ledger[~edge]
    return dict(zip(zip(kept["site"], kept["sequence"], strict=True), kept["fate"], strict=True))


@pytest.mark.parametrize(
    ("system", "kind", "check"),
    [
        (NatsLeaf(), "cut", no_loss()),
        (NatsLeafCore(), "silent", all_losses_explained()),
        (NatsLeafCore(), "stall", no_loss()),
        (NatsDirect(attempts=2, ack_timeout_s=0.3), "cut", all_losses_explained()),
    ],
    ids=["leaf-cut", "core-silent", "core-stall", "direct-cut"],
)
def test_both_runtimes_tell_the_same_fate_for_every_message(
    run_folder: Path, system: Any, kind: Any, check: Any
) -> None:
    played = scenario(system, kind, sites=2, check=check)

    contained = run(played, runtime="compose", out=run_folder)
    plain = run(played, runtime="process", out=run_folder)

    assert (contained.verdict, plain.verdict) == ("pass", "pass")
    assert (contained.result["runtime"], plain.result["runtime"]) == ("compose", "process")
    assert decided_fates(contained) == decided_fates(plain)
    assert _left_behind() == []


def test_a_killed_container_keeps_what_its_broker_acknowledged(run_folder: Path) -> None:
    played = Scenario(
        name="kill",
        system=NatsLeaf(ack_timeout_s=0.5),
        sites=site_names(1),
        workload=Workload(duration_s=5.0, load=Load(rate_hz=100.0)),
        schedule=once(Kill("site-1"), at_s=1.5, for_s=1.5),
    )

    outcome = run(played, runtime="compose", out=run_folder)

    ledger = outcome.result["ledger"]
    assert ledger["lost_acknowledged"] == 0
    assert ledger["acknowledged"] > 200
    assert outcome.result["windows"][0]["bit"]


def test_a_run_folder_of_containers_holds_the_compose_file_it_ran(run_folder: Path) -> None:
    outcome = run(scenario(NatsLeaf(), "cut", sites=1, check=no_loss()), runtime="compose", out=run_folder)

    text = (outcome.folder / "compose.yaml").read_text()
    assert "site-1-lan" in text
    assert set(outcome.result["footprint"]) == {"hub", "site-1", "toxiproxy"}
    assert all(use["rss_bytes"] > 1_000_000 for use in outcome.result["footprint"].values())
    assert (outcome.folder / "logs" / "site-1.log").read_text()


def _left_behind() -> list[str]:
    client = docker.from_env(timeout=30)
    try:
        found = client.containers.list(all=True, filters={"label": "edgelab.run"})
        return [str(c.name) for c in found if c.labels.get("edgelab.owner", "").startswith(f"{os.getpid()}:")]
    finally:
        client.close()
