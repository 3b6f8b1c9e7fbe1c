"""The agents of a run: an observer at the hub, and publishers, each a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..agents.process import AgentProcess
from ..clock import Clock
from ..deploy.base import Deployment
from ..errors import LabError, NotReady
from ..model.scenario import Scenario
from ..store import RunFolder
from ..systems.base import System

OBSERVER = "observe"
_READY_S = 30.0
# Interpreters cost memory (about 45 MB each) and cores are few: sites share publisher processes.
_MOST_PUBLISHERS = 8
# After its last message a publisher still waits for answers, for as long as the system's own bounds say.
_STOP_S = 10.0


@dataclass(slots=True)
class Agents:
    """The agents of one run, in the order they were started."""

    observer: AgentProcess
    publishers: list[AgentProcess]

    def wait_ready(self) -> None:
        """Return once all are connected.

        Raises:
            LabError: one failed; the message says why.
        """
        for agent in (self.observer, *self.publishers):
            agent.wait_ready(_READY_S)

    def start(self, start_ns: int) -> None:
        """Let all begin at ``start_ns`` on the run's clock."""
        for agent in (self.observer, *self.publishers):
            agent.start(start_ns)

    def wait_published(self, tick: Callable[[], None], *, within_s: float, every_s: float = 0.1) -> None:
        """Return once every publisher has ended by itself; ``tick`` is called meanwhile.

        Raises:
            LabError: an agent died; told at once, whatever the others still have to do.
            NotReady: one still runs after ``within_s``.
        """
        end = time.monotonic() + within_s
        while running := [agent for agent in self.publishers if not _has_ended(agent)]:
            tick()
            if time.monotonic() >= end:
                raise NotReady(
                    f"agent {running[0].name} still publishes {within_s:.0f} s after the start; if that is right, "
                    "raise the scenario's drain_deadline_s"
                )
            time.sleep(every_s)

    def assert_observing(self) -> None:
        """Raise if the observer is gone: a drain that it does not watch would look as if nothing moved.

        Raises:
            LabError: it died, or ended before it was told to.
        """
        if self.observer.poll() is not None:
            self.observer.wait(0.0)
            raise LabError("the observer ended before the run did; see logs/agent-observe.log")

    def stop_observer(self) -> None:
        """End the observer and wait for it."""
        self.observer.stop()
        self.observer.wait(_STOP_S)

    def kill(self) -> None:
        """End whatever still runs, whatever state it is in."""
        for agent in (*self.publishers, self.observer):
            with suppress(LabError, OSError):
                agent.kill()


def _has_ended(agent: AgentProcess) -> bool:
    if agent.poll() is None:
        return False
    agent.wait(_STOP_S)
    return True


def spawn(
    scenario: Scenario, system: System, lab: Deployment, *, folder: RunFolder, clock: Clock, run_id: str
) -> Agents:
    """Start the observer and the publishers; they connect and wait for :meth:`Agents.start`."""
    indexed = [{"site": site, "index": i} for i, site in enumerate(scenario.sites)]

    def start(name: str, module: str, **part: Any) -> AgentProcess:
        spec = {
            "agent": name,
            "segment": str(folder.segment(name)),
            "journal": str(folder.journal(name)),
            "clock_offset_ns": clock.offset_ns,
            **part,
        }
        return AgentProcess.spawn(module, spec, folder=folder.path, run_id=run_id)

    watching = system.watching(lab)
    agents = Agents(start(OBSERVER, watching.module, sites=indexed, options=dict(watching.options)), [])
    try:
        for number, group in enumerate(_groups(scenario.sites)):
            sites = [_site_part(scenario, system, lab, scenario.sites.index(site)) for site in group]
            module = system.publishing(lab, group[0]).module
            agents.publishers.append(
                start(
                    f"publish-{number}",
                    module,
                    seed=scenario.seed,
                    arrival=scenario.workload.arrival,
                    duration_s=scenario.workload.duration_s,
                    sites=sites,
                )
            )
    except BaseException:
        agents.kill()
        raise
    return agents


def _groups(sites: tuple[str, ...]) -> list[tuple[str, ...]]:
    count = min(len(sites), _MOST_PUBLISHERS, os.cpu_count() or 1)
    return [sites[i::count] for i in range(count)]


def _site_part(scenario: Scenario, system: System, lab: Deployment, index: int) -> dict[str, Any]:
    site = scenario.sites[index]
    load = scenario.workload.of(site)
    return {
        "site": site,
        "index": index,
        "rate_hz": load.rate_hz,
        "size_bytes": load.size_bytes,
        "publishers": load.publishers,
        "options": dict(system.publishing(lab, site).options),
    }
