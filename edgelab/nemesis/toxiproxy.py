"""Toxiproxy: how holds become toxics, milliseconds and kilobytes per second. Only this module knows them.

Each direction of a link gets a chain of toxics once, before anything flows that matters. After that they are only
switched on and off::

    sender > [slicer] > stall > rate, slowest first > delay > guard > (silent) > receiver

Why, from Toxiproxy 2.12.0's source; ``tests/nemesis/test_link_plane.py`` shows each on real connections but the first:

- **They are switched by their toxicity, 1 or 0, never by their attributes.** At 0 a toxic is a plain channel. A
  changed attribute is written into the running toxic *before* that is interrupted; a stalled one that sees its rate
  rise in between slices beyond its chunk, which ends the whole proxy process. (Rare: a few microseconds in 100 ms.
  15,000 changes under load did not hit it. But it would take all links at once.)
- **The stall comes before what may change during it.** A change interrupts the toxic that changes; adding or
  removing one interrupts its predecessor too. An interrupted stall lets its pending chunk (up to 32 KB) out. A toxic
  *before* a stall blocks on its output and cannot be interrupted at all: the call would hang, and with it every later
  call for that link, also the one that ends the stall. For the same reason a guard stands behind: what is added
  later interrupts the guard, not the stall.
- **The end of a stall loses nothing, and takes about 1 ms, as long as what is behind takes its pending chunk.** If
  that takes long, so does the call, and a chunk that is not taken within 5 s can be dropped from the middle of the
  stream. So rates are in order of speed, and in front of slow ones a slicer makes chunks of 100 ms. (Without it the
  end of a stall at 32 kbit/s took 7.9 s.)
- **While a receiver does not read and all buffers between are full (several MB: a paused broker under load), no toxic
  of its link can be changed.** The call fails after ``CALL_S`` and says so. Nothing is lost: what was asked for happens
  once the receiver reads again, and healing clears it. (Measured: 9 and 12 MB under way, intact.)
- **What the link already holds when a stall begins still arrives**: one chunk, and what a delay or a rate has in hand.
- **A delay counts from when the proxy read the bytes**, so time spent in a rate counts towards it: with both, a
  message is late by the larger of the two, not by their sum. (The other order would put a queue of 1024 chunks in
  front of the rate, which would go on for minutes after a stall had begun.)
- **Silent is added at the end and removed again**: its removal is what closes the connections, and being last it
  takes no other toxic's place in the connections that are closing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..clock import Clock
from ..deploy.base import Address
from ..errors import FaultError, SpecError
from ..model.topology import Link
from .client import BoundConsumer, connect
from .fanout import Answer, Fanout, Request
from .holds import Hold, Way

CALL_S = 10.0
_CHUNK_BYTES = 32 * 1024
_SLICE_S = 0.1
_DROPPED_AFTER_S = 5.0
_ORDER = ("cut", "stall", "silent", "rate", "delay")


@dataclass(frozen=True, slots=True)
class Call:
    """When a hold was switched, ns on the run's clock: calling, answered, and what went wrong if anything."""

    sent_ns: int
    answered_ns: int
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _Toxic:
    name: str
    type: str
    attributes: Mapping[str, int] = field(default_factory=dict)
    toxicity: int = 0


