"""Configurations: what listens where and is advertised as what; what a mirror is told; scripts that start a JVM."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgelab.deploy.addresses import check_placeholders
from edgelab.model.topology import HUB, PROXY, Topology
from edgelab.systems import KafkaDirect, KafkaMirrorMaker
from edgelab.systems.kafka import properties

_SITES = ("site-1", "site-2")
_EVERY: tuple[Any, ...] = (
    KafkaMirrorMaker(),
    KafkaMirrorMaker(mirror="hub", preset="tuned"),
    KafkaMirrorMaker(mirror="standalone", preset="tuned"),
    KafkaMirrorMaker(preset="exactly-once"),
    KafkaMirrorMaker(version="3.9.2", metadata="zookeeper"),
    KafkaDirect(),
)


def _file(topology: Topology, service: str, name: str) -> str:
    return next(file.text for file in topology.service(service).files if file.name == name)


def _settings(topology: Topology, service: str, name: str = "server.properties") -> dict[str, str]:
    return properties.parse(name, _file(topology, service, name))


@pytest.mark.parametrize("made", _EVERY, ids=lambda made: f"{made.name}-{made.preset}")
def test_every_placeholder_stands_for_something(made: Any) -> None:
    check_placeholders(made.topology(_SITES))


def test_the_far_end_of_a_link_is_advertised_as_its_proxy_and_nothing_else_is() -> None:
    hub = _settings(KafkaMirrorMaker().topology(_SITES), HUB)

    assert hub["advertised.listeners"].split(",") == [
        "LAB://@{lab:hub:lab}",
        "INTERNAL://@{dial:hub:internal}",
        "WAN_SITE_1://@{dial:toxiproxy:link-site-1}",
        "WAN_SITE_2://@{dial:toxiproxy:link-site-2}",
    ]
    assert "WAN_SITE_1://@{listen:wan-site-1}" in hub["listeners"]
    assert hub["inter.broker.listener.name"] == "INTERNAL"


def test_publishers_on_the_host_reach_the_hub_by_the_proxys_address_there() -> None:
    hub = _settings(KafkaDirect().topology(_SITES), HUB)

    assert "WAN_SITE_1://@{lab:toxiproxy:link-site-1}" in hub["advertised.listeners"]


def test_a_mirror_at_the_hub_reads_from_the_sites_through_their_links() -> None:
    topology = KafkaMirrorMaker(mirror="hub").topology(_SITES)
    site, mirror = _settings(topology, "site-2"), _settings(topology, "mirror-site-2", "mm2.properties")

    assert "WAN://@{dial:toxiproxy:link-site-2}" in site["advertised.listeners"]
    assert "WAN" not in _settings(topology, HUB)["listeners"]
    assert mirror["site-2.bootstrap.servers"] == "@{dial:toxiproxy:link-site-2}"
    assert mirror["hub.bootstrap.servers"] == "@{dial:hub:internal}"
    assert mirror["offset-syncs.topic.location"] == "target"
    assert [link.dialed_by for link in topology.links] == ["hub", "hub"]
    assert topology.service("mirror-site-2").place == HUB


def test_a_mirror_at_the_site_writes_through_its_link() -> None:
    topology = KafkaMirrorMaker().topology(_SITES)
    mirror = _settings(topology, "mirror-site-1", "mm2.properties")

    assert mirror["hub.bootstrap.servers"] == "@{dial:toxiproxy:link-site-1}"
    assert mirror["site-1.bootstrap.servers"] == "@{dial:site-1:internal}"
    assert topology.service("mirror-site-1").place == "site-1"
    assert topology.service("mirror-site-1").supervised


def test_brokers_are_told_apart_by_their_number() -> None:
    topology = KafkaMirrorMaker().topology(_SITES)

    assert [_settings(topology, name)["node.id"] for name in (HUB, *_SITES)] == ["1", "101", "102"]


def test_only_the_ports_that_the_lab_dials_are_published() -> None:
    topology = KafkaMirrorMaker(mirror="standalone").topology(("site-1",))
    published = {(s.name, p.name) for s in topology.services for p in s.ports if p.published and s.name != PROXY}

    assert published == {(HUB, "lab"), ("site-1", "lab"), ("mirror-site-1", "rest")}


def test_a_mirror_in_standalone_is_told_the_same_in_other_words() -> None:
    made = KafkaMirrorMaker(
        mirror="standalone",
        preset="tuned",
        errors_tolerance="all",
        mirror_properties="@{site}.security.protocol=PLAINTEXT\n@{site}->hub.offset.lag.max=7",
    )
    topology = made.topology(("site-1",))
    worker = _settings(topology, "mirror-site-1", "worker.properties")
    connector = _settings(topology, "mirror-site-1", "mm2.properties")

    assert (
        worker["bootstrap.servers"] == connector["target.cluster.bootstrap.servers"] == "@{dial:toxiproxy:link-site-1}"
    )
    assert worker["producer.batch.size"] == "524288"
    assert worker["offset.flush.interval.ms"] == "60000"
    assert "session.timeout.ms" not in worker
    assert "config.storage.replication.factor" not in connector
    assert connector["source.consumer.max.poll.records"] == "5000"
    assert connector["source.cluster.security.protocol"] == "PLAINTEXT"
    assert connector["errors.tolerance"] == "all"
    assert connector["offset.lag.max"] == "7"
    assert connector["source.cluster.alias"] == "site-1"
    assert topology.service("mirror-site-1").keeps_data


def test_options_and_the_users_lines_reach_the_mirror() -> None:
    made = KafkaMirrorMaker(
        offset_flush_s=1.0,
        rebalance_delay_s=0.0,
        errors_tolerance="all",
        mirror_delivery_timeout_s=5.0,
        mirror_properties="@{site}.consumer.max.poll.records=77\nrefresh.topics.interval.seconds=9",
    )
    told = _settings(made.topology(("site-1",)), "mirror-site-1", "mm2.properties")

    assert told["hub.offset.flush.interval.ms"] == "1000"
    assert told["hub.scheduled.rebalance.max.delay.ms"] == "0"
    assert told["site-1->hub.errors.tolerance"] == "all"
    assert told["hub.producer.delivery.timeout.ms"] == "5000"
    assert told["hub.producer.request.timeout.ms"] == "2000"
    assert told["site-1.consumer.max.poll.records"] == "77"
    assert told["refresh.topics.interval.seconds"] == "9"


def test_a_short_retention_is_looked_after_often_and_a_long_one_as_shipped() -> None:
    short = _settings(KafkaMirrorMaker(retention_s=5.0).topology(("site-1",)), "site-1")
    plain = _settings(KafkaMirrorMaker().topology(("site-1",)), "site-1")

    assert short["log.retention.check.interval.ms"] == "1000"
    assert "log.retention.check.interval.ms" not in plain


def test_with_a_retention_the_topic_is_dropped_in_small_parts() -> None:
    def of(**options: Any) -> dict[str, str]:
        return dict(KafkaMirrorMaker(**options)._topics(_SITES).site_settings)

    assert of() == {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
    assert of(retention_s=5.0)["segment.bytes"] == str(4 << 20)
    assert of(retention_bytes=16 << 20)["segment.bytes"] == str(2 << 20)
    assert of(retention_bytes=1 << 20)["segment.bytes"] == str(1 << 20)
    assert of(retention_s=5.0, segment_bytes=2 << 20)["segment.bytes"] == str(2 << 20)


def test_a_zookeeper_stands_beside_each_broker_where_one_is_asked_for() -> None:
    topology = KafkaMirrorMaker(version="3.9.2", metadata="zookeeper").topology(("site-1",))
    site = _settings(topology, "site-1")

    assert topology.service("zookeeper-site-1").site == "site-1"
    assert site["zookeeper.connect"] == "@{dial:zookeeper-site-1:client}"
    assert "process.roles" not in site
    assert "StorageTool" not in _file(topology, "site-1", "start.sh")


def test_logging_is_told_in_the_words_of_the_version() -> None:
    older = _file(KafkaMirrorMaker(version="3.9.2").topology(("site-1",)), "site-1", "log4j.properties")
    newer = _file(KafkaMirrorMaker().topology(("site-1",)), "site-1", "log4j.properties")

    assert "log4j.rootLogger=INFO, out" in older
    assert "rootLogger.level=INFO" in newer


def test_each_cluster_has_an_id_of_its_own_that_is_the_same_every_time() -> None:
    topology = KafkaMirrorMaker().topology(_SITES)
    scripts = [_file(topology, name, "start.sh") for name in (HUB, *_SITES)]
    ids = [text.split(" -t ")[1].split()[0] for text in scripts]

    assert len(set(ids)) == 3
    assert all(len(i) == 22 and not i.startswith("-") for i in ids)
    assert scripts[0] == _file(KafkaMirrorMaker().topology(_SITES), HUB, "start.sh")


@pytest.mark.parametrize("archive", [False, True])
def test_a_script_formats_once_and_then_becomes_the_broker(tmp_path: Path, archive: bool) -> None:  # noqa: FBT001
    data, said = tmp_path / "data", tmp_path / "said"
    java = tmp_path / "java"
    java.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    java.chmod(0o755)
    if archive:
        (tmp_path / "broker.jsa").touch()
    made = KafkaMirrorMaker(site_jvm_options="'-Dx=a b'")
    text = _file(made.topology(("site-1",)), "site-1", "start.sh")
    text = text.replace("@{data}", str(data)).replace("@{file:", "/config/").replace(".properties}", ".properties")
    script = tmp_path / "start.sh"
    script.write_text(text)
    environment = {"EDGELAB_JAVA": str(java), "EDGELAB_KAFKA_LIBS": "/jars", "EDGELAB_CDS": str(tmp_path)}

    subprocess.run(["/bin/sh", str(script)], check=True, env=environment)
    (data / "log").mkdir()
    (data / "log" / "meta.properties").touch()
    subprocess.run(["/bin/sh", str(script)], check=True, env=environment)

    lines = said.read_text().splitlines()
    assert [("StorageTool format" in line, "kafka.Kafka /config/server" in line) for line in lines] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert all("-Dx=a b" in line and "-cp /jars/*" in line for line in lines)
    assert all(("SharedArchiveFile" in line) is archive for line in lines)
