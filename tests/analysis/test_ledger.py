from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from edgelab.analysis.counts import losses
from edgelab.analysis.ledger import account
from edgelab.analysis.testing import Story, at, no_buffer, no_causes, table
from edgelab.errors import LabError
from edgelab.history import FOREIGN_SITE, Kind
from edgelab.model.measured import Evidence


def test_a_delivered_message_has_its_times_its_answer_and_one_copy() -> None:
    story = Story()
    story.sent(0, 1.002, due_s=1.0, answered_s=1.004, position=7)
    story.at_hub(0, 1.3, position=1, said=at(1.002))

    row = account(story.facts(), no_causes).ledger.iloc[0]

    assert (row["site"], row["sequence"], row["publisher"]) == ("site-1", 0, 0)
    assert (row["intended_ns"], row["sent_ns"], row["acknowledged_ns"]) == (at(1.0), at(1.002), at(1.004))
    assert (row["outcome"], row["fate"], row["copies"], row["stored_ns"]) == ("acknowledged", "delivered", 1, at(1.3))
    assert (row["position"], row["attempts"], row["phase"], row["window"]) == (7, 1, "before", -1)
    assert pd.isna(row["cause"])


def test_the_columns_of_the_contract_come_first_and_in_its_order() -> None:
    columns = list(account(Story().facts(), no_causes).ledger.columns)

    assert columns[:10] == [
        "site", "sequence", "intended_ns", "sent_ns", "outcome", "acknowledged_ns", "copies", "stored_ns", "fate",
        "cause",
    ]  # fmt: skip
    assert columns[10:] == ["publisher", "position", "attempts", "reason", "phase", "window"]


def _story_of_fates() -> Story:
    story = Story()
    story.sent(0, 1.0)
    story.at_hub(0, 1.1, position=1)
    story.sent(1, 2.0)
    story.at_hub(1, 2.1, position=2)
    story.at_hub(1, 2.2, position=3)
    story.at_hub(1, 2.3, position=4)
    story.sent(2, 3.0)  # stranded
    story.at_site(2)
    story.sent(3, 4.0)  # lost, acknowledged
    story.sent(4, 5.0, answer="failed", reason=1)  # lost, refused
    story.sent(5, 6.0, answer=None)  # lost, never answered
    story.sent(6, 7.0, answer="unknown")
    story.at_hub(6, 7.5, position=5)  # no answer, but there
    story.at_site(6)  # and still held: that is no second fate
    return story


def test_every_message_has_one_fate() -> None:
    result = account(_story_of_fates().facts(reasons=("no stream",)), no_causes)

    fates = result.ledger["fate"].astype(str).tolist()
    assert fates == ["delivered", "delivered", "stranded", "lost", "lost", "lost", "delivered"]
    assert result.ledger["copies"].tolist() == [1, 3, 0, 0, 0, 0, 1]
    assert result.ledger["outcome"].astype(str).tolist()[3:] == ["acknowledged", "failed", "unknown", "unknown"]


def test_the_totals_are_those_of_the_contract() -> None:
    result = account(_story_of_fates().facts(reasons=("no stream",)), no_causes)

    assert result.counts.to_json() == {
        "attempted": 7,
        "acknowledged": 4,
        "failed": 1,
        "unknown": 2,
        "delivered": 3,
        "duplicated": 2,
        "reordered": 0,
        "unexpected": 0,
        "stranded": 1,
        "lost": 3,
        "lost_acknowledged": 1,
        "lost_unexplained": 3,
    }
    assert result.counts.problems() == ()
    assert result.anomalies == {}


def test_causes_are_asked_for_the_lost_only_with_what_the_protocol_promises() -> None:
    seen: list[pd.DataFrame] = []

    def causes(lost: pd.DataFrame, _evidence: Evidence) -> pd.Series:
        seen.append(lost)
        return pd.Series(["broker broke its word", "producer gave up", None], index=lost.index)

    result = account(_story_of_fates().facts(reasons=("no stream",)), causes)

    (lost,) = seen
    assert lost["sequence"].tolist() == [3, 4, 5]
    assert lost["reason"].tolist() == [None, "no stream", None]
    assert lost["site"].astype(str).unique().tolist() == ["site-1"]
    assert lost["outcome"].astype(str).tolist() == ["acknowledged", "failed", "unknown"]
    causes_found = result.ledger["cause"].astype(object).where(result.ledger["cause"].notna(), None).tolist()
    assert causes_found == [None, None, None, "broker broke its word", "producer gave up", "unexplained", None]
    assert result.counts.lost_unexplained == 1


