"""The observing agent for Kafka: how full the hub's topics are, who is connected, how far the hub is behind.

Run by the lab as ``python -m edgelab.agents.watch_kafka SPEC.json``; see :mod:`.lifecycle` for the contract. Options:

==============  ==========================================================================================
``bootstrap``   ``host:port`` of the hub's own listener for the lab, which works during the outage
``topics``      ``[[topic, partitions], …]`` at the hub; position = index of the store in the history
``count``       ``"offsets"``: messages are end offsets; ``"records"``: they are records of committed
                transactions, whose markers take offsets
``sources``     site -> ``{bootstrap, topic, partitions, hub_topic}``, for LAG; empty where the hub takes from nobody
``sessions``    ``{tables, ports, own_network}``; see :class:`.watch_options.Ports`
==============  ==========================================================================================

It speaks Kafka's protocol itself: three kinds of question, which every version answers, one packet for all topics, and
nothing that waits or logs while a broker is dead. Readings are 10 ms (topics) and 20 ms (sessions) apart with one site.
A reading is stamped when its answer has come: PROGRESS is late by at most one interval and one round trip, never early.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from ..errors import LabError
from .changes import Changes
from .kafka_connection import KafkaConnection
from .kafka_readings import Behind, Stores
from .lifecycle import Agent, main
from .link_sessions import Foreign, Sessions
from .tcp_tables import reader
from .watch_options import Ports, WatchOptions

_FIRST_ANSWER_S = 10.0
_AGAIN_S = 0.05


async def watch(agent: Agent) -> None:
    """Read everything once, tell the lab, and go on reading until told to stop.

    Raises:
        SpecError: the options are wrong.
        LabError: the hub does not answer at the start, or the history cannot be written.
    """
    sites = {str(site["site"]): int(site["index"]) for site in agent.spec["sites"]}
    options = WatchOptions.of(agent.spec.get("options"), sites)
    hub = KafkaConnection(options.bootstrap)
    # A connection of its own for looking at ends: it must not hold up the readings.
    second = KafkaConnection(options.bootstrap)
    changes = Changes(agent)
    stores = Stores(agent.clock, changes, hub, options.topics, records=options.count == "records")
    behind = [Behind(agent.clock, changes, stores, second, source) for source in options.sources]
    try:
        await _first(stores, options.bootstrap)
        tasks = [asyncio.create_task(_repeat(stores.read, stores.every_s))]
        tasks += [asyncio.create_task(_repeat(part.read, part.every_s(len(behind)))) for part in behind]
        if options.sessions.tables is not None and options.sessions.ports:
            tasks.append(asyncio.create_task(_look(_sessions(agent, options.sessions, sites))))
        tasks.append(asyncio.create_task(_until_stopped(agent)))
        await _until_one_ends(tasks)
    finally:
        hub.close()
        second.close()
        for part in behind:
            part.close()


def _sessions(agent: Agent, ports: Ports, sites: Mapping[str, int]) -> Sessions:
    foreign = Foreign(own_network=ports.own_network, pids=(os.getpid(), os.getppid()))
    site_of = {port: sites[site] for site, port in ports.ports.items()}
    return Sessions(agent.clock, agent.history.append, reader(ports), foreign, site_of)


async def _first(stores: Stores, address: str) -> None:
    try:
        async with asyncio.timeout(_FIRST_ANSWER_S):
            while True:
                with suppress(OSError):
                    await stores.read()
                    return
                await asyncio.sleep(_AGAIN_S)
    except TimeoutError as error:
        raise LabError(f"the hub at {address} did not answer the observer within {_FIRST_ANSWER_S:g} s") from error


async def _repeat(read: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        with suppress(OSError):  # a hub that is gone shows in the readings
            await read()
        # From now, not from when it was due: a hub that is late must not be asked faster.
        await asyncio.sleep(every_s)


async def _look(sessions: Sessions) -> None:
    while True:
        pause_s = sessions.read()
        await asyncio.sleep(pause_s)


async def _until_stopped(agent: Agent) -> None:
    await agent.ready()
    await agent.stopping.wait()


async def _until_one_ends(tasks: list[asyncio.Task[None]]) -> None:
    """Return when the lab said stop; the others never end by themselves, and are cut short."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    main(watch)
