"""The publishing agent for NATS: all publishers of some sites, open loop, in one process.

Run by the lab as ``python -m edgelab.agents.publish_nats SPEC.json``; see :mod:`.lifecycle` for the contract and
:mod:`.publish_spec` for the spec. The journal holds ``{"client": …}``, ``{"reason": n, "text": …}`` for the numbers in
OUTCOME records, a line for each connection lost and made, and at the end ``{"summary": {…}}``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from importlib.metadata import version

from .core_publisher import CorePublisher
from .lifecycle import Agent, main
from .messages import Filler
from .nats_options import NatsOptions
from .publish_spec import site_parts
from .publisher import Publisher, Shared
from .record import Recorder
from .stream_publisher import StreamPublisher

_DIALS_AT_ONCE = 32


async def publish(agent: Agent) -> None:
    """Connect all publishers, wait for the start, publish, and write the summary.

    Raises:
        SpecError: the spec is wrong, or the broker takes no messages of that size.
        LabError: no connection, or the history cannot be written.
    """
    parts = site_parts(agent.spec, NatsOptions)
    agent.journal.write(client=f"nats-py {version('nats-py')}")
    recorder = Recorder(agent.history, agent.journal)
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(error: Exception) -> None:
        if not failure.done():
            failure.set_exception(error)

    shared = Shared(clock=agent.clock, recorder=recorder, filler=Filler(agent.spec["seed"]), fail=fail)
    publishers: list[Publisher] = []
    for part in parts:
        kind = StreamPublisher if part.options.mode == "stream" else CorePublisher
        publishers += [kind(part, number, shared) for number in range(part.load.publishers)]
    try:
        await _connect(publishers)
        start_ns = await agent.ready()
        if start_ns is not None:
            await _play(agent, publishers, start_ns, failure)
            agent.journal.write(summary=recorder.summary())
    finally:
        failure.cancel()
        await asyncio.gather(*(publisher.shut() for publisher in publishers))


async def _connect(publishers: Iterable[Publisher]) -> None:
    limit = asyncio.Semaphore(_DIALS_AT_ONCE)

    async def connect(publisher: Publisher) -> None:
        async with limit:
            await publisher.connect()

    async with asyncio.TaskGroup() as group:
        for publisher in publishers:
            group.create_task(connect(publisher))


async def _play(agent: Agent, publishers: Iterable[Publisher], start_ns: int, failure: asyncio.Future[None]) -> None:
    async def stop_when_told() -> None:
        await agent.stopping.wait()
        for publisher in publishers:
            publisher.stop()

    async def watch(failing: Awaitable[None]) -> None:
        await failing

    async with asyncio.TaskGroup() as group:
        side = [group.create_task(stop_when_told()), group.create_task(watch(failure))]
        plays = [group.create_task(publisher.play(start_ns)) for publisher in publishers]
        await asyncio.wait(plays)
        for task in side:
            task.cancel()


if __name__ == "__main__":
    main(publish)
