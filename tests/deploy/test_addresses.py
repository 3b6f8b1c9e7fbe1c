from collections.abc import Callable
from pathlib import Path

import pytest

from edgelab.deploy.addresses import ContainerBook, ProcessBook, check_placeholders, fill, take_ports
from edgelab.deploy.ports import Ports
from edgelab.errors import SpecError
from edgelab.model.topology import Topology

TEXT = (
    "@{listen:client} @{listen-host:client} @{listen-port:client} "
    "@{dial:toxiproxy:link-site-1} @{data} @{file:nats.conf}"
)


def test_processes_have_ports_of_their_own_on_loopback(small: Callable[..., Topology]) -> None:
    topology = small()
    book = ProcessBook(Path("/run"), {("site-1", "client"): 20001, ("toxiproxy", "link-site-1"): 20002})

    filled = fill(TEXT, topology=topology, service=topology.service("site-1"), book=book)

    assert filled == ("127.0.0.1:20001 127.0.0.1 20001 127.0.0.1:20002 /run/data/site-1 /run/config/site-1/nats.conf")


def test_containers_have_names_and_the_ports_of_the_topology(small: Callable[..., Topology]) -> None:
    topology = small()

    filled = fill(TEXT, topology=topology, service=topology.service("site-1"), book=ContainerBook())

    assert filled == "0.0.0.0:4222 0.0.0.0 4222 toxiproxy:9001 /data /etc/edgelab/nats.conf"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("@{listen:nothing}", "site-1 has no port 'nothing'"),
        ("@{dial:nobody:client}", "has no service 'nobody'"),
        ("@{dial:hub}", r"site-1 uses @\{dial:hub\}, which is no placeholder"),
        ("@{secret}", r"site-1 uses @\{secret\}, which is no placeholder"),
        ("@{file:other.conf}", "site-1 has no file 'other.conf'"),
    ],
)
def test_what_cannot_be_filled_is_refused(small: Callable[..., Topology], text: str, complaint: str) -> None:
    topology = small()

    with pytest.raises(SpecError, match=complaint):
        fill(text, topology=topology, service=topology.service("site-1"), book=ContainerBook())


def test_where_the_lab_reaches_a_port_differs_from_where_services_do(small: Callable[..., Topology]) -> None:
    topology = small(extra="# @{lab:hub:client} @{dial:hub:client}\n")
    text = "@{lab:hub:client} @{dial:hub:client}"
    hub = topology.service("hub")

    in_containers = fill(text, topology=topology, service=hub, book=ContainerBook({("hub", "client"): 24_007}))
    as_processes = fill(text, topology=topology, service=hub, book=ProcessBook(Path("/run"), {("hub", "client"): 9}))

    assert in_containers == "127.0.0.1:24007 hub:4222"
    assert as_processes == "127.0.0.1:9 127.0.0.1:9"
    check_placeholders(topology)
    with pytest.raises(SpecError, match="port 'leaf' of hub is not published"):
        check_placeholders(small(extra="# @{lab:hub:leaf}\n"))


def test_braces_of_configuration_languages_are_left_alone(small: Callable[..., Topology]) -> None:
    topology = small()
    text = 'jetstream { domain: hub } user: "a@b.c" map: ${HOME}'

    assert fill(text, topology=topology, service=topology.service("hub"), book=ContainerBook()) == text


def test_only_published_ports_take_one_of_the_host_when_so_asked(small: Callable[..., Topology]) -> None:
    ports = Ports()

    every, published = take_ports(small(), ports), take_ports(small(), ports, published_only=True)

    assert set(every) - set(published) == {("hub", "leaf")}
    ports.release()
