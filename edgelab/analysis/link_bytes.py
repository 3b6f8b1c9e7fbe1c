"""Bytes over each site's link: in all, by phase, and per delivered message."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..history import Records
from .facts import Facts
from .spans import PHASES, by_site, phases

_WAYS = ("up", "down")


def links(facts: Facts, ledger: pd.DataFrame) -> pd.DataFrame:
    """Bytes over each site's link.

    Index: site; columns ``bytes_up``, ``bytes_down``, ``up_before``, ``down_before``, … by phase, and
    ``bytes_per_message``: both directions, per delivered message.

    Phases come from readings (BYTES records): what passed between two of them belongs to the phase of the later one.
    Where the links themselves could be read, the phases add up to the whole; where only the hub counted its sessions,
    what one carried after its last reading is missing. NaN where there is neither.
    """
    delivered = ledger.loc[ledger["fate"] == "delivered", "site"].value_counts()
    counted = _by_phase(facts)
    lines = {}
    for site, crossed in facts.links.items():
        known = counted.get(site, {})
        messages = int(delivered.get(site, 0))
        lines[site] = {
            "bytes_up": crossed.bytes_up,
            "bytes_down": crossed.bytes_down,
            **{f"{way}_{p}": known[p][i] if p in known else np.nan for p in PHASES for i, way in enumerate(_WAYS)},
            "bytes_per_message": (crossed.bytes_up + crossed.bytes_down) / messages if messages else np.nan,
        }
    columns = ["bytes_up", "bytes_down", *(f"{way}_{p}" for p in PHASES for way in _WAYS), "bytes_per_message"]
    return pd.DataFrame.from_dict(lines, orient="index", columns=columns)


def _by_phase(facts: Facts) -> dict[str, dict[str, tuple[int, int]]]:
    found = {}
    for index, (site, spans) in enumerate(by_site(facts).items()):
        readings = facts.bytes[facts.bytes["site"] == index]
        if not len(readings):
            continue
        totals = np.zeros((len(PHASES), len(_WAYS)), np.int64)
        for way in range(len(_WAYS)):
            t_ns, passed = _passed(readings[readings["code"] == way])
            phase, _ = phases(t_ns, spans)
            np.add.at(totals[:, way], phase, passed)
        found[site] = {name: (int(up), int(down)) for name, (up, down) in zip(PHASES, totals, strict=True)}
    return found


def _passed(readings: Records) -> tuple[np.ndarray, np.ndarray]:
    """Time of each reading, and what had passed since the one before; a new session counts from zero."""
    readings = readings[np.argsort(readings["t_ns"], kind="stable")]
    value = readings["value"].astype(np.int64)
    grown = np.diff(value, prepend=0)
    return readings["t_ns"].astype(np.int64), np.where(grown < 0, value, grown)
