from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from edgelab.analysis.checks import (
    CHECKS,
    LAB_CHECKS,
    Check,
    CheckResult,
    Judgement,
    Verdict,
    all_losses_explained,
    judge,
    no_duplicates,
    no_loss,
    nothing_stranded,
    reconnects_within,
    resumes_within,
    syncs_within,
    worst,
)
from edgelab.analysis.facts import Facts, LinkBytes
from edgelab.analysis.results import Results, analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import Story, no_buffer, no_causes
from edgelab.errors import SpecError
from edgelab.model import codec
from edgelab.model.faults import Outage
from edgelab.model.schedule import once
from edgelab.model.workload import Load, Workload


def _buffered(**changes: Any) -> Results:
    return analyse(replace(outage_run(rate_hz=50.0), **changes), no_causes)


def _lossy(**how: Any) -> Results:
    return analyse(outage_run(rate_hz=50.0, behaviour=Behaviour(buffers=False), **how), no_buffer)


def _lab(name: str) -> Check:
    (check,) = (check for check in LAB_CHECKS if check.name == name)
    return check


def _story_results(story: Story, messages: int, **changes: Any) -> Results:
    workload = Workload(duration_s=60.0, load=Load(rate_hz=messages / 60.0))
    return analyse(story.facts(workload=workload, **changes), no_causes)


# --- the lattice ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.UNKNOWN),
        ([Verdict.PASS, Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.UNKNOWN], Verdict.UNKNOWN),
        ([Verdict.UNKNOWN, Verdict.FAIL, Verdict.PASS], Verdict.FAIL),
    ],
)
def test_a_failure_outweighs_doubt_and_doubt_outweighs_a_pass(verdicts: list[Verdict], expected: Verdict) -> None:
    assert worst(verdicts) is expected
    assert Judgement(tuple(CheckResult("x", v, "y") for v in verdicts)).verdict is expected


@dataclass(frozen=True)
class _Broken:
    name: str = "broken"

    def check(self, results: Results) -> CheckResult:
        raise KeyError(results.facts.scenario)


def test_a_check_that_raises_is_unknown_and_says_what_it_raised() -> None:
    judgement = judge(_buffered(), (_Broken(), no_loss()))

    assert [check.verdict for check in judgement.checks[-2:]] == [Verdict.UNKNOWN, Verdict.PASS]
    assert judgement.checks[-2].why == "the check itself failed: KeyError: 'nats_leaf_outage'"
    assert judgement.reasons == (judgement.checks[-2].why,)


# --- what every run checks of itself ------------------------------------------------------------------------------


def test_a_run_as_it_should_be_passes_every_check_of_the_lab() -> None:
    judgement = judge(_buffered(), ())

    assert [check.name for check in judgement.checks] == [check.name for check in LAB_CHECKS]
    assert {check.name: check.why for check in judgement.checks if check.verdict is not Verdict.PASS} == {}
    assert judgement.reasons == ()


def test_an_anomaly_makes_the_ledger_unknown() -> None:
    story = Story()
    story.answered(5, 1.0, "acknowledged")

    result = _lab("the ledger adds up").check(_story_results(story, 1))

    assert result.verdict is Verdict.UNKNOWN
    assert result.why == "the history contradicts itself: 1 answers to messages that were never invoked"


@pytest.mark.parametrize(
    ("hub_count", "verdict", "words"),
    [
        (9000, Verdict.PASS, "the hub's own count is 9,000 messages"),
        (8999, Verdict.UNKNOWN, "the hub counts 8,999 messages, but the ledger has 9,000 copies"),
        (None, Verdict.UNKNOWN, "could not be asked"),
    ],
)
def test_the_independent_count_must_agree(hub_count: int | None, verdict: Verdict, words: str) -> None:
    result = _lab("an independent count agrees").check(_buffered(hub_count=hub_count))

    assert result.verdict is verdict
    assert words in result.why


