"""The reference topologies in ``compose/``: rendered from the systems, usable with plain ``docker compose``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .deploy.compose import write_project
from .model.topology import Topology, site_names
from .systems import NatsDirect, NatsLeaf, NatsLeafCore

_SITES = 3


def topologies() -> Mapping[str, Topology]:
    """Each reference topology, by the name of its folder."""
    sites = site_names(_SITES)
    return {system.name: system.topology(sites) for system in (NatsLeaf(), NatsLeafCore(), NatsDirect())}


def write_all(folder: Path) -> list[Path]:
    """Write them all below ``folder``; return the compose files."""
    return [write_project(topology, folder / name, data="memory") for name, topology in topologies().items()]
