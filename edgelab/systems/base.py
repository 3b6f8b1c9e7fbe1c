"""The protocol of a system under test: how a site and hub are built, fed, watched and read back.

A system is a frozen value: its fields are the options that a user sets. Everything it says about a topology is pure;
what it does to a deployment is in the methods that take one. It never times anything: agents and stores do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from ..deploy.base import Deployment
from ..history import SegmentWriter
from ..model.measured import Evidence, LogEvent, StoreState
from ..model.topology import Topology


@dataclass(frozen=True, slots=True)
class AgentPart:
    """What an agent needs to know of a system: which client to use, and where.

    Attributes:
        module: the agent's module below :mod:`edgelab.agents`, as in ``python -m edgelab.agents.MODULE``.
        options: JSON values for it.
    """

    module: str
    options: Mapping[str, Any] = field(default_factory=dict)


class System(Protocol):
    """One system under test."""

    @property
    def name(self) -> str:
        """``"nats-leaf"``: what the command line and results call it."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Version of each program it needs, ``{"nats-server": "2.10.12", …}``, without Toxiproxy's."""

    @property
    def confirms(self) -> bool:
        """Whether a publish is answered. Where not, every outcome is *unknown*, and none is owed."""

    @property
    def drain_idle_s(self) -> float:
        """How long nothing may move at the hub before a drain is given up: longer than the broker's own pauses."""

    def topology(self, sites: tuple[str, ...]) -> Topology:
        """Hub, site brokers, links."""

    def prepare(self, lab: Deployment) -> None:
        """Make streams or topics; return once every site's session with the hub is up and flows.

        Raises:
            NotReady: a session did not come up in time; the message says which and what was last seen.
            SystemUnderTestError: the broker refused a request.
        """

    def publishing(self, lab: Deployment, site: str) -> AgentPart:
        """How a publisher of ``site`` connects and publishes."""

    def watching(self, lab: Deployment) -> AgentPart:
        """How the observer follows the hub: PROGRESS and SESSION records; LAG and BYTES where the hub tells them."""

    def read_hub(self, lab: Deployment, writer: SegmentWriter) -> tuple[StoreState, ...]:
        """Append a STORED record for every copy the hub holds; return the state of each of its stores.

        ``STORED.t_ns`` is when the hub stored it by the hub's own stamp, or 0 where the hub keeps the site's stamp
        (the analysis then takes it from PROGRESS).
        """

    def read_site(self, lab: Deployment, site: str, writer: SegmentWriter) -> tuple[StoreState, ...]:
        """Append a HELD record for every message that ``site``'s store holds; nothing where there is no store."""

    def hub_count(self, lab: Deployment) -> int:
        """Messages at the hub by another way than :meth:`read_hub`'s: the independent count."""

    def log_events(self, lines: Iterable[str]) -> Iterator[LogEvent]:
        """What the log of a site's service says about the session with the hub; nothing where it keeps none. Pure."""

    def allowed_dials(self, lab: Deployment, site: str) -> frozenset[str]:
        """The addresses (``host:port``, as logs write them) that the services of ``site`` may dial: its own links.

        A ``dial`` event to any other address means that the link was gone round, and the run is void.
        """

    def causes(self, lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
        """Cause of each row of ``lost``; None where it cannot be told, which counts as *unexplained*. Pure.

        ``lost`` has the ledger's columns ``site`` (name), ``sequence``, ``intended_ns``, ``sent_ns``, ``outcome``
        (``acknowledged``, ``failed``, ``unknown``), ``acknowledged_ns``, and three more: ``publisher`` (its number
        within the site), ``position`` (sequence in the store that confirmed it, 0 for none) and ``reason`` (the words
        of a failure, or None).
        """

    def remarks(self, windows: pd.DataFrame, evidence: Evidence) -> tuple[str, ...]:
        """What one must know of the system to understand these recoveries, in sentences; nothing if nothing. Pure.

        ``windows`` has a row per fault window and site: ``site`` (name), ``fault``, ``kind``, ``start_s``, ``end_s``,
        ``detect_s``, ``reconnect_s``, ``resume_s``, ``sync_s``, missing where a phase did not happen.
        ``evidence``: what logs and stores said.
        """
