"""What the NATS scenarios share: traffic before, during and after one outage."""

from __future__ import annotations

from typing import Any

from edgelab import Load, Outage, Partition, Scenario, Workload, once, site_names
from edgelab.model.scenario import SystemUnderTest


def outage_scenario(
    name: str,
    system: SystemUnderTest,
    checks: tuple[Any, ...],
    load: Load,
    *,
    sites: int,
    partitioned: int | None = None,
    phases_s: tuple[float, float, float],
    kind: str,
    direction: str,
    seed: int,
) -> Scenario:
    """Even traffic at every site, and one outage of all links, or of the first ``partitioned``.

    ``phases_s`` are the lengths of before, outage and after, seconds.
    """
    names = site_names(sites)
    before_s, outage_s, after_s = phases_s
    how: Any = {"kind": kind, "direction": direction}
    fault = Outage(**how) if partitioned is None else Partition(names[:partitioned], **how)
    return Scenario(
        name=name,
        system=system,
        sites=names,
        workload=Workload(duration_s=before_s + outage_s + after_s, load=load),
        schedule=once(fault, at_s=before_s, for_s=outage_s),
        checks=checks,
        seed=seed,
    )
