"""The protocol of a system under test: how a site and hub are built, fed, watched and read back.

A system is a frozen value: its fields are the options that a user sets. Everything it says about a topology is pure;
what it does to a deployment is in the methods that take one. It never times anything: agents and stores do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pandas as pd

from ..deploy.base import Deployment
from ..history import SegmentWriter
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


@dataclass(frozen=True, slots=True)
class StoreState:
    """What a broker itself says of one of its stores.

    Attributes:
        place: ``"hub"`` or the site's name.
        store: name of the stream or topic.
        messages: how many it holds now.
        first_sequence / last_sequence: of what it holds; (0, 0) or (n + 1, n) when empty.
        limits: its limits and policies in the broker's words, for the causes of loss.
    """

    place: str
    store: str
    messages: int
    first_sequence: int
    last_sequence: int
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a site broker's log that matters.

    Attributes:
        t_ns: when the broker wrote it (wall time, Unix nanoseconds).
        kind: ``closed`` = the broker noticed that its session with the hub is gone; ``established`` = it has one
            again; ``dial`` = it tries an address; ``trouble`` = slow consumer, stale connection and the like.
        detail: the address dialed, the reason given.
    """

    t_ns: int
    kind: Literal["closed", "established", "dial", "trouble"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the causes of loss may be inferred from; all of it lies in the run folder.

    Attributes:
        windows: one row per measured fault window and site: ``site, fault, kind, start_ns, end_ns`` (run clock).
        log_events: per site, in order.
        stores: states of all stores when the drain ended.
        reasons: per ``(agent, number)``, the words of a failure.
    """

    windows: pd.DataFrame
    log_events: Mapping[str, tuple[LogEvent, ...]]
    stores: tuple[StoreState, ...]


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
        """How the observer follows the hub: PROGRESS, SESSION, BYTES and LAG records."""

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
        """What a site broker's log says about its session. Pure."""

    def causes(self, lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
        """Cause of each row of ``lost`` (columns as in the ledger); None where it cannot be told. Pure."""
