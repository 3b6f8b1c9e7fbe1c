"""Kafka and MirrorMaker 2 through real outages, as local processes: every message accounted for and explained.

A site is two JVMs, and starting them costs more than the outage: few runs, each asked much.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgelab.analysis.checks import all_losses_explained, no_loss, nothing_stranded
from edgelab.lab import run
from edgelab.model.faults import Kill, Outage
from edgelab.model.scenario import Scenario
from edgelab.model.schedule import Schedule, once
from edgelab.model.topology import site_names
from edgelab.model.workload import Load, Workload
from edgelab.runs import Run, load
from edgelab.systems import KafkaDirect, KafkaMirrorMaker
from edgelab.systems.kafka import causes

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

# JVMs on a busy machine: a mirror that needs this long is stuck, one that needs less may only be starved.
_SYNC_S = 60.0
OLDER = "3.9.2"


def scenario(system: Any, schedule: Schedule, *, rate_hz: float, after_s: float = 3.0, **more: Any) -> Scenario:
    return Scenario(
        name="test",
        system=system,
        sites=site_names(more.pop("sites", 1)),
        workload=Workload(
            duration_s=schedule.end_s + after_s,
            load=Load(rate_hz=rate_hz, size_bytes=500, publishers=more.pop("publishers", 1)),
        ),
        schedule=schedule,
        **more,
    )


def assert_adds_up(outcome: Run) -> dict[str, int]:
    """The ledger is complete, a second client library counts the same, every fault bit, no way led round the link."""
    ledger: dict[str, int] = outcome.result["ledger"]
    assert ledger["attempted"] == ledger["delivered"] + ledger["stranded"] + ledger["lost"]
    facts = load(outcome.folder).results.facts
    assert facts.hub_count == ledger["delivered"] + ledger["duplicated"]
    assert facts.census, "nobody looked who was connected to whom"
    assert [c for c in outcome.result["checks"] if c["verdict"] != "pass"] == []
    assert all(window["bit"] and window["cleared"] for window in outcome.result["windows"])
    assert outcome.result["clients"]["publish-0"]
    rows = outcome.ledger()
    assert not ((rows["outcome"] == "failed") & (rows["fate"] == "delivered")).any(), "failed, and yet at the hub"
    return ledger


def test_a_mirror_at_the_site_loses_nothing_in_a_cut_and_comes_back_through_its_link(tmp_path: Path) -> None:
    cut = once(Outage(kind="cut"), at_s=2.0, for_s=4.0)
    played = scenario(KafkaMirrorMaker(preset="tuned"), cut, rate_hz=500.0, checks=(no_loss(), nothing_stranded()))

    outcome = run(played, runtime="process", out=tmp_path)

    ledger = assert_adds_up(outcome)
    assert ledger["attempted"] == ledger["acknowledged"] == ledger["delivered"] == 4500
    (window,) = outcome.windows().to_dict("records")
    assert window["detect_s"] < 4.0
    # The session is read 50 times a second, so that it is seen up to that much later than it is there.
    assert 0.0 <= window["reconnect_s"] <= window["resume_s"] + 0.1
    assert window["resume_s"] <= window["sync_s"] < _SYNC_S
    assert outcome.result["links"]["site-1"]["bytes_up"] > 4500 * 500
    census = load(outcome.folder).results.facts.census
    assert ("mirror-site-1", "toxiproxy", "link-site-1") in census
    assert ("toxiproxy", "hub", "wan-site-1") in census
    assert not [row for row in census if row[0] in {"site-1", "mirror-site-1"} and row[1] == "hub"]


@pytest.mark.parametrize("mirror", ["hub", "standalone"])
def test_a_mirror_at_the_hub_and_one_in_connect_standalone_lose_nothing_either(tmp_path: Path, mirror: Any) -> None:
    cut = once(Outage(kind="cut"), at_s=1.0, for_s=2.0)
    played = scenario(KafkaMirrorMaker(preset="tuned", mirror=mirror), cut, rate_hz=100.0, checks=(no_loss(),))

    ledger = assert_adds_up(run(played, runtime="process", out=tmp_path))

    assert ledger["delivered"] == ledger["attempted"] == 600


def test_a_task_that_tolerates_errors_drops_what_its_site_had_acknowledged(tmp_path: Path) -> None:
    # From 4.0 on a producer that lost the hub forgets where partitions are, and waits with what it is given.
    system = KafkaMirrorMaker(
        version=OLDER, preset="patched", errors_tolerance="all", mirror_delivery_timeout_s=2.0, offset_flush_s=1.0
    )
    cut = once(Outage(kind="cut"), at_s=2.0, for_s=8.0)
    played = scenario(system, cut, rate_hz=300.0, after_s=4.0, checks=(all_losses_explained(),))

    outcome = run(played, runtime="process", out=tmp_path)

    ledger = assert_adds_up(outcome)
    assert ledger["acknowledged"] == ledger["attempted"]
    assert ledger["lost"] == ledger["lost_acknowledged"] > 300
    assert ledger["stranded"] == 0
    assert set(outcome.result["losses"]["by_cause"]) == {causes.SKIPPED}


def test_a_backlog_that_waits_for_the_rebalance_is_stranded_and_not_lost(tmp_path: Path) -> None:
    system = KafkaMirrorMaker(rebalance_delay_s=120.0)
    cut = once(Outage(kind="cut"), at_s=1.0, for_s=14.0)
    played = scenario(system, cut, rate_hz=50.0, after_s=2.0, drain_deadline_s=4.0, checks=(no_loss(),))

    outcome = run(played, runtime="process", out=tmp_path)

    ledger = assert_adds_up(outcome)
    assert ledger["lost"] == 0
    assert ledger["stranded"] > 14 * 50 * 0.9
    assert any("scheduled.rebalance.max.delay.ms" in remark for remark in outcome.result["remarks"])


def test_a_mirror_that_is_killed_sends_again_what_it_had_not_recorded(tmp_path: Path) -> None:
    killed = once(Kill("mirror-site-1"), at_s=3.0, for_s=1.0)
    played = scenario(KafkaMirrorMaker(), killed, rate_hz=500.0, checks=(no_loss(), nothing_stranded()))

    outcome = run(played, runtime="process", out=tmp_path)

    ledger = assert_adds_up(outcome)
    assert ledger["delivered"] == ledger["attempted"]
    # As shipped it records its position once a minute: it begins again where it began.
    assert ledger["duplicated"] > 1000
    assert any("twice" in remark or "again" in remark for remark in outcome.result["remarks"])


def test_a_producer_that_gives_up_after_three_attempts_loses_a_part_of_what_a_cut_stops(tmp_path: Path) -> None:
    cut = once(Outage(kind="cut"), at_s=2.0, for_s=8.0)
    played = scenario(KafkaDirect(preset="three-attempts"), cut, rate_hz=200.0, checks=(all_losses_explained(),))

    outcome = run(played, runtime="process", out=tmp_path)

    ledger = assert_adds_up(outcome)
    # One batch of 100 ms dies in about half a second, while the others wait for their turn: a fifth.
    assert 0.05 * 1600 < ledger["lost"] < 0.45 * 1600
    assert ledger["lost_acknowledged"] == 0
    (window,) = outcome.windows().to_dict("records")
    assert window["detect_s"] < 4.0
