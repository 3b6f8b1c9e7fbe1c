"""A scenario: one frozen value that says what is built, what goes wrong, what is sent, and what must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import SpecError
from . import validate
from .faults import Fault, Kill, describe
from .schedule import Schedule
from .topology import Topology
from .workload import Workload

_PLANES = ("proxy", "process")


class SystemUnderTest(Protocol):
    """As much of a system as a scenario needs to be checked; :class:`edgelab.systems.base.System` is the whole."""

    @property
    def name(self) -> str:
        """What results call it."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Version of each program it needs."""

    def topology(self, sites: tuple[str, ...]) -> Topology:
        """Hub, site brokers, links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """System x links x schedule x workload x checks.

    Everything is checked here, before anything starts.

    Attributes:
        name: what the run folder and the report call it.
        system: the system under test, with its options.
        sites: names of the sites; see :func:`edgelab.model.topology.site_names`.
        workload: what is published, from second 0.
        schedule: what goes wrong; ``"all"`` is replaced by the sites' names.
        checks: what must hold beyond what every run checks of itself (values of :mod:`edgelab.analysis.checks`).
        seed: of everything random.
        drain_deadline_s: how long after the last message (and the last fault) the hub may take to get what it
            is owed; what is still at a site then is *stranded*.

    Raises:
        SpecError: any part that cannot be, alone or with the others.
    """

    name: str
    system: SystemUnderTest
    sites: tuple[str, ...]
    workload: Workload
    schedule: Schedule = field(default_factory=Schedule)
    checks: tuple[Any, ...] = ()
    seed: int = 1
    drain_deadline_s: float = 300.0

    def __post_init__(self) -> None:
        validate.name("name", self.name.replace("_", "-"))
        validate.integer("seed", self.seed, low=0, high=2**32 - 1)
        validate.number("drain_deadline_s", self.drain_deadline_s, low=1.0, high=24 * 3600.0)
        object.__setattr__(self, "sites", tuple(self.sites))
        topology = self.topology()
        object.__setattr__(self, "schedule", self.schedule.resolved(self.sites, services=topology.breakable))
        self.workload.check_sites(self.sites)
        for window in self.schedule:
            _check_target(window.fault, topology)
            if window.start_s >= self.workload.duration_s:
                raise SpecError(
                    f"start_s of {describe(window.fault)} must be less than the workload's duration_s "
                    f"({self.workload.duration_s:g}), not {window.start_s:g}: nothing would be sent during it"
                )

    def topology(self) -> Topology:
        """What the system builds for these sites."""
        return self.system.topology(self.sites)

    @property
    def planes(self) -> tuple[str, ...]:
        """The planes its faults are applied on, in order; ``("proxy",)`` without faults, for its links."""
        used = {window.fault.plane for window in self.schedule} or {"proxy"}
        return tuple(plane for plane in _PLANES if plane in used)


def _check_target(fault: Fault, topology: Topology) -> None:
    if isinstance(fault, Kill):
        return
    for site in fault.targets:
        if not topology.links_of(site):
            raise SpecError(f"sites must name links that are there: {topology.name} has no link of {site!r}")
