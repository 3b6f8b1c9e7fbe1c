"""The append-only history: fixed-width binary segments and journals of JSON lines, one writer each.

A segment is a memory-mapped file: a record is in the page cache, safe from ``kill -9`` of its writer, as soon as
``append`` returns, without a system call. Space is allocated before it is mapped, so that a full disk is an
:class:`~edgelab.errors.LabError` and not a bus error. What follows the last record is zeros, and ``kind`` is never 0.

::

    bytes 0-7     magic  b"EDGELAB1"
    bytes 8-11    length of the header, a multiple of 32 (little-endian)
    bytes 12-     JSON: agent, record size, and what else the agent tells about itself; padded with spaces
    then          records of 32 bytes (:data:`RECORD`)
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .errors import LabError

MAGIC = b"EDGELAB1"
RECORD = np.dtype(
    [
        ("t_ns", "<i8"),
        ("value", "<i8"),
        ("sequence", "<u4"),
        ("position", "<u4"),
        ("site", "<u2"),
        ("publisher", "<u2"),
        ("kind", "u1"),
        ("code", "u1"),
        ("stream", "<u2"),
    ]
)
Records = npt.NDArray[np.void]
_PACK = struct.Struct("<qqIIHHBBH")
_GROWTH_BYTES = 1 << 20
_ALIGNMENT = 32


class Kind(IntEnum):
    """What a record says. Fields not named are 0."""

    INVOKE = 1
    """A publish is about to be tried. t: actual send; value: intended send; sequence, site, publisher."""
    OUTCOME = 2
    """Its answer. t: when it came; code: :class:`Outcome`; position: sequence in the store that confirmed it;
    value: number of the reason in the agent's journal, 0 for none; stream: attempts made; sequence, site, publisher."""
    STORED = 3
    """One copy found at the hub. t: store time; value: actual send as the copy says; position: sequence in the store;
    stream: index of the store; sequence, site, publisher. A copy that is not ours has site 65535."""
    HELD = 4
    """One copy still in a site's store when the drain ended. As STORED; stream is unused."""
    PROGRESS = 5
    """Count of a hub store. t: reading; value: messages; position: last sequence; stream: index of the store."""
    SESSION = 6
    """The hub sees a site's session come (code 1) or go (code 0). t: reading; site."""
    BYTES = 7
    """Bytes over a site's session as the hub counts them since it began, or over its links since the run began.
    t: reading; code 0: up, 1: down; value; site."""
    LAG = 8
    """What the hub knows of a site's backlog. value: messages behind; code: 1 if the site was heard of lately."""


class Outcome(IntEnum):
    """What a publish came to."""

    ACKNOWLEDGED = 1
    FAILED = 2
    UNKNOWN = 3


FOREIGN_SITE = 0xFFFF
"""Site index of a stored message that the lab did not send."""


