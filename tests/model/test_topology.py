"""Topologies: names, links, and the proxy that stands in every link."""

from __future__ import annotations

import json

import pytest

from edgelab.errors import SpecError
from edgelab.model.topology import PROXY, Link, Role, Service, assemble, site_names


def _link(name: str) -> Link:
    return Link(name=name, site=name, service="hub", port="leaf")


def _service(name: str, role: Role, *, site: str = "") -> Service:
    return Service(name=name, role=role, site=site, program="broker", version="1.0.0", arguments=())


def test_every_link_gets_a_proxy_of_its_own() -> None:
    topology = assemble("lab", sites=("a", "b"), services=(), links=(_link("a"), _link("b")))
    proxy = topology.service(PROXY)

    assert [p["name"] for p in json.loads(proxy.files[0].text)] == ["a", "b"]
    assert [p.name for p in proxy.ports] == ["api", "link-a", "link-b"]
    assert len({p.number for p in proxy.ports}) == 3
    assert proxy.networks == ("hub", "a-lan", "b-lan")


def test_a_site_may_have_several_services_wherever_they_run() -> None:
    services = (
        _service("hub", "hub"),
        _service("a", "site", site="a"),
        _service("a-mirror", "hub", site="a"),
        _service("b", "site", site="b"),
    )

    topology = assemble("lab", sites=("a", "b", "c"), services=services, links=())

    assert [service.name for service in topology.services_of("a")] == ["a", "a-mirror"]
    assert topology.services_of("c") == ()
    assert topology.breakable == ("hub", "a", "a-mirror", "b")


def test_services_and_links_of_a_site_that_is_not_there_are_refused() -> None:
    with pytest.raises(SpecError, match="site of service x must be one of a, b, not 'c'"):
        assemble("lab", sites=("a", "b"), services=(_service("x", "hub", site="c"),), links=())
    with pytest.raises(SpecError, match="site of service a must be one of a, not ''"):
        assemble("lab", sites=("a",), services=(_service("a", "site"),), links=())
    with pytest.raises(SpecError, match="site of link b must be one of a, not 'b'"):
        assemble("lab", sites=("a",), services=(), links=(_link("b"),))


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
