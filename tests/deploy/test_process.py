"""The process runtime, with real brokers."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from edgelab.deploy import addresses, process, ready
from edgelab.deploy.clean import clean
from edgelab.deploy.process import ProcessDeployment, ProcessRuntime
from edgelab.errors import LabError, SpecError, SystemUnderTestError
from edgelab.model.topology import Topology

pytestmark = pytest.mark.process
RUN = "edgelab-test"


@pytest.fixture
def lab(small: Callable[..., Topology], tmp_path: Path) -> Iterator[ProcessDeployment]:
    deployment = ProcessRuntime().up(small(), tmp_path, run_id=RUN)
    yield deployment
    deployment.down()


def pids(lab: ProcessDeployment) -> dict[str, int]:
    return {name: child.pid for name, child in lab._children.items() if child.pid is not None}


def test_down_ends_every_process_and_can_be_repeated(lab: ProcessDeployment) -> None:
    before = pids(lab)
    lab.pause("site-1")

    lab.down()
    lab.down()

    assert len(before) == 3
    assert not any(psutil.pid_exists(pid) for pid in before.values())


def test_a_service_that_died_unasked_is_named_with_the_end_of_its_log(lab: ProcessDeployment) -> None:
    os.kill(pids(lab)["site-1"], signal.SIGKILL)

    def died() -> bool:
        return "site-1" not in pids(lab)

    ready.until(died, deadline_s=5, what="the end of site-1")
    with pytest.raises(SystemUnderTestError, match=r"site-1 was ended by signal 9; its log ends:\n(.*\n)*.*ready"):
        lab.assert_alive()


def test_starting_what_runs_and_pausing_what_does_not_is_refused(lab: ProcessDeployment) -> None:
    with pytest.raises(LabError, match="site-1 runs already"):
        lab.start("site-1")
    lab.kill("site-1")

    with pytest.raises(LabError, match="cannot pause site-1: it does not run"):
        lab.pause("site-1")
    with pytest.raises(SpecError, match="no service 'site-9'"):
        lab.kill("site-9")


def test_what_was_started_is_taken_down_when_a_later_service_fails(
    small: Callable[..., Topology], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ProcessDeployment] = []
    monkeypatch.setattr(ProcessDeployment, "bring_up", _remembering(made, ProcessDeployment.bring_up))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        topology = small(extra=f'websocket {{ listen: "127.0.0.1:{port}", no_tls: true }}\n')

        with pytest.raises(SystemUnderTestError, match=rf"site-1 ended .*(\n.*)*{port}.*address already in use"):
            ProcessRuntime().up(topology, tmp_path, run_id=RUN)

    assert pids(made[0]) == {}


def test_a_port_that_is_taken_meanwhile_is_named_with_its_holder(
    small: Callable[..., Topology], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = addresses.take_ports
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        monkeypatch.setattr(process, "take_ports", lambda *a: {**take(*a), ("site-1", "client"): port})

        with pytest.raises(
            LabError, match=rf"port {port}, which site-1 needs for 'client', is taken by .*{os.getpid()}"
        ):
            ProcessRuntime().up(small(), tmp_path, run_id=RUN)


def test_a_lab_killed_outright_is_cleaned_away_and_a_living_one_is_not(lab: ProcessDeployment, tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", LAB_OF_ITS_OWN, str(Path(__file__).parent / "conftest.py"), str(tmp_path / "other")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    orphans = json.loads(other.stdout.readline())

    untouched = clean()
    other.kill()
    other.communicate()
    removed = clean()

    assert [line for line in untouched if "edgelab-orphan" in line] == []
    assert sorted(line for line in removed if "edgelab-orphan" in line) == sorted(
        f"process {pid} ({Path(name).name}) of edgelab-orphan" for name, pid in orphans
    )
    assert not any(psutil.pid_exists(pid) for _, pid in orphans)
    lab.assert_alive()
    assert len(pids(lab)) == 3


LAB_OF_ITS_OWN = """
import json, pathlib, runpy, sys, time
from edgelab.deploy.process import ProcessRuntime

topology = runpy.run_path(sys.argv[1])["_small"]()
lab = ProcessRuntime().up(topology, pathlib.Path(sys.argv[2]), run_id="edgelab-orphan")
print(json.dumps([(child._argv[0], child.pid) for child in lab._children.values()]), flush=True)
time.sleep(60)
"""


def _remembering(made: list[ProcessDeployment], method: Callable[[ProcessDeployment], None]) -> Any:
    def bring_up(self: ProcessDeployment) -> None:
        made.append(self)
        method(self)

    return bring_up
