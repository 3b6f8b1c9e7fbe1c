"""Kafka's agents with a real broker behind a real Toxiproxy: one outage of the link, and then the hub's end.

All play in the same outage, each as a site of its own: kafka-python and confluent-kafka as shipped, one that gives a
message up after a second, and one that drops a batch after three attempts. The observer watches.
"""

from __future__ import annotations

import importlib.util
import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelab.agents.process import AgentProcess
from edgelab.clock import Clock
from edgelab.deploy.base import Deployment
from edgelab.deploy.process import ProcessRuntime
from edgelab.history import Kind, Outcome, Records, SegmentWriter, read_journal, read_segment
from edgelab.systems.kafka.direct import KafkaDirect

pytestmark = pytest.mark.process

BEFORE_S, CUT_S, AFTER_S = 1.0, 3.0, 2.5
RATE_HZ = 200.0
FAST = ["confluent"] if importlib.util.find_spec("confluent_kafka") else []
CLIENTS: dict[str, dict[str, Any]] = {
    **{name: {"client": name} for name in ("kafka-python", *FAST)},
    "impatient": {"client": (FAST or ["kafka-python"])[0], "properties": {"delivery.timeout.ms": "1000"}},
    **{f"attempts-{name}": {"client": name, "attempts": {}} for name in ("kafka-python", *FAST)},
}
TOPIC = "site-1.edge"


@dataclass(frozen=True)
class Played:
    """What the agents left behind, and what an independent reader found at the hub."""

    sites: dict[str, int]
    records: dict[str, Records]
    journals: dict[str, list[dict[str, Any]]]
    observed: Records
    stored: Records
    hub_count: int
    start_ns: int
    stop_s: float

    def outcomes(self, name: str) -> Records:
        found: Records = self.records[name][self.records[name]["kind"] == Kind.OUTCOME]
        return found

    def after_cut_s(self, t_ns: int) -> float:
        return (t_ns - self.start_ns) / 1e9 - BEFORE_S


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("kafka")
    system = KafkaDirect()
    lab = ProcessRuntime().up(system.topology(("site-1",)), folder / "lab", run_id="edgelab-test-agents")
    agents: list[AgentProcess] = []
    try:
        system.prepare(lab)
        yield _play(system, lab, folder, agents)
    finally:
        for agent in agents:
            agent.kill()
        lab.down()


def _play(system: KafkaDirect, lab: Deployment, folder: Path, agents: list[AgentProcess]) -> Played:
    clock, sites = Clock.start(), {name: index for index, name in enumerate(CLIENTS)}
    watching = system.watching(lab)
    source = {"bootstrap": watching.options["bootstrap"], "topic": TOPIC, "partitions": 1, "hub_topic": TOPIC}
    named = [{"site": name, "index": index} for name, index in sites.items()]
    sessions = {**watching.options["sessions"], "ports": {"kafka-python": _port(lab)}}
    options = {**watching.options, "sessions": sessions, "sources": {"kafka-python": source}}
    observer = _spawn(clock, folder, "watch_kafka", "observe", {"sites": named, "options": options})
    agents.append(observer)
    bootstrap = system.publishing(lab, "site-1").options["bootstrap"]
    for name, index in sites.items():
        load = {"site": name, "index": index, "rate_hz": RATE_HZ, "size_bytes": 1000, "publishers": 1}
        load["options"] = {"bootstrap": bootstrap, "topic": TOPIC, **CLIENTS[name]}
        duration_s = BEFORE_S + CUT_S + AFTER_S
        agents.append(
            _spawn(
                clock,
                folder,
                "publish_kafka",
                f"publish-{name}",
                {"sites": [load], "seed": 1, "duration_s": duration_s},
            )
        )
    for agent in agents:
        agent.wait_ready(30.0)
    start_ns = clock.now_ns() + 300_000_000
    for agent in agents:
        agent.start(start_ns)
    clock.sleep_until(start_ns + round(BEFORE_S * 1e9))
    _link(lab, up=False)
    clock.sleep_until(start_ns + round((BEFORE_S + CUT_S) * 1e9))
    _link(lab, up=True)
    for agent in agents[1:]:
        agent.wait(30.0)
    time.sleep(0.5)
    with SegmentWriter(folder / "hub.seg", "hub") as writer:
        system.read_hub(lab, writer)
    count = system.hub_count(lab)
    lab.kill("hub")
    time.sleep(0.5)
    began_s = time.monotonic()
    observer.stop()
    observer.wait(5.0)
    return Played(
        sites=sites,
        records={name: np.array(read_segment(folder / "history" / f"publish-{name}.seg")[0]) for name in sites},
        journals={name: list(read_journal(folder / "history" / f"publish-{name}.jsonl")) for name in sites},
        observed=np.array(read_segment(observer.segment)[0]),
        stored=np.array(read_segment(folder / "hub.seg")[0]),
        hub_count=count,
        start_ns=start_ns,
        stop_s=time.monotonic() - began_s,
    )


