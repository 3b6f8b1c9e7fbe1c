"""Topics that are tables, of which the last value of each key counts: what a mirror notes of itself at the hub."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import LabError
from . import clients

_POLL_MS = 200
_SILENCE_S = 20.0


class Table:
    """Follows the topics of one broker; what was written is known after :meth:`update`."""

    def __init__(self, client: clients.Consumer, topics: list[str]) -> None:
        self._client = client
        self._topics = topics
        self._assigned: list[clients.Partition] = []
        self._values: dict[str, dict[bytes, bytes | None]] = {topic: {} for topic in topics}

    def update(self) -> None:
        """Read all that the topics hold now. A topic that does not exist holds nothing.

        Raises:
            LabError: the broker stopped to answer.
        """
        there = [tp for topic in self._topics for tp in clients.partitions_of(self._client, topic)]
        if len(there) != len(self._assigned):
            self._client.assign(there)
            self._client.seek_to_beginning()
            self._assigned = there
        for batch in whole(self._client, there):
            for records in batch.values():
                for record in records:
                    if record.key is not None:
                        self._values[record.topic][record.key] = record.value

    def of(self, topic: str) -> Mapping[bytes, bytes | None]:
        """The last value of each key."""
        return self._values[topic]


def whole(client: clients.Consumer, partitions: list[clients.Partition]) -> Iterator[Mapping[Any, list[Any]]]:
    """Batches of what ``partitions`` of a client hold now, from where it stands.

    Raises:
        LabError: the broker stopped to answer.
    """
    ends = client.end_offsets(partitions) if partitions else {}
    moved = time.monotonic()
    while any(client.position(tp) < end for tp, end in ends.items()):
        batch = client.poll(timeout_ms=_POLL_MS, max_records=20_000)
        if batch:
            moved = time.monotonic()
            yield batch
        elif time.monotonic() - moved > _SILENCE_S:
            behind = [f"{tp.topic}-{tp.partition} at {client.position(tp)} of {end}" for tp, end in ends.items()]
            raise LabError(f"a broker gave nothing more for {_SILENCE_S:g} s: {', '.join(behind[:3])}")


def as_json(value: bytes | None) -> Any:
    """A value that is JSON, or None."""
    try:
        return json.loads(value) if value else None
    except ValueError:
        return None
