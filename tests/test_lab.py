"""Scenarios played on real brokers, as local processes: every message accounted for, every number explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from edgelab.analysis.checks import all_losses_explained, no_loss
from edgelab.errors import SystemUnderTestError
from edgelab.history import Kind, read_segment
from edgelab.lab import run
from edgelab.model.faults import Kill, Latency, Outage, Partition, Pause
from edgelab.model.scenario import Scenario
from edgelab.model.schedule import Schedule, Window, once
from edgelab.model.topology import site_names
from edgelab.model.workload import Load, Workload
from edgelab.runs import Run, load
from edgelab.systems import NatsDirect, NatsLeaf, NatsLeafCore
from edgelab.systems.nats.versions import NEWEST

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

VERSIONS = ("2.10.12", NEWEST)
# A redial may take the broker's interval plus as much again at random, and the machine may be busy.
_RECONNECT_S = 8.0


def scenario(system: Any, schedule: Schedule, *, sites: int = 1, rate_hz: float = 200.0, **more: Any) -> Scenario:
    duration_s = more.pop("duration_s", schedule.end_s + 2.0)
    return Scenario(
        name="test",
        system=system,
        sites=site_names(sites),
        workload=Workload(duration_s=duration_s, load=Load(rate_hz=rate_hz, size_bytes=more.pop("size_bytes", 200))),
        schedule=schedule,
        **more,
    )


def assert_adds_up(outcome: Run) -> dict[str, int]:
    """The ledger is complete, agrees with the hub's own count, and every fault bit; returns it."""
    ledger: dict[str, int] = outcome.result["ledger"]
    assert ledger["attempted"] == ledger["delivered"] + ledger["stranded"] + ledger["lost"]
    hub = load(outcome.folder).results.facts.hub_count
    assert hub == ledger["delivered"] + ledger["duplicated"]
    bad = [c for c in outcome.result["checks"] if c["verdict"] != "pass"]
    assert not bad
    assert all(window["bit"] and window["cleared"] for window in outcome.result["windows"])
    return ledger


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["sources", "mirror"])
def test_a_leaf_with_a_store_loses_nothing_in_a_cut(tmp_path: Path, version: str, mode: Any) -> None:
    cut = once(Outage(kind="cut"), at_s=1.5, for_s=3.0)
    played = scenario(NatsLeaf(version=version, mode=mode), cut, sites=2, checks=(no_loss(),))

    outcome = run(played, runtime="process", out=tmp_path)

    ledger = assert_adds_up(outcome)
    assert ledger["attempted"] == ledger["acknowledged"] == ledger["delivered"] == 2 * 1300
    windows = outcome.windows()
    assert (windows["detect_s"] < 1.0).all()
    assert (windows["reconnect_s"] < _RECONNECT_S).all()
    assert (windows["resume_s"] >= windows["reconnect_s"] - 0.1).all()
    assert (windows["sync_s"] >= windows["resume_s"]).all()
    assert outcome.verdict == "pass"


@pytest.mark.parametrize("kind", ["cut", "silent"])
def test_plain_publishing_over_a_leaf_loses_what_was_sent_in_the_outage_and_says_why(tmp_path: Path, kind: Any) -> None:
    outage = once(Outage(kind=kind), at_s=1.5, for_s=3.0)
    played = scenario(NatsLeafCore(reconnect_s=0.1), outage, rate_hz=500.0, checks=(all_losses_explained(),))

    outcome = run(played, runtime="process", out=tmp_path)

    counts = assert_adds_up(outcome)
    ledger, (window,) = outcome.ledger(), outcome.results.facts.windows
    assert window.start_ns is not None
    assert window.end_ns is not None
    during = ledger["sent_ns"].between(window.start_ns, window.end_ns)
    assert (ledger.loc[during, "fate"] == "lost").all()
    # Before it nothing is lost but what was in flight; after it, what was sent before the leaf was back.
    before = ledger["sent_ns"] < window.start_ns - 100_000_000
    assert (ledger.loc[before, "fate"] == "delivered").all()
    late = ledger["sent_ns"] > window.end_ns + int(1.5e9)
    assert (ledger.loc[late, "fate"] == "delivered").all()
    assert counts["lost_unexplained"] == 0
    assert ledger.loc[ledger["fate"] == "lost", "cause"].str.contains("no buffer on core NATS").all()
    assert outcome.result["windows"][0]["sites"]["site-1"]["sync_s"] is None