class SegmentWriter:
    """Appends records to one segment. One thread of one process writes; any number may read.

    Args:
        path: the file, made anew; its folder must exist.
        agent: who writes.
        about: what else readers should know (JSON values).

    Raises:
        LabError: the file exists, or the disk is full.
    """

    def __init__(self, path: Path, agent: str, about: Mapping[str, Any] | None = None) -> None:
        self.path = path
        header = _header({"agent": agent, "record_bytes": RECORD.itemsize, **(about or {})})
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LabError(f"history segment {path} cannot be made: {error.strerror}") from error
        self._size = 0
        self._map: mmap.mmap
        self._grow(len(header) + _GROWTH_BYTES)
        self._map[: len(header)] = header
        self._at = len(header)

    def append(
        self,
        kind: int,
        t_ns: int,
        *,
        value: int = 0,
        sequence: int = 0,
        position: int = 0,
        site: int = 0,
        publisher: int = 0,
        code: int = 0,
        stream: int = 0,
    ) -> None:
        """Append one record; see :class:`Kind` for the meaning of the fields.

        Raises:
            LabError: the disk is full. What was appended before stays readable.
        """
        if self._at + 32 > self._size:
            self._grow(self._size + max(_GROWTH_BYTES, self._size // 4 // 4096 * 4096))
        _PACK.pack_into(self._map, self._at, t_ns, value, sequence, position, site, publisher, kind, code, stream)
        self._at += 32

    def extend(self, records: Records) -> None:
        """Append many records at once (an array of :data:`RECORD`)."""
        data = np.ascontiguousarray(records, dtype=RECORD).tobytes()
        if self._at + len(data) > self._size:
            self._grow(self._at + len(data) + _GROWTH_BYTES)
        self._map[self._at : self._at + len(data)] = data
        self._at += len(data)

    def close(self) -> None:
        """Cut the file to its records. Calling it twice is harmless."""
        if self._fd < 0:
            return
        self._map.close()
        os.ftruncate(self._fd, self._at)
        os.close(self._fd)
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _grow(self, size: int) -> None:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._fd, self._size, size - self._size)
            else:  # macOS: writing zeros allocates
                os.pwrite(self._fd, bytes(size - self._size), self._size)
        except OSError as error:
            raise LabError(
                f"history segment {self.path} cannot grow to {size} bytes: {error.strerror}; "
                "what was recorded before is kept"
            ) from error
        if self._size:
            self._map.close()
        self._map = mmap.mmap(self._fd, size)
        self._size = size


def read_segment(path: Path) -> tuple[Records, dict[str, Any]]:
    """The records of a segment and its header; works while it is written and after its writer was killed.

    Raises:
        LabError: the file is not a segment.
    """
    with path.open("rb") as file:
        start, about = _read_header(file.read(12), file.read, path)
        count = (os.fstat(file.fileno()).st_size - start) // RECORD.itemsize
        if count <= 0:
            return np.empty(0, RECORD), about
        file.seek(start + (count - 1) * RECORD.itemsize)
        if _used(_whole_records(file.read(RECORD.itemsize))):
            return np.memmap(path, dtype=RECORD, mode="r", offset=start, shape=(count,)), about
        # Zeros at its end: its writer may live, and cut them off now. A map would end this process with SIGBUS then.
        file.seek(start)
        records = _whole_records(file.read(count * RECORD.itemsize))
    return records[: _used(records)], about


class Tail:
    """Follows a segment while it is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0

    def new(self) -> Records:
        """Records since the last call; empty while the file does not exist."""
        if not self._path.exists() or self._path.stat().st_size < 12:
            return np.empty(0, RECORD)
        with self._path.open("rb") as file:
            start, _ = _read_header(file.read(12), file.read, self._path)
            file.seek(start + self._seen * RECORD.itemsize)
            raw = file.read()
        records = _whole_records(raw)
        # A record being written has its kind set last or close to it; the next call sees it whole.
        records = records[: _used(records)]
        self._seen += len(records)
        return records


class Journal:
    """Appends JSON lines, each flushed at once: for the few things that need words."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, **line: Any) -> None:
        """Append one line."""
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal; none if it does not exist. A line cut short by a kill is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def _header(about: Mapping[str, Any]) -> bytes:
    text = json.dumps(about).encode()
    length = -(-(12 + len(text)) // _ALIGNMENT) * _ALIGNMENT
    return (MAGIC + struct.pack("<I", length) + text).ljust(length, b" ")


def _read_header(head: bytes, read: Any, path: Path) -> tuple[int, dict[str, Any]]:
    if len(head) < 12 or head[:8] != MAGIC:
        raise LabError(f"{path} is not a history segment of this version")
    (length,) = struct.unpack("<I", head[8:12])
    try:
        about: dict[str, Any] = json.loads(read(length - 12))
    except ValueError as error:
        raise LabError(f"{path} was cut short or changed: its header cannot be read") from error
    return length, about


def _whole_records(raw: bytes) -> Records:
    return np.frombuffer(raw[: len(raw) // RECORD.itemsize * RECORD.itemsize], dtype=RECORD)


def _used(records: Records) -> int:
    kinds = records["kind"]
    # Zeros can only stand at the end: search from there.
    step = 1 << 16
    for end in range(len(kinds), 0, -step):
        block = np.flatnonzero(kinds[max(0, end - step) : end])
        if len(block):
            return max(0, end - step) + int(block[-1]) + 1
    return 0
