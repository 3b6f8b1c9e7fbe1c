"""Settings that Kafka does not know, and those that are the lab's, are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from edgelab.errors import SpecError
from edgelab.systems import KafkaMirrorMaker, system
from edgelab.systems.kafka import keys, presets
from edgelab.systems.kafka.versions import NEWEST, parse


@pytest.mark.parametrize(
    ("option", "line", "message"),
    [
        ("site_properties", "num.io.thread=2", "'num.io.thread', which a broker of .* nearest .* 'num.io.threads'"),
        ("hub_properties", "log.retention.houers=1", "the nearest that it knows is 'log.retention.hours'"),
        ("hub_properties", "xyzzy=1", "'xyzzy', which a broker of Kafka 4.3.1 does not know$"),
        ("hub_properties", "listener.name.lab.num.network.thread=1", "nearest .* 'listener.name.lab.num.n"),
        ("mirror_properties", "hub.producer.batch.sise=1", "the nearest that it knows is 'hub.producer.batch.size'"),
        ("mirror_properties", "@{site}.consumer.max.poll.record=1", "nearest .* '@{site}.consumer.max.poll.records'"),
        ("mirror_properties", "offset.flush.interval.ms=1", "which a mirror of Kafka 4.3.1 does not know"),
        ("mirror_properties", "@{site}.offset.flush.interval.ms=1", "belongs to the hub; write 'hub.offset.flush"),
        ("producer_properties", "linger.mss=1", "which a producer of Kafka .* nearest .* 'linger.ms'"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_refused_with_the_nearest_that_is_known(option: str, line: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        system("kafka-mirrormaker", **{option: line})


@pytest.mark.parametrize(
    ("option", "line", "reason"),
    [
        ("site_properties", "listeners=PLAINTEXT://:9092", "so that nothing goes round the proxy"),
        ("hub_properties", "advertised.listeners=WAN://hub:9092", "so that nothing goes round the proxy"),
        ("hub_properties", "log.message.timestamp.type=CreateTime", "the hub's own clock"),
        ("hub_properties", "node.id=7", "finds what was stored by it"),
        ("site_properties", "log.dirs=/tmp/x", "finds what was stored by it"),
        ("mirror_properties", "hub.bootstrap.servers=hub:9092", "so that nothing goes round the proxy"),
        ("mirror_properties", "clusters=a, b", "finds what was stored by it"),
        ("mirror_properties", "replication.policy.class=X", "the names that MirrorMaker gives them"),
        ("producer_properties", "bootstrap.servers=hub:9092", "so that nothing goes round the proxy"),
    ],
)
def test_what_the_lab_relies_on_is_refused_with_the_reason(option: str, line: str, reason: str) -> None:
    key = line.partition("=")[0]

    with pytest.raises(SpecError, match=f"{option} must not set '{key}': .*{reason}"):
        system("kafka-mirrormaker", **{option: line})


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("site_properties", "num.io.threads=2"),
        ("hub_properties", "listener.name.wan_site_1.num.network.threads=2"),
        ("mirror_properties", "hub.producer.compression.type=zstd"),
        ("mirror_properties", "@{site}.consumer.max.poll.records=9"),
        ("mirror_properties", "@{site}->hub.sync.topic.configs.enabled=true"),
        ("mirror_properties", "@{site}->hub.producer.override.linger.ms=5"),
        ("mirror_properties", "offset.storage.partitions=5"),
        ("producer_properties", "compression.type=lz4"),
    ],
)
def test_what_kafka_knows_is_taken(option: str, line: str) -> None:
    assert system("kafka-mirrormaker", **{option: line})


def test_a_key_may_come_and_go_with_versions() -> None:
    assert KafkaMirrorMaker(version="3.9.2", site_properties="zookeeper.connection.timeout.ms=9000")
    with pytest.raises(SpecError, match=r"a broker of Kafka 4\.3\.1 does not know"):
        KafkaMirrorMaker(site_properties="zookeeper.connection.timeout.ms=9000")


def test_between_two_versions_that_were_read_what_either_knows_is_taken() -> None:
    between = keys.known("broker", parse("3.7.1"))

    assert between == keys.known("broker", parse("3.6.0")) | keys.known("broker", parse("3.9.2"))
    assert keys.known("broker", parse("4.9.0")) == keys.known("broker", parse("4.3.1"))


@pytest.mark.parametrize("component", ["broker", "producer", "consumer", "admin", "worker", "connector", "mirror"])
def test_the_names_of_every_component_are_there_for_every_version(component: str) -> None:
    assert len(keys.known(component, parse("3.6.0"))) > 50
    assert len(keys.known(component, parse(NEWEST))) > 50


def test_every_key_of_every_preset_is_one_that_kafka_knows() -> None:
    names: Any = keys.mirror_names(parse(NEWEST)) | {"plugin.discovery"}

    for preset in presets.MIRROR.values():
        assert [line.key for line in preset if line.key not in names] == []
    keys.check_producer("preset", {line.key: line.value for line in presets.PUBLISHER}, parse(NEWEST))
