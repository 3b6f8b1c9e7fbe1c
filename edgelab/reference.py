"""The reference topologies in ``compose/``: rendered from the systems, usable with plain ``docker compose``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .deploy.compose import write_project
from .model.topology import Topology, site_names
from .systems import KafkaDirect, KafkaMirrorMaker, NatsDirect, NatsLeaf, NatsLeafCore, System

_SITES = 3
_SITES_OF_JVMS = 2  # what a laptop brings up without a thought


def topologies() -> Mapping[str, Topology]:
    """Each reference topology, by the name of its folder."""
    systems: tuple[tuple[System, int], ...] = (
        (NatsLeaf(), _SITES),
        (NatsLeafCore(), _SITES),
        (NatsDirect(), _SITES),
        (KafkaMirrorMaker(preset="patched"), _SITES_OF_JVMS),
        (KafkaDirect(), _SITES_OF_JVMS),
    )
    return {system.name: system.topology(site_names(count)) for system, count in systems}


def write_all(folder: Path) -> list[Path]:
    """Write them all below ``folder``; return the compose files."""
    return [write_project(topology, folder / name, data="memory") for name, topology in topologies().items()]
