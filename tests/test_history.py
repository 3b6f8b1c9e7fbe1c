"""The history survives its writer, and a full disk is an error in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelab import history
from edgelab.errors import LabError
from edgelab.history import RECORD, Journal, Kind, SegmentWriter, Tail, read_journal, read_segment


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path / "a.seg", "publish-0", {"seed": 7}) as writer:
        writer.append(Kind.INVOKE, 10, value=9, sequence=2**32 - 1, site=3, publisher=4)
        writer.append(Kind.OUTCOME, 11, code=1, position=77, stream=2)

    records, about = read_segment(tmp_path / "a.seg")

    assert about == {"agent": "publish-0", "record_bytes": 32, "seed": 7}
    assert records["t_ns"].tolist() == [10, 11]
    assert records[0]["sequence"] == 2**32 - 1
    assert (tmp_path / "a.seg").stat().st_size % 32 == 0


def test_a_segment_grows_beyond_its_first_allocation(tmp_path: Path) -> None:
    count = 3 * (1 << 20) // 32
    with SegmentWriter(tmp_path / "a.seg", "x") as writer:
        for i in range(count):
            writer.append(Kind.STORED, i)
        block = np.zeros(100_000, RECORD)
        block["kind"] = Kind.HELD
        writer.extend(block)
        writer.append(Kind.LAG, 5)

    records, _ = read_segment(tmp_path / "a.seg")

    assert len(records) == count + 100_001
    assert np.array_equal(records["t_ns"][:count], np.arange(count))
    assert records[-1]["kind"] == Kind.LAG


def test_what_was_read_of_a_segment_stays_readable_when_its_writer_cuts_it_to_its_records(tmp_path: Path) -> None:
    # As an agent does whose lab was killed, while somebody looks at the history. A map would end this process.
    writer = SegmentWriter(tmp_path / "a.seg", "publish-0")
    writer.append(Kind.INVOKE, 10, sequence=5)

    records, _ = read_segment(tmp_path / "a.seg")
    writer.close()
    os.truncate(tmp_path / "a.seg", 64)

    assert records["sequence"].tolist() == [5]
    assert not isinstance(records.base, np.memmap)
    assert read_segment(tmp_path / "a.seg")[0].tolist() == []


_WRITES_FOR_EVER = """
import sys; from pathlib import Path; from edgelab.history import SegmentWriter
writer = SegmentWriter(Path(sys.argv[1]), "victim")
for i in range(1 << 30):
    writer.append(1, i, sequence=i & 0xFFFFFFFF)
    if i == 50_000:
        print("going", flush=True)
"""


def test_what_was_appended_before_a_kill_is_there_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "a.seg"
    with subprocess.Popen([sys.executable, "-c", _WRITES_FOR_EVER, str(path)], stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()

    records, _ = read_segment(path)

    assert len(records) > 50_000
    assert np.array_equal(records["t_ns"], np.arange(len(records)))


def test_a_tail_sees_each_record_once_while_the_segment_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.seg"
    tail = Tail(path)
    assert len(tail.new()) == 0
    writer = SegmentWriter(path, "x")

    seen = [len(tail.new())]
    for batch in (3, 0, 100_000):
        for i in range(batch):
            writer.append(Kind.PROGRESS, i + 1)
        seen.append(len(tail.new()))
    writer.close()

    assert seen == [0, 3, 0, 100_000]
    assert len(tail.new()) == 0


def _append_many(writer: SegmentWriter, count: int) -> None:
    for i in range(count):
        writer.append(Kind.INVOKE, i)


@given(st.lists(st.integers(1, 8), max_size=300), st.integers(0, 40))
def test_zeros_stand_only_behind_the_last_record(kinds: list[int], padding: int) -> None:
    records = np.zeros(len(kinds) + padding, RECORD)
    records["kind"][: len(kinds)] = kinds

    assert history._used(records) == len(kinds)


def test_a_full_disk_is_an_error_in_words_and_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path / "a.seg", "x")
    writer.append(Kind.INVOKE, 1)

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(LabError, match=r"a\.seg cannot grow to \d+ bytes: No space left on device"):
        _append_many(writer, 100_000)
    writer.close()

    assert len(read_segment(tmp_path / "a.seg")[0]) > 30_000


def test_a_segment_is_never_overwritten_and_other_files_are_refused(tmp_path: Path) -> None:
    SegmentWriter(tmp_path / "a.seg", "x").close()
    with pytest.raises(LabError, match="cannot be made: File exists"):
        SegmentWriter(tmp_path / "a.seg", "x")
    (tmp_path / "b.seg").write_text("hello")
    with pytest.raises(LabError, match="is not a history segment"):
        read_segment(tmp_path / "b.seg")


def test_a_journal_line_cut_short_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.write(reason=1, text="full")
    journal.close()
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write('{"reason": 2, "te')

    assert list(read_journal(tmp_path / "a.jsonl")) == [{"reason": 1, "text": "full"}]
    assert list(read_journal(tmp_path / "none.jsonl")) == []