def _with_window(**changes: Any) -> Facts:
    facts = outage_run(rate_hz=50.0)
    return replace(facts, windows=(replace(facts.windows[0], **changes), *facts.windows[1:]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bit": False}, "did not bite on site-1: a probe through the link"),
        ({"bit": None}, "cannot be shown to have bitten on site-1"),
        ({"cleared": False}, "did not clear on site-1"),
        ({"cleared": None}, "cannot be shown to have cleared on site-1"),
        ({"end_ns": None}, "did not clear on site-1"),
        ({"start_ns": None, "end_ns": None, "bit": None}, "was never applied to site-1"),
    ],
)
def test_a_fault_that_cannot_be_shown_to_have_held_and_gone_makes_the_verdict_unknown(
    changes: dict[str, Any], words: str
) -> None:
    judgement = judge(analyse(_with_window(**changes), no_causes), (no_loss(),))

    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.reasons[0].startswith("fault 1 (Outage cut of site-1, site-2, site-3) ")
    assert words in judgement.reasons[0]


def test_a_planned_fault_that_was_never_measured_makes_the_verdict_unknown() -> None:
    facts = outage_run(rate_hz=50.0)
    schedule = facts.schedule + once(Outage(("site-2",)), at_s=50.0, for_s=5.0)

    result = _lab("every fault bit and cleared").check(_buffered(schedule=schedule))

    assert result.verdict is Verdict.UNKNOWN
    assert result.why == "fault 2 (Outage stall of site-2) was never applied to site-2"


def test_a_site_that_a_fault_should_have_had_and_did_not_is_named() -> None:
    facts = outage_run(rate_hz=50.0)

    result = _lab("every fault bit and cleared").check(_buffered(windows=facts.windows[:2]))

    assert result.why.endswith("was never applied to site-3")


@pytest.mark.parametrize(
    ("messages", "verdict", "words"),
    [
        (10, Verdict.PASS, "10 of 10 planned messages"),
        (11, Verdict.UNKNOWN, "10 messages were attempted, but 11 were planned"),
        (9, Verdict.UNKNOWN, "10 messages were attempted, but 9 were planned"),
    ],
)
def test_the_workload_must_be_the_planned_one(messages: int, verdict: Verdict, words: str) -> None:
    story = Story()
    for sequence in range(10):
        story.sent(sequence, 1.0 + sequence)

    result = _lab("the workload ran as planned").check(_story_results(story, messages))

    assert result.verdict is verdict
    assert words in result.why


def test_a_run_in_which_nothing_was_sent_is_never_a_pass() -> None:
    judgement = judge(analyse(Story().facts(), no_causes), (no_loss(), no_duplicates()))

    assert judgement.verdict is Verdict.UNKNOWN
    assert "nothing was published, though 60 messages were planned" in judgement.reasons


def test_late_publishers_make_the_load_unknown() -> None:
    story = Story()
    for sequence in range(10):
        story.sent(sequence, 2.0 + sequence, due_s=1.0 + sequence)

    check = _lab("the workload ran as planned")
    result, unanswered = (check.check(_story_results(story, 10, confirms=answers)) for answers in (True, False))

    assert result.verdict is unanswered.verdict is Verdict.UNKNOWN
    assert "1 in 100 messages left more than 1.00 s after it was due" in result.why
    # A producer that may have only so much in flight waits, too; one that nobody answers never does.
    assert "in_flight_max" in result.why
    assert "in_flight_max" not in unanswered.why


def test_a_way_around_the_proxy_is_named() -> None:
    result = _lab("no way around the proxy").check(_buffered(bypasses=("site-1 dialed 10.0.0.1:7422",)))

    assert result.verdict is Verdict.UNKNOWN
    assert result.why == "a site went around the proxy: site-1 dialed 10.0.0.1:7422"


def test_messages_that_no_link_has_carried_went_around_the_proxy() -> None:
    facts = outage_run(rate_hz=50.0)
    site = facts.sites[0]
    carried = analyse(facts, no_causes).counts.delivered * facts.workload.of(site).size_bytes
    check = _lab("no way around the proxy")
    less, enough = (
        check.check(_buffered(links={site: LinkBytes(bytes_up=int(carried * ratio), bytes_down=0)}))
        for ratio in (0.1, 1.0)
    )

    assert enough.verdict is Verdict.PASS
    assert less.verdict is Verdict.UNKNOWN
    assert f"came from {site}, whose link carried only {int(carried * 0.1):,} bytes" in less.why


