"""Reading a topic back: every record it holds, checked against the offsets that its broker tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...deploy.base import Address, Deployment
from ...errors import LabError
from ...history import FOREIGN_SITE, RECORD, Kind, Records, SegmentWriter
from ...model import message
from ...model.measured import StoreState
from ...model.topology import HUB
from . import broker, clients, tables
from .mirror import hub_topic

_ATTEMPTS = 3
_LAST_RECORDS = 64
_LIMITS = ("retention.ms", "retention.bytes", "segment.bytes", "cleanup.policy")
_STAMP_NS = 999_999
"""A stamp has whole milliseconds, cut off: with this it is never early, and at most 1 ms late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A topic to read.

    Attributes:
        place: ``"hub"`` or the site's name.
        topic: its name.
        number: index of the store in the history.
        kind: of the records to write: STORED or HELD.
        counted: whether every offset is a record, as where nothing is written in transactions.
    """

    place: str
    topic: str
    number: int = 0
    kind: Kind = Kind.STORED
    counted: bool = True


@dataclass(frozen=True, slots=True)
class _Found:
    """What one partition held: its records, and its first and its next offset."""

    records: Records
    first: int
    end: int


def read_hub(lab: Deployment, writer: SegmentWriter, *, counted: bool) -> tuple[StoreState, ...]:
    """Append a record for every message in the hub's topics.

    Raises:
        LabError: a topic does not hold what its offsets say, three times over.
    """
    states = []
    for number, site in enumerate(lab.topology.sites):
        store = Store(place=HUB, topic=hub_topic(site), number=number, counted=counted)
        found = _read(lab.address(HUB, broker.LAB), store)
        for part in found.values():
            writer.extend(part.records)
        states.append(_state(store, found, {"counted": "offsets" if counted else "records"}))
    return tuple(states)


def read_site(
    lab: Deployment,
    store: Store,
    writer: SegmentWriter,
    noted: Mapping[int, int],
    limits: Mapping[str, Any],
    *,
    skips: bool,
) -> tuple[StoreState, ...]:
    """Append a record for every message that a site's topic holds and that its mirror has not passed.

    Returns:
        The state of each partition: where one begins and ends says nothing of another.

    It has passed what it noted as copied: started again, it goes on after that. One that may skip messages has passed
    also what stands before the last message that the hub has of it, for it copies a partition in order, and notes its
    position only once a minute; what it passed without copying it will not copy later.

    Args:
        lab: what is up.
        store: the site's topic.
        writer: of the segment.
        noted: of each partition, the last offset that the mirror noted.
        limits: what else its state shall show.
        skips: whether the mirror passes over what it cannot deliver.

    Raises:
        LabError: the topic does not hold what its offsets say, three times over.
    """
    address = lab.address(store.place, broker.LAB)
    found = _read(address, store)
    last = _last_of(lab.address(HUB, broker.LAB), hub_topic(store.place)) if skips else {}
    limits, states = {**_settings_of(address, store), **limits}, []
    for number, part in found.items():
        passed = max(noted.get(number, -1), _offset_of(part.records, last.get(number)))
        held = part.records[part.records["position"] > passed + 1]
        writer.extend(held)
        which = {"partition": number, "partitions": len(found)} if len(found) > 1 else {}
        states.append(_state(store, {number: part}, {**limits, **which, "held": len(held)}))
    return tuple(states)


def _settings_of(address: Address, store: Store) -> dict[str, Any]:
    with clients.admin(address, store.place) as admin:
        said = clients.settings_of(admin, store.topic)
    return {name: _number(said[name]) for name in _LIMITS if name in said}


def _number(value: str) -> int | str:
    return int(value) if value.lstrip("-").isdigit() else value


def _read(address: Address, store: Store) -> dict[int, _Found]:
    problem = ""
    for _ in range(_ATTEMPTS):
        with clients.consumer(address, store.place) as client:
            partitions = clients.partitions_of(client, store.topic)
            client.assign(partitions)
            begins = client.beginning_offsets(partitions) if partitions else {}
            ends = client.end_offsets(partitions) if partitions else {}
            for tp, begin in begins.items():
                client.seek(tp, begin)
            parts: dict[int, list[Records]] = {tp.partition: [] for tp in partitions}
            for batch in tables.whole(client, partitions):
                for tp, records in batch.items():
                    parts[tp.partition].append(_rows(store, records))
            # A retention may drop records while they are read.
            after = client.beginning_offsets(partitions) if partitions else {}
        found = {tp.partition: _Found(_joined(parts[tp.partition]), int(after[tp]), int(ends[tp])) for tp in partitions}
        problem = next((why for part in found.values() if (why := _problem(part, store))), "")
        if not problem:
            return found
    raise LabError(f"topic {store.topic} of {store.place} was not read completely: {problem}")


def _problem(part: _Found, store: Store) -> str:
    offsets = part.records["position"].astype(np.int64) - 1
    if not bool(np.all(np.diff(offsets) > 0)):
        return "records were read twice or out of order"
    if not store.counted:
        return ""
    held = int(np.count_nonzero((offsets >= part.first) & (offsets < part.end)))
    owed = max(0, part.end - part.first)
    return "" if held == owed else f"its offsets {part.first} to {part.end} make {owed} records, {held} were read"


def _rows(store: Store, records: list[Any]) -> Records:
    return np.array([_row(store, record) for record in records], RECORD)


def _row(store: Store, record: Any) -> tuple[int, ...]:
    """In the order of RECORD's fields."""
    t_ns = record.timestamp * 1_000_000 + _STAMP_NS
    who = message.unpack(record.value or b"")
    if who is None:
        return (t_ns, 0, 0, record.offset + 1, FOREIGN_SITE, 0, store.kind, 0, store.number)
    return (t_ns, who.sent_ns, who.sequence, record.offset + 1, who.site, who.publisher, store.kind, 0, store.number)


