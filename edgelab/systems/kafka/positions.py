"""Where the mirror of a site stands when the run is over."""

from __future__ import annotations

from ...deploy.base import Deployment
from ...model.topology import HUB
from . import broker, clients, states, tables
from .mirror import REST, service_name


def of_dedicated(lab: Deployment, site: str) -> states.Position:
    """As a dedicated mirror last noted it at the hub."""
    status, offsets = states.status_topic(site), states.offsets_topic(site)
    with clients.consumer(lab.address(HUB, broker.LAB), HUB) as client:
        table = tables.Table(client, [status, offsets])
        table.update()
    return states.Position(states.of_offsets(table.of(offsets)), states.of_status(table.of(status)))


def of_standalone(lab: Deployment, site: str) -> states.Position:
    """As a standalone worker says now."""
    return states.ask_position(lab.address(service_name(site), REST))