def test_causes_that_do_not_fit_the_losses_are_the_labs_fault() -> None:
    def one_too_few(lost: pd.DataFrame, _evidence: Evidence) -> pd.Series:
        return pd.Series("x", index=lost.index[1:])

    with pytest.raises(LabError, match="one value for each of 3 lost messages, not 2"):
        account(_story_of_fates().facts(), one_too_few)


def test_a_copy_without_a_hub_stamp_has_the_time_of_the_first_reading_that_had_it() -> None:
    story = Story()
    for sequence in range(4):
        story.sent(sequence, 1.0 + sequence / 10)
        story.at_hub(sequence, None, position=sequence + 1)
    story.reading(3.0, 3)
    story.reading(2.0, 1)  # readings may come in any order
    story.reading(4.0, 3)
    story.reading(9.0, 4, stream=1)  # of another store

    result = account(story.facts(), no_causes)

    assert result.ledger["stored_ns"].tolist()[:3] == [at(2.0), at(3.0), at(3.0)]
    assert pd.isna(result.ledger["stored_ns"].iloc[3])
    assert result.ledger["fate"].astype(str).tolist() == ["delivered"] * 4
    assert result.anomalies == {"delivered messages whose store time nothing tells": 1}


def test_the_first_copy_counts_whatever_order_they_are_read_in() -> None:
    story = Story()
    story.sent(0, 1.0)
    for stored_s, position in ((5.0, 3), (2.0, 2), (9.0, 1)):
        story.at_hub(0, stored_s, position=position)

    assert account(story.facts(), no_causes).ledger["stored_ns"].tolist() == [at(2.0)]


@pytest.mark.parametrize(
    ("order", "late", "furthest"),
    [
        ([0, 1, 2, 3], 0, 0),
        ([1, 0, 2, 3], 1, 1),
        ([3, 0, 1, 2], 3, 3),
        ([0, 3, 1, 2], 2, 2),
        ([3, 2, 1, 0], 3, 3),
    ],
)
def test_reordered_is_what_was_stored_after_a_higher_number(order: list[int], late: int, furthest: int) -> None:
    story = Story()
    for sequence in range(4):
        story.sent(sequence, 1.0 + sequence)
    for position, sequence in enumerate(order, 1):
        story.at_hub(sequence, 10.0 + position, position=position)

    result = account(story.facts(), no_causes)

    assert (result.counts.reordered, result.furthest_reorder) == (late, furthest)


def test_publishers_sites_and_stores_are_not_ordered_among_each_other() -> None:
    story = Story(sites=("site-1", "site-2"))
    story.sent(0, 1.0, publisher=0)
    story.sent(1, 1.0, publisher=1)
    story.sent(0, 1.0, site=1)
    story.sent(1, 1.0, site=1)
    story.at_hub(1, 2.0, position=1)
    story.at_hub(0, 2.1, position=2)
    story.at_hub(1, 2.0, position=3, site=1, stream=0)
    story.at_hub(0, 2.1, position=1, site=1, stream=1)

    assert account(story.facts(), no_causes).counts.reordered == 0


def test_a_duplicate_is_no_reordering() -> None:
    story = Story()
    for sequence in range(3):
        story.sent(sequence, 1.0 + sequence)
        story.at_hub(sequence, 10.0 + sequence, position=sequence + 1)
    story.at_hub(0, 20.0, position=4)

    counts = account(story.facts(), no_causes).counts

    assert (counts.duplicated, counts.reordered) == (1, 0)


def test_what_nobody_attempted_is_unexpected_and_has_no_row() -> None:
    story = Story()
    story.sent(0, 1.0)
    story.at_hub(0, 1.1, position=1, said=at(1.0))
    story.at_hub(5, 1.2, position=2)  # a number never sent
    story.at_hub(0, 1.3, position=3, said=at(0.5))  # same number, of another run
    story.at_hub(0, 1.4, position=4, site=7)  # a site this run does not have
    story.at_hub(0, 1.5, position=5, site=FOREIGN_SITE)

    result = account(story.facts(), no_causes)

    assert len(result.ledger) == 1
    assert (result.counts.delivered, result.counts.duplicated, result.counts.unexpected) == (1, 0, 4)
    assert result.unexpected_examples[0] == "number 5 of site-1 at store position 2"
    assert result.unexpected_examples[2] == "a message that is not the lab's at store position 4"


