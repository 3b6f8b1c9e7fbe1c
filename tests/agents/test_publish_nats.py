"""The publishing agent against real brokers: what its history says must be what the broker holds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgelab.agents.process import AgentProcess
from edgelab.errors import LabError
from edgelab.history import Kind, Outcome, Records, read_journal, read_segment
from edgelab.model.message import unpack

pytestmark = pytest.mark.process


def test_every_acknowledged_message_is_in_the_stream_once(make_broker: Any, agents: Any, version: str) -> None:
    broker = make_broker(version)
    broker.make_stream()

    agent = agents.begin(broker.address, sites=3, publishers=2, rate_hz=500.0, msg_id=True, arrival="poisson")
    agent.wait(30.0)

    outcomes = _outcomes(agent)
    payloads = broker.stored()
    found = Counter((i.site, i.sequence) for i in map(unpack, payloads) if i is not None)
    assert set(outcomes.values()) == {Outcome.ACKNOWLEDGED}
    assert found == Counter(outcomes.keys())
    assert len(payloads) == _summary(agent)["acknowledged"] == _summary(agent)["attempted"] > 1000


def test_the_history_tells_when_each_message_was_due_and_sent_and_where_it_is_stored(
    make_broker: Any, agents: Any
) -> None:
    broker = make_broker()
    broker.make_stream()

    agent = agents.begin(broker.address, publishers=3)
    agent.wait(30.0)

    invoked = _of_kind(agent, Kind.INVOKE)
    by_sequence = {int(r["sequence"]): r for r in invoked}
    positions = {int(r["position"]): int(r["sequence"]) for r in _of_kind(agent, Kind.OUTCOME)}
    for position, payload in enumerate(broker.stored(), start=1):
        identity = unpack(payload)
        assert identity is not None
        record = by_sequence[identity.sequence]
        assert positions[position] == identity.sequence
        assert (identity.intended_ns, identity.sent_ns) == (int(record["value"]), int(record["t_ns"]))
        assert identity.publisher == identity.sequence % 3 == int(record["publisher"])
        assert len(payload) == 1000
    assert np.all(invoked["t_ns"] >= invoked["value"])


def test_a_core_message_has_no_outcome_and_all_reach_the_broker(make_broker: Any, agents: Any, version: str) -> None:
    broker = make_broker(version)

    agent = agents.begin(broker.address, mode="core", rate_hz=20_000.0)
    agent.wait(30.0)

    assert len(_of_kind(agent, Kind.INVOKE)) == 20_000
    assert len(_of_kind(agent, Kind.OUTCOME)) == 0
    assert broker.monitor("varz")["in_msgs"] == 20_000
    assert _summary(agent)["unknown"] == 20_000


def test_the_history_of_a_killed_agent_names_everything_that_the_stream_holds(make_broker: Any, agents: Any) -> None:
    broker = make_broker()
    broker.make_stream()

    agent = agents.begin(broker.address, rate_hz=5000.0, duration_s=30.0)
    _wait_for(lambda: broker.stored_count() > 1000)
    agent.kill()

    invoked = {int(r["sequence"]) for r in _of_kind(agent, Kind.INVOKE)}
    stored = {i.sequence for i in map(unpack, broker.stored()) if i is not None}
    acknowledged = {sequence for (_, sequence), code in _outcomes(agent).items() if code == Outcome.ACKNOWLEDGED}
    assert len(stored) > 1000
    assert acknowledged <= stored <= invoked


def test_an_agent_ends_by_itself_when_the_lab_dies(make_broker: Any, agents: Any) -> None:
    broker = make_broker()
    broker.make_stream()
    agent = agents.begin(broker.address, duration_s=60.0)
    _wait_for(lambda: broker.stored_count() > 20)

    agent._process.stdin.close()  # what the kernel does when the lab is killed

    _wait_for(lambda: agent.poll() is not None)
    assert agent.poll() == 0
    assert len(_outcomes(agent)) == _summary(agent)["attempted"]


def test_stopping_an_agent_whose_broker_is_dead_is_prompt_and_leaves_no_message_open(
    make_broker: Any, agents: Any
) -> None:
    broker = make_broker()
    broker.make_stream()
    agent = agents.begin(broker.address, duration_s=60.0, attempts=1000, in_flight_max=50)
    _wait_for(lambda: broker.stored_count() > 20)
    broker.kill()
    time.sleep(1.0)

    began = time.monotonic()
    agent.stop()
    agent.wait(10.0)

    assert time.monotonic() - began < 5.0
    outcomes = _outcomes(agent)
    assert len(outcomes) == len(_of_kind(agent, Kind.INVOKE))
    assert Outcome.FAILED in outcomes.values()


def test_a_full_stream_that_refuses_makes_messages_fail_in_the_brokers_words(
    make_broker: Any, agents: Any, version: str
) -> None:
    broker = make_broker(version)
    broker.make_stream(max_msgs=50, discard="new")

    agent = agents.begin(broker.address, attempts=2)
    agent.wait(30.0)

    assert Counter(_outcomes(agent).values()) == {Outcome.ACKNOWLEDGED: 50, Outcome.FAILED: 150}
    assert broker.stored_count() == 50
    failed = [r for r in _of_kind(agent, Kind.OUTCOME) if r["code"] == Outcome.FAILED]
    assert {int(r["stream"]) for r in failed} == {2}
    assert {_reasons(agent)[int(r["value"])] for r in failed} == {"maximum messages exceeded (10077)"}


def test_where_no_stream_listens_a_message_is_tried_as_often_as_asked_with_pauses(
    make_broker: Any, agents: Any
) -> None:
    broker = make_broker()

    agent = agents.begin(broker.address, attempts=4, backoff_s=0.1, rate_hz=50.0)
    agent.wait(30.0)

    outcomes = _of_kind(agent, Kind.OUTCOME)
    sent = {int(r["sequence"]): int(r["t_ns"]) for r in _of_kind(agent, Kind.INVOKE)}
    assert set(outcomes["code"]) == {Outcome.FAILED}
    assert set(outcomes["stream"]) == {4}
    assert all(int(r["t_ns"]) - sent[int(r["sequence"])] >= 300_000_000 for r in outcomes)
    assert set(_reasons(agent).values()) == {"no responders: no stream listens on the subject"}
    assert broker.monitor("varz")["in_msgs"] < 50 * 4 + 10  # the agent's own subscribe and ping are no messages


def test_a_patient_producer_with_message_ids_loses_and_doubles_nothing_when_its_broker_restarts(
    make_broker: Any, agents: Any, version: str
) -> None:
    broker = make_broker(version)
    broker.make_stream()

    agent = agents.begin(broker.address, duration_s=4.0, msg_id=True, attempts=20, ack_timeout_s=0.5)
    _wait_for(lambda: broker.stored_count() > 50)
    broker.kill()
    time.sleep(1.0)
    broker.start()
    agent.wait(60.0)

    outcomes = _outcomes(agent)
    assert Counter(outcomes.values()) == {Outcome.ACKNOWLEDGED: 800}
    assert sorted(i.sequence for i in map(unpack, broker.stored()) if i is not None) == list(range(800))
    assert [line["connection"] for line in read_journal(agent.journal) if "connection" in line] == [
        "disconnected",
        "connected",
    ]


def test_an_impatient_producer_says_which_messages_never_left_and_which_are_in_doubt(
    make_broker: Any, agents: Any
) -> None:
    broker = make_broker()
    broker.make_stream()

    agent = agents.begin(broker.address, duration_s=3.0, ack_timeout_s=0.2)
    _wait_for(lambda: broker.stored_count() > 50)
    broker.pause()  # what is sent now is in doubt
    time.sleep(0.5)
    broker.kill()  # and now nothing leaves
    time.sleep(0.7)
    broker.start()
    agent.wait(60.0)

    outcomes = _outcomes(agent)
    counts = Counter(outcomes.values())
    stored = {(0, i.sequence) for i in map(unpack, broker.stored()) if i is not None}
    assert counts[Outcome.UNKNOWN] >= 20
    assert counts[Outcome.FAILED] >= 20
    assert {key for key, code in outcomes.items() if code == Outcome.ACKNOWLEDGED} <= stored
    assert not {key for key, code in outcomes.items() if code == Outcome.FAILED} & stored
    assert {"not connected", "no answer to any attempt"} <= set(_reasons(agent).values())


def test_a_core_client_without_a_buffer_fails_what_is_due_while_its_broker_is_down(
    make_broker: Any, agents: Any
) -> None:
    broker = make_broker()

    agent = agents.begin(broker.address, mode="core", duration_s=3.0, buffer_bytes=0)
    time.sleep(0.7)
    broker.kill()
    time.sleep(0.7)
    broker.start()
    agent.wait(30.0)

    outcomes = _outcomes(agent)
    assert len(_of_kind(agent, Kind.INVOKE)) == 600
    assert 50 <= len(outcomes) <= 400
    assert set(outcomes.values()) == {Outcome.FAILED}
    assert set(_reasons(agent).values()) == {"not connected"}


def test_a_core_clients_buffer_keeps_what_is_due_while_its_broker_is_down_until_it_is_full(
    make_broker: Any, agents: Any
) -> None:
    broker = make_broker()

    agent = agents.begin(broker.address, mode="core", duration_s=3.0, buffer_bytes=50 * 1100)
    time.sleep(0.7)
    broker.kill()
    time.sleep(1.0)
    broker.start()
    agent.wait(30.0)

    failed = sorted(sequence for _, sequence in _outcomes(agent))
    assert failed
    after = 600 - 1 - failed[-1]
    # The new broker got what was published after it came back, and the 50 or so that the buffer held.
    assert 45 <= broker.monitor("varz")["in_msgs"] - after <= 60
    assert set(_reasons(agent).values()) == {"not connected, and the client's buffer is full"}


@pytest.mark.parametrize("mode", ["core", "stream"])
def test_a_broker_that_stands_still_makes_messages_late_and_loses_none(
    make_broker: Any, agents: Any, mode: str
) -> None:
    broker = make_broker()
    broker.make_stream()

    agent = agents.begin(
        broker.address, mode=mode, duration_s=3.0, rate_hz=4000.0, buffer_bytes=100_000, ack_timeout_s=30.0
    )
    time.sleep(0.7)
    broker.pause()
    time.sleep(1.5)
    broker.resume()
    agent.wait(60.0)

    assert broker.stored_count() == 12_000
    assert len(_of_kind(agent, Kind.INVOKE)) == 12_000
    assert _summary(agent)["failed"] == 0
    assert _summary(agent)["late_max_s"] > 0.3


def test_what_could_never_be_tried_counts_as_attempted_and_failed(make_broker: Any, agents: Any) -> None:
    broker = make_broker()
    broker.make_stream()

    agent = agents.begin(broker.address, ack_timeout_s=2.0, in_flight_max=10)
    _wait_for(lambda: broker.stored_count() > 20)
    broker.kill()
    agent.wait(60.0)

    assert len(_outcomes(agent)) == len(_of_kind(agent, Kind.INVOKE)) == 200
    assert any(reason.startswith("never tried") for reason in _reasons(agent).values())


def test_a_full_disk_ends_the_agent_with_a_clear_error_and_keeps_the_history(make_broker: Any, agents: Any) -> None:
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system cannot limit another process")
    broker = make_broker()
    broker.make_stream()
    agent = agents.spawn(agents.spec(broker.address, rate_hz=40_000.0, duration_s=30.0))
    agent.wait_ready(20.0)
    resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, ((1 << 20) + 4096, (1 << 20) + 4096))

    agent.start(agents.clock.now_ns())

    with pytest.raises(LabError, match=r"history segment .* cannot grow"):
        agent.wait(30.0)
    assert agent.poll() == 3
    assert len(read_segment(agent.segment)[0]) > 30_000


def test_messages_that_are_too_large_for_the_broker_are_refused_before_the_start(make_broker: Any, agents: Any) -> None:
    broker = make_broker(extra="max_payload: 2000")
    agent = agents.spawn(agents.spec(broker.address, size_bytes=1990, msg_id=True))

    with pytest.raises(LabError, match=r"size_bytes of site site-0 must be at most 19\d\d .* not 1990"):
        agent.wait_ready(20.0)


@pytest.mark.parametrize("kind", ["cut", "silent", "stall"])
def test_a_patient_producer_gets_everything_across_a_link_that_was_broken(
    make_broker: Any, make_link: Any, agents: Any, kind: str
) -> None:
    broker = make_broker("2.15.2")
    broker.make_stream()
    link = make_link(broker.address)

    agent = agents.begin(link.address, duration_s=4.0, msg_id=True, attempts=20, ack_timeout_s=0.5)
    _wait_for(lambda: broker.stored_count() > 50)
    link.break_(kind)
    time.sleep(2.0)
    count = broker.stored_count()
    time.sleep(0.2)
    assert broker.stored_count() == count
    link.heal(kind)
    agent.wait(60.0)

    assert Counter(_outcomes(agent).values()) == {Outcome.ACKNOWLEDGED: 800}
    assert sorted(i.sequence for i in map(unpack, broker.stored()) if i is not None) == list(range(800))


def test_a_producer_that_never_tries_again_counts_each_message_once_across_a_silent_link(
    make_broker: Any, make_link: Any, agents: Any
) -> None:
    broker = make_broker()
    broker.make_stream()
    link = make_link(broker.address)

    agent = agents.begin(link.address, duration_s=4.0, ack_timeout_s=0.5)
    _wait_for(lambda: broker.stored_count() > 50)
    link.break_("silent")
    time.sleep(1.5)
    link.heal("silent")
    agent.wait(60.0)

    outcomes = _outcomes(agent)
    stored = [(0, i.sequence) for i in map(unpack, broker.stored()) if i is not None]
    acknowledged = {key for key, code in outcomes.items() if code == Outcome.ACKNOWLEDGED}
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored) <= acknowledged | {k for k, c in outcomes.items() if c == Outcome.UNKNOWN}
    assert Counter(outcomes.values())[Outcome.UNKNOWN] >= 200
    assert len(outcomes) == 800


def test_hundred_sites_share_one_process(make_broker: Any, agents: Any) -> None:
    broker = make_broker("2.15.2")
    broker.make_stream()

    agent = agents.begin(broker.address, sites=100, rate_hz=10.0, duration_s=2.0)
    agent.wait(60.0)

    assert Counter(_outcomes(agent).values()) == {Outcome.ACKNOWLEDGED: 2000}
    assert broker.stored_count() == 2000


def _of_kind(agent: AgentProcess, kind: Kind) -> Records:
    records, _ = read_segment(agent.segment)
    picked: Records = records[records["kind"] == kind]
    return picked


def _outcomes(agent: AgentProcess) -> dict[tuple[int, int], Outcome]:
    """Outcome of each message; fails where one has two."""
    records = _of_kind(agent, Kind.OUTCOME)
    outcomes = {(int(r["site"]), int(r["sequence"])): Outcome(int(r["code"])) for r in records}
    assert len(outcomes) == len(records)
    return outcomes


def _summary(agent: AgentProcess) -> dict[str, Any]:
    return next(line["summary"] for line in read_journal(agent.journal) if "summary" in line)


def _reasons(agent: AgentProcess) -> dict[int, str]:
    return {line["reason"]: line["text"] for line in read_journal(agent.journal) if "reason" in line}


def _wait_for(true: Callable[[], bool], deadline_s: float = 20.0) -> None:
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
