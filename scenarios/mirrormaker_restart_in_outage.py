"""What happens when MirrorMaker 2 is killed while its link is gone."""

from __future__ import annotations

from typing import Any

from edgelab import Kill, Load, Outage, Scenario, Schedule, Window, Workload, checks, site_names
from edgelab.model import validate
from edgelab.systems import KafkaMirrorMaker
from edgelab.systems.kafka.versions import NEWEST

_LONGEST_S = 24 * 3600.0


def mirrormaker_restart_in_outage(
    *,
    sites: int = 1,
    rate_hz: float = 100.0,
    size_bytes: int = 1000,
    before_s: float = 5.0,
    outage_s: float = 20.0,
    killed_after_s: float = 5.0,
    killed_for_s: float = 2.0,
    after_s: float = 20.0,
    kind: str = "cut",
    preset: str = "patched",
    version: str = NEWEST,
    drain_deadline_s: float = 420.0,
    seed: int = 1,
) -> Scenario:
    """The link goes, and within the outage each site's MirrorMaker 2 is killed and started again.

    Must hold: nothing is lost, and everything arrives. A mirror that starts while it cannot reach the hub ends by
    itself after about a minute, and its supervisor starts it again; what it had sent and not yet recorded as sent
    arrives twice.

    Args:
        sites: how many.
        rate_hz: messages per second and site.
        size_bytes: payload of each message.
        before_s: traffic before the outage, seconds.
        outage_s: length of the outage, seconds; 0: no outage, only the kill.
        killed_after_s: how long into the outage the mirrors are killed, seconds.
        killed_for_s: how long they stay down, seconds.
        after_s: traffic after the outage, seconds.
        kind: ``stall``, ``cut`` or ``silent``.
        preset: ``default`` (as shipped), ``patched``, ``tuned`` or ``exactly-once``: `edgelab list systems`.
        version: of Kafka.
        drain_deadline_s: how long the hub may take after the last message, seconds.
        seed: of everything random.
    """
    names = site_names(sites)
    for name, value in (("before_s", before_s), ("outage_s", outage_s), ("killed_after_s", killed_after_s)):
        validate.number(name, value, low=0.0, high=_LONGEST_S)
    for name, value in (("killed_for_s", killed_for_s), ("after_s", after_s)):
        validate.number(name, value, low=0.1, high=_LONGEST_S)
    killed_s = before_s + killed_after_s
    kills = [Window(killed_s, killed_s + killed_for_s, Kill(f"mirror-{site}")) for site in names]
    outage: Any = Outage(kind=kind)  # type: ignore[arg-type]  # it refuses what it does not know
    cut = [Window(before_s, before_s + outage_s, outage)] if outage_s else []
    return Scenario(
        name="mirrormaker_restart_in_outage",
        system=KafkaMirrorMaker(version=version, preset=preset),  # type: ignore[arg-type]  # likewise
        sites=names,
        workload=Workload(
            duration_s=max(before_s + outage_s, killed_s + killed_for_s) + after_s,
            load=Load(rate_hz=rate_hz, size_bytes=size_bytes),
        ),
        schedule=Schedule((*cut, *kills)),
        checks=(checks.no_loss(), checks.nothing_stranded()),
        drain_deadline_s=drain_deadline_s,
        seed=seed,
    )
