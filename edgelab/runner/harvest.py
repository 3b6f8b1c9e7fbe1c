"""After the drain: what crossed the links, what the stores hold, what the brokers logged."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np

from ..deploy.base import Deployment
from ..history import Journal, Kind, Records, SegmentWriter, read_segment
from ..model.measured import StoreState
from ..model.scenario import Scenario
from ..nemesis import link_bytes
from ..store import RunFolder
from ..systems.base import System

_READERS = 8


def harvest(scenario: Scenario, system: System, lab: Deployment, folder: RunFolder) -> dict[str, Any]:
    """Write ``store-*.seg`` and the journals ``stores`` and ``log_events``, after :func:`close_links`.

    Returns:
        What belongs into ``meta.json``: the independent count, and dials that went round a proxy.
    """
    # The independent count is taken first and by another way, so that neither reading can lean on the other.
    hub_count = system.hub_count(lab)
    stores = Journal(folder.journal("stores"))
    with SegmentWriter(folder.segment("store-hub"), "store-hub") as writer:
        _write_states(stores, system.read_hub(lab, writer))
    _read_sites(scenario, system, lab, folder, stores)
    stores.close()
    bypasses = write_log_events(scenario, system, lab, folder)
    return {"hub_count": hub_count, "bypasses": bypasses}


def write_log_events(scenario: Scenario, system: System, lab: Deployment, folder: RunFolder) -> list[str]:
    """Journal what the logs of each site's services say; return dials that went elsewhere than to a proxy."""
    logs = lab.collect_logs()
    bypasses: list[str] = []
    journal = Journal(folder.journal("log_events"))
    for site in scenario.sites:
        allowed = system.allowed_dials(lab, site)
        for service in lab.topology.services_of(site):
            with logs[service.name].open(encoding="utf-8", errors="replace") as lines:
                for event in system.log_events(lines):
                    journal.write(site=site, t_ns=event.t_ns, kind=event.kind, detail=event.detail)
                    if event.kind == "dial" and event.detail not in allowed:
                        bypasses.append(f"{service.name} dialed {event.detail}")
    journal.close()
    return sorted(set(bypasses))


def close_links(lab: Deployment, folder: RunFolder) -> None:
    """End the drain for good: close every link, and write the journal ``links`` of what each has carried.

    A drain that ended at its deadline leaves messages under way. Without this the stores would go on changing while
    they are read, and no two of them could be held against each other.
    """
    links = Journal(folder.journal("links"))
    for link, total in link_bytes.final(lab).items():
        links.write(link=link, bytes_up=total.up, bytes_down=total.down)
    links.close()


def _read_sites(scenario: Scenario, system: System, lab: Deployment, folder: RunFolder, stores: Journal) -> None:
    """Ask the store of each site that has messages missing at the hub."""
    missing = _sites_with_missing(scenario, folder)
    if not missing:
        return
    lock = threading.Lock()

    def read(site: str) -> None:
        with SegmentWriter(folder.segment(f"store-{site}"), f"store-{site}") as writer:
            states = system.read_site(lab, site, writer)
        with lock:
            _write_states(stores, states)

    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(read, missing))


def _sites_with_missing(scenario: Scenario, folder: RunFolder) -> list[str]:
    attempted = _sequences(
        *(read_segment(p)[0] for p in sorted(folder.history.glob("publish-*.seg"))), kind=Kind.INVOKE
    )
    stored = _sequences(read_segment(folder.segment("store-hub"))[0], kind=Kind.STORED)
    lacking = np.setdiff1d(attempted, stored) >> np.int64(32)
    return [scenario.sites[i] for i in np.unique(lacking)]


def _sequences(*segments: Records, kind: Kind) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Site and sequence number of each record of ``kind``, as one number."""
    parts = [s[s["kind"] == kind] for s in segments]
    if not parts:
        return np.empty(0, np.int64)
    return np.concatenate([(p["site"].astype(np.int64) << np.int64(32)) | p["sequence"] for p in parts])


def _write_states(journal: Journal, states: tuple[StoreState, ...]) -> None:
    for state in states:
        journal.write(**{**asdict(state), "limits": dict(state.limits)})
