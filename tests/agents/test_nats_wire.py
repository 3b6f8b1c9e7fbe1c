"""Commands and answers of NATS, byte by byte."""

from __future__ import annotations

import zlib

import pytest

from edgelab.agents.messages import Filler
from edgelab.agents.nats_wire import Commands, position_in, refusal_in

_HEAD = bytes(range(28))


def test_a_core_publish_asks_for_no_answer() -> None:
    command = Commands("edge.data").publish(5, _HEAD, b"xy")

    assert command == b"PUB edge.data 30\r\n" + _HEAD + b"xy\r\n"


def test_a_publish_with_an_inbox_carries_the_sequence_in_its_reply_subject() -> None:
    command = Commands("edge.data", inbox="_INBOX.a.").publish(5, _HEAD, b"")

    assert command == b"PUB edge.data _INBOX.a.5 28\r\n" + _HEAD + b"\r\n"


def test_a_message_id_is_a_header_and_both_lengths_are_right() -> None:
    commands = Commands("edge.data", inbox="_INBOX.a.", msg_id="site-")

    line, header, rest = commands.publish(12, _HEAD, b"xyz").partition(b"NATS/1.0\r\n")
    fields, _, payload = rest.partition(b"\r\n\r\n")

    header_bytes = len(header) + len(fields) + 4
    assert fields == b"Nats-Msg-Id: site-12"
    assert line == b"HPUB edge.data _INBOX.a.12 %d %d\r\n" % (header_bytes, header_bytes + 31)
    assert payload == _HEAD + b"xyz\r\n"
    assert commands.header_bytes == header_bytes + len("4294967295") - len("12")


@pytest.mark.parametrize(
    ("answer", "position"),
    [
        (b'{"stream":"EDGE","seq":42}', 42),
        (b'{"stream":"EDGE", "domain":"edge", "seq":4294967296}', 4294967296),
        (b'{"stream":"EDGE","seq":7,"duplicate": true}', 7),
        (
            b'{"error":{"code":400,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"EDGE","seq":0}',
            None,
        ),
        (b"", None),
        (b"nonsense", None),
    ],
)
def test_an_answer_has_a_position_only_if_the_store_took_the_message(answer: bytes, position: int | None) -> None:
    assert position_in(answer) == position


@pytest.mark.parametrize(
    ("answer", "header", "words"),
    [
        (b'{"error":{"code":503,"err_code":10077,"description":"too many"}}', None, "too many (10077)"),
        (b'{"error":{"code":503,"description":"odd"}}', None, "odd (503)"),
        (b"", b"NATS/1.0 503\r\n\r\n", "no responders: no stream listens on the subject"),
        (b"", b"NATS/1.0 429 Too Many Requests\r\n\r\n", "status 429 Too Many Requests"),
        (b"nonsense", None, "an answer that was not understood: b'nonsense'"),
    ],
)
def test_a_refusal_is_told_in_the_brokers_words(answer: bytes, header: bytes | None, words: str) -> None:
    assert refusal_in(answer, header) == words


def test_filler_does_not_compress_and_neighbours_share_nothing() -> None:
    filler = Filler(3)

    messages = [filler.of(1, sequence, 972) for sequence in range(200)]

    assert len(zlib.compress(b"".join(messages), 9)) > 200 * 972
    assert len(set(messages)) == 200


def test_filler_is_the_same_for_the_same_seed_and_message_and_has_every_size() -> None:
    assert Filler(3).of(1, 9, 500) == Filler(3).of(1, 9, 500)
    assert Filler(3).of(1, 9, 500) != Filler(4).of(1, 9, 500)
    assert [len(Filler(3).of(2, 4_000_000_000, size)) for size in (0, 1, 999_972)] == [0, 1, 999_972]