@pytest.mark.parametrize(
    ("drift_ns", "verdict"), [(4_999_999, "pass"), (5_000_000, "unknown"), (-6_000_000, "unknown")]
)
def test_a_stepped_clock_makes_the_times_unknown(drift_ns: int, verdict: str) -> None:
    assert _lab("the clocks agree").check(_buffered(clock_drift_ns=drift_ns)).verdict == verdict


def test_messages_stored_before_they_were_due_are_not_swept_away() -> None:
    story = Story()
    story.sent(0, 1.0)
    story.at_hub(0, 0.9, position=1)

    result = _lab("the clocks agree").check(_story_results(story, 1))

    assert result.verdict is Verdict.UNKNOWN
    assert result.why.startswith("1 messages were stored before they were due")


def test_a_message_out_of_nowhere_fails() -> None:
    story = Story()
    story.at_hub(3, 1.0, position=8)

    result = _lab("nothing unexpected at the hub").check(_story_results(story, 1))

    assert result.verdict is Verdict.FAIL
    assert result.why == (
        "the hub holds 1 message that nobody attempted, such as number 3 of site-1 at store position 8"
    )


# --- what a scenario may ask --------------------------------------------------------------------------------------


def test_no_loss_names_messages_site_time_phase_and_cause() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    for sequence, sent_s in enumerate((5.0, 12.0, 15.0, 20.5, 25.0)):
        story.sent(sequence, sent_s)
    story.at_hub(0, 5.1, position=1)
    story.at_hub(4, 25.1, position=2)

    result = no_loss().check(analyse(story.facts(), no_buffer))

    assert result.verdict is Verdict.FAIL
    assert result.why == (
        "3 of 5 messages are lost: site-1: numbers 1 to 3, sent from 12.0 to 20.5 s, 2 during and 1 after the cut, "
        "although acknowledged, cause: no buffer on core NATS"
    )


def test_a_fault_other_than_an_outage_is_named_with_its_size() -> None:
    story = Story()
    story.fault(10.0, 20.0, fault="Latency", kind="300 ms")
    story.sent(0, 12.0)

    why = no_loss().check(analyse(story.facts(), no_causes)).why

    assert "during the 300 ms latency" in why


def test_a_single_loss_reads_as_one() -> None:
    story = Story()
    story.sent(0, 1.0)
    story.at_hub(0, 1.1, position=1)
    story.sent(1, 2.0, answer="failed")

    why = no_loss().check(analyse(story.facts(), no_causes)).why

    assert why == "1 of 2 messages is lost: site-1: number 1, sent at 2.0 s, cause: unexplained"


def test_losses_of_a_fleet_are_summed_up() -> None:
    why = no_loss().check(_lossy(sites=10)).why

    assert "at 10 sites, most at site-" in why
    assert len(why) < 250


def test_stranded_is_not_lost_and_is_said() -> None:
    story = Story()
    story.sent(0, 1.0)
    story.at_site(0)

    result = no_loss().check(analyse(story.facts(), no_causes))

    assert result == CheckResult(
        "no loss", Verdict.PASS, "none of 1 messages was lost; 1 of them still wait at their site"
    )


def test_losses_are_explained_or_not() -> None:
    lossy = outage_run(rate_hz=50.0, behaviour=Behaviour(buffers=False))

    explained = all_losses_explained().check(analyse(lossy, no_buffer))
    unexplained = all_losses_explained().check(analyse(lossy, no_causes))

    assert explained.verdict is Verdict.PASS
    assert "losses are explained: no buffer on core NATS (" in explained.why
    assert unexplained.verdict is Verdict.FAIL
    assert "without a known cause" in unexplained.why
    assert all_losses_explained().check(_buffered()).why == "nothing was lost"


def test_duplicates_are_counted_and_placed() -> None:
    story = Story()
    story.sent(0, 1.0)
    for position in (1, 2, 3):
        story.at_hub(0, 1.0 + position, position=position)

    result = no_duplicates().check(analyse(story.facts(), no_causes))

    assert result.verdict is Verdict.FAIL
    assert result.why == "2 extra copies of 1 messages of site-1, sent at 1.0 s"
    assert no_duplicates().check(_buffered()).verdict is Verdict.PASS


