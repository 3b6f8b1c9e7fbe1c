"""What a leaf node with a store of its own loses when its link goes, and how it recovers."""

from __future__ import annotations

from edgelab import Load, Scenario, checks
from edgelab.systems import NatsLeaf
from edgelab.systems.nats.versions import NEWEST

from ._outage import outage_scenario


def nats_leaf_outage(
    *,
    sites: int = 3,
    rate_hz: float = 100.0,
    size_bytes: int = 1000,
    publishers: int = 1,
    before_s: float = 5.0,
    outage_s: float = 30.0,
    after_s: float = 10.0,
    kind: str = "cut",
    direction: str = "both",
    version: str = NEWEST,
    seed: int = 1,
) -> Scenario:
    """Leaf nodes with JetStream lose their link once. Must hold: nothing is lost, and everything arrives.

    Each site publishes into a stream of its own; a stream at the hub takes from them across the link.

    Args:
        sites: how many.
        rate_hz: messages per second and site.
        size_bytes: payload of each message.
        publishers: clients per site.
        before_s: traffic before the outage, seconds.
        outage_s: length of the outage, seconds.
        after_s: traffic after the outage, seconds.
        kind: ``stall`` (radio gap), ``cut`` (connection closes) or ``silent`` (bytes vanish unseen).
        direction: ``both``, ``up`` or ``down``.
        version: of nats-server, at site and hub.
        seed: of everything random.
    """
    return outage_scenario(
        "nats_leaf_outage",
        NatsLeaf(version=version),
        (checks.no_loss(), checks.nothing_stranded()),
        Load(rate_hz=rate_hz, size_bytes=size_bytes, publishers=publishers),
        sites=sites,
        phases_s=(before_s, outage_s, after_s),
        kind=kind,
        direction=direction,
        seed=seed,
    )