class LinkPlane:
    """The links of one deployment. Not to be used by two threads at once."""

    def __init__(self, api: Address, links: Sequence[Link], clock: Clock, *, timeout_s: float = CALL_S) -> None:
        self._links = {link.name: link for link in links}
        self._consumer = BoundConsumer(api, timeout_s=timeout_s)
        self._server = connect(self._consumer)
        self._fanout = Fanout(api, clock)
        self._timeout_s = timeout_s
        self._installed: dict[tuple[str, Way], list[str]] = {}

    def check(self) -> None:
        """Refuse a proxy that is missing or disabled.

        Raises:
            FaultError: it is, or Toxiproxy does not answer.
        """
        there = self._server.proxies() if self._links else {}
        for name in self._links:
            if name not in there:
                raise FaultError(f"link {name}: Toxiproxy has no such proxy, only {', '.join(there) or 'none'}")
            if not there[name].enabled:
                raise FaultError(f"link {name}: its proxy is disabled before any fault")

    def install(self, holds: Iterable[Hold]) -> None:
        """Put in place, switched off, what is needed to switch ``holds`` on. What is there already is left alone.

        Raises:
            SpecError: a very slow rate on a link whose chain is in place without a slicer.
            FaultError: Toxiproxy did not do it.
        """
        wanted: dict[tuple[str, Way], list[Hold]] = {}
        for hold in holds:
            if hold.way is not None:
                wanted.setdefault((hold.link, hold.way), []).append(hold)
        rounds: list[list[Request]] = []
        for key, found in wanted.items():
            new = self._missing(*key, found)
            for i, toxic in enumerate(new):
                rounds.extend([] for _ in range(i + 1 - len(rounds)))
                rounds[i].append(self._add(*key, toxic))
            self._installed.setdefault(key, []).extend(toxic.name for toxic in new)
        for requests in rounds:
            for request, answer in zip(requests, self._fanout.send(requests, deadline_s=self._timeout_s), strict=True):
                if not answer.ok:
                    raise FaultError(f"Toxiproxy: {request.method} {request.path}: {_why(answer)}")

    def get_ready(self, calls: int) -> None:
        """Open connections for about ``calls`` switches within the next few seconds."""
        self._fanout.open(calls)

    def switch(self, *, on: Collection[Hold] = (), off: Collection[Hold] = ()) -> dict[Hold, Call]:
        """Switch holds on and off, all links together; what is installed is switched, nothing is looked up."""
        rounds: dict[int, list[tuple[Hold, Request]]] = {}
        place: dict[tuple[str, Way | None], int] = {}
        # One call at a time for each direction of a link: a connection that died during a stall leaves Toxiproxy's
        # books only after the call that ended the stall, and a second call that got in first could wait for it.
        for hold, request in self._requests(on, off):
            key = (hold.link, hold.way)
            turn = place[key] = place.get(key, -1) + 1
            rounds.setdefault(turn, []).append((hold, request))
        done: dict[Hold, Call] = {}
        for turn in sorted(rounds):
            sent = rounds[turn]
            answers = self._fanout.send([request for _, request in sent], deadline_s=self._timeout_s)
            for (hold, _), answer in zip(sent, answers, strict=True):
                failure = "" if answer.ok else f"link {hold.link}: Toxiproxy did not switch {hold.kind}: {_why(answer)}"
                done[hold] = Call(answer.sent_ns, answer.answered_ns, failure)
        return done

    def heal(self) -> None:
        """Switch off everything that is on, whoever switched it on, and enable every proxy.

        Raises:
            FaultError: something could not be cleared, even at a second try.
        """
        failures: list[str] = []
        for _ in range(2):
            requests = [request for name, proxy in self._state().items() for request in self._cures(name, proxy)]
            answers = self._fanout.send(requests, deadline_s=self._timeout_s)
            failures = [_why(answer) for answer in answers if not answer.ok and answer.status != 404]
            if not failures:
                return
        raise FaultError(f"{len(failures)} faults could not be cleared; the first: {failures[0]}")

    def are_on(self, holds: Collection[Hold]) -> bool:
        """Whether Toxiproxy itself says that all of ``holds`` are in force. May be called from any thread.

        Raises:
            FaultError: it does not answer.
        """
        state = {link: self._consumer.get(f"/proxies/{link}").json() for link in {hold.link for hold in holds}}
        return all(_is_on(hold, state[hold.link]) for hold in holds)

    def rate_bps(self, hold: Hold) -> float:
        """The rate that stands for ``hold.rate_bps``: Toxiproxy has whole KB/s only."""
        return _kilobytes(hold.rate_bps) * 8000.0

    def close(self) -> None:
        """Close connections; faults stay as they are."""
        self._fanout.close()
        self._consumer.close()

    def _missing(self, link: str, way: Way, holds: list[Hold]) -> list[_Toxic]:
        there = self._installed.get((link, way))
        slow = min((hold.rate_bps for hold in holds if hold.kind == "rate"), default=float("inf"))
        toxics: list[_Toxic] = []
        if there is None:
            toxics += _slicer(way, slow)
            toxics.append(_Toxic(f"stall-{way}", "bandwidth", {"rate": 0}))
        elif f"slicer-{way}" not in there and _CHUNK_BYTES * 8 / slow > _DROPPED_AFTER_S:
            raise SpecError(
                f"rate_bps must be at least {_CHUNK_BYTES * 8 / _DROPPED_AFTER_S:.0f} on link {link}, whose chain is "
                f"in place without a slicer, not {slow:g}; put the throttle into the schedule"
            )
        order = sorted(holds, key=lambda hold: (_ORDER.index(hold.kind), hold.rate_bps))
        toxics += [_shaping(hold) for hold in order if hold.kind in {"rate", "delay"}]
        if there is None:
            toxics.append(_Toxic(f"guard-{way}", "noop", toxicity=1))
        return list({toxic.name: toxic for toxic in toxics if toxic.name not in (there or ())}.values())

    def _requests(self, on: Collection[Hold], off: Collection[Hold]) -> Iterable[tuple[Hold, Request]]:
        # A link is opened again last, when nothing else that ends with it is in the way of the first dial.
        rank: Callable[[Hold], int] = lambda hold: _ORDER.index(hold.kind)  # noqa: E731 - used twice, here only
        for hold in sorted(on, key=rank):
            yield hold, self._turn(hold, on=True)
        for hold in sorted(off, key=rank, reverse=True):
            yield hold, self._turn(hold, on=False)

    def _turn(self, hold: Hold, *, on: bool) -> Request:
        if hold.kind == "cut" or hold.way is None:
            return Request("POST", f"/proxies/{hold.link}", {"enabled": not on})
        if hold.kind == "silent":
            toxic = _Toxic(_name(hold), "timeout", {"timeout": 0}, toxicity=1)
            return self._add(hold.link, hold.way, toxic) if on else _delete(hold.link, toxic.name)
        return _set(hold.link, _name(hold), toxicity=int(on))

    def _add(self, link: str, way: Way, toxic: _Toxic) -> Request:
        payload = {
            "name": toxic.name,
            "type": toxic.type,
            "stream": _stream(self._links[link], way),
            "toxicity": toxic.toxicity,
            "attributes": dict(toxic.attributes),
        }
        return Request("POST", f"/proxies/{link}/toxics", payload)

    def _state(self) -> Mapping[str, Any]:
        # The library's own proxies() leaves the toxics out, and asks for each proxy's one by one.
        proxies = self._consumer.get("/proxies").json()
        return {name: proxies[name] for name in self._links if name in proxies}

    def _cures(self, link: str, proxy: Mapping[str, Any]) -> Iterable[Request]:
        for toxic in proxy["toxics"]:
            if toxic["name"].startswith("silent-"):
                yield _delete(link, toxic["name"])
            elif not toxic["name"].startswith(("guard-", "slicer-")) and toxic["toxicity"] > 0:
                yield _set(link, toxic["name"], toxicity=0)
        if not proxy["enabled"]:
            yield Request("POST", f"/proxies/{link}", {"enabled": True})