def test_a_sync_over_its_limit_says_which_site_and_by_how_much() -> None:
    result = syncs_within(1.5).check(_buffered())
    passed = syncs_within(10.0).check(_buffered())

    assert result.verdict is Verdict.FAIL
    assert result.why.startswith("site-2 after the cut that cleared at 45.0 s needed ")
    assert "too long" in result.why
    assert passed.verdict is Verdict.PASS


def test_a_sync_that_never_came_fails_and_says_what_became_of_the_messages() -> None:
    lossy = syncs_within(1e4).check(_lossy())
    story = Story()
    story.fault(10.0, 20.0)
    story.sent(0, 15.0)
    story.at_site(0)
    stranded = syncs_within(1e4).check(analyse(story.facts(), no_causes))

    assert lossy.verdict is stranded.verdict is Verdict.FAIL
    assert "site-1 after the cut that cleared at 45.0 s had no backlog to sync: 1," in lossy.why
    assert stranded.why.endswith("never synced what it had: 1 of its messages are stranded")


def test_a_session_that_never_went_away_needs_no_reconnect() -> None:
    stalled = reconnects_within(1.0).check(analyse(outage_run(kind="stall", rate_hz=50.0), no_causes))

    assert stalled == CheckResult("reconnect within 1 s", Verdict.PASS, "no site's session went away")


def test_a_session_that_stays_away_fails() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    story.logged(10.1, "closed")

    result = reconnects_within(60.0).check(analyse(story.facts(), no_causes))

    assert result.why == "site-1 after the cut that cleared at 20.0 s did not get its session back"


def test_resume_has_a_limit_of_its_own() -> None:
    assert resumes_within(0.5).check(_buffered()).verdict is Verdict.FAIL
    assert resumes_within(5.0).check(_buffered()).verdict is Verdict.PASS


@pytest.mark.parametrize("check", [syncs_within(1.0), resumes_within(1.0), reconnects_within(1.0)])
def test_without_a_fault_there_is_no_recovery_to_pass(check: Check) -> None:
    assert check.check(analyse(Story().facts(), no_causes)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("limit_s", [-1.0, float("nan"), float("inf"), 1e9])
def test_an_absurd_limit_is_refused(limit_s: float) -> None:
    with pytest.raises(SpecError, match="limit_s"):
        syncs_within(limit_s)


def test_checks_survive_being_stored_with_their_scenario() -> None:
    checks = (no_loss(), all_losses_explained(), no_duplicates(), syncs_within(30.0), reconnects_within(2.5))

    stored = codec.encode(checks)

    assert codec.decode(stored, {kind.__name__: kind for kind in CHECKS}) == checks


# --- stores that keep the sites' stamps -----------------------------------------------------------------------------


def _mirrored(*read_s: float) -> CheckResult:
    """A store that is read at these seconds, and got its one message at second 10."""
    story = Story()
    story.sent(0, 9.99)
    story.at_hub(0, None, position=1)
    for second in read_s:
        story.reading(second, int(second >= 10.0))
    return _lab("store times are known").check(_story_results(story, 1))


def test_store_times_that_are_readings_say_how_late_they_may_be() -> None:
    result = _mirrored(9.99, 10.003)

    assert result.verdict is Verdict.PASS
    assert "late by at most 13.0 ms" in result.why


def test_store_times_from_too_few_readings_give_no_verdict() -> None:
    result = _mirrored(9.0, 12.0)

    assert result.verdict is Verdict.UNKNOWN
    assert "3.00 s" in result.why


# --- stranded ------------------------------------------------------------------------------------------------------


def _held_back(*, arrived: bool) -> CheckResult:
    story = Story()
    story.sent(0, 1.0)
    story.at_site(0)
    if arrived:
        story.at_hub(0, 1.1, position=1)
    return nothing_stranded().check(_story_results(story, 1, drain="the deadline of 3 s passed"))


def test_what_still_waits_at_a_site_fails_the_check_for_it_and_no_other() -> None:
    result = _held_back(arrived=False)

    assert result.verdict is Verdict.FAIL
    assert "1 of 1 messages is still held by site-1" in result.why
    assert "the deadline of 3 s passed" in result.why


def test_what_a_site_keeps_a_copy_of_is_not_stranded() -> None:
    assert _held_back(arrived=True).verdict is Verdict.PASS
