"""Schedules are ordered, seeded and pure, and refuse what cannot be."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelab.errors import SpecError
from edgelab.model.faults import Kill, Latency, Outage, Partition, Pause
from edgelab.model.schedule import Schedule, Window, flapping, once


def test_flapping_yields_exact_windows() -> None:
    windows = flapping(Outage("a"), at_s=1.0, on_s=2.0, off_s=3.0, times=3).windows

    assert [(w.start_s, w.end_s) for w in windows] == [(1.0, 3.0), (6.0, 8.0), (11.0, 13.0)]


@given(at=st.floats(0, 1000), on=st.floats(0.01, 100), off=st.floats(0.01, 100), times=st.integers(1, 40))
def test_flapping_windows_are_ordered_and_disjoint(at: float, on: float, off: float, times: int) -> None:
    windows = flapping(Outage("a"), at_s=at, on_s=on, off_s=off, times=times).windows

    assert len(windows) == times
    assert all(a.end_s < b.start_s for a, b in itertools.pairwise(windows))


def test_windows_are_kept_in_order_of_their_start() -> None:
    late, early = Window(9, 10, Outage("a")), Window(1, 2, Outage("a"))

    assert Schedule((late, early)).windows == (early, late)


def test_all_becomes_the_sites_names() -> None:
    schedule = once(Outage(kind="cut"), at_s=1, for_s=2).resolved(("a", "b"))

    assert schedule.windows[0].fault.targets == ("a", "b")


@pytest.mark.parametrize(
    "second",
    [
        Window(5, 15, Partition(("a", "b"), kind="cut")),
        Window(9.9, 11, Outage(kind="cut")),
    ],
)
def test_doing_the_same_thing_to_one_link_twice_at_once_is_refused(second: Window) -> None:
    with pytest.raises(SpecError, match=r"must not do the same thing to one target twice at once: Outage cut of a"):
        Schedule((Window(0, 10, Outage("a", kind="cut")), second))


def test_different_faults_and_different_sites_may_overlap() -> None:
    Schedule(
        (
            Window(0, 10, Outage("a", kind="cut")),
            Window(5, 15, Outage("a", kind="stall")),
            Window(5, 15, Outage("b", kind="cut")),
            Window(2, 3, Latency("a", one_way_s=0.1)),
            Window(10, 12, Outage("a", kind="cut")),
        )
    )


def test_a_dead_process_cannot_be_paused() -> None:
    with pytest.raises(SpecError, match="Kill of hub"):
        Schedule((Window(0, 10, Kill("hub")), Window(5, 6, Pause("hub"))))


@pytest.mark.parametrize(("start", "end"), [(2, 2), (3, 1)])
def test_a_window_must_have_length(start: float, end: float) -> None:
    with pytest.raises(SpecError, match="end_s must be more than start_s"):
        Window(start, end, Outage())


def test_a_site_that_is_not_there_is_refused() -> None:
    with pytest.raises(SpecError, match=r"sites must name links that are there \(a, b\), not 'c'"):
        once(Outage("c"), at_s=0, for_s=1).resolved(("a", "b"))


def test_a_fault_of_a_service_that_does_not_run_is_refused() -> None:
    kill = once(Kill("a-mirror"), at_s=0, for_s=1)

    assert kill.resolved(("a",), services=("hub", "a", "a-mirror")) == kill
    with pytest.raises(SpecError, match=r"service must be one that runs \(hub, a\), not 'a-mirror'"):
        kill.resolved(("a",), services=("hub", "a"))
