"""The reference topologies in ``compose/``: as the code renders them, and they come up by themselves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from edgelab import reference
from edgelab.deploy import artifacts, images
from edgelab.deploy.base import Address
from edgelab.model.topology import HUB, TOXIPROXY_VERSION, Topology
from edgelab.nemesis.probe import Door, knock
from edgelab.systems.kafka import versions as kafka
from edgelab.systems.nats.versions import NEWEST

KEPT = Path(__file__).parent.parent / "compose"
NAMES = sorted(reference.topologies())


def _files(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.checkout
def test_the_files_in_the_repository_are_what_the_code_renders(tmp_path: Path) -> None:
    reference.write_all(tmp_path)

    kept = {name: text for name, text in _files(KEPT).items() if name != "README.md"}
    assert _files(tmp_path) == kept, "render them again: make reference"


def test_rendering_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    reference.write_all(tmp_path / "a")
    reference.write_all(tmp_path / "b")

    assert _files(tmp_path / "a") == _files(tmp_path / "b")


@pytest.mark.docker
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", NAMES)
def test_each_comes_up_with_plain_docker_compose(run_folder: Path, name: str) -> None:
    reference.write_all(run_folder)
    file = run_folder / name / "compose.yaml"
    compose = [*artifacts.compose_command(), "-f", str(file), "-p", f"edgelab-test-{name}"]
    environment = {
        **os.environ,
        # No registry is needed for the test: local images of the same binaries.
        "EDGELAB_NATS_IMAGE": images.build("nats-server", NEWEST),
        "EDGELAB_KAFKA_IMAGE": images.build("kafka", kafka.NEWEST) if "kafka" in name else "",
        "EDGELAB_TOXIPROXY_IMAGE": images.build("toxiproxy", TOXIPROXY_VERSION),
    }
    services = {service.name for service in reference.topologies()[name].services}
    try:
        subprocess.run([*compose, "up", "-d"], check=True, capture_output=True, env=environment, timeout=120)
        listed = subprocess.run(
            [*compose, "ps", "--format", "json"],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
        ).stdout
        running = {row["Service"] for row in map(json.loads, listed.splitlines()) if row["State"] == "running"}
        assert running == services
        assert _answers(reference.topologies()[name])
    finally:
        subprocess.run(
            [*compose, "down", "-v", "-t", "0"], check=False, capture_output=True, env=environment, timeout=120
        )
        shutil.rmtree(run_folder / name, ignore_errors=True)


def _answers(topology: Topology) -> bool:
    """Whether the hub speaks on the first port of the file: greets, or answers its own question."""
    door = Door(Address("127.0.0.1", 24000), request=topology.service(HUB).ports[0].probe_request)
    if not door.request:
        door = Door(door.address, b"INFO")
    deadline = time.monotonic() + 60
    while not (answers := knock(door, 2.0).came_back) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answers
