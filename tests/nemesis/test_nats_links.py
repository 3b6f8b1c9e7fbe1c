"""The probes and faults with real brokers at both ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgelab.clock import Clock
from edgelab.deploy.base import Deployment
from edgelab.deploy.process import ProcessRuntime
from edgelab.model import topology as t
from edgelab.model.faults import Fault, Kill, Latency, Outage, Partition, Pause, Throttle
from edgelab.model.measured import MeasuredWindow
from edgelab.model.schedule import Schedule, Window
from edgelab.nemesis import link_bytes
from edgelab.nemesis.injector import Injector
from edgelab.nemesis.probe import round_trips

pytestmark = pytest.mark.process
SITES = ("site-1", "site-2")
HUB = """\
server_name: hub
listen: "@{listen:client}"
leafnodes { listen: "@{listen:leaf}", advertise: "127.0.0.1:9" }
"""
SITE = """\
server_name: SITE
listen: "@{listen:client}"
leafnodes { reconnect: "50ms", remotes: [ { url: "nats-leaf://@{dial:toxiproxy:link-SITE}" } ] }
"""


@pytest.fixture(params=["2.10.12", "2.15.2"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    topology = t.assemble(
        "probed",
        sites=SITES,
        services=[
            _server("hub", HUB, request.param, t.Port(name="leaf", number=7422, published=False)),
            *(_server(site, SITE.replace("SITE", site), request.param) for site in SITES),
        ],
        links=[
            t.Link(name=s, site=s, service="hub", port="leaf", probe_greeting=b"INFO ", probe_request=b"PING\r\n")
            for s in SITES
        ],
    )
    deployment = ProcessRuntime().up(topology, tmp_path, run_id=f"nemesis-{tmp_path.name}")
    yield deployment
    deployment.down()


def _server(name: str, config: str, version: str, *more: t.Port) -> t.Service:
    return t.Service(
        name=name,
        role="hub" if name == "hub" else "site",
        site="" if name == "hub" else name,
        program="nats-server",
        version=version,
        arguments=("-c", "@{file:nats.conf}"),
        files=(t.ConfigFile(name="nats.conf", text=config),),
        ports=(t.Port(name="client", number=4222), *more),
        networks=(t.HUB if name == "hub" else t.site_network(name),),
    )


def test_every_kind_of_fault_is_seen_to_bite_and_to_clear_on_real_brokers(lab: Deployment) -> None:
    faults: tuple[Fault, ...] = (
        Partition(),
        Outage(direction="up"),
        Outage(kind="cut"),
        Outage("site-1", kind="silent", direction="down"),
        Latency(one_way_s=0.1),
        Throttle("site-2", rate_bps=40e3),
        Kill("hub"),
        Pause("hub"),
        Kill("site-1"),
        Pause("site-2"),
    )
    schedule = Schedule(tuple(Window(0.2 + 1.5 * i, 1.2 + 1.5 * i, fault) for i, fault in enumerate(faults)))
    recorded: list[MeasuredWindow] = []
    clock = Clock.start()
    injector = Injector(lab, schedule, clock, record=recorded.append)

    injector.arm()
    injector.play(clock.now_ns())

    assert injector.wait(60)
    injector.heal()
    assert injector.error is None
    for window in injector.windows:
        print(f"\n{window.fault} {window.kind} {window.target}: {window.evidence}")  # noqa: T201 - to look at
    assert [w for w in injector.windows if not (w.bit and w.cleared)] == []
    lab.assert_alive()


def test_a_real_link_answers_at_once_and_its_bytes_are_counted(lab: Deployment) -> None:
    times = [took for link in lab.topology.links for took in round_trips(lab, link, 5)]
    time.sleep(0.5)

    live, final = link_bytes.live(lab), link_bytes.final(lab)

    print(f"\nround trips {min(times) * 1e3:.2f} to {max(times) * 1e3:.2f} ms; bytes {live} then {final}")  # noqa: T201
    assert max(times) < 1
    for site in SITES:
        assert final[site].up > 0
        assert final[site].down > final[site].up
        if live is not None:
            assert abs(live[site].up - final[site].up) < 1000
