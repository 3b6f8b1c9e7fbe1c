"""What one must know of MirrorMaker is told where it explains what was seen, and only there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from edgelab.model.measured import Evidence, LogEvent, MeasuredWindow, StoreState
from edgelab.systems import KafkaDirect, KafkaMirrorMaker
from edgelab.systems.kafka import logs

_S = 1_000_000_000
_REVOKED = LogEvent(14 * _S, "trouble", f"mirror: [Worker] Broker coordinator was unreachable. {logs.REVOKED} x")
_STARTED = LogEvent(1 * _S, "started", logs.MIRROR)


def _cut() -> MeasuredWindow:
    return MeasuredWindow(
        window=0,
        target="site-1",
        site="site-1",
        fault="Outage",
        kind="cut",
        planned_start_ns=10 * _S,
        planned_end_ns=25 * _S,
        start_ns=10 * _S,
        end_ns=25 * _S,
    )


def _kill(target: str) -> MeasuredWindow:
    return replace(_cut(), target=target, fault="Kill", kind="")


def _remarks(
    made: KafkaMirrorMaker,
    resume_s: float | None,
    *events: LogEvent,
    window: MeasuredWindow | None = None,
    start_s: float = 10.0,
    limits: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    window = window or _cut()
    row = {"site": "site-1", "fault": window.fault, "start_s": start_s, "end_s": 25.0, "resume_s": resume_s}
    windows = pd.DataFrame([row]).astype({"resume_s": float})
    stores = (StoreState("site-1", "edge", 1, 1, 1, limits),) if limits else ()
    return made.remarks(windows, Evidence(windows=(window,), log_events={"site-1": events}, stores=stores))


def test_a_backlog_that_rests_for_the_rebalance_is_explained_with_the_way_out() -> None:
    waited, _ = _remarks(KafkaMirrorMaker(), 300.6, _REVOKED)

    assert waited.startswith("The hub took nothing from site-1 for 300.6 s after the link was back.")
    assert "scheduled.rebalance.max.delay.ms (300 s)" in waited
    assert "session (10 s)" in waited
    assert "stranded, not lost" in waited
    assert "system.preset=patched" in waited


def test_a_run_that_ended_before_the_rest_did_is_explained_too() -> None:
    assert "until the end of the run" in _remarks(KafkaMirrorMaker(), None, _REVOKED)[0]


@pytest.mark.parametrize(
    ("made", "resume_s", "events"),
    [
        (KafkaMirrorMaker(preset="patched"), 0.2, ()),
        (KafkaMirrorMaker(preset="patched"), 30.0, ()),
        (KafkaMirrorMaker(), 30.0, (LogEvent(2 * _S, "trouble", _REVOKED.detail),)),
        (KafkaMirrorMaker(mirror="standalone"), 30.0, ()),
    ],
    ids=["prompt", "nothing revoked", "revoked before", "no group"],
)
def test_another_wait_is_not_taken_for_a_rebalance(
    made: KafkaMirrorMaker, resume_s: float, events: tuple[LogEvent, ...]
) -> None:
    assert _remarks(made, resume_s, *events) == ()


def test_no_work_rests_after_an_outage_shorter_than_the_session_a_killed_hub_or_without_a_delay() -> None:
    killed = replace(_kill("hub"), site=None)
    found = (
        _remarks(KafkaMirrorMaker(), 4.0, _REVOKED, start_s=21.0),
        _remarks(KafkaMirrorMaker(), 4.0, _REVOKED, window=killed),
        _remarks(KafkaMirrorMaker(rebalance_delay_s=0.0), 4.0, _REVOKED),
    )

    assert not [remark for remarks in found for remark in remarks if "scheduled.rebalance" in remark]


def test_the_mirror_that_never_gets_its_work_back_is_named_with_its_version() -> None:
    never = _remarks(KafkaMirrorMaker(version="3.6.0", rebalance_delay_s=0.0), None, _REVOKED)[0]
    other = _remarks(KafkaMirrorMaker(version="3.9.2", rebalance_delay_s=0.0), None, _REVOKED)[0]

    assert "Kafka 3.6.0 never does so" in never
    assert "never does so" not in other


def test_what_was_copied_once_more_after_a_stop_without_the_hub_is_explained_but_not_in_transactions() -> None:
    (repeats,) = _remarks(KafkaMirrorMaker(), 0.5, _REVOKED)

    assert "up to 60 s old" in repeats
    assert "counts as duplicated" in repeats
    assert _remarks(KafkaMirrorMaker(preset="exactly-once"), 0.5, _REVOKED) == ()


def test_a_failed_task_is_told_with_its_reason() -> None:
    (failed,) = _remarks(KafkaMirrorMaker(), 0.5, limits={"task.state": "FAILED", "task.trace": "TimeoutException: x"})

    assert failed.startswith("The mirror's task of site-1 has failed and nobody starts it again: TimeoutException: x.")


def test_what_a_tolerant_mirror_may_have_passed_over_is_told_where_something_is_held() -> None:
    unsent = LogEvent(14 * _S, "trouble", f"mirror: WorkerSourceTask {logs.UNSENT} site-1.edge:")
    (told,) = _remarks(KafkaMirrorMaker(), 0.5, unsent, limits={"errors.tolerance": "all", "held": 3})

    assert told.startswith("The mirror of site-1 passes over what it cannot deliver")
    assert "every 60 s" in told
    assert _remarks(KafkaMirrorMaker(), 0.5, unsent, limits={"errors.tolerance": "all", "held": 0}) == ()
    assert _remarks(KafkaMirrorMaker(), 0.5, limits={"errors.tolerance": "all", "held": 3}) == ()


def test_a_mirror_that_was_started_again_says_from_where_and_when() -> None:
    killed = _kill("mirror-site-1")
    again = _remarks(KafkaMirrorMaker(offset_flush_s=5.0), 0.5, _STARTED, _STARTED, window=killed)
    once = _remarks(KafkaMirrorMaker(preset="exactly-once"), 0.5, _STARTED, _STARTED, window=killed)

    assert again[0].startswith("The mirror of site-1 was started 2 times.")
    assert "up to 5 s old" in again[0]
    assert "hub.session.timeout.ms (10 s)" in again[1]
    assert "nothing is copied twice" in once[0]
    assert "hub.session.timeout.ms (60 s)" in once[1]
    assert _remarks(KafkaMirrorMaker(), 0.5, _STARTED) == ()


def test_a_mirror_that_ended_itself_for_want_of_the_hub_is_counted() -> None:
    ended = LogEvent(2 * _S, "trouble", f"mirror: ConnectException: {logs.UNREACHED}. Check")

    (told,) = _remarks(KafkaMirrorMaker(), 0.5, _STARTED, ended, _STARTED)

    assert "1 time(s) because it ends itself" in told
    assert "killed" not in told


def test_memory_that_ran_out_is_told_of_whom() -> None:
    for who in ("mirror", "broker"):
        full = LogEvent(12 * _S, "trouble", f"{who}: java.lang.OutOfMemoryError: Java heap space")

        assert _remarks(KafkaMirrorMaker(), 0.5, full)[0].startswith(f"The {who} of site-1 ran out of memory.")


def test_a_system_without_a_mirror_has_nothing_to_say() -> None:
    windows = pd.DataFrame([{"site": "site-1", "end_s": 25.0, "resume_s": 300.0}])

    assert KafkaDirect().remarks(windows, Evidence(windows=(), log_events={}, stores=())) == ()
