"""What all tests share: a Docker tier that never skips in CI, and a header that says what is tested."""

from __future__ import annotations

import functools
import os
import platform
import socket
from pathlib import Path

import docker
import pytest

_OPTION = "--edgelab-require-docker"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(_OPTION, action="store_true", help="fail, rather than skip, where no Docker engine answers")


def pytest_report_header() -> str:
    return f"edgelab: {platform.system()} {platform.release()}, {os.cpu_count()} cpus, Docker {_docker() or 'none'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _docker() is not None or config.getoption(_OPTION):
        return
    skip = pytest.mark.skip(reason="no Docker engine answers; start one with: python -m edgelab.deploy.engine")
    for item in items:
        if "docker" in item.keywords:
            item.add_marker(skip)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A folder that unprivileged containers can enter: pytest's own are for their owner only."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder == Path(folder.anchor) or not os.access(folder, os.W_OK):
            break
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):  # noqa: S108 - compared, not written to
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


@functools.cache
def _docker() -> str | None:
    """Version of the Docker engine, None where none answers."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if host.startswith("unix://"):
        # docker-py leaves its socket open where nobody listens, which pytest then reports as an error of ours.
        with socket.socket(socket.AF_UNIX) as knock:
            if knock.connect_ex(host.removeprefix("unix://")) != 0:
                return None
    client = docker.APIClient(version="1.41", timeout=5)
    try:
        return str(client.version(api_version=False)["Version"])
    except (docker.errors.DockerException, OSError):
        return None
    finally:
        client.close()
