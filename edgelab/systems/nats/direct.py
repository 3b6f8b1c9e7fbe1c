"""``nats-direct``: the client publishes across the link into the hub's store, and tries again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from ...deploy.base import Address, Deployment
from ...errors import SpecError
from ...model import validate
from ...model.measured import Evidence
from ...model.topology import PROXY, Topology, assemble
from ..base import AgentPart
from . import causes, common, control, door
from .recorder import RECORDER, Recorded, make_recorder, subscribed_at_sites

Via = Literal["client", "leaf"]
_LONGEST_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsDirect(Recorded):
    """No store at the site: each message is published into the hub's stream, with ``Nats-Msg-Id`` and retries.

    A publish is acknowledged by the hub. One whose answer was lost is sent again, and the hub drops the copy as
    long as it remembers the id.

    Attributes:
        via: ``"client"``: publishers connect through the link to the hub, no broker at the site; ``"leaf"``: they
            connect to a leaf without a store, which carries the publish to the hub and the answer back.
        attempts: how often one message is tried.
        ack_timeout_s: how long one attempt waits for its answer, seconds.
        backoff_s: pause between two attempts, seconds.
        duplicate_window_s: for how long the hub's stream remembers an id; None: the broker's own (2 min).
        in_flight_max: messages of one publisher that may wait for an answer.
    """

    via: Via = "client"
    attempts: int = 60
    ack_timeout_s: float = 1.0
    backoff_s: float = 0.25
    duplicate_window_s: float | None = None
    in_flight_max: int = 4096

    def __post_init__(self) -> None:
        validate.one_of("via", self.via, get_args(Via))
        self._check_brokers(store=False, leaves=self._has_leaves)
        validate.integer("attempts", self.attempts, low=1, high=10_000)
        validate.number("ack_timeout_s", self.ack_timeout_s, low=0.01, high=3600.0)
        validate.number("backoff_s", self.backoff_s, low=0.001, high=3600.0)
        if self.duplicate_window_s is not None:
            validate.number("duplicate_window_s", self.duplicate_window_s, low=0.1, high=_LONGEST_S)
        validate.integer("in_flight_max", self.in_flight_max, low=1, high=1_000_000)
        if not self._has_leaves:
            for field, unset in (("reconnect_s", None), ("extra_site_config", ""), ("site_config", None)):
                if getattr(self, field) != unset:
                    raise SpecError(f"{field} must not be set with via='client': there is no broker at the site")

    @property
    def name(self) -> str:
        return "nats-direct"

    @property
    def confirms(self) -> bool:
        return True

    @property
    def drain_idle_s(self) -> float:
        # Publishers end with an answer for each message; nothing is on its way after that.
        return 5.0

    def topology(self, sites: tuple[str, ...]) -> Topology:
        brokers = (self._site(site, store=False) for site in sites) if self._has_leaves else ()
        port = common.LEAF if self._has_leaves else common.CLIENT
        return assemble(
            self.name,
            sites=sites,
            services=(self._hub(sites, leaves=self._has_leaves), *brokers),
            links=(common.link(site, port) for site in sites),
        )

    def prepare(self, lab: Deployment) -> None:
        door.run(self._prepare(lab))

    def publishing(self, lab: Deployment, site: str) -> AgentPart:
        near = lab.address(site, common.CLIENT) if self._has_leaves else _through_link(lab, site)
        return AgentPart(
            "publish_nats",
            {
                "address": str(near),
                "subject": common.subject_of(site),
                "mode": "stream",
                "msg_id": True,
                "attempts": self.attempts,
                "ack_timeout_s": self.ack_timeout_s,
                "backoff_s": self.backoff_s,
                "in_flight_max": self.in_flight_max,
            },
        )

    def watching(self, lab: Deployment) -> AgentPart:
        sessions = "leaves" if self._has_leaves else "clients"
        return AgentPart("watch_nats", common.observing(lab, streams=(RECORDER,), sessions=sessions))

    def allowed_dials(self, lab: Deployment, site: str) -> frozenset[str]:
        return common.leaf_dials(lab, site) if self._has_leaves else frozenset()

    def causes(self, lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
        return causes.of_direct(lost, evidence)

    @property
    def _has_leaves(self) -> bool:
        return self.via == "leaf"

    async def _prepare(self, lab: Deployment) -> None:
        async with control.connected(common.hub_client(lab)) as hub:
            await make_recorder(hub, duplicate_window_s=self.duplicate_window_s)
        if self._has_leaves:
            await common.leaves_up(lab)
            await subscribed_at_sites(lab)
        else:
            await control.for_each(lab.topology.sites, lambda site: _reached(lab, site))


async def _reached(lab: Deployment, site: str) -> None:
    """A client gets through the link to the hub."""
    async with control.connected(_through_link(lab, site)) as client:
        await client.flush()


def _through_link(lab: Deployment, site: str) -> Address:
    """Where a client of ``site`` reaches the hub."""
    (link,) = lab.topology.links_of(site)
    return lab.address(PROXY, link.listen_port)
