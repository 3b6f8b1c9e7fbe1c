"""Kafka and MirrorMaker 2 in containers with memory limits: one path, the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgelab.analysis.checks import no_loss, nothing_stranded
from edgelab.lab import run
from edgelab.model.faults import Outage
from edgelab.model.scenario import Scenario
from edgelab.model.schedule import once
from edgelab.model.topology import site_names
from edgelab.model.workload import Load, Workload
from edgelab.systems import KafkaMirrorMaker

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


def test_two_sites_in_containers_lose_nothing_and_reach_the_hub_through_their_links_only(tmp_path: Path) -> None:
    played = Scenario(
        name="contained",
        system=KafkaMirrorMaker(preset="tuned"),
        sites=site_names(2),
        workload=Workload(duration_s=8.0, load=Load(rate_hz=200.0, size_bytes=500)),
        schedule=once(Outage(kind="cut"), at_s=2.0, for_s=3.0),
        checks=(no_loss(), nothing_stranded()),
    )

    outcome = run(played, runtime="compose", out=tmp_path)

    ledger, facts = outcome.result["ledger"], outcome.results.facts
    assert [c for c in outcome.result["checks"] if c["verdict"] != "pass"] == []
    assert ledger["delivered"] == ledger["attempted"] == 3200
    assert facts.hub_count == ledger["delivered"] + ledger["duplicated"]
    windows = outcome.windows()
    assert (windows["reconnect_s"] >= 0).all()
    assert (windows["resume_s"] <= windows["sync_s"]).all()
    between = {(caller, service) for caller, service, _ in facts.census}
    assert {("mirror-site-1", "toxiproxy"), ("mirror-site-2", "toxiproxy"), ("toxiproxy", "hub")} <= between
    assert not {("mirror-site-1", "hub"), ("mirror-site-2", "hub"), ("site-1", "hub"), ("site-1", "site-2")} & between
