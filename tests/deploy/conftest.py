"""A hub, sites and links small enough to start in a test."""

from collections.abc import Callable

import pytest

from edgelab.model import topology as t

NATS = "2.10.12"

HUB_CONFIG = """\
server_name: hub
listen: "@{listen:client}"
http: "@{listen:monitor}"
jetstream { domain: hub, store_dir: "@{data}" }
leafnodes { listen: "@{listen:leaf}", advertise: "127.0.0.1:9" }
"""
SITE_CONFIG = """\
server_name: SITE
listen: "@{listen:client}"
http: "@{listen:monitor}"
jetstream { domain: SITE, store_dir: "@{data}" }
leafnodes { reconnect: "50ms", remotes: [ { url: "nats-leaf://@{dial:toxiproxy:link-SITE}" } ] }
"""


@pytest.fixture
def small() -> Callable[..., t.Topology]:
    """Makes topologies of one hub and a few sites, with lines added to the sites' configuration."""
    return _small


def _small(*, sites: int = 1, extra: str = "", version: str = NATS) -> t.Topology:
    names = t.site_names(sites)
    return t.assemble(
        "small",
        sites=names,
        services=[
            _server("hub", "hub", HUB_CONFIG, t.HUB, version, t.Port(name="leaf", number=7422, published=False)),
            *(_server(s, "site", SITE_CONFIG.replace("SITE", s) + extra, t.site_network(s), version) for s in names),
        ],
        links=[t.Link(name=s, site=s, service="hub", port="leaf", probe_greeting=b"INFO ") for s in names],
    )


def _server(name: str, role: t.Role, config: str, network: str, version: str, *more: t.Port) -> t.Service:
    return t.Service(
        name=name,
        role=role,
        site=name if role == "site" else "",
        program="nats-server",
        version=version,
        arguments=("-c", "@{file:nats.conf}"),
        files=(t.ConfigFile(name="nats.conf", text=config),),
        ports=(t.Port(name="client", number=4222), t.Port(name="monitor", number=8222), *more),
        networks=(network,),
        keeps_data=True,
    )
