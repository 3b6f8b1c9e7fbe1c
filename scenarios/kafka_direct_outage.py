"""What a Kafka producer loses that sends straight across the link."""

from __future__ import annotations

from edgelab import Load, Scenario, checks
from edgelab.systems import KafkaDirect
from edgelab.systems.kafka.versions import NEWEST

from ._outage import outage_scenario


def kafka_direct_outage(
    *,
    sites: int = 1,
    rate_hz: float = 200.0,
    size_bytes: int = 1000,
    publishers: int = 1,
    before_s: float = 5.0,
    outage_s: float = 10.0,
    after_s: float = 10.0,
    kind: str = "cut",
    direction: str = "both",
    preset: str = "default",
    version: str = NEWEST,
    seed: int = 1,
) -> Scenario:
    """Producers at the sites send across the link to the hub's broker, and the link goes once.

    Must hold: every loss is explained.

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
        preset: ``default``, ``short-timeout`` or ``three-attempts``: `edgelab list systems`.
        version: of Kafka.
        seed: of everything random.
    """
    return outage_scenario(
        "kafka_direct_outage",
        KafkaDirect(version=version, preset=preset),  # type: ignore[arg-type]  # the system refuses what it does not know
        (checks.all_losses_explained(),),
        Load(rate_hz=rate_hz, size_bytes=size_bytes, publishers=publishers),
        sites=sites,
        phases_s=(before_s, outage_s, after_s),
        kind=kind,
        direction=direction,
        seed=seed,
    )