def _is_on(hold: Hold, proxy: Mapping[str, Any]) -> bool:
    if hold.kind == "cut":
        return not proxy.get("enabled", True)
    return any(toxic["name"] == _name(hold) and toxic["toxicity"] > 0 for toxic in proxy.get("toxics", ()))


def _stream(link: Link, way: Way) -> str:
    """Toxiproxy's upstream runs from who dials to who is dialed."""
    return "upstream" if (way == "up") == (link.dialed_by == "site") else "downstream"


def _name(hold: Hold) -> str:
    match hold.kind:
        case "rate":
            return f"rate-{hold.rate_bps!r}-{hold.way}"
        case "delay":
            return f"delay-{hold.one_way_s!r}-{hold.jitter_s!r}-{hold.asked}-{hold.way}"
        case _:
            return f"{hold.kind}-{hold.way}"


def _shaping(hold: Hold) -> _Toxic:
    if hold.kind == "rate":
        return _Toxic(_name(hold), "bandwidth", {"rate": _kilobytes(hold.rate_bps)})
    latency, jitter = max(1, round(hold.one_way_s * 1e3)), round(hold.jitter_s * 1e3)
    return _Toxic(_name(hold), "latency", {"latency": latency, "jitter": jitter})


def _slicer(way: Way, rate_bps: float) -> list[_Toxic]:
    size_bytes = int(rate_bps / 8 * _SLICE_S) if rate_bps < _CHUNK_BYTES * 8 / _SLICE_S else 0
    if not size_bytes:
        return []
    return [_Toxic(f"slicer-{way}", "slicer", {"average_size": max(64, size_bytes)}, toxicity=1)]


def _kilobytes(rate_bps: float) -> int:
    return max(1, round(rate_bps / 8000.0))


def _set(link: str, toxic: str, *, toxicity: int) -> Request:
    # POST, which is deprecated in 2.12 but works on 2.5 too, where PATCH does not.
    return Request("POST", f"/proxies/{link}/toxics/{toxic}", {"toxicity": toxicity})


def _delete(link: str, toxic: str) -> Request:
    return Request("DELETE", f"/proxies/{link}/toxics/{toxic}")


def _why(answer: Answer) -> str:
    if answer.status == 0:
        return f"{answer.text} (while a receiver does not read, Toxiproxy cannot change its link)"
    try:
        return f"status {answer.status}: {json.loads(answer.text)['error']}"
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status}: {answer.text}"