def _joined(parts: list[Records]) -> Records:
    return np.concatenate(parts) if parts else np.empty(0, RECORD)


def _state(store: Store, found: Mapping[int, _Found], limits: Mapping[str, Any]) -> StoreState:
    """Sequences are offsets and one; of several partitions, from the lowest to the highest."""
    return StoreState(
        place=store.place,
        store=store.topic,
        messages=sum(len(part.records) for part in found.values()),
        first_sequence=min((part.first + 1 for part in found.values()), default=0),
        last_sequence=max((part.end for part in found.values()), default=0),
        limits=limits,
    )


def _last_of(address: Address, topic: str) -> dict[int, message.Identity]:
    """The last message of ours in each partition."""
    found = {}
    with clients.consumer(address, HUB) as client:
        partitions = clients.partitions_of(client, topic)
        client.assign(partitions)
        ends = client.end_offsets(partitions) if partitions else {}
        for tp, begin in (client.beginning_offsets(partitions) if partitions else {}).items():
            # The last offsets may be marks of transactions.
            client.seek(tp, max(begin, ends[tp] - _LAST_RECORDS))
        for tp, record in _each(client, partitions):
            who = message.unpack(record.value or b"")
            if who is not None:
                found[tp.partition] = who
    return found


def _each(client: clients.Consumer, partitions: list[clients.Partition]) -> Iterator[tuple[clients.Partition, Any]]:
    for batch in tables.whole(client, partitions):
        for tp, records in batch.items():
            for record in records:
                yield tp, record


def _offset_of(records: Records, who: message.Identity | None) -> int:
    """Where a message stands for the last time; -1 if it does not."""
    if who is None:
        return -1
    same = (records["site"] == who.site) & (records["sequence"] == who.sequence)
    at = np.flatnonzero(same)
    return int(records["position"][at[-1]]) - 1 if len(at) else -1
