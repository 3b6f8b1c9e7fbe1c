"""What a mirror says of itself, from the topics and answers in which it says it."""

from __future__ import annotations

import json
from typing import Any

from edgelab.systems.kafka import states

_CONNECTOR = b"status-connector-MirrorSourceConnector"
_TASK = b"status-task-MirrorSourceConnector-0"


def _said(state: str, trace: str | None = None) -> bytes:
    return json.dumps({"state": state, "trace": trace, "worker_id": "x", "generation": 1}).encode()


def _offset(site_offset: int, *, topic: str = "edge", partition: int = 0) -> tuple[bytes, bytes]:
    whose = ["MirrorSourceConnector", {"cluster": "site-1", "partition": partition, "topic": topic}]
    return json.dumps(whose).encode(), json.dumps({"offset": site_offset}).encode()


def test_a_mirror_runs_when_its_connector_and_its_task_do() -> None:
    runs = states.of_status({_CONNECTOR: _said("RUNNING"), _TASK: _said("RUNNING")})

    assert runs.runs
    assert not states.of_status({_CONNECTOR: _said("RUNNING")}).runs
    assert not states.of_status({_CONNECTOR: _said("RUNNING"), _TASK: _said("UNASSIGNED")}).runs
    assert not states.of_status({}).runs


def test_other_connectors_and_destroyed_tasks_do_not_count() -> None:
    values: dict[bytes, bytes | None] = {
        _CONNECTOR: _said("RUNNING"),
        _TASK: _said("RUNNING"),
        b"status-task-MirrorSourceConnector-1": _said("DESTROYED"),
        b"status-task-MirrorHeartbeatConnector-0": _said("FAILED"),
        b"status-topic-site-1.edge:connector-x": None,
    }

    assert states.of_status(values).runs


def test_a_failed_task_says_why_in_one_line() -> None:
    trace = "ConnectException: Unrecoverable\n\tat a.b\nCaused by: TimeoutException: 5000 ms has passed\n\tat c.d\n"

    state = states.of_status({_CONNECTOR: _said("RUNNING"), _TASK: _said("FAILED", trace)})

    assert state.trace == "ConnectException: Unrecoverable | Caused by: TimeoutException: 5000 ms has passed"
    assert str(state) == f"connector RUNNING, tasks FAILED: {state.trace}"
    assert state.limits["task.state"] == "FAILED"
    assert state.limits["task.trace"] == state.trace


def test_a_position_is_that_of_the_sites_topic_by_partition() -> None:
    values: Any = dict([_offset(41), _offset(7, partition=1), _offset(99, topic="heartbeats")])

    position = states.Position(states.of_offsets(values))

    assert position.offsets == {0: 41, 1: 7}
    assert position.limits["mirror.position"] == {"0": 41, "1": 7}
    assert position.limits["task.state"] == "none"


def test_what_cannot_be_read_is_nothing() -> None:
    assert states.of_offsets({b"x": b"y", b"[]": b"{}"}) == {}
    assert states.of_status({_TASK: b"not json"}).tasks == ()
