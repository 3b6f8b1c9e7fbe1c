"""A real broker that tests can kill, stop and start again, and publishing agents that write below a test's folder."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nats
import numpy as np
import pytest

from edgelab.agents.batch_publisher import BatchPublisher
from edgelab.agents.kafka_options import KafkaOptions
from edgelab.agents.kafka_publisher import KafkaPublisher, Shared
from edgelab.agents.load_client import LoadClient, Problem, Reports
from edgelab.agents.messages import Filler
from edgelab.agents.process import AgentProcess
from edgelab.agents.publish_spec import site_parts
from edgelab.agents.record import Recorder
from edgelab.clock import Clock
from edgelab.deploy import artifacts
from edgelab.history import Journal, Kind, Outcome, SegmentWriter, read_journal, read_segment

STREAM, SUBJECT = "EDGE", "edge.data"


class Broker:
    """nats-server with JetStream, on ports and in a folder that stay the same when it is started again."""

    def __init__(self, folder: Path, version: str, extra: str = "") -> None:
        self._binary = artifacts.binary("nats-server", version)
        self._folder = folder
        self._port, self._monitor = _free_ports()
        self._config = folder / "server.conf"
        self._config.write_text(
            f'listen: "127.0.0.1:{self._port}"\nhttp: "127.0.0.1:{self._monitor}"\n'
            f'jetstream {{ store_dir: "{folder / "store"}" }}\n{extra}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"127.0.0.1:{self._port}"

    def start(self) -> None:
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen([str(self._binary), "-c", str(self._config)], stderr=log)
        _until(self._healthy, f"nats-server: {(self._folder / 'server.log').read_text()}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def monitor(self, page: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._monitor}/{page}", timeout=5) as answer:
            read: dict[str, Any] = json.load(answer)
        return read

    def make_stream(self, **options: Any) -> None:
        async def make(client: Any) -> None:
            await client.jetstream().add_stream(name=STREAM, subjects=[SUBJECT], **options)

        self._with_client(make)

    def stored(self) -> list[bytes]:
        """Payloads in the stream, in order; their number is the stream's own count."""

        async def read(client: Any) -> list[bytes]:
            stream = client.jetstream()
            state = (await stream.stream_info(STREAM)).state
            if not state.messages:
                return []
            subscription = await stream.subscribe(SUBJECT, ordered_consumer=True)
            payloads = [(await subscription.next_msg(timeout=5)).data for _ in range(state.messages)]
            await subscription.unsubscribe()
            return payloads

        payloads: list[bytes] = self._with_client(read)
        return payloads

    def stored_count(self) -> int:
        async def read(client: Any) -> int:
            return int((await client.jetstream().stream_info(STREAM)).state.messages)

        count: int = self._with_client(read)
        return count

    def _with_client(self, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        async def run() -> Any:
            client = await nats.connect(f"nats://{self.address}")
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(run())

    def _healthy(self) -> bool:
        try:
            return bool(self.monitor("healthz")["status"] == "ok")
        except OSError:
            return False

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


class Link:
    """A path to a broker through Toxiproxy, spoken to by its own API."""

    def __init__(self, folder: Path, upstream: str) -> None:
        api, port = _free_ports()
        self._api = f"http://127.0.0.1:{api}"
        self.address = f"127.0.0.1:{port}"
        argv = [str(artifacts.binary("toxiproxy", "2.12.0")), "-host", "127.0.0.1", "-port", str(api)]
        with (folder / "toxiproxy.log").open("wb") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        _until(self._answers, "toxiproxy")
        self._call("POST", "/proxies", {"name": "link", "listen": self.address, "upstream": upstream})

    def break_(self, kind: str) -> None:
        if kind == "cut":
            self._call("POST", "/proxies/link", {"enabled": False})
            return
        toxic = {"silent": ("timeout", {"timeout": 0}), "stall": ("bandwidth", {"rate": 0})}[kind]
        for stream in ("upstream", "downstream"):
            fields = {"name": stream, "stream": stream, "type": toxic[0], "attributes": toxic[1]}
            self._call("POST", "/proxies/link/toxics", fields)

    def heal(self, kind: str) -> None:
        if kind == "cut":
            self._call("POST", "/proxies/link", {"enabled": True})
            return
        for stream in ("upstream", "downstream"):
            self._call("DELETE", f"/proxies/link/toxics/{stream}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            self._call("GET", "/proxies")
        except OSError:
            return False
        return True

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._api + path, data=data, method=method)  # noqa: S310 - http, above
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - as above
            pass


class Agents:
    """Starts publishing agents; whatever still runs is killed when the test is over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock.start()
        self.started: list[AgentProcess] = []

    def spec(self, address: str, *, sites: int = 1, **fields: Any) -> dict[str, Any]:
        """A spec for 1000-byte messages; ``fields`` go to the load, the options or the top, wherever they belong."""
        load = {k: fields.pop(k) for k in ("rate_hz", "size_bytes", "publishers") if k in fields}
        top: dict[str, Any] = {k: fields.pop(k) for k in ("duration_s", "arrival", "seed") if k in fields}
        name = f"publish-{len(self.started)}"
        options = {"address": address, "subject": SUBJECT, **fields}
        return {
            "agent": name,
            "segment": str(self.folder / "history" / f"{name}.seg"),
            "journal": str(self.folder / "history" / f"{name}.jsonl"),
            "clock_offset_ns": self.clock.offset_ns,
            "seed": 7,
            "arrival": "uniform",
            "duration_s": 1.0,
            "sites": [
                {"site": f"site-{i}", "index": i, "rate_hz": 200.0, "size_bytes": 1000, "publishers": 1}
                | load
                | {"options": options}
                for i in range(sites)
            ],
            **top,
        }

    def spawn(self, spec: dict[str, Any]) -> AgentProcess:
        agent = AgentProcess.spawn("publish_nats", spec, folder=self.folder, run_id="test")
        self.started.append(agent)
        return agent

    def begin(self, address: str, **fields: Any) -> AgentProcess:
        """Spawn one, wait until it is ready, and start it."""
        agent = self.spawn(self.spec(address, **fields))
        agent.wait_ready(20.0)
        agent.start(self.clock.now_ns() + 50_000_000)
        return agent


class KafkaPlay:
    """A Kafka publisher with a client that answers as the test says, and a clock that the test moves."""

    def __init__(self, folder: Path, *, rate_hz: float, duration_s: float, **options: Any) -> None:
        self.now = 1_000_000_000
        self.client = FakeLoad()
        self._segment, self._words = folder / "play.seg", folder / "play.jsonl"
        self._history, self._journal = SegmentWriter(self._segment, "play"), Journal(self._words)
        recorder = Recorder(self._history, self._journal)
        site = {"site": "depot", "index": 3, "rate_hz": rate_hz, "size_bytes": 100, "publishers": 1}
        site["options"] = {"bootstrap": "127.0.0.1:1", "topic": "edge", **options}
        (part,) = site_parts({"seed": 1, "duration_s": duration_s, "sites": [site]}, KafkaOptions)
        part = replace(part, times_s=np.arange(round(rate_hz * duration_s)) / rate_hz)  # without the seed's phase
        kind = KafkaPublisher if part.options.attempts is None else BatchPublisher
        clock: Any = SimpleNamespace(now_ns=lambda: self.now)
        shared = Shared(clock=clock, recorder=recorder, filler=Filler(1), client=self._made)
        self.publisher = kind(part, 0, shared)
        self.publisher.begin(self.now)

    def step(self, s: float = 0.0) -> None:
        """Move the clock by so many seconds, and let the publisher do one step."""
        self.now += round(s * 1e9)
        self.publisher.step(self.now)

    def run(self, s: float, every_s: float = 0.01) -> None:
        """Let it do its steps for so long."""
        for _ in range(round(s / every_s)):
            self.step(every_s)

    def outcomes(self) -> dict[int, tuple[Outcome, int, str]]:
        """sequence -> outcome, position, words."""
        words = {line["reason"]: line["text"] for line in read_journal(self._words) if "reason" in line}
        records, _ = read_segment(self._segment)
        found = records[records["kind"] == Kind.OUTCOME]
        assert len(np.unique(found["sequence"])) == len(found), "a message had two outcomes"
        return {
            int(r["sequence"]): (Outcome(r["code"]), int(r["position"]), words.get(int(r["value"]), "")) for r in found
        }

    def invoked(self) -> list[tuple[int, float, float]]:
        """(sequence, intended, sent), seconds after the start."""
        records, _ = read_segment(self._segment)
        found = records[records["kind"] == Kind.INVOKE]
        return [
            (int(r["sequence"]), round(int(r["value"]) / 1e9 - 1, 6), round(int(r["t_ns"]) / 1e9 - 1, 6)) for r in found
        ]

    def close(self) -> None:
        self._history.close()
        self._journal.close()

    def _made(self, _name: str, _options: object, reports: Reports, _clock: object) -> LoadClient:
        self.client.reports = reports
        return self.client


class FakeLoad:
    """Takes messages, as many as it has room for, and answers when told to."""

    def __init__(self) -> None:
        self.reports = Reports(delivered=lambda *_: None, connection=lambda *_: None)
        self.connected = True
        self.room = 1 << 30
        self.held: dict[int, bytes] = {}
        self.batches: list[list[int]] = []
        self.abandoned = 0
        self.at_once: Problem | None = None

    def open(self) -> None:
        """It needs none."""

    def send(self, messages: Sequence[tuple[int, bytes]], partition: int) -> int:
        assert partition == 0
        taken = list(messages)[: max(0, self.room - len(self.held))]
        self.held.update(taken)
        self.batches.append([token for token, _ in taken])
        if self.at_once is not None:
            self.fail(self.at_once)
        return len(taken)

    def poll(self, wait_s: float = 0.0) -> None:
        """Answers come by the methods below."""

    def abandon(self) -> None:
        self.abandoned += 1
        self.fail(Problem("given up", refused=False, silent_since_ns=1 << 62))

    def close(self) -> None:
        """It has nothing to close."""

    def acknowledge(self, first_offset: int = 0) -> None:
        tokens = list(self.held)
        self.held.clear()
        for offset, token in enumerate(tokens, first_offset):
            self.reports.delivered(token, offset, None)

    def fail(self, problem: Problem) -> None:
        tokens = list(self.held)
        self.held.clear()
        for token in tokens:
            self.reports.delivered(token, -1, problem)

    def loses(self) -> None:
        self.connected = False
        self.reports.connection("lost", "pulled")


@pytest.fixture
def kafka_play(tmp_path: Path) -> Iterator[Callable[..., KafkaPlay]]:
    made: list[KafkaPlay] = []

    def make(*, rate_hz: float = 100.0, duration_s: float = 0.1, **options: Any) -> KafkaPlay:
        made.append(KafkaPlay(tmp_path, rate_hz=rate_hz, duration_s=duration_s, **options))
        return made[-1]

    yield make
    for play in made:
        play.close()


@pytest.fixture(params=["2.10.12", "2.15.2"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    made: list[Broker] = []

    def make(version: str = "2.10.12", extra: str = "") -> Broker:
        folder = tmp_path / f"broker-{len(made)}"
        folder.mkdir()
        made.append(Broker(folder, version, extra))
        made[-1].start()
        return made[-1]

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def make_link(tmp_path: Path) -> Iterator[Callable[[str], Link]]:
    made: list[Link] = []

    def make(upstream: str) -> Link:
        made.append(Link(tmp_path, upstream))
        return made[-1]

    yield make
    for link in made:
        link.stop()


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[Agents]:
    started = Agents(tmp_path)
    yield started
    for agent in started.started:
        agent.kill()


def _free_ports() -> tuple[int, int]:
    # Below the ephemeral range: a port from there may be taken by an outgoing connection while the broker is down.
    found: list[int] = []
    while len(found) < 2:
        port = random.randrange(20000, 32000)
        with socket.socket() as trial:
            if port not in found and trial.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found[0], found[1]


def _until(true: Callable[[], bool], what: str, deadline_s: float = 15.0) -> None:
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)
