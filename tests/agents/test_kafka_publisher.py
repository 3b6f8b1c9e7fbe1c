"""Publishers on Kafka with a client that answers as the test says: what is late, and which outcome a message has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgelab.agents import batch_publisher
from edgelab.agents.load_client import Problem
from edgelab.history import Outcome
from edgelab.model.message import unpack

Plays = Callable[..., Any]


def test_each_message_is_handed_over_when_it_is_due_and_says_who_it_is(kafka_play: Plays) -> None:
    play = kafka_play(rate_hz=100.0, duration_s=0.1)

    play.step()
    play.step(0.035)

    heads = [unpack(value) for value in play.client.held.values()]
    assert [head and (head.site, head.sequence, head.intended_ns) for head in heads] == [
        (3, number, 1_000_000_000 + number * 10_000_000) for number in range(4)
    ]
    assert [len(value) for value in play.client.held.values()] == [100] * 4


def test_an_acknowledged_message_has_its_offset_plus_one(kafka_play: Plays) -> None:
    play = kafka_play()
    play.step(0.02)

    play.client.acknowledge(first_offset=41)

    assert play.outcomes() == {number: (Outcome.ACKNOWLEDGED, 42 + number, "") for number in range(3)}


def test_a_publisher_is_over_when_each_message_has_its_outcome(kafka_play: Plays) -> None:
    play = kafka_play()
    play.step(0.2)
    before = play.publisher.over
    play.client.acknowledge()
    play.step()

    assert (before, play.publisher.over, len(play.outcomes())) == (False, True, 10)


def test_what_a_broker_refused_has_failed_in_its_words(kafka_play: Plays) -> None:
    play = kafka_play()
    play.step()

    play.client.fail(Problem("too large", refused=True, silent_since_ns=1 << 62))

    assert play.outcomes() == {0: (Outcome.FAILED, 0, "too large")}


@pytest.mark.parametrize(("silent_since_s", "outcome"), [(0.5, Outcome.FAILED), (1.5, Outcome.UNKNOWN)])
def test_what_timed_out_has_failed_only_if_nothing_was_sent_since_it_was_tried(
    kafka_play: Plays, silent_since_s: float, outcome: Outcome
) -> None:
    play = kafka_play()
    play.step()  # at 1 s

    play.client.fail(Problem("timed out", refused=False, silent_since_ns=round(silent_since_s * 1e9)))

    assert play.outcomes() == {0: (outcome, 0, "timed out")}


def test_what_finds_no_room_waits_keeps_its_time_and_is_not_tried_twice(kafka_play: Plays) -> None:
    play = kafka_play()
    play.client.room = 2
    play.step(0.05)
    play.client.acknowledge()
    play.client.room = 100
    play.step(0.15)
    play.client.acknowledge()

    assert [sequence for batch in play.client.batches for sequence in batch] == list(range(10))
    assert [intended for _, intended, _ in play.invoked()] == [round(n * 0.01, 6) for n in range(10)]
    assert len(play.outcomes()) == 10


def test_what_finds_no_room_for_max_block_ms_fails(kafka_play: Plays) -> None:
    play = kafka_play(properties={"max.block.ms": "500"}, duration_s=0.1)
    play.client.room = 1
    play.step(0.01)
    play.step(0.6)

    assert play.outcomes()[1][0] is Outcome.FAILED
    assert "max.block.ms" in play.outcomes()[1][2]


def test_at_the_limit_of_messages_in_flight_the_next_is_late(kafka_play: Plays) -> None:
    play = kafka_play(in_flight_max=2)
    play.step(0.05)
    play.client.acknowledge()
    play.step(0.05)

    assert play.invoked()[1:3] == [(1, 0.01, 0.05), (2, 0.02, 0.1)]


def test_a_client_that_never_reports_leaves_its_messages_unknown(kafka_play: Plays) -> None:
    play = kafka_play(properties={"delivery.timeout.ms": "1000"}, duration_s=0.1)
    play.step(0.2)
    play.step(10.0)

    assert {outcome for outcome, _, _ in play.outcomes().values()} == {Outcome.UNKNOWN}
    assert (len(play.outcomes()), play.publisher.over) == (10, True)


def test_a_stopped_publisher_tells_what_was_tried(kafka_play: Plays) -> None:
    play = kafka_play()
    play.step(0.04)

    play.publisher.stop()

    assert len(play.outcomes()) == len(play.invoked()) == 5
    assert {outcome for outcome, _, _ in play.outcomes().values()} == {Outcome.UNKNOWN}


def test_a_message_that_is_refused_at_once_has_one_outcome(kafka_play: Plays) -> None:
    play = kafka_play()
    play.client.at_once = Problem("too large", refused=True, silent_since_ns=0)

    play.step(0.2)
    play.step()

    assert (len(play.outcomes()), play.publisher.over) == (10, True)


# A client that drops after three attempts.


class Check:
    """Plays whether the broker answers."""

    trouble = ""

    def __init__(self, _address: str, _timeout_s: float) -> None:
        self.done = True


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> type[Check]:
    monkeypatch.setattr(batch_publisher, "Answering", Check)
    monkeypatch.setattr(Check, "trouble", "")
    return Check


def test_messages_gather_into_batches_that_go_one_after_another(kafka_play: Plays) -> None:
    play = kafka_play(rate_hz=200.0, duration_s=0.3, attempts={})
    play.run(0.25, every_s=0.005)
    first = list(play.client.batches)
    play.client.acknowledge()
    play.step()

    assert [len(batch) for batch in first] == [21]
    assert len(play.client.batches) == 2


def test_a_full_batch_does_not_wait(kafka_play: Plays) -> None:
    play = kafka_play(rate_hz=1000.0, duration_s=0.1, attempts={"batch_messages": 10})
    play.run(0.02, every_s=0.002)
    play.step()

    assert [len(batch) for batch in play.client.batches] == [10]


def test_a_refused_link_costs_one_message_in_five_of_those_offered(kafka_play: Plays, broker: type[Check]) -> None:
    play = kafka_play(rate_hz=200.0, duration_s=30.0, attempts={})
    answer_all(play, 5.0)
    play.client.loses()
    broker.trouble = "connection refused"
    play.run(20.0)
    broker.trouble = ""
    play.client.connected = True
    answer_all(play, 15.0)

    lost = [found for found in play.outcomes().values() if found[0] is not Outcome.ACKNOWLEDGED]
    assert len(play.outcomes()) == 6000
    assert 0.18 < len(lost) / (20.0 * 200.0) < 0.22
    assert {(outcome, why) for outcome, _, why in lost} == {
        (Outcome.FAILED, "dropped after 3 attempts: connection refused")
    }


def test_a_batch_whose_connection_breaks_is_given_up_and_tried_again(kafka_play: Plays, broker: type[Check]) -> None:
    del broker
    play = kafka_play(rate_hz=200.0, duration_s=0.1, attempts={})
    play.run(0.12)
    play.client.loses()
    play.step()
    play.run(0.05)
    before = len(play.client.batches)
    play.run(0.1)

    assert (play.client.abandoned, before, len(play.client.batches)) == (1, 1, 2)
    assert play.client.batches[0] == play.client.batches[1]


def test_a_dropped_message_that_may_have_left_is_unknown(kafka_play: Plays, broker: type[Check]) -> None:
    play = kafka_play(rate_hz=200.0, duration_s=0.1, attempts={})
    play.run(0.12)
    broker.trouble = "no answer"
    play.client.loses()
    play.run(1.0)

    assert set(play.outcomes().values()) == {(Outcome.UNKNOWN, 0, "dropped after 3 attempts: no answer")}


def test_what_was_acknowledged_is_not_tried_again_with_the_rest_of_its_batch(kafka_play: Plays) -> None:
    play = kafka_play(rate_hz=200.0, duration_s=0.1, attempts={})
    play.run(0.12)
    rest = {token: play.client.held.pop(token) for token in list(play.client.held)[5:]}
    play.client.acknowledge()
    play.client.held = rest
    play.client.fail(Problem("broken", refused=False, silent_since_ns=1 << 62))
    play.run(0.12)

    assert play.client.batches[1] == play.client.batches[0][5:]


def answer_all(play: Any, s: float) -> None:
    for _ in range(round(s / 0.01)):
        play.step(0.01)
        play.client.acknowledge()
