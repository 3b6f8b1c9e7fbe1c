"""A leaf must not reach the hub past its link: the trap, shown, and its closure on each version.

``EDGELAB_TEST_NATS_VERSIONS`` ("2.9.25 2.14.9") adds versions.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from edgelab.model.topology import Topology
from edgelab.systems import NatsLeafCore

pytestmark = pytest.mark.process

_VERSIONS = ("2.10.12", "2.15.2", *os.environ.get("EDGELAB_TEST_NATS_VERSIONS", "").split())


def _naive(topology: Topology) -> Topology:
    """The same without what closes the trap."""
    services = []
    for service in topology.services:
        files = tuple(
            dataclasses.replace(
                f,
                text=f.text.replace('  advertise: "not advertised:9"\n', "")
                .replace("  no_advertise: true\n", "")
                .replace(", ignore_discovered_servers: true", ""),
            )
            for f in service.files
        )
        services.append(dataclasses.replace(service, files=files))
    return dataclasses.replace(topology, services=tuple(services))


@pytest.mark.parametrize("version", _VERSIONS)
def test_no_leaf_reaches_the_hub_while_all_links_are_cut(version: str, make_lab: Callable[..., Any]) -> None:
    lab = make_lab(NatsLeafCore(version=version), sites=3)

    with lab.cut(4.5):
        lab.wait_until(lab.connected, set(), 2.0)
        end = time.monotonic() + 4.0
        while time.monotonic() < end:
            assert lab.connected() == set()
            time.sleep(0.05)

    lab.wait_until(lab.connected, set(lab.sites), 10.0)
    assert lab.dials_round_the_link() == set()
    # Nor is a dial wasted: each one since the cut went to the proxy.
    assert all(sum(e.kind == "dial" for e in lab.log_events(site)) >= 3 for site in lab.sites)


@pytest.mark.parametrize("version", ["2.10.12", "2.15.2"])
def test_without_the_closure_a_leaf_goes_round_its_link_and_the_log_shows_it(
    version: str, make_lab: Callable[..., Any]
) -> None:
    system = NatsLeafCore(version=version)
    lab = make_lab(system, topology=_naive(system.topology(("site-1",))))

    with lab.cut(0.0):
        lab.wait_until(lab.connected, set(), 2.0)
        lab.wait_until(lab.connected, {"site-1"}, 10.0)

    assert lab.dials_round_the_link() == {lab.up.dial_address("site-1", "hub", "leaf")}
