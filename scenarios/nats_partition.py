"""A partition: some of the sites lose the hub at the same moment, the others go on."""

from __future__ import annotations

from edgelab import Load, Scenario, checks
from edgelab.model import validate
from edgelab.systems import NatsLeaf
from edgelab.systems.nats.versions import NEWEST

from ._outage import outage_scenario


def nats_partition(
    *,
    sites: int = 6,
    partitioned: int = 3,
    rate_hz: float = 50.0,
    size_bytes: int = 1000,
    publishers: int = 1,
    before_s: float = 5.0,
    outage_s: float = 10.0,
    after_s: float = 10.0,
    kind: str = "cut",
    direction: str = "both",
    version: str = NEWEST,
    seed: int = 1,
) -> Scenario:
    """The first ``partitioned`` of ``sites`` leaf nodes with JetStream lose the hub together.

    Must hold: nothing is lost, and everything arrives.

    Args:
        sites: how many.
        partitioned: how many of them lose their link, all at once.
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
    validate.integer("partitioned", partitioned, low=1, high=sites)
    return outage_scenario(
        "nats_partition",
        NatsLeaf(version=version),
        (checks.no_loss(), checks.nothing_stranded()),
        Load(rate_hz=rate_hz, size_bytes=size_bytes, publishers=publishers),
        sites=sites,
        partitioned=partitioned,
        phases_s=(before_s, outage_s, after_s),
        kind=kind,
        direction=direction,
        seed=seed,
    )