def test_a_stall_loses_nothing_even_without_a_store(tmp_path: Path) -> None:
    stall = once(Outage(kind="stall"), at_s=1.5, for_s=4.0)

    outcome = run(scenario(NatsLeafCore(), stall, rate_hz=500.0), runtime="process", out=tmp_path)

    assert assert_adds_up(outcome)["lost"] == 0
    phases = outcome.result["windows"][0]["sites"]["site-1"]
    assert phases["reconnect_s"] is None
    assert phases["resume_s"] < 2.0


def test_a_one_way_stall_stops_what_the_site_sends_and_nothing_else(tmp_path: Path) -> None:
    stall = once(Outage(kind="stall", direction="up"), at_s=1.5, for_s=3.0)

    outcome = run(scenario(NatsLeafCore(), stall), runtime="process", out=tmp_path)

    assert assert_adds_up(outcome)["lost"] == 0
    ledger, (window,) = outcome.ledger(), outcome.results.facts.windows
    assert window.start_ns is not None
    assert window.end_ns is not None
    held = ledger["sent_ns"].between(window.start_ns + 50_000_000, window.end_ns)
    assert (ledger.loc[held, "stored_ns"] >= window.end_ns).all()


def test_a_client_across_the_link_gives_up_after_its_tries_and_stores_nothing_twice(tmp_path: Path) -> None:
    system = NatsDirect(attempts=3, ack_timeout_s=0.3, backoff_s=0.1)
    outage = once(Outage(kind="silent"), at_s=1.5, for_s=4.0)

    outcome = run(scenario(system, outage, checks=(all_losses_explained(),)), runtime="process", out=tmp_path)

    counts = assert_adds_up(outcome)
    assert counts["lost"] > 0
    assert counts["lost_acknowledged"] == counts["duplicated"] == counts["lost_unexplained"] == 0


def test_a_client_that_tries_long_enough_loses_nothing(tmp_path: Path) -> None:
    system = NatsDirect(attempts=100, ack_timeout_s=1.0, backoff_s=0.1)
    outage = once(Outage(kind="cut"), at_s=1.5, for_s=3.0)

    outcome = run(scenario(system, outage, rate_hz=100.0), runtime="process", out=tmp_path)

    counts = assert_adds_up(outcome)
    assert (counts["lost"], counts["duplicated"]) == (0, 0)
    # No broker at the site: it is the client that notices, and that is back before its first message is stored.
    phases = outcome.result["windows"][0]["sites"]["site-1"]
    assert phases["detect_s"] < 1.0
    assert phases["reconnect_s"] <= phases["resume_s"] + 0.005


def test_only_the_partitioned_sites_are_cut_off(tmp_path: Path) -> None:
    names = site_names(4)
    partition = once(Partition(names[:2], kind="cut"), at_s=1.5, for_s=3.0)

    outcome = run(scenario(NatsLeaf(), partition, sites=4, rate_hz=100.0), runtime="process", out=tmp_path)

    assert assert_adds_up(outcome)["lost"] == 0
    ledger = outcome.ledger()
    delay_s = (ledger["stored_ns"] - ledger["sent_ns"]) / 1e9
    worst = delay_s.groupby(ledger["site"], observed=True).max()
    assert (worst[list(names[:2])] > 2.5).all()
    assert (worst[list(names[2:])] < 1.5).all()


def test_a_full_store_that_refuses_is_told_from_one_that_forgets(tmp_path: Path) -> None:
    outage = once(Outage(kind="cut"), at_s=1.0, for_s=4.0)
    checks = (all_losses_explained(),)

    refusing = run(
        scenario(NatsLeaf(max_messages=400, discard="new"), outage, checks=checks), runtime="process", out=tmp_path
    )
    forgetting = run(
        scenario(NatsLeaf(max_messages=400, discard="old"), outage, checks=checks), runtime="process", out=tmp_path
    )

    said_no, forgot = assert_adds_up(refusing), assert_adds_up(forgetting)
    assert said_no["failed"] == said_no["lost"] > 0
    assert said_no["lost_acknowledged"] == 0
    assert forgot["failed"] == 0
    assert forgot["lost_acknowledged"] == forgot["lost"] > 0


