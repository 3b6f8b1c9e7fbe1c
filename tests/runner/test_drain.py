"""A drain ends on a predicate, and says which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgelab.clock import Clock
from edgelab.history import Kind, Outcome, SegmentWriter
from edgelab.runner.counting import Counts
from edgelab.runner.drain import Drained, drain


@dataclass
class Stage:
    """Segments that a test writes while the drain looks at them, and a time that passes only when it sleeps."""

    folder: Path
    now_s: float = 0.0
    at: dict[float, Callable[[], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.published = SegmentWriter(self.folder / "publish-0.seg", "publish-0")
        self.observed = SegmentWriter(self.folder / "observe.seg", "observe")

    def acknowledge(self, count: int) -> None:
        for i in range(count):
            self.published.append(Kind.INVOKE, 1, sequence=i)
            self.published.append(Kind.OUTCOME, 2, sequence=i, code=Outcome.ACKNOWLEDGED)

    def store(self, count: int) -> None:
        self.observed.append(Kind.PROGRESS, 1, value=count, position=count)

    def lag(self, site: int, behind: int, *, heard: bool = True) -> None:
        self.observed.append(Kind.LAG, 1, site=site, value=behind, code=int(heard))

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        for moment in [m for m in self.at if m <= self.now_s]:
            self.at.pop(moment)()

    def drain(
        self, *, sites: int = 1, confirms: bool = True, idle_s: float = 30.0, deadline_s: float = 100.0
    ) -> Drained:
        counts = Counts([self.published.path], self.observed.path)
        return drain(
            counts, Clock(0), sites=sites, confirms=confirms, idle_s=idle_s, deadline_s=deadline_s, tick=lambda: None
        )


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path)
    monkeypatch.setattr("edgelab.runner.drain.time.monotonic", lambda: made.now_s)
    monkeypatch.setattr("edgelab.runner.drain.time.sleep", made.sleep)
    return made


def test_it_ends_as_soon_as_everything_acknowledged_is_at_the_hub(stage: Stage) -> None:
    stage.acknowledge(10)
    stage.store(4)
    stage.lag(0, 6)

    def arrive() -> None:
        stage.store(10)
        stage.lag(0, 0)

    stage.at[5.0] = arrive
    drained = stage.drain()

    assert drained.why == "everything acknowledged is at the hub"
    assert 5.0 <= stage.now_s < 5.5


def test_a_pause_of_the_broker_is_not_its_end(stage: Stage) -> None:
    stage.acknowledge(10)
    stage.store(4)
    stage.lag(0, 6, heard=False)

    def arrive() -> None:
        stage.store(10)
        stage.lag(0, 0)

    stage.at[25.0] = arrive
    stage.drain(idle_s=30.0)

    assert 25.0 <= stage.now_s < 25.5


def test_what_is_nowhere_is_not_waited_for(stage: Stage) -> None:
    stage.acknowledge(10)
    stage.store(7)
    stage.lag(0, 0)
    stage.at[1.0] = lambda: stage.lag(0, 0)

    drained = stage.drain()

    assert "behind no site" in drained.why
    assert stage.now_s < 3.0


def test_what_the_observer_said_before_the_hub_died_does_not_end_a_drain(stage: Stage) -> None:
    stage.acknowledge(10)
    stage.store(7)
    stage.lag(0, 0)

    def come_back() -> None:
        stage.store(10)
        stage.lag(0, 0)

    stage.at[6.0] = come_back
    drained = stage.drain()

    assert drained.why == "everything acknowledged is at the hub"
    assert stage.now_s >= 6.0


def test_duplicates_do_not_stand_in_for_messages_a_site_still_holds(stage: Stage) -> None:
    stage.acknowledge(10)
    stage.store(12)
    stage.lag(0, 3)

    drained = stage.drain(deadline_s=20.0)

    assert drained.timed_out
    assert drained.why == "the deadline of 20 s passed"


def test_a_site_that_was_not_heard_of_is_waited_for(stage: Stage) -> None:
    stage.acknowledge(10)
    stage.store(10)
    stage.lag(0, 0)

    drained = stage.drain(sites=2, idle_s=8.0)

    assert drained.why == "nothing moved at the hub for 8 s"


def test_without_confirmations_it_ends_when_nothing_moves(stage: Stage) -> None:
    stage.acknowledge(10)
    stage.store(3)

    drained = stage.drain(confirms=False, idle_s=2.0)

    assert drained.why == "nothing moved at the hub for 2 s"
    assert 2.0 <= stage.now_s < 2.5


def test_where_the_hub_itself_confirms_there_is_nothing_to_be_behind_with(stage: Stage) -> None:
    stage.acknowledge(10)
    stage.store(10)

    assert stage.drain(idle_s=60.0).why == "everything acknowledged is at the hub"
