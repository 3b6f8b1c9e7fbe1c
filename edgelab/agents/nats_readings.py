"""What a NATS hub tells the observer: its stores, and the sessions of its sites."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import nats.errors
from nats.aio.client import Client

from ..errors import LabError, SpecError
from ..history import Kind
from .changes import Changes
from .http_json import HttpJson
from .lifecycle import Agent

ANSWER_S = 2.0
"""How long the hub may take to answer a reading."""
_BYTES_EVERY_NS = 250_000_000
_HEARD_NS = 1_500_000_000
"""A source sends a heartbeat each second: one not heard of for longer is behind by an unknown amount."""
_STORE_EVERY_S, _STORE_PER_SOURCE_S, _STORE_PER_STREAM_S = 0.01, 0.0004, 0.002
_SESSION_EVERY_S, _SESSION_PER_SITE_S = 0.02, 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What to watch; see :mod:`.watch_nats`."""

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


class Stores:
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
                answer = await self._client.request(subject, timeout=ANSWER_S)
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


class Sessions:
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
            # Its last count: a backlog may have come in one burst since the one that was appended.
            self._append_bytes(index, before, now_ns)
            append(Kind.SESSION, now_ns, code=0, site=index)
            before = None
        if session and not before:
            append(Kind.SESSION, now_ns, code=1, site=index)
        if session is None:
            self._bytes_ns.pop(site, None)
        elif now_ns - self._bytes_ns.get(site, 0) >= _BYTES_EVERY_NS or not before:
            self._bytes_ns[site] = now_ns
            self._append_bytes(index, session, now_ns)

    def _append_bytes(self, index: int, session: _Session, now_ns: int) -> None:
        for code, counted in enumerate((session.bytes_up, session.bytes_down)):
            self._agent.history.append(Kind.BYTES, now_ns, value=counted, code=code, site=index)
