"""What plain publishing over a leaf node loses when its link goes."""

from __future__ import annotations

from edgelab import Load, Scenario, checks
from edgelab.systems import NatsLeafCore
from edgelab.systems.nats.versions import NEWEST

from ._outage import outage_scenario


def nats_core_outage(
    *,
    sites: int = 1,
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
    """Leaf nodes without any store lose their link once. Must hold: every loss is explained.

    Nothing at a site keeps a message while the link is gone: what is published then is lost.

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
        "nats_core_outage",
        NatsLeafCore(version=version),
        (checks.all_losses_explained(),),
        Load(rate_hz=rate_hz, size_bytes=size_bytes, publishers=publishers),
        sites=sites,
        phases_s=(before_s, outage_s, after_s),
        kind=kind,
        direction=direction,
        seed=seed,
    )
