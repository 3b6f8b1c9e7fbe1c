import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from edgelab.deploy import owner
from edgelab.deploy.clean import clean

DEAD = "999999999:1.00"


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, str]], "subprocess.Popen[bytes]"]]:
    """Starts processes with the environment given; there is no Docker engine."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    started: list[subprocess.Popen[bytes]] = []

    def start(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment)
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def test_only_processes_of_dead_labs_are_ended(
    marked: Callable[[dict[str, str]], "subprocess.Popen[bytes]"],
) -> None:
    orphan = marked({owner.RUN_VARIABLE: "edgelab-dead", owner.OWNER_VARIABLE: DEAD})
    spared = [
        marked(owner.marks("edgelab-living")),
        marked({}),
        marked({owner.RUN_VARIABLE: "edgelab-odd", owner.OWNER_VARIABLE: "unreadable"}),
        marked({owner.OWNER_VARIABLE: DEAD}),
    ]

    name = psutil.Process(orphan.pid).name()

    removed = clean()

    assert [line for line in removed if "edgelab-dead" in line] == [f"process {orphan.pid} ({name}) of edgelab-dead"]
    assert not psutil.pid_exists(orphan.pid)
    assert [child.poll() for child in spared] == [None] * 4
