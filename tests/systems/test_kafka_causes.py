"""Causes of loss from evidence made by hand. Second 100 is when most things happen."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from edgelab.model.measured import Evidence, LogEvent, MeasuredWindow, StoreState
from edgelab.systems import KafkaDirect, KafkaMirrorMaker
from edgelab.systems.kafka import causes, logs

_UNSENT = f"mirror: WorkerSourceTask{{id=MirrorSourceConnector-0}} {logs.UNSENT} site-1.edge:"


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _lost(*messages: dict[str, Any]) -> pd.DataFrame:
    plain = {"site": "site-1", "sequence": 0, "sent_s": 100.0, "outcome": "acknowledged", "position": 0, "reason": None}
    frame = pd.DataFrame([{**plain, **message} for message in messages])
    frame.index = pd.RangeIndex(7, 7 + len(frame))
    frame["sent_ns"] = frame.pop("sent_s").map(_ns)
    frame["intended_ns"] = frame["sent_ns"]
    frame["acknowledged_ns"] = 0
    return frame


def _store(first: int = 1, last: int = 100, **limits: Any) -> StoreState:
    return StoreState("site-1", "edge", last - first + 1, first, last, limits)


def _kill(target: str, start_s: float, end_s: float) -> MeasuredWindow:
    return MeasuredWindow(
        window=0,
        target=target,
        site="site-1",
        fault="Kill",
        kind="kill",
        planned_start_ns=_ns(start_s),
        planned_end_ns=_ns(end_s),
        start_ns=_ns(start_s),
        end_ns=_ns(end_s),
    )


def _evidence(*stores: StoreState, windows: tuple[MeasuredWindow, ...] = (), trouble: str = "") -> Evidence:
    events = (LogEvent(_ns(100), "trouble", trouble),) if trouble else ()
    return Evidence(windows=windows, log_events={"site-1": events}, stores=stores)


def _of_mirror(evidence: Evidence, *messages: dict[str, Any]) -> list[str | None]:
    return list(KafkaMirrorMaker().causes(_lost(*messages), evidence))


def test_what_a_short_retention_dropped_stands_before_what_the_topic_holds() -> None:
    store = _store(50, 100, **{"retention.ms": 5000, "retention.bytes": -1})

    found = _of_mirror(_evidence(store), {"position": 49}, {"position": 50})

    assert found == [causes.RETENTION, None]


def test_a_topic_that_drops_nothing_explains_nothing() -> None:
    store = _store(50, 100, **{"retention.ms": -1, "retention.bytes": -1})

    assert _of_mirror(_evidence(store), {"position": 49}) == [None]


def test_a_retention_that_ran_while_the_mirror_had_no_memory_is_told_as_that() -> None:
    store = _store(50, 100, **{"retention.bytes": 1000})
    evidence = _evidence(store, trouble="mirror: java.lang.OutOfMemoryError: Java heap space")

    assert _of_mirror(evidence, {"position": 1}) == [causes.RETENTION_OUT_OF_MEMORY]


def test_what_the_topic_holds_and_a_tolerant_mirror_passed_was_skipped() -> None:
    tolerant = _evidence(_store(1, 100, **{"errors.tolerance": "all"}), trouble=_UNSENT)
    quiet = _evidence(_store(1, 100, **{"errors.tolerance": "all"}))
    strict = _evidence(_store(1, 100, **{"errors.tolerance": "none"}), trouble=_UNSENT)

    assert _of_mirror(tolerant, {"position": 5}, {"position": 101}) == [causes.SKIPPED, None]
    assert _of_mirror(quiet, {"position": 5}) == _of_mirror(strict, {"position": 5}) == [None]


def test_another_sites_store_explains_nothing() -> None:
    assert _of_mirror(_evidence(_store(1, 100, **{"errors.tolerance": "all"})), {"position": 5, "site": "site-2"}) == [
        None
    ]


@pytest.mark.parametrize(
    ("outcome", "reason", "cause"),
    [
        ("failed", "Connection refused", causes.REFUSED),
        ("failed", "Local: Message timed out", causes.TIMED_OUT),
        ("failed", "Batch expired after 5000 ms", causes.TIMED_OUT),
        ("failed", "gave up after attempt 3", causes.ATTEMPTS),
        ("unknown", None, causes.NO_ANSWER),
    ],
)
def test_a_producer_gives_up_in_several_ways(outcome: str, reason: str | None, cause: str) -> None:
    message = {"outcome": outcome, "reason": reason}

    assert _of_mirror(_evidence(), message) == [cause]
    assert list(KafkaDirect().causes(_lost(message), _evidence())) == [cause]


def test_while_the_sites_broker_was_killed_nobody_took_it() -> None:
    evidence = _evidence(windows=(_kill("site-1", 99.0, 103.0),))

    found = _of_mirror(evidence, {"outcome": "failed"}, {"outcome": "failed", "sent_s": 90.0})

    assert found == [causes.BROKER_DOWN, causes.REFUSED]


def test_a_killed_mirror_is_no_reason_for_a_producer_to_give_up() -> None:
    evidence = _evidence(windows=(_kill("mirror-site-1", 99.0, 103.0),))

    assert _of_mirror(evidence, {"outcome": "failed"}) == [causes.REFUSED]


def test_a_broker_without_memory_takes_nothing() -> None:
    evidence = _evidence(trouble="broker: java.lang.OutOfMemoryError: Java heap space")

    assert _of_mirror(evidence, {"outcome": "unknown"}) == [causes.SITE_OUT_OF_MEMORY]


def test_what_stood_after_the_end_of_a_killed_brokers_topic_went_with_the_kill() -> None:
    evidence = _evidence(_store(1, 100), windows=(_kill("site-1", 99.0, 103.0),))

    assert _of_mirror(evidence, {"position": 101}) == [causes.KILLED]


def test_without_acks_the_client_took_it_for_sent() -> None:
    assert list(KafkaMirrorMaker(acks="0").causes(_lost({}), _evidence())) == [causes.UNCONFIRMED]
    assert list(KafkaDirect(acks="0").causes(_lost({}), _evidence())) == [causes.UNCONFIRMED]
    assert list(KafkaDirect().causes(_lost({}), _evidence())) == [None]


def test_a_client_that_counts_attempts_drops_after_the_last() -> None:
    found = KafkaDirect(preset="three-attempts").causes(_lost({"outcome": "failed", "reason": "refused"}), _evidence())

    assert list(found) == [causes.ATTEMPTS]


def test_causes_stand_where_the_lost_messages_stood() -> None:
    lost = _lost({"outcome": "failed"}, {})

    assert KafkaMirrorMaker().causes(lost, _evidence()).index.equals(lost.index)


def test_of_several_partitions_each_explains_what_its_own_publishers_sent() -> None:
    def store(partition: int, first: int) -> StoreState:
        limits = {"retention.ms": 5000, "errors.tolerance": "all", "partition": partition, "partitions": 2}
        return _store(first, 100, **limits)

    found = _of_mirror(
        _evidence(store(0, 1), store(1, 50), trouble=_UNSENT),
        {"position": 40, "publisher": 0},
        {"position": 40, "publisher": 3},
        {"position": 60, "publisher": 1},
    )

    assert found == [causes.SKIPPED, causes.RETENTION, causes.SKIPPED]
