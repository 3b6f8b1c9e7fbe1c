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
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import nats
import nats.errors
from nats.aio.client import Client

from ..errors import LabError, SpecError
from ..history import Kind
from .http_json import HttpJson
from .lifecycle import Agent, main

_REPEAT_NS = 1_000_000_000
_BYTES_EVERY_NS = 250_000_000
_HEARD_NS = 1_500_000_000
"""A source sends a heartbeat each second: one not heard of for longer is behind by an unknown amount."""
_STORE_EVERY_S, _STORE_PER_SOURCE_S, _STORE_PER_STREAM_S = 0.01, 0.0004, 0.002
_SESSION_EVERY_S, _SESSION_PER_SITE_S = 0.02, 0.001
_ANSWER_S = 2.0
_FIRST_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What to watch; see the module's docstring."""

    address: str
    monitor: str
    streams: tuple[str, ...]
    sessions: Literal["leaves", "clients"] = "leaves"
    sources: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Any) -> WatchOptions:
        """From a spec.

        Raises:
            SpecError: an option is missing, unknown, or wrong; the message names it.
        """
        if not isinstance(options, Mapping):
            raise SpecError(f"options must be an object, not {options!r}")
        try:
            made = cls(**{**options, "streams": tuple(options.get("streams") or ())})
        except TypeError as error:  # a field that is unknown or missing: Python's message names it
            raise SpecError(str(error).replace("WatchOptions.__init__() ", "options ")) from error
        if not made.streams:
            raise SpecError("options.streams must name at least one stream, not []")
        if made.sessions not in {"leaves", "clients"}:
            raise SpecError(f"options.sessions must be leaves or clients, not {made.sessions!r}")
        return made


@dataclass(slots=True)
class _Reading:
    """What was last read, when, and when it was last appended."""

    says: dict[str, int]
    read_ns: int
    appended_ns: int


class Changes:
    """Appends a record when what it says has changed, and again once a second.

    Before a change comes the last reading that did not show it yet: between the two, and no earlier, it happened.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._last: dict[tuple[int, ...], _Reading] = {}

    def note(self, kind: Kind, now_ns: int, key: tuple[int, ...], **says: int) -> None:
        """Append, unless the same was appended for ``key`` less than a second ago."""
        before = self._last.get((kind, *key))
        if before is not None and before.says == says and now_ns - before.appended_ns < _REPEAT_NS:
            before.read_ns = now_ns
            return
        if before is not None and before.says != says and before.read_ns > before.appended_ns:
            self._agent.history.append(kind, before.read_ns, **before.says)
        self._last[kind, *key] = _Reading(says, now_ns, now_ns)
        self._agent.history.append(kind, now_ns, **says)


async def watch(agent: Agent) -> None:
    """Connect, read everything once, tell the lab, and go on reading until told to stop.

    Raises:
        SpecError: the options are wrong.
        LabError: the hub does not answer at the start, or the history cannot be written.
    """
    options = WatchOptions.of(agent.spec.get("options"))
    sites = {str(site["site"]): int(site["index"]) for site in agent.spec["sites"]}
    client = await _connect(options.address)
    http = HttpJson(options.monitor, timeout_s=_ANSWER_S)
    try:
        changes = Changes(agent)
        stores = _Stores(agent, changes, client, options, sites)
        sessions = _Sessions(agent, http, options, sites)
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
            await asyncio.wait_for(client.close(), _ANSWER_S)


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
            connect_timeout=_ANSWER_S,
            error_cb=ignore,
        )
    except (OSError, nats.errors.Error, TimeoutError) as error:
        raise LabError(f"the observer could not connect to the hub at {address}: {error}") from error


class _Stores:
    """Readings of the hub's streams: PROGRESS and LAG."""

    def __init__(
        self, agent: Agent, changes: Changes, client: Client, options: WatchOptions, sites: Mapping[str, int]
    ) -> None:
        self._clock = agent.clock
        self._changes = changes
        self._client = client
        self._subjects = [f"$JS.API.STREAM.INFO.{name}" for name in options.streams]
        self._sites = {stream: sites[site] for stream, site in options.sources.items()}
        self.every_s = (
            _STORE_EVERY_S + _STORE_PER_SOURCE_S * len(self._sites) + _STORE_PER_STREAM_S * (len(self._subjects) - 1)
        )

    async def read(self, *, required: bool = False) -> None:
        """Ask for each stream once."""
        for number, subject in enumerate(self._subjects):
            try:
                answer = await self._client.request(subject, timeout=_ANSWER_S)
            except (nats.errors.Error, TimeoutError, OSError) as error:
                if required:
                    raise LabError(f"the hub does not answer {subject}: {type(error).__name__}") from error
                return
            now_ns = self._clock.now_ns()
            info = json.loads(answer.data)
            if "error" in info:
                if required:
                    raise LabError(f"the hub refused {subject}: {info['error'].get('description')}")
                return
            self._note(number, info, now_ns)

    def _note(self, number: int, info: dict[str, Any], now_ns: int) -> None:
        state = info["state"]
        self._changes.note(
            Kind.PROGRESS,
            now_ns,
            (number,),
            value=int(state["messages"]),
            position=int(state["last_seq"]),
            stream=number,
        )
        for origin in info.get("sources") or ([info["mirror"]] if info.get("mirror") else ()):
            site = self._sites.get(origin.get("name"))
            if site is not None:
                heard = 0 <= int(origin.get("active", -1)) < _HEARD_NS and not origin.get("error")
                self._changes.note(Kind.LAG, now_ns, (site,), value=int(origin["lag"]), code=int(heard), site=site)


