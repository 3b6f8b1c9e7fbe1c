"""Connections of the lab's own to a broker, by kafka-python, with deadlines.

A port that a container publishes takes connections while nobody is behind it: only an answer tells, and none may be
waited for without an end.
"""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

with warnings.catch_warnings():
    # kafka-python reads its own files by a function that Python 3.11 and 3.12 call deprecated, and 3.13 does not.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
    from kafka.admin import ConfigResource, ConfigResourceType
    from kafka.errors import BrokerResponseError, KafkaError, TopicAlreadyExistsError

from ...deploy.base import Address
from ...errors import LabError, SystemUnderTestError
from .broker import PROBE

Admin = Any
Consumer = Any
Partition = Any
_TIMEOUT_MS = 20_000
_KNOCK_S = 20.0
_FETCH_BYTES = 16 << 20
_COMMON = {
    "client_id": "edgelab",
    "bootstrap_timeout_ms": _TIMEOUT_MS,
    "request_timeout_ms": _TIMEOUT_MS,
    "reconnect_backoff_max_ms": 500,
}


@contextmanager
def admin(address: Address, place: str) -> Iterator[Admin]:
    """A client that makes and describes topics.

    Raises:
        SystemUnderTestError: the broker refused something.
        LabError: it did not answer.
    """
    _knock(address, place)
    with translated(place):
        client = KafkaAdminClient(bootstrap_servers=str(address), **_COMMON)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def consumer(address: Address, place: str) -> Iterator[Consumer]:
    """A client that reads what is committed, in no group.

    Raises:
        SystemUnderTestError: the broker refused something.
        LabError: it did not answer.
    """
    _knock(address, place)
    with translated(place):
        client = KafkaConsumer(
            bootstrap_servers=str(address),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            exclude_internal_topics=False,
            fetch_max_wait_ms=100,
            fetch_max_bytes=2 * _FETCH_BYTES,
            max_partition_fetch_bytes=_FETCH_BYTES,
            metrics_enabled=False,
            **_COMMON,
        )
        try:
            yield client
        finally:
            client.close(autocommit=False)


def _knock(address: Address, place: str) -> None:
    """Whoever listens there is a broker, and answers.

    kafka-python itself would try until its deadline, and leave its sockets open when that has passed.
    """
    try:
        with socket.create_connection(address, timeout=_KNOCK_S) as knock:
            knock.sendall(PROBE)
            answer = knock.recv(4)
    except OSError as error:
        raise LabError(f"the broker of {place} did not answer at {address}: {error}") from error
    if not answer:
        raise LabError(f"the broker of {place} did not answer at {address}: the connection was closed")


def partitions_of(client: Consumer, topic: str) -> list[Partition]:
    """The partitions of ``topic`` in order; none where it does not exist."""
    return [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]


def is_there_already(error: SystemUnderTestError) -> bool:
    """Whether a topic was not made because there is one."""
    return isinstance(error.__cause__, TopicAlreadyExistsError)


def settings_of(client: Admin, topic: str) -> dict[str, str]:
    """All settings of ``topic``."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    said = client.describe_configs([resource], config_filter="all")["topic"][topic]
    return {key: str(value["value"]) for key, value in said.items()}


@contextmanager
def translated(place: str) -> Iterator[None]:
    """What kafka-python raises within becomes the lab's own errors, about the broker of ``place``."""
    try:
        yield
    except BrokerResponseError as error:
        raise SystemUnderTestError(f"the broker of {place} refused a request: {error}") from error
    except KafkaError as error:
        raise LabError(f"the broker of {place} did not answer: {type(error).__name__}: {error}") from error
