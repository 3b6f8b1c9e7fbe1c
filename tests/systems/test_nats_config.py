"""Texts of configurations, and what users may not put in their place."""

from __future__ import annotations

import pytest

from edgelab.errors import SpecError
from edgelab.systems import NatsDirect, NatsLeaf, NatsLeafCore

_SITE_OF_USER = """
server_name: "@{site}"
listen: "@{listen:client}"
http: "@{listen:monitor}"
debug: true, logtime_utc: true
jetstream { domain: "@{site}", store_dir: "@{data}" }
leafnodes { remotes: [ { url: "nats-leaf://@{dial:toxiproxy:link-@{site}}" } ] }
"""
_HUB_OF_USER = """
listen: "@{listen:client}"
http: "@{listen:monitor}"
logtime_utc: true
jetstream { store_dir: "@{data}" }
leafnodes { listen: "@{listen:leaf}", no_advertise: true }
"""


def _text(system: NatsLeaf | NatsLeafCore | NatsDirect, service: str) -> str:
    return system.topology(("site-1",)).service(service).files[0].text


def test_the_newest_hub_hides_its_address() -> None:
    assert _text(NatsLeaf(version="2.15.2"), "hub") == (
        "# The hub.\n"
        'server_name: "hub"\n'
        'listen: "@{listen:client}"\n'
        'http: "@{listen:monitor}"\n'
        "logtime: true\n"
        "logtime_utc: true\n"
        'jetstream { domain: "hub", store_dir: "@{data}" }\n'
        "leafnodes {\n"
        '  listen: "@{listen:leaf}"\n'
        "  no_advertise: true\n"
        "}\n"
    )


@pytest.mark.parametrize("version", ["2.9.25", "2.10.12", "2.12.15", "2.14.9"])
def test_an_older_hub_advertises_an_address_that_no_leaf_can_use(version: str) -> None:
    assert '  advertise: "not advertised:9"\n' in _text(NatsLeaf(version=version), "hub")


def test_a_leaf_of_the_newest_version_ignores_what_the_hub_advertises() -> None:
    system = NatsLeaf(version="2.15.2", reconnect_s=0.05, ping_interval_s=0.5, ping_max=2)

    assert _text(system, "site-1") == (
        "# The broker of one site.\n"
        'server_name: "site-1"\n'
        'listen: "@{listen:client}"\n'
        'http: "@{listen:monitor}"\n'
        "logtime: true\n"
        "logtime_utc: true\n"
        "debug: true\n"
        'ping_interval: "500ms"\n'
        "ping_max: 2\n"
        'jetstream { domain: "site-1", store_dir: "@{data}" }\n'
        "leafnodes {\n"
        '  reconnect: "50ms"\n'
        '  remotes: [ { url: "nats-leaf://@{dial:toxiproxy:link-site-1}", ignore_discovered_servers: true } ]\n'
        "}\n"
    )


@pytest.mark.parametrize("version", ["2.9.25", "2.10.12", "2.12.15"])
def test_an_older_leaf_gets_no_field_that_it_does_not_know(version: str) -> None:
    assert "ignore_discovered_servers" not in _text(NatsLeaf(version=version), "site-1")


def test_a_leaf_of_2_9_gets_its_interval_in_whole_seconds() -> None:
    assert "  reconnect: 2\n" in _text(NatsLeaf(version="2.9.25", reconnect_s=2.0), "site-1")
    with pytest.raises(SpecError, match=r"reconnect_s must be a whole number with nats-server 2\.9\.25.*0\.05"):
        NatsLeaf(version="2.9.25", reconnect_s=0.05)


def test_a_leaf_without_a_store_has_no_jetstream_and_keeps_no_data() -> None:
    service = NatsLeafCore().topology(("site-1",)).service("site-1")

    assert "jetstream" not in service.files[0].text
    assert not service.keeps_data


def test_a_client_that_goes_straight_to_the_hub_needs_no_broker_at_its_site() -> None:
    topology = NatsDirect().topology(("site-1", "site-2"))

    assert [s.name for s in topology.services] == ["hub", "toxiproxy"]
    assert {(link.name, link.port) for link in topology.links} == {("site-1", "client"), ("site-2", "client")}
    assert "leafnodes" not in topology.service("hub").files[0].text


