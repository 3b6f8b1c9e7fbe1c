"""What is read from logs; the captured ones are of a mirror at the site whose link was cut for 14 s."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgelab.model.measured import LogEvent
from edgelab.systems import KafkaDirect, KafkaMirrorMaker
from edgelab.systems.kafka import logs

_CAPTURED = Path(__file__).parent / "captured"
_STARTED = (
    "[2026-01-01 00:00:00,000] INFO Kafka MirrorMaker initializing ... (org.apache.kafka.connect.mirror.MirrorMaker)"
)
_GONE = "[2026-01-01 00:00:0{},{:03d}] INFO [Producer clientId=x] Node {} disconnected. (org.apache.kafka.clients.X)"


def _captured(name: str) -> list[LogEvent]:
    with (_CAPTURED / name).open() as lines:
        return list(KafkaMirrorMaker().log_events(lines))


def _events(*lines: str, mirror_at_hub: bool = False) -> list[LogEvent]:
    return list(logs.log_events([_STARTED, *lines], mirror_at_hub=mirror_at_hub))[1:]


def _kinds(events: Iterable[LogEvent]) -> list[str]:
    return [event.kind for event in events]


@pytest.mark.parametrize("version", ["3.9.2", "4.3.1"])
def test_a_mirror_whose_link_is_cut_notices_and_gives_its_work_away(version: str) -> None:
    events = _captured(f"mirror-cut-{version}.log")

    assert (events[0].kind, events[0].detail) == ("started", logs.MIRROR)
    assert set(_kinds(events[1:])) == {"closed", "trouble"}
    (trouble,) = [event for event in events if event.kind == "trouble"]
    assert trouble.detail.startswith("mirror: [Worker clientId=site-1->hub")
    assert logs.REVOKED in trouble.detail
    noticed = next(event for event in events if event.kind == "closed")
    assert trouble.t_ns - noticed.t_ns == pytest.approx(3_000_000_000, abs=100_000_000)


@pytest.mark.parametrize("version", ["3.9.2", "4.3.1"])
def test_a_broker_begins_once_though_its_storage_is_formatted_before(version: str) -> None:
    assert [(e.kind, e.detail) for e in _captured(f"broker-start-{version}.log")] == [("started", logs.BROKER)]


def test_a_line_is_stamped_in_utc_to_the_millisecond() -> None:
    (event,) = _events(_GONE.format(1, 7, 1))

    whole = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert event.t_ns == int(whole.timestamp()) * 1_000_000_000 + 7_000_000
    assert event.detail == "[Producer clientId=x] Node 1 disconnected."


@pytest.mark.parametrize(
    ("node", "at_site", "at_hub"),
    [("1", True, False), ("101", False, True), ("-1", False, False), ("2147483646", True, False)],
)
def test_only_the_far_clusters_node_is_the_session(node: str, at_site: bool, at_hub: bool) -> None:  # noqa: FBT001
    line = _GONE.format(1, 0, node)

    assert bool(_events(line)) is at_site
    assert bool(_events(line, mirror_at_hub=True)) is at_hub


def test_a_broker_has_no_session_with_the_hub() -> None:
    assert list(logs.log_events([_GONE.format(1, 0, 1)], mirror_at_hub=False)) == []


def test_memory_that_runs_out_is_told_even_where_the_line_has_no_time() -> None:
    events = _events(
        "[2026-01-01 00:00:02,000] ERROR Uncaught exception in thread (org.apache.kafka.connect.X)",
        "java.lang.OutOfMemoryError: Java heap space",
    )

    assert [(e.kind, e.detail) for e in events] == [("trouble", "mirror: java.lang.OutOfMemoryError: Java heap space")]
    assert events[0].t_ns % 60_000_000_000 == 2_000_000_000


def test_why_a_mirror_ended_stands_in_the_trace() -> None:
    events = _events(
        "[2026-01-01 00:00:02,000] ERROR Stopping due to error (org.apache.kafka.connect.X)",
        f"org.apache.kafka.connect.errors.ConnectException: {logs.UNREACHED}. Check worker's broker connection",
        _STARTED.replace(":00,000", ":05,000"),
    )

    assert _kinds(events) == ["trouble", "started"]


def test_thousands_of_the_same_trouble_are_told_once_a_second() -> None:
    line = "[2026-01-01 00:00:0{},{:03d}] ERROR WorkerSourceTask{{id=x-0}} failed to send record to site-1.edge:  (o.X)"

    events = _events(*(line.format(1, i) for i in range(900)), line.format(5, 0))

    assert _kinds(events) == ["trouble", "trouble"]


def test_a_zookeeper_and_other_lines_say_nothing() -> None:
    assert _events("", "\tat java.base/java.lang.Thread.run", "[2026-01-01 00:00:02,000] INFO started (x)") == []
    assert list(KafkaDirect().log_events([_STARTED])) == []
