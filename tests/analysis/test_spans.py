from __future__ import annotations

import numpy as np
import pytest

from edgelab.analysis.spans import PHASES, by_site, merged, phases
from edgelab.analysis.testing import Story, at


def _phases_at(story: Story, *seconds: float, site: str = "site-1") -> list[tuple[str, int]]:
    spans = by_site(story.facts())[site]
    codes, windows = phases(np.array([at(s) for s in seconds]), spans)
    return [(PHASES[code], int(window)) for code, window in zip(codes, windows, strict=True)]


def test_before_during_and_after_one_window() -> None:
    story = Story()
    story.fault(10.0, 20.0)

    assert _phases_at(story, 9.9, 10.0, 19.9, 20.0, 99.0) == [
        ("before", 0), ("during", 0), ("during", 0), ("after", 0), ("after", 0),
    ]  # fmt: skip


def test_the_fault_may_have_held_while_the_call_that_applied_it_ran() -> None:
    story = Story()
    story.fault(10.0, 20.0, apply_call_ns=50_000_000)

    assert _phases_at(story, 9.94, 9.96) == [("before", 0), ("during", 0)]


def test_after_counts_to_the_window_that_ended_last_until_the_next_begins() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    story.fault(30.0, 40.0)

    assert _phases_at(story, 5.0, 25.0, 35.0, 45.0) == [("before", 0), ("after", 0), ("during", 1), ("after", 1)]


def test_during_overlapping_windows_counts_to_the_one_that_began_last() -> None:
    story = Story()
    story.fault(10.0, 40.0)
    story.fault(20.0, 30.0)

    assert _phases_at(story, 15.0, 25.0, 35.0, 45.0) == [("during", 0), ("during", 1), ("during", 0), ("after", 0)]


def test_a_site_without_a_fault_is_undisturbed() -> None:
    story = Story(sites=("site-1", "site-2"))
    story.fault(10.0, 20.0, site="site-1")

    assert _phases_at(story, 5.0, 15.0, 25.0, site="site-2") == [("before", -1)] * 3


def test_a_fault_of_the_hub_is_every_sites() -> None:
    story = Story(sites=("site-1", "site-2"))
    story.fault(10.0, 20.0, site=None)

    assert _phases_at(story, 15.0, site="site-1") == _phases_at(story, 15.0, site="site-2") == [("during", 0)]


def test_a_fault_that_never_cleared_holds_to_the_end() -> None:
    story = Story()
    story.fault(10.0, 20.0, end_ns=None, cleared=None)

    assert _phases_at(story, 15.0, 500.0) == [("during", 0), ("during", 0)]


def test_a_fault_that_was_never_applied_makes_no_phase() -> None:
    story = Story()
    story.fault(10.0, 20.0, start_ns=None, end_ns=None, bit=None)

    assert _phases_at(story, 15.0) == [("before", -1)]


def test_links_of_one_window_become_one_span_from_first_start_to_last_end() -> None:
    story = Story()
    story.fault(10.0, 20.0, window=0, target="a")
    story.fault(10.2, 20.3, window=0, target="b")

    span = merged(story.windows)

    assert (span.start_ns, span.end_ns, span.bit, span.cleared) == (at(10.0), at(20.3), True, True)


@pytest.mark.parametrize(
    ("first", "second", "both"), [(True, True, True), (True, None, None), (None, False, False), (True, False, False)]
)
def test_one_link_on_which_it_did_not_bite_is_enough(
    *, first: bool | None, second: bool | None, both: bool | None
) -> None:
    story = Story()
    story.fault(10.0, 20.0, window=0, target="a", bit=first)
    story.fault(10.0, 20.0, window=0, target="b", bit=second)

    assert merged(story.windows).bit is both
