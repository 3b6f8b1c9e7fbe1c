from __future__ import annotations

import math
from typing import Any

import pytest

from edgelab.analysis.recovery import RECOVERY_PHASES, windows
from edgelab.analysis.results import analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import Story, no_buffer, no_causes


def _row(story: Story, window: int = 0, **changes: Any) -> dict[str, Any]:
    facts = story.facts(**changes)
    results = analyse(facts, no_causes)
    table = windows(facts, results.ledger)
    (row,) = table[table["window"] == window].to_dict("records")
    return {str(name): None if isinstance(v, float) and math.isnan(v) else v for name, v in row.items()}


def _phases(story: Story, window: int = 0, **changes: Any) -> tuple[Any, ...]:
    row = _row(story, window, **changes)
    return tuple(row[phase] if row[phase] is None else pytest.approx(row[phase], abs=1e-6) for phase in RECOVERY_PHASES)


def _buffered_cut() -> Story:
    """Messages 0 and 1 before, 2 and 3 during, 4 after a cut from 10 to 20 s; all arrive in the end."""
    story = Story()
    story.fault(10.0, 20.0)
    story.logged(10.003, "closed")
    story.logged(20.7, "established")
    for sequence, (sent_s, stored_s) in enumerate(
        ((5.0, 5.1), (9.0, 9.1), (12.0, 29.0), (19.0, 29.4), (25.0, 29.5)), 0
    ):
        story.sent(sequence, sent_s)
        story.at_hub(sequence, stored_s, position=sequence + 1)
    return story


def test_all_four_phases_of_a_buffered_cut() -> None:
    assert _phases(_buffered_cut()) == (0.003, 0.7, 9.0, 9.4)


def test_a_broker_that_was_killed_wrote_nothing_but_its_session_was_gone() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.windows.clear()
    story.fault(10.0, 20.0, fault="Kill", kind="")
    story.logged(20.1, "established")

    assert _row(story)["away"]
    assert _phases(story)[:2] == (None, 0.1)


def test_what_is_noticed_after_another_fault_began_is_that_ones_detection() -> None:
    story = Story()
    story.fault(5.0, 30.0, fault="Latency", kind="50 ms")
    story.fault(10.0, 20.0)
    story.logged(10.003, "closed")
    story.sent(0, 1.0)
    story.at_hub(0, 1.1, position=1)

    assert _phases(story, 0)[0] is None
    assert _phases(story, 1)[0] == 0.003


def test_planned_and_measured_times_are_seconds_of_the_schedule() -> None:
    row = _row(_buffered_cut())

    assert (row["planned_start_s"], row["planned_end_s"], row["start_s"], row["end_s"]) == (10.0, 20.0, 10.0, 20.0)
    assert (row["site"], row["fault"], row["kind"], row["bit"], row["cleared"]) == (
        "site-1", "Outage", "cut", True, True,
    )  # fmt: skip


def test_what_the_broker_writes_while_the_fault_is_cleared_is_no_detection() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.logged(20.001, "closed")
    story.logged(21.0, "established")

    row = _row(story)

    assert (row["detect_s"], row["reconnect_s"], row["away"]) == (None, pytest.approx(1.0), True)


def test_a_close_within_the_applying_call_is_a_detection_at_once() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.logged(9.999, "closed")

    assert _row(story)["detect_s"] == 0.0


def test_a_close_long_before_the_fault_is_not_its_detection() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.logged(9.5, "closed")
    story.logged(9.6, "established")

    row = _row(story)

    assert (row["detect_s"], row["reconnect_s"], row["away"]) == (None, None, False)


def test_a_stale_connection_is_a_detection_and_a_slow_consumer_is_not() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.logged(11.0, "trouble", detail="Slow Consumer Detected")
    story.logged(13.5, "trouble", detail="Stale Connection")

    assert _row(story)["detect_s"] == pytest.approx(3.5)


def test_a_session_that_never_went_away_does_not_come_back() -> None:
    story = _buffered_cut()
    story.log_events.clear()

    row = _row(story)

    assert (row["away"], row["detect_s"], row["reconnect_s"]) == (False, None, None)


def test_a_session_that_came_back_while_the_fault_held_has_no_reconnect() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.logged(11.0, "closed")
    story.logged(15.0, "established")

    assert (_row(story)["away"], _row(story)["reconnect_s"]) == (False, None)


def test_where_there_is_no_log_the_hub_sees_the_session() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.hub_sees(10.5, up=False)
    story.hub_sees(22.0, up=True)

    assert _phases(story)[:2] == (None, 2.0)


def test_a_log_that_tells_only_what_went_leaves_the_session_to_the_observer() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.logged(10.2, "closed")  # one of a mirror's many connections
    story.hub_sees(10.5, up=False)
    story.hub_sees(22.0, up=True)

    assert _phases(story)[:2] == (pytest.approx(0.2), 2.0)


def test_what_happens_after_the_drain_is_not_looked_at() -> None:
    story = _buffered_cut()
    story.log_events.clear()
    story.logged(95.0, "closed")

    assert _row(story)["away"] is False