def test_a_site_is_on_its_own_network_only_and_the_hub_on_its_own() -> None:
    topology = NatsLeaf().topology(("site-1", "site-2"))

    assert {s.name: s.networks for s in topology.services if s.role != "proxy"} == {
        "hub": ("hub",),
        "site-1": ("site-1-lan",),
        "site-2": ("site-2-lan",),
    }


def test_further_lines_are_appended_and_know_their_site() -> None:
    system = NatsLeaf(
        extra_site_config='max_payload: 2MB\nserver_tags: ["@{site}"]', extra_hub_config="max_payload: 2MB"
    )

    assert _text(system, "site-1").endswith('# Lines of the user\'s.\nmax_payload: 2MB\nserver_tags: ["site-1"]\n')
    assert _text(system, "hub").endswith("# Lines of the user's.\nmax_payload: 2MB\n")


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("leafnodes { remotes: [] }", "leafnodes"),
        ("max_payload: 1MB; server_name: x", "server_name"),
        ('# listen: 1\nhttp_port = "8222"', "http_port"),
        ("accounts { A { jetstream: enabled } }\njetstream: false", "jetstream"),
        ("PORT: 1", "PORT"),
    ],
)
def test_further_lines_must_not_replace_what_the_lab_relies_on(lines: str, key: str) -> None:
    with pytest.raises(SpecError, match=f"extra_site_config must not set '{key}'"):
        NatsLeaf(extra_site_config=lines)


@pytest.mark.parametrize(
    "lines",
    [
        'websocket { port: 8080, no_tls: true, listen: "x" }',
        "# leafnodes { }",
        'server_tags: ["listen: 1 }"]\nmax_payload: 1MB',
        "accounts { A { jetstream: enabled } }",
    ],
)
def test_the_same_words_deeper_down_or_in_comments_are_the_users_own(lines: str) -> None:
    NatsLeaf(extra_site_config=lines)


def test_a_whole_configuration_of_the_users_is_taken_as_it_is() -> None:
    system = NatsLeaf(site_config=_SITE_OF_USER, hub_config=_HUB_OF_USER)

    assert "link-site-1}" in _text(system, "site-1")
    assert "@{site}" not in _text(system, "site-1")
    assert _text(system, "hub") == _HUB_OF_USER


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("nats-leaf://@{dial:toxiproxy:link-@{site}}", r"must hold @\{dial:toxiproxy:link-@\{site\}\}.*only way"),
        ('listen: "@{listen:client}"', r"must hold @\{listen:client\}"),
        ('http: "@{listen:monitor}"', r"must hold @\{listen:monitor\}"),
        ("debug: true,", "must set debug: true"),
        ("logtime_utc: true", "must set logtime_utc: true"),
        ('domain: "@{site}",', r"must set jetstream\.domain to @\{site\}"),
    ],
)
def test_a_site_configuration_that_lacks_something_is_refused_with_the_reason(missing: str, message: str) -> None:
    assert missing in _SITE_OF_USER
    with pytest.raises(SpecError, match="site_config " + message):
        NatsLeaf(site_config=_SITE_OF_USER.replace(missing, ""))


def test_a_site_configuration_with_a_way_round_the_link_is_refused() -> None:
    with pytest.raises(SpecError, match="would lead round the link"):
        NatsLeaf(site_config=_SITE_OF_USER.replace("remotes: [", 'remotes: [ { url: "@{dial:hub:leaf}" }, '))


@pytest.mark.parametrize(
    ("version", "missing", "message"),
    [
        ("2.15.2", ", no_advertise: true", r"leafnodes\.no_advertise: true: else leaves go round the link"),
        ("2.10.12", "nothing", r'leafnodes\.advertise: "not advertised:9": else leaves go round the link'),
        ("2.15.2", 'jetstream { store_dir: "@{data}" }', "must set jetstream"),
        ("2.15.2", 'listen: "@{listen:leaf}"', r"must hold @\{listen:leaf\}"),
    ],
)
def test_a_hub_configuration_that_lacks_something_is_refused_with_the_reason(
    version: str, missing: str, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        NatsLeafCore(version=version, hub_config=_HUB_OF_USER.replace(missing, ""))


def test_options_that_a_whole_configuration_leaves_no_place_for_are_refused() -> None:
    with pytest.raises(SpecError, match="reconnect_s must not be set with site_config"):
        NatsLeaf(site_config=_SITE_OF_USER, reconnect_s=1.0)
    with pytest.raises(SpecError, match="ping_max must not be set with hub_config"):
        NatsLeaf(hub_config=_HUB_OF_USER, ping_max=1)