@dataclass(frozen=True, slots=True)
class _Session:
    """A site's session as the hub shows it: which connections, and their bytes."""

    connections: frozenset[object]
    bytes_up: int
    bytes_down: int


class _Sessions:
    """Readings of the hub's connections: SESSION and BYTES."""

    def __init__(self, agent: Agent, http: HttpJson, options: WatchOptions, sites: Mapping[str, int]) -> None:
        self._agent = agent
        self._http = http
        self._leaves = options.sessions == "leaves"
        self._sites = sites
        self._names = {name: site for site in sites for name in (site, f"edgelab-{site}")}
        self._seen: dict[str, _Session] = {}
        self._bytes_ns: dict[str, int] = {}
        self.every_s = _SESSION_EVERY_S + _SESSION_PER_SITE_S * len(sites)

    async def read(self, *, required: bool = False) -> None:
        """Ask once."""
        try:
            found = await self._http.get("/leafz" if self._leaves else "/connz?limit=100000")
        except OSError as error:
            if required:
                raise LabError(f"the hub's monitoring does not answer: {error}") from error
            return
        now_ns = self._agent.clock.now_ns()
        sessions = self._sessions(found)
        for site in self._sites:
            self._note(site, sessions.get(site), now_ns)
        self._seen = sessions

    def _sessions(self, found: dict[str, Any]) -> dict[str, _Session]:
        parts: dict[str, list[dict[str, Any]]] = {}
        for part in found.get("leafs" if self._leaves else "connections") or ():
            if (site := self._site_of(str(part.get("name", "")))) is not None:
                parts.setdefault(site, []).append(part)
        return {
            site: _Session(
                frozenset((p.get("cid", p.get("id")), p.get("ip"), p.get("port")) for p in own),
                sum(int(p["in_bytes"]) for p in own),
                sum(int(p["out_bytes"]) for p in own),
            )
            for site, own in parts.items()
        }

    def _site_of(self, name: str) -> str | None:
        # Publishers are named edgelab-SITE-publisher-N.
        return self._names.get(name if self._leaves else name.rpartition("-publisher-")[0])

    def _note(self, site: str, session: _Session | None, now_ns: int) -> None:
        before, index = self._seen.get(site), self._sites[site]
        append = self._agent.history.append
        if before and (session is None or not before.connections & session.connections):
            append(Kind.SESSION, now_ns, code=0, site=index)
            before = None
        if session and not before:
            append(Kind.SESSION, now_ns, code=1, site=index)
        if session is None:
            self._bytes_ns.pop(site, None)
        elif now_ns - self._bytes_ns.get(site, 0) >= _BYTES_EVERY_NS or not before:
            self._bytes_ns[site] = now_ns
            append(Kind.BYTES, now_ns, value=session.bytes_up, code=0, site=index)
            append(Kind.BYTES, now_ns, value=session.bytes_down, code=1, site=index)


if __name__ == "__main__":
    main(watch)
