"""A producer's Java properties, as each client library takes them; and options refused where they are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from edgelab.agents import producer_properties as properties
from edgelab.agents.kafka_options import Attempts, KafkaOptions
from edgelab.agents.load_client import chosen
from edgelab.agents.publish_spec import made
from edgelab.errors import SpecError


def test_each_library_gets_its_own_names() -> None:
    asked = {"acks": "-1", "linger.ms": "20", "request.timeout.ms": "5000", "enable.idempotence": "true"}

    assert properties.for_librdkafka(asked) == {
        "acks": "all",
        "linger.ms": 20,
        "request.timeout.ms": 5000,
        "socket.timeout.ms": 5000,
        "enable.idempotence": True,
    }
    assert properties.for_kafka_python(asked) == {
        "acks": "all",
        "linger_ms": 20,
        "request_timeout_ms": 5000,
        "enable_idempotence": True,
    }


def test_librdkafka_bounds_its_buffer_in_bytes_alone_as_java_does() -> None:
    made = properties.for_librdkafka({"buffer.memory": str(8 << 20)})

    assert made == {"queue.buffering.max.kbytes": 8192, "queue.buffering.max.messages": 0}


def test_acks_are_a_number_and_no_compression_is_none_for_kafka_python() -> None:
    made = properties.for_kafka_python({"acks": "1", "compression.type": "none"})

    assert made == {"acks": 1, "compression_type": None}


@pytest.mark.parametrize("translate", [properties.for_librdkafka, properties.for_kafka_python])
def test_what_the_publisher_keeps_to_itself_is_not_handed_on(translate: Any) -> None:
    assert translate({"max.block.ms": "5000"}) == {}


def test_a_property_that_a_library_has_not_is_refused_with_both_names() -> None:
    with pytest.raises(
        SpecError, match=r"retry\.backoff\.max\.ms: the client library kafka-python has nothing like it"
    ):
        properties.for_kafka_python({"retry.backoff.max.ms": "1000"})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"linger": "5"}, "not 'linger'"),
        ({"linger.ms": "fast"}, r"linger\.ms must be a whole number from 0 to 900000, not 'fast'"),
        ({"batch.size": "0"}, r"batch\.size must be a whole number from 1"),
        ({"acks": "2"}, "acks must be one of all, -1, 0, 1, not '2'"),
        ({"enable.idempotence": "yes"}, r"enable\.idempotence must be true or false, not 'yes'"),
        ({"compression.type": "rar"}, r"compression\.type must be one of none, gzip"),
    ],
)
def test_a_wrong_property_is_refused_by_name(asked: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        properties.check(asked)


def test_what_an_outage_would_show_is_as_javas_producer_has_it() -> None:
    found = properties.effective({})

    assert found["reconnect.backoff.max.ms"] == "1000"  # kafka-python's own: 30 s
    assert found["delivery.timeout.ms"] == "120000"  # librdkafka's own: 5 min
    assert found["enable.idempotence"] == "true"


@pytest.mark.parametrize(
    "against", [{"acks": "1"}, {"retries": "0"}, {"max.in.flight.requests.per.connection": "6"}], ids=str
)
def test_idempotence_yields_to_what_speaks_against_it(against: dict[str, str]) -> None:
    assert properties.effective(against)["enable.idempotence"] == "false"


def test_a_request_does_not_outlive_its_messages_unless_asked_to() -> None:
    assert properties.effective({"delivery.timeout.ms": "5000", "linger.ms": "100"})["request.timeout.ms"] == "4900"
    assert (
        properties.effective({"delivery.timeout.ms": "5000", "request.timeout.ms": "9000"})["request.timeout.ms"]
        == "9000"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bootstrap": "nowhere"}, "bootstrap must be host:port, not 'nowhere'"),
        ({"topic": "a b"}, "topic must be a Kafka topic's name, not 'a b'"),
        ({"partitions": 0}, "partitions must be at least 1, not 0"),
        ({"client": "java"}, "client must be one of auto, kafka-python, confluent, not 'java'"),
        ({"in_flight_max": 0}, "in_flight_max must be at least 1, not 0"),
        ({"properties": {"linger": "1"}}, "not 'linger'"),
        ({"attempts": {"count": 0}}, r"attempts\.count must be at least 1, not 0"),
        ({"attempts": {"tries": 3}}, "Attempts got an unexpected keyword argument 'tries'"),
        ({"attempts": {}, "properties": {"retries": "5"}}, "must not hold retries together with attempts"),
        ({"acks": "all"}, "KafkaOptions got an unexpected keyword argument 'acks'"),
    ],
)
def test_a_wrong_option_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        made(KafkaOptions, {"bootstrap": "127.0.0.1:9092", "topic": "edge", **change})


def test_pauses_between_attempts_grow_as_kafka_gos_do() -> None:
    assert [Attempts().pause_s(n) for n in (1, 2, 3, 4)] == pytest.approx([0.1, 0.4, 0.9, 1.0])
    assert Attempts(count=3, timeout_s=10.0).patience_s == pytest.approx(30.5)


def test_with_attempts_the_library_itself_tries_once() -> None:
    options = made(KafkaOptions, {"bootstrap": "127.0.0.1:9092", "topic": "edge", "attempts": {"timeout_s": 2.0}})

    java = options.java
    assert (java["retries"], java["enable.idempotence"], java["delivery.timeout.ms"]) == ("0", "false", "2000")


def test_a_light_load_takes_the_library_that_everyone_has() -> None:
    assert chosen("auto", 1000.0) == "kafka-python"
    assert chosen("confluent", 1.0) == "confluent"
