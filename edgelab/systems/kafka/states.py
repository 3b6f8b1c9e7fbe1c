"""What a mirror says of itself: states of its connector and tasks, and its position in the site's topic.

In dedicated mode it notes them in topics at the hub, and so cannot while it does not reach the hub; a standalone
worker tells them over HTTP. Shown, and used to see that a mirror has started; whether messages move is told by the
topics themselves.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...deploy.base import Address
from . import tables
from .mirror import CONNECTOR, TOPIC

_TIMEOUT_S = 10.0
_TRACE_LETTERS = 300


@dataclass(frozen=True, slots=True)
class State:
    """The connector and tasks of one mirror.

    Attributes:
        connector / tasks: their states, ``"RUNNING"``, ``"FAILED"``, ….
        trace: first line of why one has failed.
    """

    connector: str = "unknown"
    tasks: tuple[str, ...] = ()
    trace: str = ""

    @property
    def runs(self) -> bool:
        """Whether the connector and at least one task run, and all that there are."""
        return self.connector == "RUNNING" and bool(self.tasks) and set(self.tasks) == {"RUNNING"}

    @property
    def limits(self) -> Mapping[str, Any]:
        """As a store's state shows it."""
        shown: dict[str, Any] = {"connector.state": self.connector, "task.state": ", ".join(self.tasks) or "none"}
        return {**shown, "task.trace": self.trace} if self.trace else shown

    def __str__(self) -> str:
        return f"connector {self.connector}, tasks {', '.join(self.tasks) or 'none'}{self.trace and ': '}{self.trace}"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a mirror stands.

    Attributes:
        offsets: of each partition of the site's topic, the last offset that it has noted as copied.
        state: of its connector and tasks.
    """

    offsets: Mapping[int, int] = field(default_factory=dict)
    state: State = field(default_factory=State)

    @property
    def limits(self) -> Mapping[str, Any]:
        """As a store's state shows it."""
        return {"mirror.position": {str(p): o for p, o in sorted(self.offsets.items())}, **self.state.limits}


def status_topic(site: str) -> str:
    """Where a dedicated mirror notes its states."""
    return f"mm2-status.{site}.internal"


def offsets_topic(site: str) -> str:
    """Where a dedicated mirror notes its position."""
    return f"mm2-offsets.{site}.internal"


def of_status(values: Mapping[bytes, bytes | None]) -> State:
    """From the last values of a status topic."""
    connector: dict[str, Any] = {}
    tasks: dict[bytes, dict[str, Any]] = {}
    for key, value in values.items():
        said = tables.as_json(value)
        if not isinstance(said, dict):
            continue
        if key == f"status-connector-{CONNECTOR}".encode():
            connector = said
        elif key.startswith(f"status-task-{CONNECTOR}-".encode()):
            tasks[key] = said
    if connector.get("state") == "DESTROYED":
        connector = {}
    there = [said for _, said in sorted(tasks.items()) if said.get("state") != "DESTROYED"]
    return _state(connector, there)


def of_offsets(values: Mapping[bytes, bytes | None]) -> dict[int, int]:
    """From the last values of an offsets topic."""
    found: dict[int, int] = {}
    for key, value in values.items():
        whose, said = tables.as_json(key), tables.as_json(value)
        if isinstance(whose, list) and len(whose) == 2 and isinstance(said, dict):
            _note(found, whose[1], said)
    return found


def ask_status(address: Address) -> State:
    """A standalone worker's connector and tasks; unknown while it does not say."""
    said = _get(address, f"/connectors/{CONNECTOR}/status")
    return _state(said.get("connector") or {}, said.get("tasks") or ())


def ask_position(address: Address) -> Position:
    """Where a standalone worker's mirror stands, as far as it says."""
    found: dict[int, int] = {}
    for entry in _get(address, f"/connectors/{CONNECTOR}/offsets").get("offsets") or ():
        _note(found, entry.get("partition"), entry.get("offset"))
    return Position(found, ask_status(address))


def _state(connector: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> State:
    tasks = list(tasks)
    traces = [str(said["trace"]) for said in (*tasks, connector) if said.get("trace")]
    return State(
        str(connector.get("state", "unknown")),
        tuple(str(said.get("state")) for said in tasks),
        _why(traces[0]) if traces else "",
    )


def _why(trace: str) -> str:
    """Its first line, and that of what was at the bottom of it."""
    lines = trace.strip().splitlines()
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return " | ".join(dict.fromkeys([lines[0].strip(), *causes[-1:]]))[:_TRACE_LETTERS]


def _note(found: dict[int, int], partition: Any, offset: Any) -> None:
    if not isinstance(partition, dict) or not isinstance(offset, dict) or partition.get("topic") != TOPIC:
        return
    found[int(partition["partition"])] = int(offset["offset"])


def _get(address: Address, path: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        said = json.loads(body) if response.status == http.client.OK else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return said if isinstance(said, dict) else {}
