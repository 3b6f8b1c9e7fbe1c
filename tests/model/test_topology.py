"""Topologies: names, links, and the proxy that stands in every link."""

from __future__ import annotations

import json

import pytest

from edgelab.errors import SpecError
from edgelab.model.topology import PROXY, Link, assemble, site_names


def _link(name: str) -> Link:
    return Link(name=name, site=name, service="hub", port="leaf")


def test_every_link_gets_a_proxy_of_its_own() -> None:
    topology = assemble("lab", sites=("a", "b"), services=(), links=(_link("a"), _link("b")))
    proxy = topology.service(PROXY)

    assert [p["name"] for p in json.loads(proxy.files[0].text)] == ["a", "b"]
    assert [p.name for p in proxy.ports] == ["api", "link-a", "link-b"]
    assert len({p.number for p in proxy.ports}) == 3
    assert proxy.networks == ("hub", "a-lan", "b-lan")


def test_site_names_sort_in_order() -> None:
    names = site_names(12)

    assert names[0] == "site-01"
    assert list(names) == sorted(names)


def test_repeated_and_impossible_names_are_refused() -> None:
    with pytest.raises(SpecError, match="sites must not repeat a name, not 'a' twice"):
        assemble("lab", sites=("a", "a"), services=(), links=())
    with pytest.raises(SpecError, match="links must be 1 to 40"):
        assemble("lab", sites=("a",), services=(), links=(_link("a b"),))
    with pytest.raises(SpecError, match="sites must be at most 1000, not 5000"):
        site_names(5000)


def test_an_unknown_port_names_those_there_are() -> None:
    topology = assemble("lab", sites=("a",), services=(), links=(_link("a"),))

    with pytest.raises(SpecError, match="has no port 'x', only api, link-a"):
        topology.service(PROXY).port("x")
