"""Plays one scenario and leaves its history behind; draws no conclusion from it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from ..clock import Clock
from ..deploy.base import Deployment, Runtime
from ..deploy.shield import shielded
from ..history import Journal
from ..model.measured import MeasuredWindow
from ..model.scenario import Scenario
from ..nemesis.injector import Injector
from ..store import RunFolder
from ..systems.base import System
from . import agents as agents_
from .counting import Counts
from .drain import Drained, drain
from .harvest import close_links, harvest
from .live import Reporter, Status
from .sampling import sampling

_LEAD_S = 0.5
"""From the moment all agents are told to the moment the first message is due."""


def new_run_id() -> str:
    """A name for what one run starts, unique on this machine: containers, networks and processes carry it."""
    return f"edgelab-{uuid.uuid4().hex[:10]}"


def play(
    scenario: Scenario, system: System, runtime: Runtime, folder: RunFolder, reporter: Reporter, *, run_id: str
) -> None:
    """Play ``scenario`` and write its history below ``folder``.

    Whatever happens (an error, Ctrl-C), faults are healed and everything started is taken down before this returns,
    and what was recorded until then stays.

    Raises:
        LabError: the lab failed; SystemUnderTestError: a broker did.
    """
    clock = Clock.start()
    meta = Meta(folder, clock, scenario, system)
    with ExitStack() as stack:
        reporter.phase(f"bringing up {scenario.system.name}: hub and {len(scenario.sites)} site(s), {runtime.name}")
        began_ns = clock.now_ns()
        lab = runtime.up(scenario.topology(), folder.path, run_id=run_id, progress=reporter.phase)
        stack.callback(_shielded, lab.down)
        meta.write(digests=dict(lab.digests()))
        reporter.phase("making streams or topics, waiting for every site's session")
        system.prepare(lab)
        meta.write(startup_s=(clock.now_ns() - began_ns) / 1e9)
        play_on(scenario, system, lab, folder, reporter, meta, run_id=run_id)


def play_on(
    scenario: Scenario,
    system: System,
    lab: Deployment,
    folder: RunFolder,
    reporter: Reporter,
    meta: Meta,
    *,
    run_id: str,
) -> None:
    """The part of :func:`play` between up and down."""
    clock = meta.clock
    with ExitStack() as stack:
        agents = agents_.spawn(scenario, system, lab, folder=folder, clock=clock, run_id=run_id)
        stack.callback(agents.kill)
        windows = Journal(folder.journal("windows"))
        stack.callback(windows.close)

        def record(window: MeasuredWindow) -> None:
            windows.write(**window.to_json())

        injector = Injector(lab, scenario.schedule, clock, record=record)
        stack.callback(_shielded, injector.heal)
        # From before the first message, so that idle and loaded can be told apart.
        samplers = stack.enter_context(sampling(lab, folder, clock))
        reporter.phase("probing every link")
        injector.arm()
        meta.write(round_trips_s=injector.round_trips_s)
        agents.wait_ready()
        counts = Counts([p.segment for p in agents.publishers], agents.observer.segment)

        start_ns = clock.now_ns() + int(_LEAD_S * 1e9)
        meta.write(start_ns=start_ns)
        agents.start(start_ns)
        injector.play(start_ns)
        samplers.usage.take()  # ends what counts as idle: nothing is due yet
        watch = _Watch(scenario, lab, injector, agents, counts, reporter, clock, start_ns)
        agents.wait_published(
            watch.publishing, within_s=_LEAD_S + scenario.workload.duration_s + scenario.drain_deadline_s
        )
        _wait_for_faults(injector, watch)
        meta.write(publish_end_ns=clock.now_ns())
        drained = drain(
            counts,
            clock,
            sites=len(scenario.sites),
            confirms=system.confirms,
            idle_s=system.drain_idle_s,
            deadline_s=scenario.drain_deadline_s,
            tick=watch.draining,
        )
        samplers.census.take()
        reporter.phase("closing every link")
        close_links(lab, folder)  # the observer still sees what had got through by then
        agents.stop_observer()
        meta.write(drain_end_ns=drained.end_ns, drain=_drain_json(drained))
        reporter.phase("reading the hub's store")
        read = harvest(scenario, system, lab, folder)
        # Taken last: wall time may have been stepped while the store was read, too.
        meta.write(**read, clock_drift_ns=clock.drift_ns())


class Meta:
    """``history/meta.json``: what the records need to be understood, rewritten as it becomes known."""

    def __init__(self, folder: RunFolder, clock: Clock, scenario: Scenario, system: System) -> None:
        self.clock = clock
        self._folder = folder
        self._known: dict[str, Any] = {
            "clock_offset_ns": clock.offset_ns,
            "sites": list(scenario.sites),
            "confirms": system.confirms,
        }
        self.write()

    def write(self, **more: Any) -> None:
        """Add what is known now."""
        self._known.update(more)
        self._folder.write_json("history/meta.json", self._known)


class _Watch:
    """Looks at the run a few times a second: is everything alive, and what should be shown?"""

    def __init__(
        self,
        scenario: Scenario,
        lab: Deployment,
        injector: Injector,
        agents: agents_.Agents,
        counts: Counts,
        reporter: Reporter,
        clock: Clock,
        start_ns: int,
    ) -> None:
        self._planned_s = max(scenario.workload.duration_s, scenario.schedule.end_s)
        self._lab = lab
        self._injector = injector
        self._agents = agents
        self._counts = counts
        self._reporter = reporter
        self._clock = clock
        self._start_ns = start_ns

    def publishing(self) -> None:
        """While messages are due."""
        self._counts.update()
        self._look("publishing")

    def draining(self) -> None:
        """While the backlog arrives."""
        self._look("draining")

    def _look(self, phase: str) -> None:
        self._lab.assert_alive()
        self._agents.assert_observing()
        if self._injector.error is not None:
            raise self._injector.error
        self._reporter.status(
            Status(
                phase=phase,
                elapsed_s=max(0.0, (self._clock.now_ns() - self._start_ns) / 1e9),
                planned_s=self._planned_s,
                attempted=self._counts.attempted,
                acknowledged=self._counts.acknowledged,
                stored=self._counts.stored,
                faults=self._injector.active(),
            )
        )


def _wait_for_faults(injector: Injector, watch: _Watch) -> None:
    while not injector.wait(0.1):
        watch.publishing()
    if injector.error is not None:
        raise injector.error


def _drain_json(drained: Drained) -> Mapping[str, Any]:
    return {"why": drained.why, "timed_out": drained.timed_out}


def _shielded(clean_up: Callable[[], None]) -> None:
    with shielded():
        clean_up()


__all__ = ["Meta", "new_run_id", "play", "play_on"]
