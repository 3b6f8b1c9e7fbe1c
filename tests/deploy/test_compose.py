import ipaddress
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from edgelab.deploy import addresses, artifacts, compose, compose_start
from edgelab.errors import ArtifactError
from edgelab.model.topology import PROXY, ConfigFile, Service, Topology, assemble

GOLDEN = Path(__file__).parent / "golden"


def test_the_reference_rendering_is_known(small: Callable[..., Topology]) -> None:
    assert compose.render(small(sites=2)) == (GOLDEN / "reference.yaml").read_text()


def test_the_rendering_of_a_run_is_known(small: Callable[..., Topology]) -> None:
    topology = small()
    ports = addresses.fixed_ports(topology)

    text = compose.render(
        topology,
        project="edgelab-1",
        data="folder",
        host_ports={key: number + 1000 for key, number in ports.items()},
        images={("nats-server", "2.10.12"): "edgelab/nats-server:2.10.12", ("toxiproxy", "2.12.0"): "proxy:1"},
        labels={"edgelab.run": "edgelab-1", "edgelab.owner": "7:1.00@here"},
        user=(1000, 1001),
    )

    assert text == (GOLDEN / "run.yaml").read_text()


def test_only_the_proxy_is_on_more_than_one_network(small: Callable[..., Topology]) -> None:
    services = yaml.safe_load(compose.render(small(sites=3)))["services"]

    networks = {name: service["networks"] for name, service in services.items()}

    assert networks.pop(PROXY) == ["hub", "site-1-lan", "site-2-lan", "site-3-lan"]
    assert all(len(found) == 1 for found in networks.values())
    assert len({found[0] for found in networks.values()}) == 4


def test_ports_are_published_on_loopback_only(small: Callable[..., Topology]) -> None:
    services = yaml.safe_load(compose.render(small(sites=3)))["services"]

    published = [port for service in services.values() for port in service["ports"]]

    assert all(port.startswith("127.0.0.1:") for port in published)
    assert len({port.split(":")[1] for port in published}) == len(published)


def test_many_networks_get_small_subnets_that_do_not_overlap(small: Callable[..., Topology]) -> None:
    assert compose_start.subnets_for(small(sites=3)) == []
    topology = small(sites=100)

    text = compose.render(topology, subnets=compose_start.subnets_for(topology))

    networks = yaml.safe_load(text)["networks"].values()
    subnets = [ipaddress.ip_network(network["ipam"]["config"][0]["subnet"]) for network in networks]
    assert len(set(subnets)) == 101
    assert all(subnet.is_private and subnet.prefixlen == 28 for subnet in subnets)


def test_a_dollar_sign_is_not_taken_for_a_variable() -> None:
    service = Service(name="hub", role="hub", program="nats-server", version="2.10.12", arguments=("--user=$SYS",))

    text = compose.render(assemble("t", sites=[], services=[service], links=[]))

    assert yaml.safe_load(text)["services"]["hub"]["command"] == ["--user=$$SYS"]


def test_a_broker_in_java_gets_a_shell_its_paths_and_room_to_unpack_code(broker: Callable[..., Topology]) -> None:
    hub = yaml.safe_load(compose.render(broker()))["services"]["hub"]

    assert hub["image"] == "${EDGELAB_KAFKA_IMAGE:-apache/kafka:4.3.1}"
    assert (hub["entrypoint"], hub["command"]) == (["/bin/sh"], ["/etc/edgelab/start.sh"])
    assert hub["environment"] == {"EDGELAB_JAVA": "java", "EDGELAB_KAFKA_LIBS": "/opt/kafka/libs", "EDGELAB_CDS": ""}
    data, unpacked = hub["tmpfs"]
    assert data.startswith("/data:")
    assert unpacked.startswith("/tmp:exec,")  # noqa: S108 - of the container's own
    assert hub["restart"] == "no"
    older = yaml.safe_load(compose.render(broker(version="3.6.0")))["services"]["hub"]
    assert older["image"] == "${EDGELAB_KAFKA_IMAGE:-edgelab/kafka:3.6.0}"  # there is no official one


def test_a_mirror_starts_last_and_again_when_it_fails() -> None:
    mirror = {"role": "mirror", "supervised": True, "networks": ("site-1-lan",)}
    services = [
        Service(name=name, site=site, program="kafka", version="4.3.1", arguments=("a.sh",), **more)
        for name, site, more in (
            ("mirror-site-1", "site-1", mirror),
            ("hub", "", {"role": "hub"}),
            ("site-1", "site-1", {"role": "site"}),
        )
    ]

    rendered = yaml.safe_load(compose.render(assemble("t", sites=["site-1"], services=services, links=[])))["services"]

    assert rendered["mirror-site-1"]["restart"] == "on-failure"
    assert rendered["mirror-site-1"]["depends_on"] == ["site-1", "toxiproxy"]
    assert "edgelab: ended with status $$s, started again" in rendered["mirror-site-1"]["entrypoint"][2]
    assert "mirror-site-1" not in str([rendered[name].get("depends_on") for name in ("hub", "site-1", "toxiproxy")])


def test_a_project_holds_the_files_it_mounts(small: Callable[..., Topology], tmp_path: Path) -> None:
    file = compose.write_project(small(), tmp_path)

    assert file == tmp_path / "compose.yaml"
    assert '"nats-leaf://toxiproxy:9001"' in (tmp_path / "config" / "site-1" / "nats.conf").read_text()
    for service in yaml.safe_load(file.read_text())["services"].values():
        for volume in service["volumes"]:
            assert (tmp_path / volume["source"]).is_dir()


def test_files_can_be_read_by_the_user_of_the_container(tmp_path: Path) -> None:
    file = ConfigFile(name="a.conf", text="x")
    service = Service(name="hub", role="hub", program="nats-server", version="2.10.12", arguments=(), files=(file,))

    compose.write_project(assemble("t", sites=[], services=[service], links=[]), tmp_path)

    assert (tmp_path / "config" / "hub").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "config" / "hub" / "a.conf").stat().st_mode & 0o777 == 0o644


def test_docker_compose_takes_the_file(small: Callable[..., Topology], tmp_path: Path) -> None:
    if shutil.which("docker") is None and shutil.which("docker-compose") is None:
        pytest.skip("no docker compose on this machine")
    try:
        command = artifacts.compose_command(build=False)
    except ArtifactError as error:
        pytest.skip(str(error))
    file = compose.write_project(small(sites=2), tmp_path)

    done = subprocess.run([*command, "-f", file, "config", "--quiet"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
