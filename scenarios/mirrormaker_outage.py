"""What MirrorMaker 2 loses when its link goes, and how it recovers."""

from __future__ import annotations

from edgelab import Load, Scenario, checks
from edgelab.systems import KafkaMirrorMaker
from edgelab.systems.kafka.versions import NEWEST

from ._outage import outage_scenario


def mirrormaker_outage(
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
    preset: str = "patched",
    mirror: str = "edge",
    version: str = NEWEST,
    drain_deadline_s: float = 420.0,
    seed: int = 1,
) -> Scenario:
    """A Kafka broker at each site, mirrored to the hub by MirrorMaker 2, loses its link once.

    Must hold: nothing is lost, and everything arrives. With the preset ``default`` and an outage longer than the
    worker's session (10 s) the backlog waits until scheduled.rebalance.max.delay.ms, 300 s, is over.

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
        preset: ``default`` (as shipped), ``patched``, ``tuned`` or ``exactly-once``: `edgelab list systems`.
        mirror: where MirrorMaker runs: ``edge``, ``hub``, or ``standalone`` (Connect standalone at the site).
        version: of Kafka, at site and hub.
        drain_deadline_s: how long the hub may take after the last message, seconds.
        seed: of everything random.
    """
    how: dict[str, str] = {"preset": preset, "mirror": mirror}
    return outage_scenario(
        "mirrormaker_outage",
        KafkaMirrorMaker(version=version, **how),  # type: ignore[arg-type]  # the system refuses what it does not know
        (checks.no_loss(), checks.nothing_stranded()),
        Load(rate_hz=rate_hz, size_bytes=size_bytes, publishers=publishers),
        sites=sites,
        phases_s=(before_s, outage_s, after_s),
        kind=kind,
        direction=direction,
        drain_deadline_s=drain_deadline_s,
        seed=seed,
    )
