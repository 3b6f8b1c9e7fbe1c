"""``nats-leaf-core``: plain publishing over a leaf, with no store at the site nor in the path."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...deploy.base import Deployment
from ...model.measured import Evidence
from ...model.topology import Topology, assemble
from ..base import AgentPart
from . import causes, common, control, door
from .recorder import RECORDER, Recorded, make_recorder, subscribed_at_sites


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsLeafCore(Recorded):
    """Leaf nodes without a store: what is published while the link is down is gone.

    Nobody answers a publish, so every outcome is *unknown* and none is owed.

    The hub records what arrives in a stream of its own. That stream is the lab's instrument, not part of the path:
    to the leaf it is one subscriber at the hub like any other, and a publish carries no reply subject that it could
    answer. It is there because a store stamps each message exactly, keeps up at any rate, and counts for itself,
    which a subscriber in Python does not.
    """

    def __post_init__(self) -> None:
        self._check_brokers(store=False)

    @property
    def name(self) -> str:
        return "nats-leaf-core"

    @property
    def confirms(self) -> bool:
        return False

    @property
    def drain_idle_s(self) -> float:
        return 5.0

    def topology(self, sites: tuple[str, ...]) -> Topology:
        return assemble(
            self.name,
            sites=sites,
            services=(self._hub(sites, leaves=True), *(self._site(site, store=False) for site in sites)),
            links=(common.link(site, common.LEAF) for site in sites),
        )

    def prepare(self, lab: Deployment) -> None:
        door.run(_prepare(lab))

    def publishing(self, lab: Deployment, site: str) -> AgentPart:
        return AgentPart(
            "publish_nats",
            {
                "address": str(lab.address(site, common.CLIENT)),
                "subject": common.subject_of(site),
                "mode": "core",
            },
        )

    def watching(self, lab: Deployment) -> AgentPart:
        return AgentPart("watch_nats", common.observing(lab, streams=(RECORDER,), sessions="leaves"))

    def allowed_dials(self, lab: Deployment, site: str) -> frozenset[str]:
        return common.leaf_dials(lab, site)

    def causes(self, lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
        return causes.of_core(lost, evidence)


async def _prepare(lab: Deployment) -> None:
    async with control.connected(common.hub_client(lab)) as hub:
        await make_recorder(hub)
    await common.leaves_up(lab)
    await subscribed_at_sites(lab)
