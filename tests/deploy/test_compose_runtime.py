"""What only containers can show: isolation, rights, labels, and clean-up by label."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgelab.deploy import compose_runtime, containers, docker_api, images
from edgelab.deploy.clean import clean
from edgelab.deploy.compose_runtime import ComposeDeployment, ComposeRuntime
from edgelab.errors import CommandError, LabError, SpecError, SystemUnderTestError
from edgelab.model.topology import Topology

pytestmark = pytest.mark.docker
RUN = "edgelab-test-compose"


@pytest.fixture
def lab(small: Callable[..., Topology], run_folder: Path) -> Iterator[ComposeDeployment]:
    deployment = ComposeRuntime().up(small(sites=2), run_folder, run_id=RUN)
    yield deployment
    deployment.down()


def inspected(lab: ComposeDeployment, service: str) -> dict[str, Any]:
    found: dict[str, Any] = lab._client.api.inspect_container(lab._id(service))
    return found


def ip(lab: ComposeDeployment, service: str, network: str) -> str:
    return str(inspected(lab, service)["NetworkSettings"]["Networks"][f"{RUN}_{network}"]["IPAddress"])


def gateway(lab: ComposeDeployment, service: str, network: str) -> str:
    return str(inspected(lab, service)["NetworkSettings"]["Networks"][f"{RUN}_{network}"]["Gateway"])


def greeting_from(lab: ComposeDeployment, service: str, host: str, port: int) -> str:
    """What a process inside the network namespace of ``service`` hears first from ``host:port``."""
    code = (
        "import socket, sys\n"
        "try:\n"
        "    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1) as c:\n"
        "        print(c.recv(4).decode())\n"
        "except OSError as error: print('unreachable:', error)\n"
    )
    argv = ["nsenter", "--net", "--target", str(inspected(lab, service)["State"]["Pid"]), sys.executable, "-c", code]
    return subprocess.run([*argv, host, str(port)], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="entering a container's network namespace takes root")
def test_a_site_reaches_the_hub_through_its_link_only(lab: ComposeDeployment) -> None:
    link = greeting_from(lab, "site-1", ip(lab, "toxiproxy", "site-1-lan"), 9001)
    round_about = {
        "the hub's client port": (ip(lab, "hub", "hub"), 4222),
        "the hub's leaf port": (ip(lab, "hub", "hub"), 7422),
        "the hub's monitor": (ip(lab, "hub", "hub"), 8222),
        "the proxy, on the hub's network": (ip(lab, "toxiproxy", "hub"), 9001),
        "the other site": (ip(lab, "site-2", "site-2-lan"), 4222),
        "the hub as published on this machine": (
            gateway(lab, "site-1", "site-1-lan"),
            lab.address("hub", "client").port,
        ),
    }

    heard = {name: greeting_from(lab, "site-1", *where) for name, where in round_about.items()}

    assert link == "INFO"
    assert greeting_from(lab, "hub", ip(lab, "hub", "hub"), 4222) == "INFO"  # the address itself is right
    assert {name: text for name, text in heard.items() if not text.startswith("unreachable:")} == {}


def test_services_run_without_rights_and_within_limits(lab: ComposeDeployment) -> None:
    for service in ("hub", "site-1", "toxiproxy"):
        found = inspected(lab, service)
        limits = found["HostConfig"]
        assert found["Config"]["User"].split(":")[0] not in {"", "0"}
        assert limits["ReadonlyRootfs"]
        assert limits["CapDrop"] == ["ALL"]
        assert limits["SecurityOpt"] == ["no-new-privileges:true"]
        assert limits["Memory"] == lab.topology.service(service).memory_bytes
        assert limits["NanoCpus"] == lab.topology.service(service).cpus * 1e9
        assert not limits["Privileged"]
        for bindings in limits["PortBindings"].values():
            assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}


def test_an_unpublished_port_has_no_address_here(lab: ComposeDeployment) -> None:
    with pytest.raises(LabError, match="port 'leaf' of hub is not published"):
        lab.address("hub", "leaf")
    assert lab.dial_address("toxiproxy", "hub", "leaf") == "hub:7422"


def test_a_service_that_died_unasked_is_named(lab: ComposeDeployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_runtime, "_LOOK_EVERY_S", 0.0)
    lab._client.api.kill(lab._id("site-1"), "SIGKILL")
    lab._client.api.wait(lab._id("site-1"), timeout=10)

    with pytest.raises(
        SystemUnderTestError, match=r"site-1 ended with status 137 \(exited\); its log ends:\n(.*\n)*.*ready"
    ):
        lab.assert_alive()


def test_nothing_is_left_when_compose_fails_half_way(
    small: Callable[..., Topology], run_folder: Path, monkeypatch: pytest.MonkeyPatch, lab: ComposeDeployment
) -> None:
    del lab
    taken = Path(run_folder, "compose.yaml").read_text().split("127.0.0.1:")[1].split()[0]
    take = compose_runtime.take_ports  # type: ignore[attr-defined]

    def clashing(*args: Any, **options: Any) -> dict[tuple[str, str], int]:
        return {**take(*args, **options), ("site-1", "client"): int(taken)}

    monkeypatch.setattr(compose_runtime, "take_ports", clashing)

    with pytest.raises(CommandError, match=f"127.0.0.1:{taken}"):
        ComposeRuntime().up(small(), run_folder / "second", run_id="edgelab-test-half")

    client = docker_api.connect()
    assert "edgelab-test-half" not in containers.owners(client)
    client.close()


def test_a_lab_killed_outright_is_cleaned_away_and_a_living_one_is_not(
    lab: ComposeDeployment, run_folder: Path
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", LAB_OF_ITS_OWN, str(Path(__file__).parent / "conftest.py"), str(run_folder / "other")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert json.loads(other.stdout.readline()) == ["hub", "site-1", "toxiproxy"]

    untouched = clean()
    other.kill()
    other.communicate()
    removed = clean()

    assert [line for line in untouched if "edgelab-test-orphan" in line] == []
    assert sorted(line for line in removed if "edgelab-test-orphan" in line) == [
        "container edgelab-test-orphan-hub-1",
        "container edgelab-test-orphan-site-1-1",
        "container edgelab-test-orphan-toxiproxy-1",
        "network edgelab-test-orphan_hub",
        "network edgelab-test-orphan_site-1-lan",
    ]
    lab.assert_alive()
    assert set(lab.usage()) == {"hub", "site-1", "site-2", "toxiproxy"}


def test_a_run_id_that_compose_would_refuse_is_refused_first(small: Callable[..., Topology], run_folder: Path) -> None:
    with pytest.raises(SpecError, match=r"run_id must be lower-case .*'Run 1'"):
        ComposeRuntime().up(small(), run_folder, run_id="Run 1")


def test_an_image_named_by_the_environment_comes_first(
    small: Callable[..., Topology], monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = images.build("toxiproxy", "2.12.0")
    monkeypatch.setenv("EDGELAB_NATS_IMAGE", tag)

    chosen = images.for_topology(small())

    assert chosen["nats-server", "2.10.12"] == tag


def test_the_same_binary_gives_the_same_image() -> None:
    client = docker_api.connect()

    first, second = (client.images.get(images.build("toxiproxy", "2.12.0")).id for _ in range(2))

    client.close()
    assert first == second


LAB_OF_ITS_OWN = """
import json, pathlib, runpy, sys, time
from edgelab.deploy.compose_runtime import ComposeRuntime

topology = runpy.run_path(sys.argv[1])["_small"]()
folder = pathlib.Path(sys.argv[2])
folder.mkdir()
lab = ComposeRuntime().up(topology, folder, run_id="edgelab-test-orphan")
print(json.dumps(sorted(lab.usage())), flush=True)
time.sleep(60)
"""
