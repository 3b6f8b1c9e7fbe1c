"""What must hold whatever a history says: sums add up, and the order of records does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from edgelab.analysis.ledger import account
from edgelab.analysis.results import analyse
from edgelab.analysis.testing import Answer, Story, at, no_causes
from edgelab.history import FOREIGN_SITE

_SITES = ("site-1", "site-2")
_ANSWERS: tuple[Answer | None, ...] = ("acknowledged", "failed", "unknown", None)
_seconds = st.integers(0, 60_000).map(lambda ms: ms / 1e3)
_who = st.tuples(st.integers(0, 1), st.integers(0, 12))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Histories with everything that can and some that cannot happen: answers to nothing, strangers, repeats."""
    story = Story(sites=_SITES)
    for site, sequence in draw(st.lists(_who, max_size=25)):
        answer: Answer | None = draw(st.sampled_from(_ANSWERS))
        story.sent(
            sequence, draw(_seconds), site=site, publisher=sequence % 2, answer=answer,
            reason=draw(st.integers(0, 2)), position=draw(st.integers(0, 5)),
        )  # fmt: skip
    for site, sequence in draw(st.lists(_who, max_size=3)):
        story.answered(sequence, draw(_seconds), "acknowledged", site=site)
    places = st.tuples(st.sampled_from([0, 1, 9, FOREIGN_SITE]), st.integers(0, 14), st.integers(0, 1))
    for position, (site, sequence, stream) in enumerate(draw(st.lists(places, max_size=25)), 1):
        stored_s = draw(st.none() | _seconds.map(lambda s: s + 0.001))
        story.at_hub(sequence, stored_s, position=position, site=site, stream=stream)
    for site, sequence in draw(st.lists(_who, max_size=5)):
        story.at_site(sequence, site=site)
    for read_s, position in draw(st.lists(st.tuples(_seconds, st.integers(0, 25)), max_size=4)):
        story.reading(read_s, position)
    for start_s in draw(st.lists(st.integers(0, 50), max_size=3, unique=True)):
        story.fault(float(start_s), start_s + draw(st.floats(0.5, 20.0)), site=draw(st.sampled_from([*_SITES, None])))
    return story


def _facts(story: Story, order: np.random.Generator | None = None) -> Any:
    facts = story.facts(reasons=("refused", "timed out"))
    if order is None:
        return facts
    shuffled = {name: order.permutation(getattr(facts, name)) for name in ("records", "stored", "held", "progress")}
    return story.facts(reasons=("refused", "timed out"), **shuffled)


@given(stories())
def test_every_attempted_message_has_exactly_one_outcome_and_one_fate(story: Story) -> None:
    facts = _facts(story)

    result = account(facts, no_causes)

    counts = result.counts
    attempted = {(r["site"], r["sequence"]) for r in story.records if r["kind"] == 1}
    assert counts.problems() == ()
    assert counts.attempted == len(attempted)
    assert counts.acknowledged + counts.failed + counts.unknown == counts.attempted
    assert counts.delivered + counts.stranded + counts.lost == counts.attempted
    assert counts.delivered + counts.duplicated + counts.unexpected == len(story.stored)


@given(stories())
def test_the_ledger_agrees_with_counting_by_hand(story: Story) -> None:
    ledger = account(_facts(story), no_causes).ledger

    stored = [(s["site"], s["sequence"]) for s in story.stored]
    held = {(h["site"], h["sequence"]) for h in story.held}
    for row in ledger.to_dict("records"):
        who = (_SITES.index(row["site"]), row["sequence"])
        assert row["copies"] == stored.count(who)
        expected = "delivered" if who in stored else "stranded" if who in held else "lost"
        assert row["fate"] == expected


@given(stories(), st.integers(0, 2**32 - 1))
def test_the_order_in_which_segments_are_read_does_not_matter(story: Story, seed: int) -> None:
    plain, shuffled = _facts(story), _facts(story, np.random.default_rng(seed))

    first, second = account(plain, no_causes), account(shuffled, no_causes)

    assert first.counts == second.counts
    assert first.anomalies == second.anomalies
    assert first.furthest_reorder == second.furthest_reorder
    alike = [name for name in first.ledger.columns if name not in _AMBIGUOUS]
    pd.testing.assert_frame_equal(first.ledger[alike], second.ledger[alike])


@given(stories())
def test_measurements_never_fail_nor_go_backwards(story: Story) -> None:
    results = analyse(_facts(story), no_causes)

    windows, backlog = results.windows, results.backlog
    recovered = windows[["detect_s", "reconnect_s", "resume_s", "sync_s"]].to_numpy()
    assert not (recovered[~np.isnan(recovered)] < 0).any()
    assert int(results.latency["n"].sum()) == int(results.ledger["stored_ns"].notna().sum())
    assert (backlog.groupby("site", observed=True)["published"].diff().dropna() >= 0).all()
    last = backlog.groupby("site", observed=True).last()
    assert int(last["published"].sum()) == int((results.ledger["sent_ns"] <= at(90.0)).sum())
    assert int(results.losses["messages"].sum()) == results.counts.lost


# Of two answers at the same instant, or two invocations, either may win.
_AMBIGUOUS = ("position", "reason", "attempts", "publisher")
