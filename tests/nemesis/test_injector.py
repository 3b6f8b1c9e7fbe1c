"""Schedules played against real links: times, skew, overlap, probes, stopping and healing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edgelab.clock import Clock
from edgelab.errors import FaultError, SpecError
from edgelab.model.faults import Fault, Kill, Latency, Outage, Partition, Pause, Throttle
from edgelab.model.measured import MeasuredWindow
from edgelab.model.schedule import Schedule, Window, flapping, once
from edgelab.model.topology import PROXY
from edgelab.nemesis.injector import Injector
from edgelab.nemesis.probe import link_door, round_trips

pytestmark = pytest.mark.process
NOTHING = Schedule()


class Play:
    """An injector on a bench, and what it recorded."""

    def __init__(self, bench: Any, schedule: Schedule) -> None:
        self.bench = bench
        self.clock = Clock.start()
        self.recorded: list[MeasuredWindow] = []
        self.injector = Injector(bench, schedule, self.clock, record=self.recorded.append)

    def through(self) -> tuple[MeasuredWindow, ...]:
        """Play to the end."""
        self.start()
        assert self.injector.wait(60)
        assert self.injector.error is None
        return self.injector.windows

    def start(self) -> int:
        self.injector.arm()
        start_ns = self.clock.now_ns() + 300_000_000
        self.injector.play(start_ns)
        return start_ns

    def works(self, site: str = "site-1") -> bool:
        link = next(x for x in self.bench.topology.links if x.name == site)
        return bool(round_trips(self.bench, link, 1))


@pytest.fixture
def play() -> Iterator[Callable[..., Play]]:
    made: list[Play] = []

    def make(bench: Any, schedule: Schedule | Fault = NOTHING) -> Play:
        if not isinstance(schedule, Schedule):
            schedule = once(schedule, at_s=0.2, for_s=1.2)
        made.append(Play(bench, schedule))
        return made[-1]

    yield make
    for one in made:
        one.injector.heal()


@pytest.mark.parametrize(
    "fault",
    [
        Outage("site-1"),
        Outage("site-1", direction="up"),
        Outage("site-1", direction="down"),
        Outage("site-1", kind="cut"),
        Outage("site-1", kind="silent"),
        Outage("site-1", kind="silent", direction="up"),
        Outage("site-1", kind="silent", direction="down"),
        Latency("site-1", one_way_s=0.05),
        Latency("site-1", one_way_s=0.1, jitter_s=0.02, direction="down"),
        Throttle("site-1", rate_bps=64e3),
        Kill("hub"),
        Pause("hub"),
    ],
    ids=lambda fault: f"{type(fault).__name__}-{getattr(fault, 'kind', '')}-{getattr(fault, 'direction', '')}",
)
@pytest.mark.parametrize("dialed_by", ["site", "hub"])
def test_each_fault_is_seen_to_bite_and_to_clear(
    make_bench: Callable[..., Any], play: Callable[..., Play], fault: Fault, dialed_by: str
) -> None:
    (window,) = play(make_bench(1, dialed_by=dialed_by), fault).through()

    assert (window.bit, window.cleared) == (True, True), window.evidence
    assert window.start_ns is not None
    assert window.end_ns is not None
    assert window.start_ns >= window.planned_start_ns
    assert window.end_ns >= window.planned_end_ns
    assert window.end_ns - window.start_ns < 2_000_000_000


def test_a_rate_too_fast_to_time_is_taken_on_toxiproxys_word_and_said_to_be_so(
    bench: Any, play: Callable[..., Play]
) -> None:
    (window,) = play(bench, Throttle("site-1", rate_bps=80e6)).through()

    assert (window.bit, window.cleared) == (True, True)
    assert "too short to tell this rate; Toxiproxy says that it is in force" in window.evidence


@pytest.mark.parametrize(
    "fault", [Outage("site-1"), Latency("site-1", one_way_s=0.05), Throttle("site-1", rate_bps=8e4)]
)
def test_a_fault_that_does_not_bite_is_recorded_as_that(bench: Any, play: Callable[..., Play], fault: Fault) -> None:
    one = play(bench, fault)
    switch = one.injector._plane.switch

    def switch_and_undo(**changes: Any) -> Any:
        calls = switch(**changes)
        one.injector._plane.heal()
        return calls

    one.injector._plane.switch = switch_and_undo  # type: ignore[method-assign]

    (window,) = one.through()

    assert (window.bit, window.cleared) == (False, True), window.evidence


def test_a_fault_that_does_not_clear_is_recorded_as_that(
    bench: Any, play: Callable[..., Play], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgelab.nemesis.confirm._LINK_BACK_S", 0.5)
    one = play(bench, Outage("site-1"))
    switch = one.injector._plane.switch

    def switch_on_only(*, on: Any = (), off: Any = ()) -> Any:
        assert not (on and off)
        return switch(on=on)

    one.injector._plane.switch = switch_on_only  # type: ignore[method-assign]

    (window,) = one.through()

    assert (window.bit, window.cleared) == (True, False), window.evidence


def test_a_partition_of_fifty_links_begins_and_ends_on_all_of_them_together(
    make_bench: Callable[..., Any], play: Callable[..., Play]
) -> None:
    bench = make_bench(50)
    schedule = once(Partition(), at_s=0.2, for_s=1.5) + once(Partition(kind="cut"), at_s=2.5, for_s=1.0)

    windows = play(bench, schedule).through()

    assert len(windows) == 100
    for number, kind in enumerate(("stall", "cut")):
        mine = [w for w in windows if w.window == number]
        starts = [(w.start_ns or 0) - w.planned_start_ns for w in mine]
        ends = [(w.end_ns or 0) - w.planned_end_ns for w in mine]
        cleared = [e + w.clear_call_ns for e, w in zip(ends, mine, strict=True)]
        report = {
            name: f"{min(v) / 1e6:.1f} to {max(v) / 1e6:.1f}"
            for name, v in (("applied", starts), ("clearing", ends), ("cleared", cleared))
        }
        print(f"\n50 links, {kind}: ms after plan: {report}")  # noqa: T201 - a figure to look at
        assert [w.target for w in mine if w.bit is not True or w.cleared is not True] == []
        assert max(starts) - min(starts) < 100_000_000
        assert max(cleared) - min(cleared) < 100_000_000


def test_overlapping_faults_clear_one_by_one(bench: Any, play: Callable[..., Play]) -> None:
    windows = (
        Window(0.1, 1.6, Outage("site-1")),
        Window(0.6, 1.1, Outage("site-1", kind="cut")),
        Window(0.6, 2.6, Latency("site-1", one_way_s=0.05)),
        Window(0.8, 2.0, Outage("site-1", kind="silent", direction="up")),
    )

    found = play(bench, Schedule(windows)).through()

    assert [w.bit for w in found] == [True, True, True, True], [w.evidence for w in found]
    assert [w.cleared for w in found] == [True, True, True, True], [w.evidence for w in found]
    for measured, planned in zip(found, windows, strict=True):
        assert abs((measured.end_ns or 0) - (measured.start_ns or 0) - planned.length_s * 1e9) < 200e6


def test_what_two_faults_both_want_holds_until_the_second_ends(bench: Any, play: Callable[..., Play]) -> None:
    first, second = Window(0.1, 0.9, Outage("site-1", direction="up")), Window(0.5, 1.5, Outage("site-1"))
    one = play(bench, Schedule((first, second)))
    start_ns = one.start()

    one.clock.sleep_until(start_ns + 1_150_000_000)
    with pytest.raises(FaultError):
        round_trips(bench, bench.topology.links[0], 1, timeout_s=0.2)

    assert one.injector.wait(20)
    assert [w.cleared for w in one.injector.windows] == [True, True]
    assert "another fault" in one.injector.windows[0].evidence


def test_flapping_faults_are_measured_one_by_one(bench: Any, play: Callable[..., Play]) -> None:
    schedule = flapping(Outage("site-1", kind="silent"), at_s=0.1, on_s=0.4, off_s=0.3, times=4)

    found = play(bench, schedule).through()

    assert [w.bit for w in found] == [True] * 4, [w.evidence for w in found]
    assert all(0.35e9 < (w.end_ns or 0) - (w.start_ns or 0) < 0.6e9 for w in found)


def test_a_window_with_no_time_to_probe_is_recorded_and_not_said_to_have_bitten(
    bench: Any, play: Callable[..., Play]
) -> None:
    (window,) = play(bench, once(Outage("site-1"), at_s=0.1, for_s=0.05)).through()

    assert (window.bit, window.cleared) == (None, True)
    assert "no time to probe" in window.evidence


def test_stopping_in_the_middle_ends_what_is_in_force_and_plays_no_further(
    bench: Any, play: Callable[..., Play]
) -> None:
    one = play(bench, once(Outage("site-1"), at_s=0.1, for_s=30) + once(Kill("hub"), at_s=20, for_s=1))
    start_ns = one.start()
    one.clock.sleep_until(start_ns + 500_000_000)
    assert one.injector.active() == ("Outage stall of site-1",)

    one.injector.stop()

    stopped_ns = one.clock.now_ns()
    assert one.injector.wait(20)
    assert one.injector.active() == ()
    first, second = one.injector.windows
    assert first.end_ns is not None
    assert first.end_ns <= stopped_ns < first.planned_end_ns
    assert first.cleared is True
    assert (second.start_ns, second.end_ns) == (None, None)
    assert one.works()


def test_healing_clears_what_anybody_did_and_records_no_more(bench: Any, play: Callable[..., Play]) -> None:
    one = play(bench, Outage("site-1", kind="silent"))
    start_ns = one.start()
    one.clock.sleep_until(start_ns + 500_000_000)
    one.injector._plane._consumer.post("/proxies/site-1", json={"enabled": False})

    one.injector.heal()

    count = len(one.recorded)
    one.injector.heal()
    assert one.works()
    time.sleep(0.3)
    assert len(one.recorded) == count
    assert one.recorded[-1].end_ns is not None
    with pytest.raises(FaultError, match="has healed"):
        one.injector.apply(Outage())


def test_an_error_in_the_thread_is_kept_and_everything_is_cleared(
    bench: Any, play: Callable[..., Play], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = play(bench, once(Outage("site-1"), at_s=0.1, for_s=30) + once(Kill("hub"), at_s=0.4, for_s=1))

    def refuse(_service: str) -> None:
        raise FaultError("no such thing")

    monkeypatch.setattr(bench, "kill", refuse)
    one.start()
    assert not one.injector.wait(0.2)
    one.injector.wait(0.8)
    one.injector.stop()

    assert "no such thing" in str(one.injector.error)
    assert one.injector.active() == ()
    assert one.works()


def test_a_fault_by_hand_holds_until_it_is_cleared_by_hand(
    make_bench: Callable[..., Any], play: Callable[..., Play]
) -> None:
    one = play(make_bench(2))

    handle = one.injector.apply(Outage("site-2", kind="cut"))
    assert one.injector.active() == ("Outage cut of site-2",)
    with pytest.raises(FaultError, match="refused"):
        one.works("site-2")
    assert one.works("site-1")
    one.injector.clear(handle)
    one.injector.clear(handle)

    assert one.works("site-2")
    assert one.injector.wait(20)
    (window,) = one.injector.windows
    assert (window.window, window.target, window.bit, window.cleared) == (0, "site-2", True, True)
    assert window.planned_end_ns > window.planned_start_ns


def test_faults_by_hand_overlap_and_a_stall_stays_in_front_of_what_comes_after(
    bench: Any, play: Callable[..., Play]
) -> None:
    one = play(bench)
    stall = one.injector.apply(Outage())
    sink_link = link_door(bench, bench.topology.links[0])
    delay = one.injector.apply(Latency(one_way_s=0.05))
    one.injector.clear(delay)
    with pytest.raises(FaultError):
        round_trips(bench, bench.topology.links[0], 1, timeout_s=0.2)
    one.injector.clear(stall)

    assert sink_link.tells
    assert one.works()
    with pytest.raises(SpecError, match=r"rate_bps must be at least .*, not 16000"):
        one.injector.apply(Throttle(rate_bps=16e3))


def test_a_name_that_is_not_there_is_refused_at_once(bench: Any, play: Callable[..., Play]) -> None:
    with pytest.raises(SpecError, match="site-9"):
        play(bench, Outage("site-9"))
    with pytest.raises(SpecError, match=r"service must be one that runs \(hub\), not 'nobody'"):
        play(bench).injector.apply(Kill("nobody"))


def test_a_link_that_does_not_work_before_any_fault_is_no_start(bench: Any, play: Callable[..., Play]) -> None:
    bench.hub.die()

    with pytest.raises(FaultError, match="a probe before any fault was closed"):
        play(bench, Outage("site-1")).injector.arm()


def test_a_slow_process_fault_delays_no_other_window(
    bench: Any, play: Callable[..., Play], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(bench, "kill", lambda _service: release.wait(10))
    monkeypatch.setattr(bench, "start", lambda _service: None)
    one = play(bench, once(Kill("hub"), at_s=0.1, for_s=2) + once(Outage("site-1"), at_s=0.3, for_s=0.5))
    start_ns = one.start()
    one.clock.sleep_until(start_ns + 1_200_000_000)

    _, outage = one.injector.windows
    release.set()

    assert outage.start_ns is not None
    assert outage.start_ns - outage.planned_start_ns < 200_000_000
    assert one.injector.wait(20)


def test_round_trips_are_those_of_the_link(make_bench: Callable[..., Any], play: Callable[..., Play]) -> None:
    bench = make_bench(2)
    one = play(bench)
    one.injector.arm()

    assert {name: len(times) for name, times in one.injector.round_trips_s.items()} == {"site-1": 3, "site-2": 3}
    assert all(sent == 18 and received > 1800 for sent, received in one.injector.probe_bytes.values())
    handle = one.injector.apply(Latency("site-2", one_way_s=0.03))
    assert min(round_trips(bench, bench.topology.links[1], 3)) > 0.055
    assert bench.address(PROXY, "link-site-2") == link_door(bench, bench.topology.links[1]).address
    one.injector.clear(handle)
