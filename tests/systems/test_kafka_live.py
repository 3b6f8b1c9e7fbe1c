"""A site, its mirror and the hub on real brokers: made, cut, read back. One lab for all of it: JVMs are dear."""

from __future__ import annotations

import dataclasses
import http.client
import json
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaProducer

from edgelab.deploy import ready
from edgelab.deploy.base import Address, Connection, Deployment
from edgelab.deploy.process import ProcessRuntime
from edgelab.errors import LabError, SystemUnderTestError
from edgelab.history import FOREIGN_SITE, Kind, Records, SegmentWriter, read_segment
from edgelab.model.measured import StoreState
from edgelab.model.message import Identity, pack
from edgelab.model.topology import HUB, PROXY, PROXY_API
from edgelab.systems import KafkaMirrorMaker
from edgelab.systems.kafka import clients, counting, reading, states, topics

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

_SITE = "site-1"
_SYSTEM = KafkaMirrorMaker(preset="tuned", offset_flush_s=1.0)
_SYNC_S = 60.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Prepared; each test goes on where the one before it ended."""
    made = ProcessRuntime().up(_SYSTEM.topology((_SITE,)), tmp_path_factory.mktemp("lab"), run_id="test-kafka")
    try:
        _SYSTEM.prepare(made)
        yield made
    finally:
        made.down()


def _publish(address: Address, topic: str, payloads: list[bytes], *, transactions: int = 0) -> None:
    producer = KafkaProducer(
        bootstrap_servers=str(address), acks="all", transactional_id=uuid.uuid4().hex if transactions else None
    )
    if transactions:
        producer.init_transactions()
    for part in np.array_split(np.arange(len(payloads)), transactions or 1):
        if transactions:
            producer.begin_transaction()
        for index in part:
            producer.send(topic, payloads[index])
        producer.flush(timeout=30)
        if transactions:
            producer.commit_transaction()
    producer.close()


def _messages(sequences: range) -> list[bytes]:
    now = time.time_ns()
    return [pack(Identity(0, 0, sequence, now, now)) + bytes(200) for sequence in sequences]


def _set_link(up: Deployment, *, enabled: bool) -> None:
    connection = http.client.HTTPConnection(*up.address(PROXY, PROXY_API), timeout=5.0)
    connection.request("POST", f"/proxies/{_SITE}", json.dumps({"enabled": enabled}))
    assert connection.getresponse().status == http.client.OK
    connection.close()


def _hub_holds(up: Deployment, count: int) -> None:
    ready.until(
        lambda: _SYSTEM.hub_count(up), accept=lambda n: n == count, deadline_s=_SYNC_S, what=f"{count} at the hub"
    )


def _read_hub(up: Deployment, folder: Path) -> tuple[Records, tuple[StoreState, ...]]:
    with SegmentWriter(folder / "hub.seg", "store-hub") as writer:
        found = _SYSTEM.read_hub(up, writer)
    return read_segment(folder / "hub.seg")[0], found


def _read_site(up: Deployment, folder: Path) -> tuple[Records, StoreState]:
    with SegmentWriter(folder / "site.seg", _SITE) as writer:
        (found,) = _SYSTEM.read_site(up, _SITE, writer)
    return read_segment(folder / "site.seg")[0], found


def test_what_is_published_at_a_prepared_site_is_at_the_hub_at_once(up: Deployment, tmp_path: Path) -> None:
    began_ns = time.time_ns()

    _publish(up.address(_SITE, "lab"), "edge", _messages(range(50)))
    _hub_holds(up, 50)

    records, (state,) = _read_hub(up, tmp_path)
    assert set(records["kind"]) == {Kind.STORED}
    assert records["sequence"].tolist() == list(range(50))
    assert records["position"].tolist() == list(range(1, 51))
    assert ((records["t_ns"] >= began_ns) & (records["t_ns"] <= time.time_ns() + 1_000_000)).all()
    assert (state.place, state.store, state.messages) == (HUB, "site-1.edge", 50)
    assert (state.first_sequence, state.last_sequence) == (1, 50)
    # Not before 10 s after it began: a mirror that had to find the topic first, or to join its group, takes longer.
    assert (int(records["t_ns"].max()) - began_ns) / 1e9 < 10.0


def test_nothing_reaches_the_hub_but_through_the_link(up: Deployment) -> None:
    there = up.connections()

    if there is None:
        pytest.skip("this machine does not tell who is connected to whom")
    assert there == {
        Connection("mirror-site-1", _SITE, "internal"),
        Connection("mirror-site-1", PROXY, "link-site-1"),
        Connection(PROXY, HUB, "wan-site-1"),
    }


def test_during_a_cut_the_site_holds_what_the_hub_lacks_and_then_no_more(up: Deployment, tmp_path: Path) -> None:
    _set_link(up, enabled=False)
    try:
        _publish(up.address(_SITE, "lab"), "edge", _messages(range(50, 130)))
        held, state = _read_site(up, tmp_path)
    finally:
        _set_link(up, enabled=True)
    _hub_holds(up, 130)

    assert set(range(50, 130)) <= set(held["sequence"].tolist())
    assert set(held["kind"]) == {Kind.HELD}
    assert (state.messages, state.first_sequence, state.last_sequence) == (130, 1, 130)
    assert state.limits["task.state"] == state.limits["connector.state"] == "RUNNING"
    assert state.limits["errors.tolerance"] == "none"
    assert state.limits["retention.ms"] == -1
    with up.collect_logs()["mirror-site-1"].open() as lines:
        events = list(_SYSTEM.log_events(lines))
    assert [event.detail for event in events if event.kind == "started"] == ["mirror"]
    assert any(event.kind == "closed" for event in events)


def test_a_mirrors_position_is_read_where_it_notes_it(up: Deployment, tmp_path: Path) -> None:
    def noted() -> object:
        with SegmentWriter(tmp_path / f"{uuid.uuid4().hex}.seg", _SITE) as writer:
            return _SYSTEM.read_site(up, _SITE, writer)[0].limits["mirror.position"]

    ready.until(noted, accept=lambda position: position == {"0": 129}, deadline_s=30.0, what="the position")
    held, _ = _read_site(up, tmp_path)

    assert len(held) == 0


def test_a_message_of_nobody_is_counted_as_that_and_both_ways_of_counting_agree(
    up: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(up.address(HUB, "lab"), "site-1.edge", [b"not ours", b""])
    by_another_library = _SYSTEM.hub_count(up)
    monkeypatch.setattr(counting, "find_spec", lambda _: None)
    by_offsets = _SYSTEM.hub_count(up)
    by_reading = counting.count(up.address(HUB, "lab"), ["site-1.edge"], transactions=True)
    records, _ = _read_hub(up, tmp_path)

    assert np.count_nonzero(records["site"] == FOREIGN_SITE) == 2
    assert by_another_library == by_offsets == by_reading == len(records) == 132


def test_marks_of_transactions_are_no_records(up: Deployment) -> None:
    address = up.address(HUB, "lab")
    topics.make(address, HUB, {"once": {}}, 1)
    _publish(address, "once", _messages(range(20)), transactions=4)
    store = reading.Store(place=HUB, topic="once", counted=False)

    (found,) = reading._read(address, store).values()

    assert found.records["sequence"].tolist() == list(range(20))
    assert found.end == 24
    assert counting.count(address, ["once"], transactions=True) == 20
    with pytest.raises(LabError, match="topic once of hub was not read completely: its offsets 0 to 24 make 24"):
        reading._read(address, dataclasses.replace(store, counted=True))


def test_topics_that_are_there_must_be_what_was_asked_for(up: Deployment) -> None:
    _SYSTEM.prepare(up)

    with pytest.raises(SystemUnderTestError, match=r"topic site-1\.edge of hub exists with 1 partition\(s\), not 2"):
        dataclasses.replace(_SYSTEM, partitions=2).prepare(up)
    with pytest.raises(SystemUnderTestError, match=r"topic edge of site-1 exists with retention\.ms=-1, not 60000"):
        dataclasses.replace(_SYSTEM, retention_s=60.0).prepare(up)
    with pytest.raises(SystemUnderTestError, match="the broker of hub refused a request"):
        topics.make(up.address(HUB, "lab"), HUB, {"odd": {"retention.ms": "soon"}}, 1)


def test_a_broker_that_does_not_answer_is_told_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_KNOCK_S", 0.2)
    nobody = Address("127.0.0.1", 9)

    with pytest.raises(LabError, match=r"the broker of hub did not answer at 127\.0\.0\.1:9: .*refused"):
        clients.consumer(nobody, HUB).__enter__()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = Address(*mute.getsockname())
        with pytest.raises(LabError, match=r"did not answer at .*: timed out"):
            clients.admin(silent, HUB).__enter__()
    assert states.ask_status(nobody).connector == "unknown"
