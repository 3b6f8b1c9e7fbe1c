"""The few requests of Kafka's protocol that the lab asks itself, byte by byte. Pure.

Versions are the oldest that Kafka 4 still answers and 0.11 already did: ApiVersions 0, ListOffsets 1, Fetch 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

FETCH, LIST_OFFSETS, API_VERSIONS = 1, 2, 18
_LATEST = -1
_CLIENT = b"edgelab"
_LENGTH = struct.Struct(">i")
_BATCH = struct.Struct(">qiibIhiqqqhii")
_CONTROL, _TRANSACTIONAL = 0x20, 0x10

Offsets = Mapping[tuple[str, int], int]


def request(api: int, version: int, number: int, body: bytes = b"") -> bytes:
    """A request with its length; ``number`` comes back in the answer."""
    head = struct.pack(">hhih", api, version, number, len(_CLIENT)) + _CLIENT
    return _LENGTH.pack(len(head) + len(body)) + head + body


def list_offsets(topics: Mapping[str, Sequence[int]]) -> bytes:
    """Body of a request for the end offsets of partitions."""
    return struct.pack(">i", -1) + _topics(
        {t: [struct.pack(">iq", p, _LATEST) for p in ps] for t, ps in topics.items()}
    )


def listed_offsets(body: bytes) -> dict[tuple[str, int], int]:
    """The end offsets in its answer; a partition that is not there, or has no leader, is left out."""
    found = {}
    reader = _Reader(body)
    for topic, partition in reader.partitions():
        error, _, offset = reader.take(">hqq")
        if not error:
            found[topic, partition] = offset
    return found


def fetch(offsets: Offsets, *, most_bytes: int, committed: bool) -> bytes:
    """Body of a request for records from offsets on; ``committed``: of committed transactions only."""
    topics: dict[str, list[bytes]] = {}
    for (topic, partition), offset in offsets.items():
        topics.setdefault(topic, []).append(struct.pack(">iqi", partition, offset, most_bytes))
    return struct.pack(">iiiib", -1, 0, 0, most_bytes, committed) + _topics(topics)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one partition has from an offset on.

    Attributes:
        records: whole and cut record batches, as stored.
        aborted: transactions in it that were aborted: (producer, first offset).
    """

    records: bytes
    aborted: tuple[tuple[int, int], ...] = ()


def fetched(body: bytes) -> dict[tuple[str, int], Fetched]:
    """The records in its answer; a partition that has an error is left out."""
    found = {}
    reader = _Reader(body)
    reader.take(">i")
    for topic, partition in reader.partitions():
        error, _, _, count = reader.take(">hqqi")
        aborted = tuple((producer, first) for producer, first in (reader.take(">qq") for _ in range(max(0, count))))
        (length,) = reader.take(">i")
        records = reader.bytes(max(0, length))
        if not error:
            found[topic, partition] = Fetched(records, aborted)
    return found


@dataclass(frozen=True, slots=True)
class Batch:
    """A whole record batch.

    Attributes:
        first / last: its offsets.
        count: of its records; 0 for a transaction's marker and for an aborted transaction's batch.
        raw: its bytes.
    """

    first: int
    last: int
    count: int
    raw: bytes


def batches(found: Fetched) -> Iterator[Batch]:
    """The whole batches of an answer, in order."""
    aborted = sorted(found.aborted, key=lambda producer_and_first: producer_and_first[1])
    open_aborts: set[int] = set()
    at, records = 0, found.records
    while at + _BATCH.size <= len(records):
        first, length, _, magic, _, attributes, last_delta, _, _, producer, _, _, count = _BATCH.unpack_from(
            records, at
        )
        end = at + 12 + length
        if end > len(records) or magic != 2:
            return
        last = first + last_delta
        while aborted and aborted[0][1] <= last:
            open_aborts.add(aborted.pop(0)[0])
        if attributes & _CONTROL:
            open_aborts.discard(producer)
            count = 0
        elif attributes & _TRANSACTIONAL and producer in open_aborts:
            count = 0
        yield Batch(first, last, count, records[at:end])
        at = end


def _topics(topics: Mapping[str, Sequence[bytes]]) -> bytes:
    parts = [struct.pack(">i", len(topics))]
    for topic, partitions in topics.items():
        name = topic.encode()
        parts += [struct.pack(">h", len(name)), name, struct.pack(">i", len(partitions)), *partitions]
    return b"".join(parts)


class _Reader:
    """Takes an answer's fields one after another."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, layout: str) -> tuple[int, ...]:
        found = struct.unpack_from(layout, self._body, self._at)
        self._at += struct.calcsize(layout)
        return found

    def bytes(self, length: int) -> bytes:
        self._at += length
        return self._body[self._at - length : self._at]

    def partitions(self) -> Iterator[tuple[str, int]]:
        """Each partition of each topic; its fields are to be taken before the next."""
        for _ in range(self.take(">i")[0]):
            topic = self.bytes(self.take(">h")[0]).decode()
            for _ in range(self.take(">i")[0]):
                yield topic, self.take(">i")[0]
