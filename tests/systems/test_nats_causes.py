"""Causes of loss from evidence made by hand. Second 100 is when most things happen."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from edgelab.model.measured import Evidence, LogEvent, MeasuredWindow, StoreState
from edgelab.systems import NatsDirect, NatsLeaf, NatsLeafCore
from edgelab.systems.nats import causes


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _lost(*messages: dict[str, Any]) -> pd.DataFrame:
    plain = {
        "site": "site-1",
        "sequence": 0,
        "sent_s": 100.0,
        "outcome": "unknown",
        "position": 0,
        "reason": None,
    }
    rows = [{**plain, **message} for message in messages]
    frame = pd.DataFrame(rows, index=range(7, 7 + len(rows)))
    frame["sent_ns"] = frame.pop("sent_s").map(_ns)
    frame["intended_ns"] = frame["sent_ns"]
    frame["acknowledged_ns"] = 0
    return frame


def _window(
    kind: str, start_s: float, end_s: float | None, *, fault: str = "Outage", site: str | None = "site-1"
) -> Any:
    return MeasuredWindow(
        window=0,
        target=site or "hub",
        site=site,
        fault=fault,
        kind=kind,
        planned_start_ns=_ns(start_s),
        planned_end_ns=_ns(end_s or start_s),
        start_ns=_ns(start_s),
        end_ns=None if end_s is None else _ns(end_s),
    )


def _evidence(
    *windows: MeasuredWindow, events: tuple[LogEvent, ...] = (), stores: tuple[StoreState, ...] = ()
) -> Evidence:
    return Evidence(windows=windows, log_events={"site-1": events}, stores=stores)


def _core(evidence: Evidence, *sent_s: float, site: str = "site-1") -> list[str | None]:
    found = NatsLeafCore().causes(_lost(*({"sent_s": s, "site": site} for s in sent_s)), evidence)
    return list(found)


_AWAY = (LogEvent(_ns(100.0), "closed", "Client Closed"), LogEvent(_ns(110.0), "established"))


def test_what_is_published_without_a_session_has_no_buffer_to_wait_in() -> None:
    found = _core(_evidence(events=_AWAY), 98.9, 99.5, 100.0, 105.0, 110.2, 110.3)

    assert found == [
        None,
        causes.IN_FLIGHT,
        causes.NO_SESSION,
        causes.NO_SESSION,
        causes.NO_SESSION,
        None,
    ]


def test_a_session_that_never_comes_back_explains_everything_after_it() -> None:
    assert _core(_evidence(events=_AWAY[:1]), 1e6) == [causes.NO_SESSION]


@pytest.mark.parametrize("kind", ["silent", "silent (up)", "cut"])
def test_what_is_sent_into_a_dead_link_is_gone_though_the_broker_has_not_noticed(kind: str) -> None:
    found = _core(_evidence(_window(kind, 100.0, 110.0)), 98.0, 99.5, 105.0, 110.04, 110.2)

    assert found == [None, causes.DEAD_LINK, causes.DEAD_LINK, causes.DEAD_LINK, None]


@pytest.mark.parametrize("kind", ["stall", "silent (down)"])
def test_a_link_that_swallows_nothing_upwards_explains_nothing(kind: str) -> None:
    assert _core(_evidence(_window(kind, 100.0, 110.0)), 105.0) == [None]


def test_a_fault_that_was_never_applied_explains_nothing() -> None:
    window = MeasuredWindow(
        window=0,
        target="site-1",
        site="site-1",
        fault="Outage",
        kind="cut",
        planned_start_ns=0,
        planned_end_ns=_ns(200),
    )

    assert _core(_evidence(window), 100.0) == [None]


def test_the_fault_of_one_site_explains_nothing_at_another() -> None:
    assert _core(_evidence(_window("cut", 90.0, 110.0), events=_AWAY), 105.0, site="site-2") == [None]


def test_a_connection_that_closes_in_a_stall_takes_with_it_all_since_the_stall_began() -> None:
    events = (LogEvent(_ns(108.0), "closed", "Stale Connection"), LogEvent(_ns(112.0), "established"))

    found = _core(_evidence(_window("stall", 100.0, 110.0), events=events), 99.0, 101.0, 107.9)

    assert found == [None, causes.IN_FLIGHT, causes.IN_FLIGHT]


def test_a_slow_consumer_drops_what_was_sent_before_its_write_deadline_and_a_recovered_one_nothing() -> None:
    slow = LogEvent(_ns(120.0), "trouble", "Slow Consumer Detected: WriteDeadline of 10s exceeded")
    well = LogEvent(_ns(160.0), "trouble", "Slow Consumer Recovered: Flush took 9.001s")

    assert _core(_evidence(events=(slow, well)), 108.0, 112.0, 155.0) == [None, causes.SLOW_CONSUMER, None]


def test_a_killed_broker_explains_what_was_sent_meanwhile_at_its_site_or_with_the_hub_everywhere() -> None:
    assert _core(_evidence(_window("", 100.0, 110.0, fault="Kill")), 105.0) == [causes.BROKER_DOWN]
    assert _core(_evidence(_window("", 100.0, 110.0, fault="Kill", site=None)), 105.0) == [causes.BROKER_DOWN]


def test_a_message_without_evidence_stays_unexplained_and_the_index_is_kept() -> None:
    found = NatsLeafCore().causes(_lost({}, {"outcome": "failed"}), _evidence())

    assert list(found.index) == [7, 8]
    assert list(found) == [None, causes.REFUSED]


def test_losing_nothing_needs_no_causes() -> None:
    for system in (NatsLeaf(), NatsLeafCore(), NatsDirect()):
        assert len(system.causes(_lost({})[:0], _evidence())) == 0


def _store(**state: Any) -> StoreState:
    limits = {"retention": "limits", "discard": "old", "max_msgs": -1, "max_bytes": -1, "max_age": 0}
    limits |= state.pop("limits", {})
    plain = {"place": "site-1", "store": "EDGE-site-1", "messages": 10, "first_sequence": 51, "last_sequence": 60}
    return StoreState(**{**plain, **state}, limits=limits)


def _leaf(store: StoreState, *messages: dict[str, Any]) -> list[str | None]:
    return list(NatsLeaf().causes(_lost(*messages), _evidence(stores=(store,))))


@pytest.mark.parametrize("limits", [{"max_msgs": 10}, {"max_bytes": 1000}, {"max_age": 5_000_000_000}])
def test_what_a_store_with_limits_no_longer_holds_fell_to_them(limits: dict[str, int]) -> None:
    acknowledged: list[dict[str, Any]] = [{"outcome": "acknowledged", "position": p} for p in (50, 51)]

    assert _leaf(_store(limits=limits), *acknowledged) == [causes.RETENTION, None]


def test_a_store_without_limits_or_one_that_refuses_explains_nothing_acknowledged() -> None:
    gone = {"outcome": "acknowledged", "position": 5}

    assert _leaf(_store(), gone) == [None]
    assert _leaf(_store(limits={"max_msgs": 10, "discard": "new"}), gone) == [None]


def test_the_store_of_another_site_explains_nothing() -> None:
    gone = {"outcome": "acknowledged", "position": 5, "site": "site-2"}

    assert _leaf(_store(limits={"max_msgs": 10}), gone) == [None]


@pytest.mark.parametrize("reason", ["maximum messages exceeded (10077)", "maximum bytes exceeded (10077)"])
def test_a_refusal_by_a_full_store_is_named_as_one(reason: str) -> None:
    assert _leaf(_store(), {"outcome": "failed", "reason": reason}) == [causes.STORE_FULL]


def test_other_refusals_and_silence_are_the_producers() -> None:
    found = _leaf(_store(), {"outcome": "failed", "reason": "not connected"}, {"outcome": "unknown"})

    assert found == [causes.REFUSED, causes.NO_ANSWER]


def test_a_work_queue_lets_go_of_what_it_hands_out() -> None:
    gone = {"outcome": "acknowledged", "position": 55}

    assert _leaf(_store(limits={"retention": "workqueue"}), gone) == [causes.REMOVED]


def test_a_direct_producer_that_was_acknowledged_has_no_excuse() -> None:
    messages: list[dict[str, Any]] = [
        {"outcome": "failed"},
        {"outcome": "unknown"},
        {"outcome": "acknowledged", "position": 3},
    ]

    found = NatsDirect().causes(_lost(*messages), _evidence())

    assert list(found) == [causes.REFUSED, causes.NO_ANSWER, None]


def test_a_full_work_queue_may_have_dropped_or_released_it() -> None:
    gone = {"outcome": "acknowledged", "position": 3}

    assert _leaf(_store(limits={"retention": "workqueue", "max_msgs": 10}), gone) == [causes.LIMIT_OR_REMOVED]


def test_a_store_in_memory_dies_with_its_broker() -> None:
    lost = _lost(*({"outcome": "acknowledged", "position": n} for n in (1, 2)))
    lost["acknowledged_ns"] = pd.array([_ns(99.0), _ns(111.0)], dtype="Int64")
    kill = _window("", 100.0, 110.0, fault="Kill")

    def found(storage: str) -> list[str | None]:
        return list(NatsLeaf().causes(lost, _evidence(kill, stores=(_store(limits={"storage": storage}),))))

    assert found("memory") == [causes.MEMORY, None]
    assert found("file") == [None, None]