def test_sync_is_zero_when_everything_was_there_already() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    story.sent(0, 5.0)
    story.at_hub(0, 5.1, position=1)
    story.sent(1, 25.0)
    story.at_hub(1, 25.1, position=2)

    assert _phases(story) == (None, None, 5.1, 0.0)


def test_there_is_no_sync_when_nothing_of_the_outage_survived() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    for sequence, sent_s in enumerate((5.0, 12.0, 19.0, 25.0)):
        story.sent(sequence, sent_s)
    story.at_hub(0, 5.1, position=1)
    story.at_hub(3, 25.1, position=2)

    assert _phases(story) == (None, None, 5.1, None)


def test_there_is_no_sync_when_the_last_message_before_was_lost_though_sent_before_the_fault() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    story.sent(0, 5.0)
    story.at_hub(0, 5.1, position=1)
    story.sent(1, 9.99)

    assert _phases(story) == (None, None, None, None)


def test_a_backlog_that_arrives_in_part_is_synced_and_the_rest_is_lost() -> None:
    story = _buffered_cut()
    del story.stored[3]

    row = _row(story)

    assert (row["sync_s"], row["lost"]) == (pytest.approx(9.0), 1)


def test_there_is_no_sync_while_a_message_is_stranded() -> None:
    story = _buffered_cut()
    del story.stored[3]
    story.at_site(3)

    assert _phases(story) == (0.003, 0.7, 9.0, None)


def test_there_is_no_sync_when_nothing_tells_the_store_time() -> None:
    story = _buffered_cut()
    story.stored[3]["t_ns"] = 0

    assert _row(story)["sync_s"] is None


def test_there_is_no_sync_when_nothing_had_been_sent() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    story.sent(0, 25.0)
    story.at_hub(0, 25.1, position=1)

    assert _phases(story) == (None, None, 5.1, None)


def test_the_next_fault_bounds_resume_and_reconnect_but_not_sync() -> None:
    story = _buffered_cut()
    story.fault(20.5, 28.0)
    story.log_events["site-1"].pop()  # it was still away when the second fault began
    story.logged(28.6, "established")

    assert _phases(story, 0) == (0.003, None, None, 9.4)
    assert _phases(story, 1) == (None, 0.6, 1.0, 1.5)


def test_messages_of_several_publishers_need_not_be_sent_in_order_of_their_numbers() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    story.sent(0, 19.0, publisher=0)
    story.sent(1, 5.0, publisher=1)
    story.at_hub(1, 5.1, position=1)
    story.at_hub(0, 23.0, position=2)

    assert _phases(story)[2:] == (3.0, 3.0)


def test_a_fault_that_never_cleared_has_no_recovery() -> None:
    story = _buffered_cut()
    story.windows.clear()
    story.fault(10.0, 20.0, end_ns=None, cleared=None)

    assert _phases(story) == (0.003, None, None, None)


def test_a_fault_that_was_never_applied_has_no_phases() -> None:
    story = _buffered_cut()
    story.windows.clear()
    story.fault(10.0, 20.0, start_ns=None, end_ns=None, bit=None)

    assert _phases(story) == (None, None, None, None)


def test_without_faults_the_table_is_empty_and_has_its_columns() -> None:
    table = analyse(Story().facts(), no_causes).windows

    assert table.empty
    assert set(RECOVERY_PHASES) <= set(table.columns)


def test_lost_counts_what_was_sent_during_and_after_but_not_before() -> None:
    results = analyse(outage_run(behaviour=Behaviour(buffers=False), rate_hz=50.0), no_buffer)

    before = results.losses.loc[results.losses["phase"] == "before", "messages"].sum()
    assert results.windows["lost"].sum() == results.counts.lost - before


def test_a_whole_run_recovers_as_it_was_made_to() -> None:
    results = analyse(outage_run(behaviour=Behaviour(resume_s=14.0)), no_causes)

    assert results.counts.lost == 0
    assert results.windows["detect_s"].tolist() == pytest.approx([0.002] * 3)
    assert (results.windows["resume_s"] - results.windows["reconnect_s"]).tolist() == pytest.approx([14.0] * 3, abs=0.1)
    assert (results.windows["sync_s"] > results.windows["resume_s"]).all()


# --- remarks -------------------------------------------------------------------------------------------------------


def _after_a_stall(sync_s: float) -> tuple[str, ...]:
    story = Story()
    story.fault(10.0, 20.0, kind="stall")
    story.sent(0, 15.0)
    story.at_hub(0, 20.0 + sync_s, position=1)
    return analyse(story.facts(), no_causes).remarks


def test_a_backlog_that_waits_for_tcp_after_a_stall_is_explained() -> None:
    (remark,) = _after_a_stall(3.9)

    assert "up to 3.9 s after the clearing to arrive. That is TCP" in remark
    assert _after_a_stall(0.05) == ()


def test_a_system_may_explain_recoveries_too() -> None:
    results = analyse(_buffered_cut().facts(), no_causes, lambda table, _evidence: (f"{len(table)} window",))

    assert results.remarks == ("1 window",)
