"""The observing agent for NATS: how full the hub's stores are, who is connected, how far it is behind.

Run by the lab as ``python -m edgelab.agents.watch_nats SPEC.json``; see :mod:`.lifecycle` for the contract. Options:

=============  ==========================================================================================
``address``    ``host:port`` of the hub, as a client
``monitor``    ``host:port`` of its monitoring endpoint
``streams``    names of its stores; position = index of the store in the history
``sessions``   ``"leaves"``: sessions are leaf connections named as the site (``/leafz``); ``"clients"``: the
               connections of the site's publishers (``/connz``)
``sources``    stream at a site -> site, for LAG; empty where the hub takes from nobody
=============  ==========================================================================================

It asks; it subscribes to nothing. What that costs the hub: one STREAM.INFO per store and reading, and one ``/leafz``
or ``/connz``. Readings are 10 ms (stores) and 20 ms (sessions) apart with one site, and further apart the more sites or
stores there are, so that the hub spends 2 to 4 % of a core on it, with one site as with a hundred (2.10.12 and 2.15.2).
A reading is stamped when its answer has come: PROGRESS is late by at most one interval and one round trip, never early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client

from ..errors import LabError
from .changes import Changes
from .http_json import HttpJson
from .lifecycle import Agent, main
from .nats_readings import ANSWER_S, Sessions, Stores, WatchOptions

_FIRST_ANSWER_S = 10.0


async def watch(agent: Agent) -> None:
    """Connect, read everything once, tell the lab, and go on reading until told to stop.

    Raises:
        SpecError: the options are wrong.
        LabError: the hub does not answer at the start, or the history cannot be written.
    """
    options = WatchOptions.of(agent.spec.get("options"))
    sites = {str(site["site"]): int(site["index"]) for site in agent.spec["sites"]}
    client = await _connect(options.address)
    http = HttpJson(options.monitor, timeout_s=ANSWER_S)
    try:
        changes = Changes(agent)
        stores = Stores(agent, changes, client, options, sites)
        sessions = Sessions(agent, http, options, sites)
        async with asyncio.timeout(_FIRST_ANSWER_S):
            await stores.read(required=True)
            await sessions.read(required=True)
        async with asyncio.TaskGroup() as group:
            for reader in (stores, sessions):
                group.create_task(_repeat(agent, reader.read, reader.every_s))
            group.create_task(agent.ready())
    except TimeoutError as error:
        raise LabError(
            f"the hub at {options.address} did not answer the observer within {_FIRST_ANSWER_S:g} s"
        ) from error
    finally:
        await http.close()
        with suppress(OSError, nats.errors.Error, TimeoutError):
            await asyncio.wait_for(client.close(), ANSWER_S)


async def _repeat(agent: Agent, read: Callable[[], Any], every_s: float) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not await agent.stopped_within(due - loop.time()):
        await read()
        # From now, not from when it was due: a hub that is late must not be asked faster.
        due = loop.time() + every_s


async def _connect(address: str) -> Client:
    async def ignore(_error: Exception) -> None:
        """A hub that is gone shows in the readings; nats-py would log each try."""

    try:
        return await nats.connect(
            f"nats://{address}",
            name="edgelab-observer",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,
            connect_timeout=ANSWER_S,
            error_cb=ignore,
        )
    except (OSError, nats.errors.Error, TimeoutError) as error:
        raise LabError(f"the observer could not connect to the hub at {address}: {error}") from error


if __name__ == "__main__":
    main(watch)
