"""What is read from a site broker's log; the captured ones are of a link that went silent, with pings of 500 ms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgelab.model.measured import LogEvent
from edgelab.systems.nats.logs import log_events

_CAPTURED = Path(__file__).parent / "captured"
_PROXY = "127.0.0.1:27522"


def _events(version: str) -> list[LogEvent]:
    with (_CAPTURED / f"leaf-silent-{version}.log").open() as lines:
        return list(log_events(lines))


@pytest.mark.parametrize("version", ["2.9.25", "2.10.12", "2.15.2"])
def test_a_silent_link_shows_as_one_session_lost_and_one_made_whatever_connects_between(version: str) -> None:
    events = _events(version)

    assert [e.kind for e in events if e.kind != "dial"] == ["established", "trouble", "closed", "established"]
    assert [e.detail for e in events if e.kind in {"trouble", "closed"}] == [
        "Stale Client Connection - Closing",
        "Stale Connection",
    ]
    assert [e.detail for e in events if e.kind == "dial"] == [_PROXY] * 4


def test_a_line_is_stamped_in_utc_to_the_microsecond() -> None:
    first = _events("2.10.12")[0]

    whole = datetime(2026, 11, 24, 17, 10, 17, tzinfo=UTC)
    assert first == LogEvent(int(whole.timestamp()) * 1_000_000_000 + 94_690_000, "dial", _PROXY)


def test_a_connection_that_never_became_a_session_leaves_no_event() -> None:
    lines = [
        "[1] 2026/01/01 00:00:00.000001 [INF] 10.0.0.2:7422 - lid:5 - Leafnode connection created for account: $G ",
        "[1] 2026/01/01 00:00:01.000001 [INF] 10.0.0.2:7422 - lid:5 - Leafnode connection closed: Read Error",
    ]

    assert list(log_events(lines)) == []


def test_connections_are_numbered_anew_when_the_broker_starts_again() -> None:
    established = '[1] 2026/01/01 00:00:0{}.0 [INF] h:1 - lid:5 - JetStream using domains: local "a", remote "hub"'
    lines = [established.format(0), "[2] 2026/01/01 00:00:01.0 [INF] Starting nats-server", established.format(2)]

    assert [e.kind for e in log_events(lines)] == ["established", "established"]


def test_a_name_is_dialed_by_name_whatever_it_resolves_to() -> None:
    where = '"toxiproxy:9001" (172.18.0.3:9001)'
    line = f"[7] 2026/01/01 00:00:00.5 [DBG] Trying to connect as leafnode to remote server on {where}"

    assert [e.detail for e in log_events([line])] == ["toxiproxy:9001"]


def test_a_slow_consumer_on_the_session_is_trouble_and_on_a_client_is_not() -> None:
    slow = "Slow Consumer Detected: WriteDeadline of 10s exceeded with 3 chunks of 900 total bytes."
    lines = [
        '[1] 2026/01/01 00:00:00.1 [INF] h:1 - lid:5 - JetStream using domains: local "a", remote "hub"',
        f"[1] 2026/01/01 00:00:00.2 [INF] h:1 - lid:5 - {slow}",
        f"[1] 2026/01/01 00:00:00.3 [INF] 127.0.0.1:4 - cid:9 - {slow}",
    ]

    assert [e.detail for e in log_events(lines) if e.kind == "trouble"] == [slow]


def test_lines_of_other_programs_and_broken_lines_are_passed_over() -> None:
    assert list(log_events(["", "panic: x", "[1] 2026/01/01", "\x00\xff", '{"level":"info"}'])) == []