def test_what_a_site_still_holds_at_the_deadline_is_stranded_not_lost(tmp_path: Path) -> None:
    # The leaf dials again only when nobody waits any more.
    cut = once(Outage(kind="cut"), at_s=1.0, for_s=1.5)
    played = scenario(NatsLeaf(reconnect_s=60.0), cut, duration_s=3.0, drain_deadline_s=2.0)

    outcome = run(played, runtime="process", out=tmp_path)

    ledger = outcome.result["ledger"]
    assert ledger["lost"] == 0
    assert ledger["stranded"] == pytest.approx(400, abs=60)
    assert ledger["attempted"] == ledger["delivered"] + ledger["stranded"]
    assert outcome.result["windows"][0]["sites"]["site-1"]["sync_s"] is None


def test_a_deadline_in_the_middle_of_a_sync_gives_an_account_that_adds_up(tmp_path: Path) -> None:
    cut = once(Outage(kind="cut"), at_s=0.5, for_s=6.0)  # a backlog of 120 MB
    system = NatsLeaf(mode="mirror", reconnect_s=0.05)
    played = scenario(system, cut, rate_hz=20_000.0, size_bytes=1000, duration_s=6.5, drain_deadline_s=1.0)

    outcome = run(played, runtime="process", out=tmp_path)

    ledger = assert_adds_up(outcome)
    assert ledger["lost"] == 0
    assert not outcome.ledger().query("fate == 'delivered'")["stored_ns"].isna().any()


def test_a_site_broker_that_is_killed_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    system = NatsLeaf(ack_timeout_s=0.5)
    outcome = run(scenario(system, once(Kill("site-1"), at_s=1.5, for_s=2.0)), runtime="process", out=tmp_path)

    ledger = outcome.result["ledger"]
    assert ledger["lost_acknowledged"] == 0
    assert ledger["failed"] + ledger["unknown"] > 100
    # The dead write nothing: that its session was gone is known all the same.
    phases = outcome.result["windows"][0]["sites"]["site-1"]
    assert phases["detect_s"] is None
    assert phases["reconnect_s"] < _RECONNECT_S
    assert outcome.result["plane"] == "process"
    assert outcome.result["windows"][0]["bit"]


def test_a_store_in_memory_that_dies_with_its_broker_is_a_loss_with_a_cause_not_an_error(tmp_path: Path) -> None:
    schedule = Schedule((Window(0.5, 2.0, Outage(kind="cut")), Window(1.5, 2.5, Kill("site-1"))))
    system = NatsLeaf(storage="memory", ack_timeout_s=0.5)
    played = scenario(system, schedule, checks=(all_losses_explained(),), drain_deadline_s=1.0)

    outcome = run(played, runtime="process", out=tmp_path)

    assert assert_adds_up(outcome)["lost_acknowledged"] > 100
    assert "the site's store was in memory, and its broker was killed" in outcome.result["losses"]["by_cause"]


def test_a_paused_hub_loses_nothing_of_leaves_with_stores(tmp_path: Path) -> None:
    outcome = run(scenario(NatsLeaf(), once(Pause("hub"), at_s=1.5, for_s=2.0)), runtime="process", out=tmp_path)

    assert assert_adds_up(outcome)["lost"] == 0


def test_overlapping_faults_end_one_by_one(tmp_path: Path) -> None:
    schedule = Schedule(
        (
            Window(1.0, 5.0, Latency(one_way_s=0.1)),
            Window(2.0, 4.0, Outage(kind="stall")),
        )
    )

    outcome = run(scenario(NatsLeafCore(), schedule), runtime="process", out=tmp_path)

    assert assert_adds_up(outcome)["lost"] == 0
    facts, ledger = outcome.results.facts, outcome.ledger()
    at_s = (ledger["sent_ns"] - facts.start_ns) / 1e9
    delay_s = (ledger["stored_ns"] - ledger["sent_ns"]) / 1e9
    assert delay_s[at_s.between(1.2, 1.8)].median() == pytest.approx(0.1, abs=0.06)
    assert delay_s[at_s.between(4.3, 4.8)].median() == pytest.approx(0.1, abs=0.06)
    assert delay_s[at_s.between(5.5, 6.5)].median() < 0.06


