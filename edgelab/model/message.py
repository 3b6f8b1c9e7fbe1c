"""What every message carries at the head of its payload, so that any store can be read back and accounted for.

::

    bytes 0-3    magic  b"EDGE"
    bytes 4-5    site index (position of the site in the scenario)
    bytes 6-7    publisher index within the site
    bytes 8-11   sequence number within the site, from 0
    bytes 12-19  intended send time, ns on the run's clock
    bytes 20-27  actual send time, ns on the run's clock
    bytes 28-    random filler (seeded), which does not compress
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("<4sHHIqq")
MAGIC = b"EDGE"
HEADER_BYTES = _HEADER.size


class Identity(NamedTuple):
    """Which message this is, and when it was due and sent (ns on the run's clock)."""

    site: int
    publisher: int
    sequence: int
    intended_ns: int
    sent_ns: int


def pack(identity: Identity) -> bytes:
    """The 28 bytes that head the payload."""
    return _HEADER.pack(MAGIC, *identity)


def unpack(payload: bytes | memoryview) -> Identity | None:
    """The identity of a payload, or None when it is not one of ours."""
    if len(payload) < HEADER_BYTES or payload[:4] != MAGIC:
        return None
    return Identity(*_HEADER.unpack_from(payload)[1:])
