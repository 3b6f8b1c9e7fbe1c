"""Reading a stream back: every message it holds, checked against the stream's own account of itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...deploy.base import Address
from ...errors import LabError
from ...history import FOREIGN_SITE, RECORD, Kind, Records, SegmentWriter
from ...model import message
from ...model.measured import StoreState
from .wire import Message, Refused, Subscription, Wire

_BATCH = 16384
_IDLE_HEARTBEAT_NS = 2_000_000_000
_ATTEMPTS = 3
_REQUESTS_AT_ONCE = 512
_NOT_FOUND = 10059
_LIMITS = (
    "retention",
    "discard",
    "max_msgs",
    "max_bytes",
    "max_age",
    "max_msgs_per_subject",
    "duplicate_window",
    "storage",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A stream to read.

    Attributes:
        place: ``"hub"`` or the site's name.
        stream: its name.
        number: index of the store in the history.
        kind: of the records to write: STORED or HELD.
        stamped: whether its store times are its server's own; else ``t_ns`` is written as 0.
        in_memory: whether it dies with its server, and then holds nothing.
    """

    place: str
    stream: str
    number: int = 0
    kind: Kind = Kind.STORED
    stamped: bool = True
    in_memory: bool = False


def read(address: Address, store: Store, writer: SegmentWriter) -> StoreState:
    """Append a record for every message of ``store``, and return what the server says of it.

    A stream with a work queue or interest policy is read message by message (it lets nobody but its own consumers
    in); any other by a consumer that pushes everything, unacknowledged, as fast as it can.

    Raises:
        LabError: what was read is not what the stream says it holds, three times over.
    """
    with Wire(address) as wire:
        for _ in range(_ATTEMPTS):
            try:
                info = _info(wire, store.stream)
            except Refused as refusal:
                if store.in_memory and refusal.code == _NOT_FOUND:
                    return StoreState(store.place, store.stream, 0, 0, 0, {"storage": "memory"})
                raise
            shared = info["config"].get("retention", "limits") != "limits"
            parts = list((_one_by_one if shared else _pushed)(wire, store, info["state"]))
            after = _info(wire, store.stream)
            problem = _problem(parts, after["state"])
            if not problem:
                for part in parts:
                    writer.extend(part)
                return _state(store, after)
        raise LabError(f"stream {store.stream} of {store.place} was not read completely: {problem}")


def _info(wire: Wire, stream: str) -> dict[str, Any]:
    return wire.request(f"$JS.API.STREAM.INFO.{stream}")


def _state(store: Store, info: dict[str, Any]) -> StoreState:
    state, config = info["state"], info["config"]
    return StoreState(
        place=store.place,
        store=store.stream,
        messages=int(state["messages"]),
        first_sequence=int(state["first_seq"]),
        last_sequence=int(state["last_seq"]),
        limits={name: config[name] for name in _LIMITS if name in config},
    )


def _problem(parts: list[Records], state: dict[str, Any]) -> str:
    positions = np.concatenate([p["position"] for p in parts]) if parts else np.empty(0, np.uint32)
    if len(positions) != state["messages"]:
        return f"it holds {state['messages']} messages, {len(positions)} were read"
    if len(positions) and int(positions[-1]) > state["last_seq"]:
        return f"its last sequence is {state['last_seq']}, one numbered {positions[-1]} was read"
    if not bool(np.all(np.diff(positions.astype(np.int64)) > 0)):
        return "messages were read twice or out of order"
    return ""


def _pushed(wire: Wire, store: Store, state: dict[str, Any]) -> Iterator[Records]:
    if not state["messages"]:
        return
    inbox = wire.subscribe()
    config = {
        "deliver_subject": inbox.subject,
        "deliver_policy": "all",
        "ack_policy": "none",
        "replay_policy": "instant",
        "flow_control": True,
        "idle_heartbeat": _IDLE_HEARTBEAT_NS,
        "mem_storage": True,
    }
    reply = wire.subscribe()
    wire.publish(
        f"$JS.API.CONSUMER.CREATE.{store.stream}",
        json.dumps({"stream_name": store.stream, "config": config}).encode(),
        reply=reply.subject,
    )
    rows: list[tuple[int, ...]] = []
    name = ""
    for item in _stored(wire, inbox):
        if item.subscription != inbox.number:
            name = _made(item.payload, store)
            continue
        position, t_ns, pending = _ack_subject(item.reply)
        rows.append(_row(store, position, t_ns, item.payload))
        if len(rows) == _BATCH:
            yield np.array(rows, RECORD)
            rows = []
        if pending == 0:
            break
    if rows:
        yield np.array(rows, RECORD)
    if name:
        wire.request(f"$JS.API.CONSUMER.DELETE.{store.stream}.{name}")


def _stored(wire: Wire, inbox: Subscription) -> Iterator[Message]:
    """Messages without the consumer's own: heartbeats are dropped, flow control is answered."""
    for item in wire.messages():
        if item.subscription == inbox.number and item.header.startswith(b"NATS/1.0 100"):
            # With a stalled heartbeat the subject to answer stands in its header.
            _, stalled, subject = item.header.partition(b"Nats-Consumer-Stalled:")
            answer = item.reply or (subject.split(b"\r\n")[0].strip() if stalled else b"")
            if answer:
                wire.publish(answer.decode())
            continue
        yield item


def _made(payload: bytes, store: Store) -> str:
    answer = json.loads(payload)
    if problem := answer.get("error"):
        raise LabError(f"stream {store.stream} of {store.place} let no reader in: {problem.get('description')}")
    return str(answer["name"])


def _ack_subject(reply: bytes) -> tuple[int, int, int]:
    """Stream sequence, store time in ns, and messages still to come, from ``$JS.ACK.…``."""
    words = reply.split(b".")
    # Nine words; with domain and account hash in front of the stream's name eleven or more.
    at = 5 if len(words) == 9 else 7
    return int(words[at]), int(words[at + 2]), int(words[at + 3])


def _one_by_one(wire: Wire, store: Store, state: dict[str, Any]) -> Iterator[Records]:
    first, last = int(state["first_seq"]), int(state["last_seq"])
    if not state["messages"]:
        return
    for begin in range(first, last + 1, _REQUESTS_AT_ONCE):
        wanted = range(begin, min(begin + _REQUESTS_AT_ONCE, last + 1))
        reply = wire.subscribe()
        for sequence in wanted:
            wire.publish(
                f"$JS.API.STREAM.MSG.GET.{store.stream}", json.dumps({"seq": sequence}).encode(), reply=reply.subject
            )
        # In this order: once all are there, zip must not wait for another message.
        answers = zip(wanted, wire.messages(), strict=False)
        rows = [row for row in (_got(store, item.payload) for _, item in answers) if row]
        if rows:
            yield np.sort(np.array(rows, RECORD), order="position")


def _got(store: Store, payload: bytes) -> tuple[int, ...] | None:
    found = json.loads(payload).get("message") if payload else None
    if found is None:  # taken or dropped meanwhile
        return None
    time_ns = int(np.datetime64(found["time"].rstrip("Z"), "ns").astype(np.int64))
    return _row(store, int(found["seq"]), time_ns, base64.b64decode(found.get("data", "")))


def _row(store: Store, position: int, t_ns: int, payload: bytes) -> tuple[int, ...]:
    """In the order of RECORD's fields."""
    stamp = t_ns if store.stamped else 0
    who = message.unpack(payload)
    if who is None:
        return (stamp, 0, 0, position, FOREIGN_SITE, 0, store.kind, 0, store.number)
    return (stamp, who.sent_ns, who.sequence, position, who.site, who.publisher, store.kind, 0, store.number)
