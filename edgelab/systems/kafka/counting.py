"""How many records topics hold, by another way than :mod:`.reading`: by another client library where there is one."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from importlib.util import find_spec

from ...deploy.base import Address
from ...errors import LabError
from ...model.topology import HUB
from . import clients, tables

_SILENCE_S = 20.0
_BATCH = 10_000


def count(address: Address, topics: Iterable[str], *, transactions: bool) -> int:
    """Records in ``topics`` at ``address``, those of open transactions not counted.

    With confluent-kafka they are read and counted; without, they are the difference of the first and the next offset,
    unless there are transactions, whose marks take offsets: then they are read.

    Raises:
        LabError: the broker does not answer.
    """
    names = list(topics)
    if find_spec("confluent_kafka") is not None:
        return sum(_by_confluent(address, name) for name in names)
    with clients.consumer(address, HUB) as client:
        partitions = [tp for name in names for tp in clients.partitions_of(client, name)]
        if not transactions:
            ends = client.end_offsets(partitions)
            return int(sum(ends[tp] - begin for tp, begin in client.beginning_offsets(partitions).items()))
        client.assign(partitions)
        client.seek_to_beginning()
        return sum(len(records) for batch in tables.whole(client, partitions) for records in batch.values())


def _by_confluent(address: Address, topic: str) -> int:
    from confluent_kafka import Consumer, KafkaException, TopicPartition  # noqa: PLC0415 - need not be installed

    reader = Consumer(
        {
            "bootstrap.servers": str(address),
            "group.id": f"edgelab-{uuid.uuid4().hex}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "log_level": 0,
        }
    )
    try:
        partitions = reader.list_topics(topic, timeout=_SILENCE_S).topics[topic].partitions
        reader.assign([TopicPartition(topic, number, 0) for number in partitions])
        return _until_the_end(reader, set(partitions), topic)
    except KafkaException as error:
        raise LabError(f"the broker of {HUB} did not answer the independent count: {error}") from error
    finally:
        reader.close()


def _until_the_end(reader: clients.Consumer, open_: set[int], topic: str) -> int:
    from confluent_kafka import KafkaError  # noqa: PLC0415 - need not be installed

    counted, moved = 0, time.monotonic()
    while open_:
        for item in reader.consume(_BATCH, timeout=0.2):
            moved = time.monotonic()
            error = item.error()
            if error is None:
                counted += 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                open_.discard(item.partition())
            elif error.fatal() or not error.retriable():
                raise LabError(f"topic {topic} could not be counted: {error}")
        if time.monotonic() - moved > _SILENCE_S:
            raise LabError(f"topic {topic} could not be counted: nothing came for {_SILENCE_S:g} s")
    return counted
