"""A scenario: one frozen value that says what is built, what goes wrong, what is sent, and what must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import SpecError
from . import validate
from .faults import ALL, Fault, Kill, describe
from .schedule import Schedule
from .topology import HUB, MOST_SITES, PROXY, Topology
from .workload import Workload

_PLANES = ("proxy", "process")
_MOST_MESSAGES = 1_000_000_000
_NOT_SITES = (HUB, PROXY, ALL)


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
        validate.name("name", self.name.replace("_", "-") if isinstance(self.name, str) else self.name)
        validate.integer("seed", self.seed, low=0, high=2**32 - 1)
        validate.number("drain_deadline_s", self.drain_deadline_s, low=1.0, high=24 * 3600.0)
        object.__setattr__(self, "sites", _checked_sites(self.sites))
        self._check_kinds()
        topology = self.topology()
        object.__setattr__(self, "schedule", self.schedule.resolved(self.sites, services=topology.breakable))
        self.workload.check_sites(self.sites)
        validate.number("messages (rate_hz x duration_s, of all sites)", self.messages, low=1, high=_MOST_MESSAGES)
        for window in self.schedule:
            _check_target(window.fault, topology)
            if window.start_s >= self.workload.duration_s:
                raise SpecError(
                    f"start_s of {describe(window.fault)} must be less than the workload's duration_s "
                    f"({self.workload.duration_s:g}), not {window.start_s:g}: nothing would be sent during it"
                )

    def _check_kinds(self) -> None:
        if isinstance(self.system, type) or not callable(getattr(self.system, "topology", None)):
            raise SpecError(f"system must be a system under test, such as NatsLeaf(), not {self.system!r}")
        validate.instance("workload", self.workload, Workload, "a Workload")
        validate.instance("schedule", self.schedule, Schedule, "a Schedule")
        object.__setattr__(self, "checks", validate.several("checks", self.checks, "several checks"))
        for check in self.checks:
            if isinstance(check, type) or not callable(getattr(check, "check", None)):
                raise SpecError(f"checks must hold checks, such as no_loss(), not {check!r}")

    def topology(self) -> Topology:
        """What the system builds for these sites."""
        return self.system.topology(self.sites)

    @property
    def messages(self) -> int:
        """How many are due, of all sites together."""
        return sum(int(self.workload.of(site).rate_hz * self.workload.duration_s) for site in self.sites)

    @property
    def planes(self) -> tuple[str, ...]:
        """The planes its faults are applied on, in order; ``("proxy",)`` without faults, for its links."""
        used = {window.fault.plane for window in self.schedule} or {"proxy"}
        return tuple(plane for plane in _PLANES if plane in used)


def _checked_sites(value: object) -> tuple[str, ...]:
    sites = validate.several("sites", value, "several names, such as ('site-1', 'site-2')")
    if not 1 <= len(sites) <= MOST_SITES:
        raise SpecError(f"sites must be 1 to {MOST_SITES} names, not {len(sites)}")
    for site in sites:
        validate.name("sites", site)
        if site in _NOT_SITES:
            raise SpecError(
                f"sites must not be called {', '.join(_NOT_SITES)} (they mean something else), not {site!r}"
            )
    return sites


def _check_target(fault: Fault, topology: Topology) -> None:
    if isinstance(fault, Kill):
        return
    for site in fault.targets:
        if not topology.links_of(site):
            raise SpecError(f"sites must name links that are there: {topology.name} has no link of {site!r}")