def test_an_answer_without_a_question_is_an_anomaly() -> None:
    story = Story()
    story.sent(0, 1.0)
    story.answered(3, 1.5, "acknowledged")

    result = account(story.facts(), no_causes)

    assert result.anomalies == {"answers to messages that were never invoked": 1}
    assert result.counts.attempted == 1


def test_a_second_invocation_is_an_anomaly_and_the_first_counts() -> None:
    story = Story()
    story.sent(0, 2.0, answer=None)
    story.sent(0, 1.0)

    result = account(story.facts(), no_causes)

    assert result.anomalies == {"messages that were invoked more than once": 1}
    assert result.ledger["sent_ns"].tolist() == [at(1.0)]


def test_a_record_cut_short_by_a_kill_is_an_anomaly_and_the_message_unanswered() -> None:
    story = Story()
    story.sent(0, 1.0, answer=None)
    story.records.append({"kind": Kind.OUTCOME, "sequence": 0})

    result = account(story.facts(), no_causes)

    assert result.anomalies == {"answers that cannot be read": 1}
    assert result.counts.unknown == 1


def test_of_two_answers_the_better_counts_and_of_equal_ones_the_first() -> None:
    story = Story()
    story.sent(0, 1.0, answer="unknown", answered_s=2.0)
    story.answered(0, 5.0, "acknowledged", position=9)
    story.answered(0, 4.0, "acknowledged", position=8)

    row = account(story.facts(), no_causes).ledger.iloc[0]

    assert (row["outcome"], row["acknowledged_ns"], row["position"]) == ("acknowledged", at(4.0), 8)


def test_a_site_that_the_run_does_not_have_is_refused() -> None:
    story = Story()
    story.sent(0, 1.0, site=3)

    with pytest.raises(LabError, match="site number 3, but the run has only 1 sites"):
        account(story.facts(), no_causes)


def test_an_empty_history_is_an_empty_ledger() -> None:
    result = account(Story().facts(), no_causes)

    assert result.ledger.empty
    assert result.counts.attempted == 0


def test_wild_sequence_numbers_need_no_table_of_gigabytes() -> None:
    story = Story()
    for sequence in (4_000_000_000, 5, 4_294_967_295):
        story.sent(sequence, 1.0)
    story.at_hub(4_000_000_000, 2.0, position=1)
    story.at_hub(6, 2.0, position=2)

    result = account(story.facts(), no_causes)

    assert result.ledger["sequence"].tolist() == [5, 4_000_000_000, 4_294_967_295]
    assert result.ledger["fate"].astype(str).tolist() == ["lost", "delivered", "lost"]
    assert result.counts.unexpected == 1


def test_the_same_words_of_failure_from_two_agents_are_one_reason() -> None:
    story = Story()
    story.sent(0, 1.0, answer="failed", reason=1)
    story.sent(1, 1.0, answer="failed", reason=2)

    ledger = account(story.facts(reasons=("timeout", "timeout")), no_causes).ledger

    assert ledger["reason"].astype(str).tolist() == ["timeout", "timeout"]


def test_columns_are_compact() -> None:
    ledger = account(_story_of_fates().facts(), no_causes).ledger

    kinds = {name: str(kind) for name, kind in ledger.dtypes.items()}
    assert all(kinds[name] == "category" for name in ("site", "outcome", "fate", "cause", "reason", "phase"))
    assert kinds["stored_ns"] == "Int64"
    assert kinds["sequence"] == "uint32"
    assert ledger.memory_usage(index=False).sum() - 5_000 < 100 * len(ledger)


def test_losses_are_grouped_by_site_window_phase_and_cause() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    for sequence, sent_s in enumerate((9.999, 12.0, 15.0, 20.5, 25.0)):
        story.sent(sequence, sent_s, answer="unknown" if sequence == 1 else "acknowledged")
    story.at_hub(4, 25.1, position=1)

    grouped = losses(account(story.facts(), no_buffer).ledger)

    found = grouped[["phase", "acknowledged", "messages", "first_sequence", "last_sequence"]].astype(object)
    assert sorted(map(tuple, found.astype({"phase": str}).to_numpy().tolist())) == [
        ("after", True, 1, 3, 3),
        ("before", True, 1, 0, 0),
        ("during", False, 1, 1, 1),
        ("during", True, 1, 2, 2),
    ]


def test_records_read_from_a_file_are_not_written_to() -> None:
    facts = _story_of_fates().facts()
    for records in (facts.records, facts.stored, facts.held):
        records.flags.writeable = False
    before = facts.stored.copy()

    account(facts, no_causes)

    assert np.array_equal(facts.stored, before)
    assert table([]).size == 0
