"""Systems by name, and options that are refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from edgelab.errors import SpecError
from edgelab.systems import (
    SYSTEMS,
    KafkaDirect,
    KafkaMirrorMaker,
    NatsDirect,
    NatsLeaf,
    NatsLeafCore,
    System,
    system,
)


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_system_goes_by_its_name_and_is_a_frozen_value(name: str) -> None:
    made = system(name)

    assert made.name == name
    assert made == SYSTEMS[name]()
    assert made.versions == ({"kafka": "4.3.1"} if name.startswith("kafka") else {"nats-server": "2.15.2"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.version = "2.10.12"  # type: ignore[attr-defined]


def test_each_system_is_what_the_runner_needs() -> None:
    made: tuple[System, ...] = (NatsLeaf(), NatsLeafCore(), NatsDirect(), KafkaMirrorMaker(), KafkaDirect())

    assert [s.confirms for s in made] == [True, False, True, True, True]


def test_an_unknown_system_is_refused_with_those_there_are() -> None:
    with pytest.raises(SpecError, match=r"system must be one of nats-leaf, .*, kafka-direct, not 'nats'"):
        system("nats")


def test_an_unknown_option_is_refused_with_those_there_are() -> None:
    with pytest.raises(SpecError, match=r"options of nats-leaf-core are .*version, not 'mode'"):
        system("nats-leaf-core", mode="mirror")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nats-leaf", {"mode": "source"}, "mode must be one of sources, mirror, not 'source'"),
        ("nats-leaf", {"reconnect_s": 0.0}, "reconnect_s must be at least 0.001, not 0.0"),
        ("nats-leaf", {"reconnect_s": "1s"}, "reconnect_s must be a number, not '1s'"),
        ("nats-leaf", {"ping_interval_s": -1}, "ping_interval_s must be at least 0.01, not -1"),
        ("nats-leaf", {"ping_max": 0}, "ping_max must be at least 1, not 0"),
        ("nats-leaf", {"ping_max": 1.5}, "ping_max must be a whole number, not 1.5"),
        ("nats-leaf", {"max_messages": 0}, "max_messages must be at least 1, not 0"),
        ("nats-leaf", {"max_bytes": True}, "max_bytes must be a whole number, not True"),
        ("nats-leaf", {"max_age_s": float("nan")}, "max_age_s must be a number, not nan"),
        ("nats-leaf", {"discard": "oldest"}, "discard must be one of old, new, not 'oldest'"),
        ("nats-leaf", {"retention": "queue"}, "retention must be one of limits, workqueue, interest, not 'queue'"),
        ("nats-leaf", {"storage": "disk"}, "storage must be one of file, memory, not 'disk'"),
        ("nats-leaf", {"max_age_s": 30.0, "duplicate_window_s": 60.0}, "duplicate_window_s must be at most 30"),
        ("nats-leaf", {"durable_source": "yes"}, "durable_source must be true or false, not 'yes'"),
        ("nats-leaf", {"memory_bytes": 1}, "memory_bytes must be at least"),
        ("nats-leaf", {"cpus": 0}, "cpus must be at least 0.01, not 0"),
        ("nats-leaf", {"ack_timeout_s": 0}, "ack_timeout_s must be at least 0.01, not 0"),
        ("nats-leaf", {"in_flight_max": 0}, "in_flight_max must be at least 1, not 0"),
        ("nats-leaf", {"extra_site_config": 3}, "extra_site_config must be text, not 3"),
        ("nats-direct", {"via": "proxy"}, "via must be one of client, leaf, not 'proxy'"),
        ("nats-direct", {"attempts": 0}, "attempts must be at least 1, not 0"),
        ("nats-direct", {"backoff_s": 0}, "backoff_s must be at least 0.001, not 0"),
        ("nats-direct", {"reconnect_s": 1.0}, "reconnect_s must not be set with via='client'"),
    ],
)
def test_nonsense_is_refused_with_field_bound_and_value(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        system(name, **options)


def test_a_durable_source_is_refused_where_the_version_has_none() -> None:
    with pytest.raises(
        SpecError, match=r"durable_source must be false with nats-server 2\.12\.15: .* from 2\.14\.0 on"
    ):
        NatsLeaf(version="2.12.15", durable_source=True)
