"""Which versions of Kafka are taken, and what is known of them."""

from __future__ import annotations

import pytest

from edgelab.errors import SpecError
from edgelab.systems import KafkaDirect, KafkaMirrorMaker
from edgelab.systems.kafka.versions import NEWEST, parse


def test_a_version_has_three_numbers() -> None:
    assert parse("3.9.2") == (3, 9, 2)
    assert parse(NEWEST) >= (4, 3, 1)


@pytest.mark.parametrize("text", ["", "4", "4.3", "v4.3.1", "4.3.1-rc1", "latest", "4.3.1 ", 4.3, None])
def test_what_is_no_version_is_refused(text: object) -> None:
    with pytest.raises(SpecError, match="version must be that of a Kafka, such as"):
        parse(text)


def test_versions_that_the_lab_does_not_know_are_refused_with_the_bound() -> None:
    with pytest.raises(SpecError, match=r"version must be at least 3\.6\.0, not '3\.5\.2'"):
        KafkaMirrorMaker(version="3.5.2")
    with pytest.raises(SpecError, match=r"version must be below 5\.0\.0, .*, not '5\.0\.0'"):
        KafkaDirect(version="5.0.0")


def test_logging_metadata_and_the_least_segment_changed_with_4_0() -> None:
    older, newer = parse("3.9.2"), parse("4.0.0")

    assert (older.logs_with_log4j2, newer.logs_with_log4j2) == (False, True)
    assert (older.has_zookeeper, newer.has_zookeeper) == (True, False)
    assert (older.smallest_segment_bytes, newer.smallest_segment_bytes) == (14, 1 << 20)


def test_only_the_first_of_3_6_never_gives_work_back() -> None:
    assert [parse(v).rejoins_without_delay for v in ("3.6.0", "3.6.2", "4.3.1")] == [False, True, True]


def test_a_zookeeper_is_refused_where_there_is_none_any_more() -> None:
    with pytest.raises(SpecError, match=r"metadata must be kraft with Kafka 4\.3\.1, .*, not 'zookeeper'"):
        KafkaMirrorMaker(metadata="zookeeper")