def test_sync_is_the_store_time_of_the_last_message_sent_before_the_clearing(tmp_path: Path) -> None:
    outage = once(Outage(kind="cut"), at_s=1.5, for_s=2.0)
    outcome = run(scenario(NatsLeaf(reconnect_s=0.2), outage), runtime="process", out=tmp_path)

    # By hand, from the raw segments: no ledger, no analysis.
    stored, _ = read_segment(outcome.folder / "history" / "store-hub.seg")
    sent, _ = read_segment(outcome.folder / "history" / "publish-0.seg")
    (window,) = outcome.results.facts.windows
    owed = sent[(sent["kind"] == Kind.INVOKE) & (sent["t_ns"] < window.end_ns)]["sequence"]
    last_ns = stored["t_ns"][np.isin(stored["sequence"], owed)].max()

    assert window.end_ns is not None
    by_hand_s = (int(last_ns) - window.end_ns) / 1e9
    assert outcome.result["windows"][0]["sites"]["site-1"]["sync_s"] == pytest.approx(by_hand_s, abs=1e-6)


def test_the_run_folder_holds_what_the_contract_says(tmp_path: Path) -> None:
    outcome = run(scenario(NatsLeaf(), once(Outage(kind="cut"), at_s=1.0, for_s=1.0)), runtime="process", out=tmp_path)

    names = {p.name for p in outcome.folder.iterdir()}
    assert names >= {
        "result.json", "ledger.parquet", "history", "schedule.json", "environment.json", "scenario.json",
        "compose.yaml", "config", "logs", "plots", "report.html",
    }  # fmt: skip
    assert {p.name for p in (outcome.folder / "plots").iterdir()} == {
        "stored.png", "backlog.png", "losses.png", "recovery.png",
    }  # fmt: skip
    parquet = pd.read_parquet(outcome.folder / "ledger.parquet")
    assert list(parquet.columns[:2]) == ["site", "sequence"]
    assert {"intended_ns", "sent_ns", "outcome", "acknowledged_ns", "copies", "stored_ns", "fate", "cause"} <= set(
        parquet.columns
    )
    assert len(parquet) == outcome.result["ledger"]["attempted"]
    assert load(outcome.folder).scenario == outcome.scenario


def test_a_broker_that_dies_unasked_ends_the_run_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgelab.runner import agents  # noqa: PLC0415 - patched below

    played = scenario(NatsLeaf(), Schedule(), duration_s=30.0)
    real = agents.Agents.start

    def start_and_shoot(self: agents.Agents, start_ns: int) -> None:
        real(self, start_ns)
        shot.kill_unasked()

    shot = _Shot(monkeypatch)
    monkeypatch.setattr(agents.Agents, "start", start_and_shoot)

    with pytest.raises(SystemUnderTestError, match="site-1") as failure:
        run(played, runtime="process", out=tmp_path)

    assert any("what was recorded is in" in note for note in failure.value.__notes__)
    assert not shot.survivors()


class _Shot:
    """Finds this test's brokers by the marks that the lab leaves on them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run_id = "edgelab-shot"
        monkeypatch.setattr("edgelab.lab.new_run_id", lambda: self.run_id)

    def processes(self) -> list[Any]:
        import psutil  # noqa: PLC0415 - only here

        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("EDGELAB_RUN") == self.run_id and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def kill_unasked(self) -> None:
        (site,) = [
            p for p in self.processes() if any("site-1" in part for part in p.cmdline()) and "nats-server" in p.name()
        ]
        site.kill()

    def survivors(self) -> list[Any]:
        return self.processes()


def test_the_same_seed_sends_the_same_messages_at_the_same_intended_times(tmp_path: Path) -> None:
    played = scenario(NatsLeafCore(), Schedule(), duration_s=1.0)
    poisson = replace(played, workload=replace(played.workload, arrival="poisson"), seed=5)

    first, second = (run(poisson, runtime="process", out=tmp_path) for _ in range(2))

    offsets = [one.ledger()["intended_ns"] - one.results.facts.start_ns for one in (first, second)]
    assert offsets[0].tolist() == offsets[1].tolist()
