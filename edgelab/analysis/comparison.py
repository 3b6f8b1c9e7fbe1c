"""Runs side by side: one line of numbers for each, made from their ``result.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..model.topology import HUB
from .recovery import RECOVERY_PHASES

COUNTS = ("attempted", "delivered", "lost", "lost_acknowledged", "stranded", "duplicated")
_EVERYWHERE = ("resume_s", "sync_s")
"""Phases that every site must have come to: what one never did has no slowest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One run of a comparison.

    Attributes:
        label: what it is called there.
        result: what its ``result.json`` holds.
        places: where each service ran: a site's name, ``"hub"``, or empty for the proxy.
        rate_hz: messages per second that were due, of all sites together.
        backlog: messages of all sites that waited, over seconds of the schedule; empty where it was not asked for.
    """

    label: str
    result: Mapping[str, Any]
    places: Mapping[str, str]
    rate_hz: float
    backlog: pd.Series

    @property
    def several_sites(self) -> bool:
        """Whether "the slowest" needs a name."""
        return len(self.result["links"]) > 1


@dataclass(frozen=True, slots=True)
class Failure:
    """An entry of a comparison that has no result.

    Attributes:
        label: what it is called there.
        why: the lab's words.
    """

    label: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The slowest way back of any site through any window, seconds; None where a phase did not happen.

    Attributes:
        site / window: whose way it was; window counts from 0.
    """

    site: str
    window: int
    detect_s: float | None
    reconnect_s: float | None
    resume_s: float | None
    sync_s: float | None


def slowest(result: Mapping[str, Any]) -> Recovery | None:
    """The recovery that took longest (one that did not end, before all others); None without a fault."""
    found = [
        Recovery(site=site, window=number, **{phase: phases[phase] for phase in RECOVERY_PHASES})
        for number, window in enumerate(result["windows"])
        for site, phases in window["sites"].items()
    ]
    return max(found, key=_length, default=None)


def phase_of_slowest(result: Mapping[str, Any], phase: str) -> float | None:
    """The longest time that ``phase`` took at any site; None if it did not happen at any, or not where it must."""
    found = [phases[phase] for window in result["windows"] for phases in window["sites"].values()]
    if phase in _EVERYWHERE and None in found:
        return None
    return max((seconds for seconds in found if seconds is not None), default=None)


def table(sides: Iterable[Side]) -> pd.DataFrame:
    """One row per run, by its label; what is not known or did not happen is missing.

    Columns: ``system``, ``verdict``, counts of messages (``attempted``, ``delivered``, ``lost``,
    ``lost_acknowledged``, ``stranded``, ``duplicated``), phases of the slowest site (``detect_s``, ``reconnect_s``,
    ``resume_s``, ``sync_s``), peak memory and cores under load of all services at the largest site and at the hub
    (``site_memory_bytes``, ``hub_memory_bytes``, ``site_cpu_ratio``, ``hub_cpu_ratio``), ``startup_s``, bytes over
    the links per delivered message (``up_bytes_per_message``, ``down_bytes_per_message``), ``client`` and
    ``versions``.
    """
    rows = [_row(side) for side in sides]
    return pd.DataFrame(rows).set_index("label") if rows else pd.DataFrame()


def same_faults(sides: Sequence[Side]) -> bool:
    """Whether all of them planned the same faults at the same seconds."""
    plans = [
        [(w["fault"], w["kind"], w["planned_start_s"], w["planned_s"]) for w in side.result["windows"]]
        for side in sides
    ]
    return all(_close(plan, plans[0]) for plan in plans)


def _close(plan: Sequence[tuple[Any, ...]], other: Sequence[tuple[Any, ...]]) -> bool:
    return len(plan) == len(other) and all(
        a[:2] == b[:2] and abs(a[2] - b[2]) < 1e-3 and abs(a[3] - b[3]) < 1e-3 for a, b in zip(plan, other, strict=True)
    )


def _row(side: Side) -> dict[str, Any]:
    result = side.result
    delivered = result["ledger"]["delivered"]
    up, down = (sum(link[way] for link in result["links"].values()) for way in ("bytes_up", "bytes_down"))
    return {
        "label": side.label,
        "system": result["system"],
        "verdict": result["verdict"],
        **{count: result["ledger"][count] for count in COUNTS},
        **{phase: phase_of_slowest(result, phase) for phase in RECOVERY_PHASES},
        **_footprint(side),
        "startup_s": result.get("startup_s"),
        "up_bytes_per_message": up / delivered if delivered else None,
        "down_bytes_per_message": down / delivered if delivered else None,
        "client": ", ".join(sorted(set(result.get("clients", {}).values()))) or None,
        "versions": ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
    }


def _footprint(side: Side) -> dict[str, float | None]:
    """Sums over the services of a place; of the sites, the largest sum."""
    found: dict[str, float | None] = {}
    for name, column in (("memory_bytes", "rss_bytes"), ("cpu_ratio", "cpu_ratio")):
        sums: dict[str, float] = {}
        for service, used in side.result["footprint"].items():
            place, value = side.places.get(service, ""), used.get(column)
            if place and value is not None:
                sums[place] = sums.get(place, 0.0) + value
        found[f"hub_{name}"] = sums.pop(HUB, None)
        found[f"site_{name}"] = max(sums.values(), default=None)
    return found


def _length(recovery: Recovery) -> tuple[bool, bool, float]:
    reached = [recovery.reconnect_s or 0.0, recovery.resume_s or 0.0, recovery.sync_s or 0.0]
    return recovery.resume_s is None, recovery.sync_s is None, max(reached)
