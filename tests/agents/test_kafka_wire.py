"""Kafka's protocol, byte by byte."""

from __future__ import annotations

import struct

from edgelab.agents import kafka_wire as wire

CONTROL, TRANSACTIONAL = 0x20, 0x10


def test_a_request_carries_its_length_and_number() -> None:
    sent = wire.request(wire.API_VERSIONS, 0, 7)

    assert sent == bytes.fromhex("00000011 0012 0000 00000007 0007".replace(" ", "")) + b"edgelab"


def test_end_offsets_are_asked_for_in_one_request_and_read_back() -> None:
    asked = wire.list_offsets({"edge": range(2), "b": [5]})
    topics = struct.pack(">i", -1) + struct.pack(">i", 2) + b"\x00\x04edge" + struct.pack(">iiqiq", 2, 0, -1, 1, -1)
    answer = (
        struct.pack(">i", 1) + b"\x00\x04edge" + struct.pack(">i", 2)
        + struct.pack(">ihqq", 0, 0, -1, 100_000)
        + struct.pack(">ihqq", 1, 3, -1, -1)
    )  # fmt: skip

    assert asked == topics + b"\x00\x01b" + struct.pack(">iiq", 1, 5, -1)
    assert wire.listed_offsets(answer) == {("edge", 0): 100_000}


def test_records_are_fetched_with_the_transactions_that_were_aborted() -> None:
    body = (
        struct.pack(">ii", 0, 1) + b"\x00\x01t" + struct.pack(">i", 2)
        + struct.pack(">ihqqiqqi", 0, 0, 9, 9, 1, 77, 4, 3) + b"abc"
        + struct.pack(">ihqqii", 1, 0, 9, 9, -1, -1)
    )  # fmt: skip

    found = wire.fetched(body)

    assert found == {("t", 0): wire.Fetched(b"abc", ((77, 4),)), ("t", 1): wire.Fetched(b"")}


def test_markers_and_aborted_transactions_do_not_count() -> None:
    stored = (
        _batch(0, 3, producer=7, attributes=TRANSACTIONAL)
        + _batch(3, 1, producer=7, attributes=TRANSACTIONAL | CONTROL)  # committed
        + _batch(4, 5, producer=7, attributes=TRANSACTIONAL)
        + _batch(9, 2)  # of nobody's transaction, in between
        + _batch(11, 1, producer=7, attributes=TRANSACTIONAL | CONTROL)  # aborted
        + _batch(12, 4, producer=7, attributes=TRANSACTIONAL)
    )

    found = list(wire.batches(wire.Fetched(stored, ((7, 4),))))

    assert [(b.first, b.last, b.count) for b in found] == [
        (0, 2, 3),
        (3, 3, 0),
        (4, 8, 0),
        (9, 10, 2),
        (11, 11, 0),
        (12, 15, 4),
    ]


def test_a_batch_that_was_cut_short_is_left_for_the_next_fetch() -> None:
    stored = _batch(0, 3) + _batch(3, 2)

    found = list(wire.batches(wire.Fetched(stored[:-1])))

    assert [batch.last for batch in found] == [2]


def _batch(first: int, count: int, *, producer: int = -1, attributes: int = 0) -> bytes:
    records = b"r" * 10 * count
    rest = struct.pack(">ibIhiqqqhii", 0, 2, 0, attributes, count - 1, 0, 0, producer, 0, 0, count) + records
    return struct.pack(">qi", first, len(rest)) + rest
