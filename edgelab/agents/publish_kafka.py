"""The publishing agent for Kafka: all publishers of some sites, open loop, in one process.

Run by the lab as ``python -m edgelab.agents.publish_kafka SPEC.json``; see :mod:`.lifecycle` for the contract and
:mod:`.publish_spec` and :mod:`.kafka_options` for the spec. The journal holds a line ``{"client": …}`` that says which
library drove the load, ``{"reason": n, "text": …}`` for the numbers in OUTCOME records, a line for each connection lost
and made, and at the end ``{"summary": {…}}``.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from .batch_publisher import BatchPublisher
from .kafka_options import KafkaOptions
from .kafka_publisher import KafkaPublisher, Shared
from .lifecycle import Agent, main
from .load_client import chosen, described, made
from .messages import Filler
from .publish_spec import site_parts
from .record import Recorder

_DIALS_AT_ONCE = 16
_SHORTEST_NAP_S, _LONGEST_NAP_S, _REPORTS_EVERY_S = 0.0005, 0.02, 0.002
_NAP_PER_PUBLISHER_S = 0.00005


async def publish(agent: Agent) -> None:
    """Connect all publishers, wait for the start, publish, and write the summary.

    Raises:
        SpecError: the spec is wrong, or a client library is missing or does not take a property.
        LabError: no connection, no such topic, or the history cannot be written.
    """
    parts = site_parts(agent.spec, KafkaOptions)
    rate_hz = sum(part.load.rate_hz for part in parts)
    libraries = [chosen(part.options.client, rate_hz) for part in parts]
    agent.journal.write(client=", ".join(described(library) for library in dict.fromkeys(libraries)))
    recorder = Recorder(agent.history, agent.journal)
    filler = Filler(agent.spec["seed"])
    publishers: list[KafkaPublisher] = []
    for part, library in zip(parts, libraries, strict=True):
        kind = KafkaPublisher if part.options.attempts is None else BatchPublisher
        shared = Shared(clock=agent.clock, recorder=recorder, filler=filler, client=partial(made, library))
        publishers += [kind(part, number, shared) for number in range(part.load.publishers)]
    try:
        await asyncio.to_thread(_connect, publishers)
        start_ns = await agent.ready()
        if start_ns is not None:
            for publisher in publishers:
                publisher.begin(start_ns)
            await _play(agent, publishers)
            agent.journal.write(summary=recorder.summary())
    finally:
        for publisher in publishers:
            publisher.client.close()


def _connect(publishers: Sequence[KafkaPublisher]) -> None:
    with ThreadPoolExecutor(_DIALS_AT_ONCE) as pool:
        for connected in [pool.submit(publisher.client.open) for publisher in publishers]:
            connected.result()


async def _play(agent: Agent, publishers: Sequence[KafkaPublisher]) -> None:
    # A thread, because both client libraries block. Only it writes to the history while it runs.
    stopping = threading.Event()

    async def stop_when_told() -> None:
        await agent.stopping.wait()
        stopping.set()

    watch = asyncio.create_task(stop_when_told())
    try:
        await asyncio.to_thread(_drive, agent, publishers, stopping)
    finally:
        watch.cancel()


def _drive(agent: Agent, publishers: Sequence[KafkaPublisher], stopping: threading.Event) -> None:
    """Let each publisher do its steps until all are over, or the lab says stop."""
    playing = list(publishers)
    shortest_s = max(_SHORTEST_NAP_S, _NAP_PER_PUBLISHER_S * len(playing))
    reports_ns = round(max(_REPORTS_EVERY_S, 2 * shortest_s) * 1e9)
    read_ns = 0
    while playing and not stopping.is_set():
        now = agent.clock.now_ns()
        reports_due = now - read_ns >= reports_ns
        if reports_due:
            read_ns = now
        more = False
        for publisher in playing:
            if reports_due or publisher.next_ns() <= now:
                more = publisher.step(now) or more
        if any(publisher.over for publisher in playing):
            playing = [publisher for publisher in playing if not publisher.over]
        if playing and not more:
            _nap(playing, agent.clock.now_ns(), shortest_s)
    for publisher in playing:
        publisher.stop()


def _nap(playing: Sequence[KafkaPublisher], now_ns: int, shortest_s: float) -> None:
    due_s = (min(publisher.next_ns() for publisher in playing) - now_ns) / 1e9
    waits = any(publisher.waits for publisher in playing)
    longest_s = _REPORTS_EVERY_S if waits and len(playing) > 1 else _LONGEST_NAP_S
    nap_s = max(shortest_s, min(due_s, longest_s))
    if len(playing) == 1:
        playing[0].client.poll(nap_s)  # ends with the first report
    else:
        time.sleep(nap_s)


if __name__ == "__main__":
    main(publish)
