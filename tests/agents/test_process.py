"""Both sides of the contract between the lab and its agents, with real processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from edgelab.agents.process import AgentProcess
from edgelab.deploy import owner
from edgelab.errors import LabError, NotReady
from edgelab.history import read_segment


def test_a_wrong_spec_is_reported_in_the_agents_own_words(agents: Any) -> None:
    agent = agents.spawn(agents.spec("127.0.0.1:1", attempts=0))

    with pytest.raises(LabError, match=r"^agent publish-0: attempts must be at least 1, not 0$"):
        agent.wait_ready(20.0)
    assert agent.error == "attempts must be at least 1, not 0"
    with pytest.raises(LabError, match="attempts must be"):
        agent.wait(10.0)
    assert agent.poll() == 3


def test_an_agent_that_dies_without_a_word_is_reported_with_the_end_of_its_log(tmp_path: Path, agents: Any) -> None:
    agent = AgentProcess.spawn("no_such_agent", agents.spec("127.0.0.1:1"), folder=tmp_path, run_id="test")

    with pytest.raises(
        LabError, match=r"(?s)ended before it was ready; the end of .*agent-publish-0\.log.*no_such_agent"
    ):
        agent.wait_ready(20.0)
    agent.kill()


def test_an_agent_that_is_not_ready_in_time_is_reported_and_can_be_killed(agents: Any) -> None:
    agent = agents.spawn(agents.spec("127.0.0.1:1"))  # it tries to connect for longer than that

    with pytest.raises(NotReady, match=r"agent publish-0 was not ready within 0\.2 s"):
        agent.wait_ready(0.2)
    agent.kill()
    assert agent.poll() == -signal.SIGKILL


def test_a_file_in_the_users_folder_does_not_shadow_a_library(
    tmp_path: Path, agents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nats.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    agent = agents.spawn(agents.spec("127.0.0.1:1", attempts=0))

    with pytest.raises(LabError, match="attempts must be"):
        agent.wait_ready(20.0)


def test_an_existing_segment_is_never_overwritten(agents: Any) -> None:
    spec = agents.spec("127.0.0.1:1")
    Path(spec["segment"]).parent.mkdir()
    Path(spec["segment"]).write_bytes(b"precious")
    agent = agents.spawn(spec)

    with pytest.raises(LabError, match="cannot be made: File exists"):
        agent.wait_ready(20.0)
    assert Path(spec["segment"]).read_bytes() == b"precious"


@pytest.mark.process
def test_several_agents_start_side_by_side_and_carry_the_marks_of_their_run(make_broker: Any, agents: Any) -> None:
    broker = make_broker()

    started = [agents.spawn(agents.spec(broker.address, mode="core")) for _ in range(3)]
    for agent in started:
        agent.wait_ready(20.0)
    environment = psutil.Process(started[0].pid).environ()
    for agent in started:
        agent.stop()
        agent.stop()
        agent.wait(10.0)

    assert environment["EDGELAB_RUN"] == "test"
    maker = owner.parse(environment["EDGELAB_OWNER"])
    assert maker is not None
    assert maker.pid == os.getpid()
    assert [agent.poll() for agent in started] == [0, 0, 0]
    assert all(len(read_segment(agent.segment)[0]) == 0 for agent in started)


@pytest.mark.process
def test_ctrl_c_does_not_end_an_agent_and_sigterm_does(make_broker: Any, agents: Any) -> None:
    broker = make_broker()
    agent = agents.begin(broker.address, mode="core", duration_s=60.0)

    os.kill(agent.pid, signal.SIGINT)
    time.sleep(0.5)
    survived = agent.poll() is None
    os.kill(agent.pid, signal.SIGTERM)

    assert survived
    with pytest.raises(LabError, match="was stopped by someone else"):
        agent.wait(10.0)


@pytest.mark.process
def test_an_agent_killed_by_someone_else_is_an_error_that_names_the_signal(make_broker: Any, agents: Any) -> None:
    broker = make_broker()
    agent = agents.begin(broker.address, mode="core", duration_s=60.0)

    os.kill(agent.pid, signal.SIGKILL)

    with pytest.raises(LabError, match="killed by SIGKILL"):
        agent.wait(10.0)
    with pytest.raises(LabError, match="ended before it could start"):
        agent.start(0)