def _spawn(clock: Clock, folder: Path, module: str, name: str, fields: dict[str, Any]) -> AgentProcess:
    spec = {
        "agent": name,
        "segment": str(folder / "history" / f"{name}.seg"),
        "journal": str(folder / "history" / f"{name}.jsonl"),
        "clock_offset_ns": clock.offset_ns,
        **fields,
    }
    return AgentProcess.spawn(module, spec, folder=folder, run_id="edgelab-test-agents")


def _port(lab: Deployment) -> int:
    (link,) = lab.topology.links
    return lab.address("toxiproxy", link.listen_port).port


def _link(lab: Deployment, *, up: bool) -> None:
    url = f"http://{lab.address('toxiproxy', 'api')}/proxies/site-1"
    request = urllib.request.Request(url, data=json.dumps({"enabled": up}).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - http, above
        pass


@pytest.mark.parametrize("name", CLIENTS)
def test_each_message_has_one_outcome_and_the_acknowledged_ones_are_at_the_hub(played: Played, name: str) -> None:
    outcomes = played.outcomes(name)
    acknowledged = outcomes[outcomes["code"] == Outcome.ACKNOWLEDGED]
    here = played.stored[(played.stored["kind"] == Kind.STORED) & (played.stored["site"] == played.sites[name])]

    assert sorted(outcomes["sequence"]) == list(range(round(RATE_HZ * (BEFORE_S + CUT_S + AFTER_S))))
    assert set(acknowledged["sequence"]) <= set(here["sequence"])
    failed = outcomes[outcomes["code"] == Outcome.FAILED]
    assert not set(failed["sequence"]) & set(here["sequence"]), "what is said to have failed got in"
    assert len(set(acknowledged["position"])) == len(acknowledged)
    assert acknowledged["position"].min() >= 1


@pytest.mark.parametrize("name", ["kafka-python", *FAST])
def test_as_shipped_nothing_is_lost(played: Played, name: str) -> None:
    assert set(played.outcomes(name)["code"]) == {Outcome.ACKNOWLEDGED}


def test_an_impatient_client_loses_what_is_older_than_its_timeout(played: Played) -> None:
    outcomes = played.outcomes("impatient")
    lost = outcomes[outcomes["code"] != Outcome.ACKNOWLEDGED]

    assert len(lost) > RATE_HZ * (CUT_S - 1.0) * 0.8
    assert np.mean(lost["code"] == Outcome.FAILED) > 0.8  # it never left
    texts = {line["text"] for line in played.journals["impatient"] if "reason" in line}
    assert "delivery timeout: not acknowledged within delivery.timeout.ms" in texts


@pytest.mark.parametrize("name", [name for name in CLIENTS if name.startswith("attempts")])
def test_three_attempts_lose_about_one_in_five_of_what_a_cut_is_offered(played: Played, name: str) -> None:
    outcomes = played.outcomes(name)
    lost = outcomes[outcomes["code"] != Outcome.ACKNOWLEDGED]

    assert 0.1 < len(lost) / (RATE_HZ * CUT_S) < 0.3
    assert set(lost["stream"]) == {3}


@pytest.mark.parametrize("name", CLIENTS)
def test_the_journal_tells_of_the_library_and_of_the_connection(played: Played, name: str) -> None:
    journal = played.journals[name]
    library = CLIENTS[name]["client"]

    (client,) = [line["client"] for line in journal if "client" in line]
    events = [(line["connection"], played.after_cut_s(line["t_ns"])) for line in journal if "connection" in line]
    assert client.startswith(library)
    assert [what for what, _ in events] == ["lost", "connected"], events
    assert 0.0 <= events[0][1] < 1.0
    assert CUT_S <= events[1][1] < CUT_S + 2.4


def test_progress_is_the_count_of_an_independent_reader(played: Played) -> None:
    progress = played.observed[played.observed["kind"] == Kind.PROGRESS]

    assert progress["value"][-1] == played.hub_count == np.count_nonzero(played.stored["kind"] == Kind.STORED)
    assert np.all(np.diff(progress["value"]) >= 0)


def test_the_links_session_went_with_the_cut_and_came_back(played: Played) -> None:
    sessions = played.observed[played.observed["kind"] == Kind.SESSION]
    told = [(int(r["code"]), played.after_cut_s(int(r["t_ns"]))) for r in sessions]

    gone = [s for code, s in told if code == 0 and s > -0.5]
    back = [s for code, s in told if code == 1 and s > 0]
    assert 0.0 <= gone[0] < 0.5
    assert CUT_S <= back[-1] < CUT_S + 2.4


def test_the_hub_is_behind_nobody_when_both_end_in_the_same_message(played: Played) -> None:
    lag = played.observed[played.observed["kind"] == Kind.LAG]
    heard = lag[lag["code"] == 1]

    assert heard["value"][-1] == 0
    assert heard["value"].max() > 0  # while messages came in


def test_a_dead_hub_does_not_hold_the_observer(played: Played) -> None:
    assert played.stop_s < 1.5
