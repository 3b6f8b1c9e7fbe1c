"""What goes over the wire when publishing to NATS: commands out, a store's answers in. Pure."""

from __future__ import annotations

import json
import re

from ..model.message import HEADER_BYTES

_POSITION = re.compile(rb'"seq":\s*(\d+)')
_STATUS = re.compile(rb"NATS/1\.0 (\d{3})(?: ([^\r\n]*))?")


class Commands:
    """Writes the publish commands of one publisher.

    Args:
        subject: published to.
        inbox: what answers' subjects begin with (the sequence number follows); empty: no answer is asked for.
        msg_id: what ``Nats-Msg-Id`` begins with (the sequence number follows); empty: no such header.
    """

    def __init__(self, subject: str, *, inbox: str = "", msg_id: str = "") -> None:
        self._verb = b"%b %b " % (b"HPUB" if msg_id else b"PUB", subject.encode())
        self._inbox = inbox.encode()
        self._id = msg_id.encode()

    @property
    def header_bytes(self) -> int:
        """Length of the longest message header, which counts towards a broker's ``max_payload``."""
        return len(self._header(0xFFFFFFFF)) if self._id else 0

    def publish(self, sequence: int, head: bytes, filler: bytes) -> bytes:
        """The command for one message."""
        size = HEADER_BYTES + len(filler)
        reply = b"%b%d " % (self._inbox, sequence) if self._inbox else b""
        if not self._id:
            return b"%b%b%d\r\n%b%b\r\n" % (self._verb, reply, size, head, filler)
        header = self._header(sequence)
        lengths = b"%d %d" % (len(header), len(header) + size)
        return b"%b%b%b\r\n%b%b%b\r\n" % (self._verb, reply, lengths, header, head, filler)

    def _header(self, sequence: int) -> bytes:
        return b"NATS/1.0\r\nNats-Msg-Id: %b%d\r\n\r\n" % (self._id, sequence)


def position_in(answer: bytes) -> int | None:
    """The position at which the store says it holds the message (a duplicate's too); None if it says no.

    Hot: an answer is a flat JSON object, and ``"error"`` stands in it only when there is one.
    """
    if b'"error"' in answer:
        return None
    found = _POSITION.search(answer)
    return int(found[1]) if found else None


def refusal_in(answer: bytes, header: bytes | None) -> str:
    """Why an answer without a position is one: the broker's own words."""
    status = _STATUS.match(header or b"")
    if status and status[1] == b"503":
        return "no responders: no stream listens on the subject"
    if status:
        return f"status {status[1].decode()} {(status[2] or b'').decode(errors='replace')}".strip()
    try:
        error = json.loads(answer)["error"]
        return f"{error['description']} ({error.get('err_code', error.get('code'))})"
    except (ValueError, KeyError, TypeError):
        return f"an answer that was not understood: {answer[:200]!r}"
