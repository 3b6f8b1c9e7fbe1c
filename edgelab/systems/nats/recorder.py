"""The hub's stream on what the sites publish to: the lab's instrument, or the direct system's goal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nats.aio.client import Client

from ...deploy.base import Deployment
from ...history import SegmentWriter
from ...model.measured import StoreState
from ...model.topology import HUB
from . import common, control, monitor, reading

RECORDER = "HUB"
_SUBJECTS = "edge.*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(common.NatsBrokers):
    """A system without a store at the site: all that arrives lies in the hub's recorder."""

    def read_hub(self, lab: Deployment, writer: SegmentWriter) -> tuple[StoreState, ...]:
        return (reading.read(common.hub_client(lab), reading.Store(place=HUB, stream=RECORDER), writer),)

    def read_site(self, lab: Deployment, site: str, writer: SegmentWriter) -> tuple[StoreState, ...]:
        del lab, site, writer
        return ()

    def hub_count(self, lab: Deployment) -> int:
        return monitor.stored_messages(lab.address(HUB, common.MONITOR), frozenset({RECORDER}))


async def make_recorder(hub: Client, *, duplicate_window_s: float | None = None) -> None:
    """Make the stream at the hub."""
    config: dict[str, object] = {"name": RECORDER, "subjects": [_SUBJECTS], "num_replicas": 1}
    if duplicate_window_s is not None:
        config["duplicate_window"] = round(duplicate_window_s * 1e9)
    await control.make_stream(hub, config)


async def subscribed_at_sites(lab: Deployment) -> None:
    """Wait until every site's broker knows that the hub wants what is published there.

    Raises:
        NotReady: one does not; the message names it.
    """

    async def wanted(site: str) -> None:
        address = lab.address(site, common.MONITOR)

        async def missing() -> str:
            leaves = (await asyncio.to_thread(monitor.get, address, "/leafz?subs=1")).get("leafs") or ()
            # Seen from the site, the hub's subscriptions are those of its one leaf connection.
            known = {subject for leaf in leaves for subject in leaf.get("subscriptions_list") or ()}
            return "" if _SUBJECTS in known else f"it knows {control.some(known) or 'none'}"

        await control.until(
            missing, deadline_s=common.ready_s(()), what=f"{site} to know the hub's subscription to {_SUBJECTS}"
        )

    await control.for_each(lab.topology.sites, wanted)
