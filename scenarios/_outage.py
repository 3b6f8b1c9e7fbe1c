"""What the scenarios share: traffic before, during and after one outage."""

from __future__ import annotations

from typing import Any

from edgelab import Load, Outage, Partition, Scenario, Workload, once, site_names
from edgelab.model import validate
from edgelab.model.scenario import SystemUnderTest

_LONGEST_S = 24 * 3600.0


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
    drain_deadline_s: float = 300.0,
) -> Scenario:
    """Even traffic at every site, and one outage of all links, or of the first ``partitioned``.

    ``phases_s`` are the lengths of before, outage and after, seconds.
    """
    names = site_names(sites)
    before_s, outage_s, after_s = phases_s
    # By the names that whoever set them knows, and not by those of the values that are made of them.
    validate.number("before_s", before_s, low=0.0, high=_LONGEST_S)
    validate.number("outage_s", outage_s, low=0.0, high=_LONGEST_S, above=True)
    validate.number("after_s", after_s, low=0.0, high=_LONGEST_S)
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
        drain_deadline_s=drain_deadline_s,
    )
