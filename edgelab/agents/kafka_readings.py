"""What Kafka brokers tell the observer: how full the hub's topics are, and how far the hub is behind a site."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from kafka.record.memory_records import MemoryRecords

from ..clock import Clock
from ..history import Kind
from ..model.message import HEADER_BYTES
from .changes import Changes
from .kafka_connection import KafkaConnection
from .kafka_wire import FETCH, LIST_OFFSETS, Batch, batches, fetch, fetched, list_offsets, listed_offsets
from .watch_options import Source

_STORE_EVERY_S, _STORE_PER_PARTITION_S = 0.01, 0.0002
_BEHIND_EVERY_S, _BEHIND_PER_SITE_S = 0.05, 0.005
_HEARD_NS = 1_500_000_000
_FETCH_BYTES = 4 << 20
_FETCHES = 16
"""At most so many in one reading: the others want to be read, too."""
_STEPS_BACK = (1, 2, 16, 256, 4096)
"""The last offsets may be a transaction's marker, or of an aborted transaction: look further back."""

Partition = tuple[str, int]


class Stores:
    """Readings of the hub's topics: PROGRESS.

    Attributes:
        ends: end offset of each partition as last read.
        heard_ns: when the hub answered last.
    """

    def __init__(
        self, clock: Clock, changes: Changes, hub: KafkaConnection, topics: Sequence[tuple[str, int]], *, records: bool
    ) -> None:
        self._clock = clock
        self._changes = changes
        self._hub = hub
        self._topics = topics
        self._question = list_offsets({topic: range(count) for topic, count in topics})
        self.counted = Counted(hub, topics) if records else None
        self.ends: dict[Partition, int] = {}
        self.heard_ns = 0
        self.every_s = _STORE_EVERY_S + _STORE_PER_PARTITION_S * (sum(count for _, count in topics) - 1)

    def stored(self, topic: str) -> int:
        """Messages in a topic, as last read."""
        if self.counted is not None:
            return self.counted.count[topic]
        return sum(end for (name, _), end in self.ends.items() if name == topic)

    async def read(self) -> None:
        """Ask for each topic once.

        Raises:
            OSError: the hub does not answer.
        """
        if self.counted is not None:
            await self.counted.read()
            self.ends = dict(self.counted.ends)
        else:
            self.ends.update(listed_offsets(await self._hub.ask(LIST_OFFSETS, 1, self._question)))
        now = self._clock.now_ns()
        self.heard_ns = now
        for number, (topic, _) in enumerate(self._topics):
            last = sum(end for (name, _), end in self.ends.items() if name == topic)
            self._changes.note(
                Kind.PROGRESS,
                now,
                (number,),
                value=self.stored(topic),
                position=last & 0xFFFFFFFF,
                stream=number,
            )


class Counted:
    """Counts records of committed transactions, where markers take offsets. It reads headers of batches, not records.

    Attributes:
        count: records of each topic so far.
        ends: the offset up to which each partition was read.
    """

    def __init__(self, hub: KafkaConnection, topics: Sequence[tuple[str, int]]) -> None:
        self._hub = hub
        self.count = {topic: 0 for topic, _ in topics}
        self.ends: dict[Partition, int] = {(topic, p): 0 for topic, count in topics for p in range(count)}
        self._last: dict[Partition, Batch] = {}

    async def read(self) -> None:
        """Read on to the end, or a good part of the way."""
        for _ in range(_FETCHES):
            if not await self._read_on():
                return

    def last_head(self, partition: Partition) -> bytes | None:
        """The head of the last payload; None: there is none."""
        return _last_head(self._last[partition]) if partition in self._last else None

    async def _read_on(self) -> bool:
        answer = await self._hub.ask(FETCH, 4, fetch(self.ends, most_bytes=_FETCH_BYTES, committed=True))
        more = False
        for partition, found in fetched(answer).items():
            for batch in batches(found):
                self.ends[partition] = batch.last + 1
                self.count[partition[0]] += batch.count
                if batch.count:
                    self._last[partition] = batch
                more = True
        return more


class Behind:
    """Readings of one site's topic next to the hub's: LAG.

    Counts do not tell whether the hub has all: copies count twice, and what is skipped never comes. So 0 is only said
    when the last message of each partition at the site is the last one at the hub; that is looked at once
    nothing has moved between two readings.
    """

    def __init__(self, clock: Clock, changes: Changes, stores: Stores, hub: KafkaConnection, source: Source) -> None:
        self._clock = clock
        self._changes = changes
        self._stores = stores
        self._hub = hub
        self._site = KafkaConnection(source.bootstrap)
        self._source = source
        self._question = list_offsets({source.topic: range(source.partitions)})
        self._heard_ns = 0
        self._ends: tuple[tuple[int, int], ...] | None = None
        self._looked_at: tuple[tuple[int, int], ...] | None = None
        self._behind = 0

    @staticmethod
    def every_s(sites: int) -> float:
        """Pause between two readings of a site."""
        return _BEHIND_EVERY_S + _BEHIND_PER_SITE_S * sites

    async def read(self) -> None:
        """Ask the site, and look at both ends if need be."""
        with suppress(OSError):  # then its last word gets old, which the record says
            await self._compare()
        now = self._clock.now_ns()
        heard = now - min(self._heard_ns, self._stores.heard_ns) < _HEARD_NS
        self._changes.note(
            Kind.LAG, now, (self._source.index,), value=self._behind, code=int(heard), site=self._source.index
        )

    def close(self) -> None:
        """Close the connection to the site."""
        self._site.close()

    async def _compare(self) -> None:
        source = self._source
        found = listed_offsets(await self._site.ask(LIST_OFFSETS, 1, self._question))
        self._heard_ns = self._clock.now_ns()
        if len(found) < source.partitions:
            return
        hub = self._stores.ends
        ends = tuple(
            (found[source.topic, number], hub.get((source.hub_topic, number), 0)) for number in range(source.partitions)
        )
        if ends == self._looked_at:
            return
        missing = max(1, sum(found.values()) - self._stores.stored(source.hub_topic))
        if ends != self._ends:
            self._ends = ends
            self._behind = missing if any(end for end, _ in ends) else 0
        else:
            self._behind = 0 if await self._same_ends(ends) else missing
            self._looked_at = ends

    async def _same_ends(self, ends: tuple[tuple[int, int], ...]) -> bool:
        for number, (site_end, hub_end) in enumerate(ends):
            there = await last_head(self._site, (self._source.topic, number), site_end)
            if there is None:
                continue
            counted, partition = self._stores.counted, (self._source.hub_topic, number)
            here = counted.last_head(partition) if counted else await last_head(self._hub, partition, hub_end)
            if here != there:
                return False
        return True


async def last_head(broker: KafkaConnection, partition: Partition, end: int) -> bytes | None:
    """The head of the last payload before an end offset; None: there is none."""
    for step in _STEPS_BACK:
        start = max(0, end - step)
        if start == end:
            return None
        answer = await broker.ask(FETCH, 4, fetch({partition: start}, most_bytes=_FETCH_BYTES, committed=True))
        found = [batch for answered in fetched(answer).values() for batch in batches(answered) if batch.count]
        if found:
            return _last_head(found[-1])
        if start == 0:
            break
    return None


def _last_head(batch: Batch) -> bytes:
    """The head of a batch's last payload, which tells it from all others."""
    records = MemoryRecords(batch.raw).next_batch()
    value = b""
    for record in records:
        value = record.value or b""
    return bytes(value[:HEADER_BYTES])
