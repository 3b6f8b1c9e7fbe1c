"""Options of the Kafka systems: refused where they are nonsense or contradict each other; what publishers are told."""

from __future__ import annotations

from typing import Any

import pytest

from edgelab.errors import SpecError
from edgelab.systems import KafkaDirect, KafkaMirrorMaker, system
from edgelab.systems.kafka import presets


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "fast"}, "preset must be one of default, patched, tuned, exactly-once, not 'fast'"),
        ({"mirror": "cloud"}, "mirror must be one of edge, hub, standalone, not 'cloud'"),
        ({"metadata": "etcd"}, "metadata must be one of kraft, zookeeper, not 'etcd'"),
        ({"errors_tolerance": "some"}, "errors_tolerance must be one of none, all, not 'some'"),
        ({"partitions": 0}, "partitions must be at least 1, not 0"),
        ({"tasks_max": 0}, "tasks_max must be at least 1, not 0"),
        ({"offset_flush_s": 0}, "offset_flush_s must be at least 0.01, not 0"),
        ({"rebalance_delay_s": -1}, "rebalance_delay_s must be at least 0, not -1"),
        ({"retention_s": 0}, "retention_s must be at least 0.1, not 0"),
        ({"segment_bytes": 1024}, "segment_bytes must be at least 1048576, not 1024"),
        ({"client": "java"}, "client must be one of auto, kafka-python, confluent, not 'java'"),
        ({"acks": 1}, "acks must be one of all, 1, 0, not 1"),
        ({"in_flight_max": 0}, "in_flight_max must be at least 1, not 0"),
        ({"idempotence": "yes"}, "idempotence must be true or false, not 'yes'"),
        ({"cpus": 0}, "cpus must be at least 0.01, not 0"),
        (
            {"producer_properties": "linger.ms=abc"},
            "producer_properties must give 'linger.ms' a whole number, not 'abc'",
        ),
        ({"producer_properties": "acks=7"}, "producer_properties must give 'acks' one of all, -1, 0, 1, not '7'"),
    ],
)
def test_nonsense_is_refused_with_field_bound_and_value(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        system("kafka-mirrormaker", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"idempotence": True, "acks": "1"}, "idempotence must be false with acks=1"),
        ({"idempotence": True, "retries": 0}, "idempotence must be false with retries=0"),
        ({"delivery_timeout_s": 5.0}, "delivery_timeout_s must be at least linger.ms .* = 30005 ms, not"),
        ({"linger_s": 0.1, "producer_properties": "linger.ms=5"}, "must not set 'linger.ms' together with linger_s"),
        ({"producer_properties": "acks=1\nacks=all"}, "producer_properties must set 'acks' once, not twice"),
        ({"offset_flush_s": 1.0, "mirror_properties": "hub.offset.flush.interval.ms=5"}, "with offset_flush_s"),
        ({"mirror_properties": "hub.session.timeout.ms=3000"}, "hub.session.timeout.ms must be more than"),
        ({"mirror_properties": "hub.heartbeat.interval.ms=20000"}, "hub.session.timeout.ms must be more than .*20000"),
        ({"mirror_properties": "hub.session.timeout.ms=90000"}, "hub.rebalance.timeout.ms must be at least"),
        ({"mirror_properties": "hub.producer.delivery.timeout.ms=5000"}, "mirror_delivery_timeout_s must be at least"),
        ({"preset": "exactly-once", "errors_tolerance": "all"}, "errors_tolerance must be none with exactly-once"),
        ({"preset": "exactly-once", "mirror": "standalone"}, "preset must not be 'exactly-once' with mirror="),
        ({"preset": "patched", "mirror": "standalone"}, "preset must not be 'patched' with mirror='standalone'"),
        ({"rebalance_delay_s": 1.0, "mirror": "standalone"}, "rebalance_delay_s must not be set with mirror="),
        ({"preset": "exactly-once", "mirror_properties": "hub.producer.acks=1"}, "hub.producer.acks must be all with"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        system("kafka-mirrormaker", **options)


def test_a_client_that_counts_attempts_takes_no_timeouts_of_another_kind() -> None:
    with pytest.raises(SpecError, match="linger_s must not be set with preset='three-attempts'"):
        KafkaDirect(preset="three-attempts", linger_s=0.5)


def test_idempotence_goes_where_it_cannot_be_unless_it_was_asked_for() -> None:
    made = KafkaMirrorMaker(acks="1")

    assert dict(made._producer(presets.PUBLISHER))["enable.idempotence"] == "false"


def test_an_option_wins_over_the_preset_and_the_users_line_over_both() -> None:
    made = KafkaDirect(preset="short-timeout", delivery_timeout_s=9.0, producer_properties="request.timeout.ms=7")
    told = dict(made._producer(presets.DIRECT["short-timeout"]))

    assert told["delivery.timeout.ms"] == "9000"
    assert told["request.timeout.ms"] == "7"
    assert told["acks"] == "all"


def test_three_attempts_are_those_of_the_publishing_agent() -> None:
    made = KafkaDirect(preset="three-attempts")

    assert made._attempts == {
        "count": 3,
        "batch_s": 0.1,
        "batch_messages": 100,
        "backoff_s": 0.1,
        "timeout_s": 10.0,
    }
    assert dict(made._producer(made._own_preset)) == {"acks": "all"}
    assert KafkaDirect()._attempts is None


def test_every_line_of_every_preset_has_a_reason() -> None:
    for of_system in (KafkaMirrorMaker.PRESETS, KafkaDirect.PRESETS):
        for lines in of_system.values():
            assert lines
            assert all(line.reason.endswith((".", "…")) for line in lines)
            assert len({line.key for line in lines}) == len(lines)


def test_a_drain_outlasts_the_rest_that_a_rebalance_takes() -> None:
    assert KafkaMirrorMaker().drain_idle_s > 300.0
    assert 20.0 < KafkaMirrorMaker(rebalance_delay_s=20.0).drain_idle_s < 120.0
    assert KafkaMirrorMaker(mirror="standalone").drain_idle_s < 120.0
    assert KafkaDirect().drain_idle_s < 10.0


def test_names_of_presets_are_those_that_the_options_take() -> None:
    for kind in (KafkaMirrorMaker, KafkaDirect):
        for preset in kind.PRESETS:
            assert kind(preset=preset)  # type: ignore[arg-type]
