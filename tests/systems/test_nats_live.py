"""The three systems on real brokers, through a cut of a few seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelab.clock import Clock
from edgelab.errors import SystemUnderTestError
from edgelab.history import FOREIGN_SITE, Kind, Records, read_segment
from edgelab.systems import NatsDirect, NatsLeaf, NatsLeafCore
from edgelab.systems.nats import monitor
from edgelab.systems.nats.wire import Wire

pytestmark = pytest.mark.process

_VERSIONS = ("2.10.12", "2.15.2", *os.environ.get("EDGELAB_TEST_NATS_VERSIONS", "").split())
_N = 200


def _found(records: Records) -> set[tuple[int, int]]:
    return set(zip(records["site"].tolist(), records["sequence"].tolist(), strict=True))


def _all(sites: int, count: int) -> set[tuple[int, int]]:
    return {(site, sequence) for site in range(sites) for sequence in range(count)}


@pytest.mark.parametrize("version", _VERSIONS)
@pytest.mark.parametrize("mode", ["sources", "mirror"])
def test_a_leaf_with_a_store_delivers_everything_after_a_cut(
    version: str, mode: Any, make_lab: Callable[..., Any]
) -> None:
    lab = make_lab(NatsLeaf(version=version, mode=mode, reconnect_s=1.0))
    began_ns = time.time_ns()
    lab.publish_everywhere(range(_N))
    lab.wait_for(2 * _N, 20.0)

    with lab.cut(3.0):
        lab.publish_everywhere(range(_N, 2 * _N))
        during = lab.system.hub_count(lab.up)
    lab.wait_for(4 * _N)

    records, states = lab.read_hub()
    assert during == 2 * _N
    assert _found(records) == _all(2, 2 * _N)
    assert len(records) == sum(s.messages for s in states) == lab.system.hub_count(lab.up)
    if mode == "sources":
        assert ((records["t_ns"] > began_ns) & (records["t_ns"] < time.time_ns())).all()
        assert [s.store for s in states] == ["AGG"]
    else:
        assert (records["t_ns"] == 0).all()
        assert [s.store for s in states] == ["MIRROR-site-1", "MIRROR-site-2"]
        assert set(zip(records["stream"].tolist(), records["site"].tolist(), strict=True)) == {(0, 0), (1, 1)}
    assert lab.dials_round_the_link() == set()
    kinds = [e.kind for e in lab.log_events("site-1") if e.kind != "dial"]
    assert kinds == ["established", "closed", "established"]


@pytest.mark.parametrize("version", _VERSIONS)
def test_a_leaf_without_a_store_loses_what_is_published_in_a_cut_and_nothing_else(
    version: str, make_lab: Callable[..., Any]
) -> None:
    lab = make_lab(NatsLeafCore(version=version, reconnect_s=1.0))
    lab.publish_everywhere(range(_N))
    lab.wait_for(2 * _N, 20.0)

    with lab.cut(2.0):
        lab.wait_until(lab.connected, set(), 2.0)
        lab.publish_everywhere(range(_N, 2 * _N))
    lab.wait_until(lab.connected, set(lab.sites), 10.0)
    time.sleep(0.3)
    lab.publish_everywhere(range(2 * _N, 3 * _N))
    lab.wait_for(4 * _N, 20.0)

    records, _ = lab.read_hub()
    assert _found(records) == _all(2, 3 * _N) - {(s, n) for s in (0, 1) for n in range(_N, 2 * _N)}
    held, stores = lab.read_site("site-1")
    assert (len(held), stores) == (0, ())


@pytest.mark.parametrize("version", _VERSIONS)
@pytest.mark.parametrize("via", ["client", "leaf"])
def test_publishing_straight_across_the_link_is_acknowledged_by_the_hub(
    version: str, via: Any, make_lab: Callable[..., Any]
) -> None:
    lab = make_lab(NatsDirect(version=version, via=via, duplicate_window_s=60.0))
    options = lab.system.publishing(lab.up, "site-1").options
    host, _, port = options["address"].rpartition(":")

    with Wire((host, int(port))) as wire:  # type: ignore[arg-type]
        answer = wire.request(options["subject"], {"any": "payload"})

    records, states = lab.read_hub()
    assert answer["stream"] == "HUB"
    assert answer["seq"] == 1
    assert records["site"].tolist() == [FOREIGN_SITE]
    assert states[0].limits["duplicate_window"] == 60_000_000_000


def test_a_full_store_at_the_site_refuses_and_the_message_says_so(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(NatsLeaf(max_messages=5, discard="new", storage="memory"), sites=1)

    with Wire(lab.up.address("site-1", "client")) as wire:
        for _ in range(5):
            wire.request("edge.site-1", "x")
        with pytest.raises(SystemUnderTestError, match="maximum messages exceeded"):
            wire.request("edge.site-1", "x")


def test_a_store_with_a_limit_keeps_the_newest_and_says_where_it_begins(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(NatsLeaf(max_messages=50), sites=1)

    with lab.cut(0.0):
        lab.publish("site-1", range(_N))
        records, states = lab.read_site("site-1")

    assert records["kind"].tolist() == [Kind.HELD] * 50
    assert records["sequence"].tolist() == list(range(_N - 50, _N))
    assert (states[0].messages, states[0].first_sequence, states[0].last_sequence) == (50, _N - 49, _N)
    assert states[0].limits["max_msgs"] == 50


@pytest.mark.parametrize("version", _VERSIONS)
def test_a_work_queue_at_the_site_is_read_though_it_lets_no_second_consumer_in(
    version: str, make_lab: Callable[..., Any]
) -> None:
    lab = make_lab(NatsLeaf(version=version, retention="workqueue"), sites=1)
    lab.publish("site-1", range(10))
    lab.wait_for(10, 20.0)

    with lab.cut(0.0):
        time.sleep(0.2)
        lab.publish("site-1", range(10, 10 + _N))
        records, states = lab.read_site("site-1")

    held = set(records["sequence"].tolist())
    assert len(held) == len(records) == states[0].messages
    assert held <= set(range(10 + _N))


def test_a_durable_source_takes_up_where_it_stopped(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(NatsLeaf(version="2.15.2", durable_source=True, reconnect_s=0.05))
    lab.publish_everywhere(range(_N))
    lab.wait_for(2 * _N, 20.0)

    with lab.cut(2.0):
        lab.publish_everywhere(range(_N, 2 * _N))
    lab.wait_for(4 * _N)

    assert _found(lab.read_hub()[0]) == _all(2, 2 * _N)
    details = monitor.get(lab.up.address("site-1", "monitor"), "/jsz?consumers=true&streams=true&config=true")
    consumers = details["account_details"][0]["stream_detail"][0]["consumer_detail"]
    assert [(c["name"], c["config"]["ack_policy"]) for c in consumers] == [("hub", "flow_control")]


def test_a_hundred_thousand_messages_are_read_back_whole(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(NatsLeafCore(), sites=1)
    lab.publish("site-1", range(100_000))
    lab.wait_for(100_000)

    records, states = lab.read_hub()

    assert len(records) == states[0].messages == 100_000
    assert np.array_equal(np.sort(records["sequence"]), np.arange(100_000))
    assert np.array_equal(records["position"], np.arange(1, 100_001))


def test_the_observer_sees_progress_sessions_bytes_and_backlog(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(NatsLeaf(reconnect_s=0.1))
    segment = _observe(lab, seconds=lambda: _cut_and_heal(lab))

    records, _ = read_segment(segment)
    progress = records[records["kind"] == Kind.PROGRESS]
    sessions = records[(records["kind"] == Kind.SESSION) & (records["site"] == 1)]
    lag = records[records["kind"] == Kind.LAG]
    up = records[(records["kind"] == Kind.BYTES) & (records["code"] == 0) & (records["site"] == 0)]
    assert (np.diff(progress["value"]) >= 0).all()
    assert int(progress["value"][-1]) == int(progress["position"][-1]) == 4 * _N
    assert sessions["code"].tolist() == [1, 0, 1]
    assert set(lag["site"].tolist()) == {0, 1}
    assert [(r["value"], r["code"]) for r in lag[-2:]] == [(0, 1), (0, 1)]
    assert int(up["value"].max()) >= _N * 228


def test_the_observer_knows_the_publishers_of_a_direct_system(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(NatsDirect(version="2.10.12"))

    def connect() -> None:
        host, _, port = lab.system.publishing(lab.up, "site-2").options["address"].rpartition(":")
        name = json.dumps({"name": "edgelab-site-2-publisher-0", "verbose": False})
        with Wire((host, int(port))) as wire:  # type: ignore[arg-type]
            wire._send(f"CONNECT {name}\r\n".encode())
            wire.request("edge.site-2", "x")
            time.sleep(0.3)
        time.sleep(0.3)

    records, _ = read_segment(_observe(lab, seconds=connect))

    sessions = records[records["kind"] == Kind.SESSION]
    assert [(int(r["site"]), int(r["code"])) for r in sessions] == [(1, 1), (1, 0)]


def _cut_and_heal(lab: Any) -> None:
    lab.publish_everywhere(range(_N))
    lab.wait_for(2 * _N, 20.0)
    with lab.cut(1.0):
        lab.publish_everywhere(range(_N, 2 * _N))
    lab.wait_for(4 * _N)
    time.sleep(1.5)


def _observe(lab: Any, *, seconds: Callable[[], None]) -> Path:
    """Run the observer while ``seconds`` runs, and return its segment."""
    part = lab.system.watching(lab.up)
    segment: Path = lab.folder / "observe.seg"
    spec = {
        "agent": "observe",
        "segment": str(segment),
        "journal": str(lab.folder / "observe.jsonl"),
        "clock_offset_ns": Clock.start().offset_ns,
        "sites": [{"site": site, "index": i} for i, site in enumerate(lab.sites)],
        "options": dict(part.options),
    }
    path = lab.folder / "observe.json"
    path.write_text(json.dumps(spec))
    with subprocess.Popen(
        (sys.executable, "-m", f"edgelab.agents.{part.module}", str(path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        seconds()
        process.stdin.write(b"stop\n")
        process.stdin.close()
        assert process.wait(10.0) == 0
    return segment
