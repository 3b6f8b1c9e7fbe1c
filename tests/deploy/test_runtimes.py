"""What every runtime must do: one set of tests, played on each with real brokers."""

import json
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgelab.deploy import ready
from edgelab.deploy.base import Connection, Deployment, Runtime
from edgelab.deploy.census import established
from edgelab.deploy.choose import runtime as choose
from edgelab.errors import LabError, SpecError, SystemUnderTestError
from edgelab.model.topology import Topology

RUN = "edgelab-test-contract"


@pytest.fixture(
    params=[
        pytest.param("process", marks=pytest.mark.process),
        pytest.param("compose", marks=pytest.mark.docker),
    ]
)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    return choose(request.param)


@pytest.fixture
def lab(runtime: Runtime, small: Callable[..., Topology], run_folder: Path) -> Iterator[Deployment]:
    deployment = runtime.up(small(), run_folder, run_id=RUN)
    yield deployment
    deployment.down()


def monitor(lab: Deployment, service: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{lab.address(service, 'monitor')}/varz", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def wait_for_leaf(lab: Deployment) -> None:
    ready.until(lambda: monitor(lab, "hub")["leafnodes"] == 1, deadline_s=10, what="the leaf")


def test_brings_up_hub_proxy_and_site_with_the_link_between(lab: Deployment) -> None:
    lab.assert_alive()

    wait_for_leaf(lab)
    config = (lab.folder / "config" / "site-1" / "nats.conf").read_text()
    assert f'"nats-leaf://{lab.dial_address("site-1", "toxiproxy", "link-site-1")}"' in config
    assert "Server is ready" in lab.collect_logs()["hub"].read_text()
    assert set(lab.digests()) == {"nats-server:2.10.12", "toxiproxy:2.12.0"}
    assert all(digest.startswith("sha256:") for digest in lab.digests().values())


def test_tells_what_each_running_service_uses(lab: Deployment) -> None:
    usage = lab.usage()

    assert set(usage) == {"hub", "site-1", "toxiproxy"}
    assert all(1_000_000 < found.rss_bytes < 1_000_000_000 for found in usage.values())
    lab.kill("site-1")
    assert set(lab.usage()) == {"hub", "toxiproxy"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells whose a connection is")
def test_the_census_shows_sites_at_their_links_and_nobody_at_the_hub_but_the_proxy(lab: Deployment) -> None:
    wait_for_leaf(lab)

    assert set(lab.connections() or ()) == {
        Connection("site-1", "toxiproxy", "link-site-1"),
        Connection("toxiproxy", "hub", "leaf"),
    }
    tables = lab.network_tables("toxiproxy")
    assert tables is not None
    assert list(established(tables))


def test_a_killed_service_starts_again_with_its_address_data_and_log(lab: Deployment) -> None:
    address, name = lab.address("site-1", "client"), monitor(lab, "site-1")["server_id"]
    (lab.folder / "data" / "site-1" / "kept").write_text("kept")

    lab.kill("site-1")
    lab.assert_alive()
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(address, timeout=1)
    lab.start("site-1")
    ready.until(lambda: monitor(lab, "site-1"), deadline_s=10, what="site-1", tolerate=(OSError,))

    assert lab.address("site-1", "client") == address
    assert monitor(lab, "site-1")["server_id"] != name
    assert (lab.folder / "data" / "site-1" / "kept").read_text() == "kept"
    wait_for_leaf(lab)
    ready.until(  # the monitor answers before the broker logs that it is ready
        lambda: lab.collect_logs()["site-1"].read_text().count("Server is ready"),
        accept=lambda count: count == 2,
        deadline_s=10,
        what="both starts in one log",
    )


def test_a_paused_service_answers_when_it_is_resumed(lab: Deployment) -> None:
    with socket.create_connection(lab.address("site-1", "client"), timeout=0.5) as connection:
        assert connection.recv(65536).startswith(b"INFO")
        lab.pause("site-1")
        lab.assert_alive()
        connection.sendall(b"CONNECT {}\r\nPING\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(1)

        lab.resume("site-1")

        connection.settimeout(5)
        assert connection.recv(65536)


def test_a_paused_service_can_be_killed_and_started(lab: Deployment) -> None:
    lab.pause("site-1")
    lab.kill("site-1")
    lab.start("site-1")

    ready.until(lambda: monitor(lab, "site-1"), deadline_s=10, what="site-1", tolerate=(OSError,))


def test_what_does_not_run_cannot_be_paused(lab: Deployment) -> None:
    lab.kill("site-1")

    with pytest.raises(LabError, match="pause site-1"):
        lab.pause("site-1")
    with pytest.raises(SpecError, match="no service 'site-9'"):
        lab.kill("site-9")


def test_a_configuration_the_server_refuses_is_the_users(
    runtime: Runtime, small: Callable[..., Topology], run_folder: Path
) -> None:
    topology = small(extra="nonsense: 3\n")

    with pytest.raises(SpecError, match=r'configuration of site-1 was refused .*unknown field "nonsense"'):
        runtime.up(topology, run_folder, run_id=RUN)


def test_a_service_that_dies_while_it_starts_is_named_with_the_end_of_its_log(
    runtime: Runtime, small: Callable[..., Topology], run_folder: Path
) -> None:
    # Passes the server's own check of its configuration, and fails when it binds.
    topology = small(extra='websocket { listen: "192.0.2.1:20000", no_tls: true }\n')

    with pytest.raises(SystemUnderTestError, match=r"site-1 ended .*; its log ends:\n(.*\n)*.*192\.0\.2\.1"):
        runtime.up(topology, run_folder, run_id=RUN)


def test_down_can_be_repeated_and_leaves_the_logs(lab: Deployment) -> None:
    lab.down()
    lab.down()

    assert "Server is ready" in (lab.folder / "logs" / "site-1.log").read_text()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(lab.address("hub", "client"), timeout=1)
