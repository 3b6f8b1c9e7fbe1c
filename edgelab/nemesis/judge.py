"""What a probe's outcome says about a fault. Pure.

A fault can be told by a probe where the link with it and the link without it would look different, given everything
else that is in force. Where they would look the same, the answer is None, not a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from ..model.faults import Kill, Pause
from ..model.topology import Link
from .holds import Hold, Way
from .probe import Door, Knock, Outcome

SOON_S = 1.0
"""How long a probe waits for what should come at once. NATS closes a silent leaf connection after about 2 s, which
must not be taken for an answer."""
_SMALLEST_DELAY_S = 0.002
_SMALLEST_SERIAL_S = 0.002
Sight = tuple[bool | None, str]
"""Whether the fault was seen in force (None: cannot be told), and what was seen in words."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A link before any fault: round trips and time to the greeting (seconds), and how long the greeting is."""

    answered_s: tuple[float, ...] = ()
    greeted_s: float = 0.0
    greeting_bytes: int = 0


def see_link(link: Link, own: Iterable[Hold], others: Iterable[Hold], knocks: Sequence[Knock], base: Baseline) -> Sight:
    """Whether ``own``, all from one fault, is in force beside ``others``."""
    own, others = tuple(own), tuple(others)
    with_it, without_it = expected(link, (*own, *others)), expected(link, others)
    got = knocks[-1]
    seen = _words(got)
    if with_it != without_it:
        if _matches(got, with_it):
            return True, seen
        return (False, seen) if _matches(got, without_it) else (None, seen)
    if with_it != "answered":
        return None, seen
    if delay_s := _round_trip_s(own):
        return _see_delay(delay_s, _round_trip_s(others), knocks, base)
    return _see_rate(link, own, others, knocks, base)


def hidden(link: Link, own: Iterable[Hold], others: Iterable[Hold]) -> str:
    """Why no probe can tell ``own`` beside ``others``; empty if one can."""
    own, others = tuple(own), tuple(others)
    without_it = expected(link, others)
    if expected(link, (*own, *others)) != without_it or without_it == "answered":
        return ""
    return "another fault of this link hides it" if others else "this link has nothing to probe it with"


def see_service(fault: Kill, door: Door, got: Knock) -> Sight:
    """Whether ``fault`` of a service is in force."""
    seen = "greeted" if got.outcome == "greeted" else _words(got)
    if not isinstance(fault, Pause):
        return got.outcome in {"refused", "closed"}, seen
    if got.came_back:
        return False, seen
    return (True if door.tells and got.outcome == "silent" else None), seen


def see_process(fault: Kill, state: str) -> Sight:
    """Whether ``fault`` of a service that cannot be asked is in force, by what its process does."""
    return state == ("paused" if isinstance(fault, Pause) else "ended"), f"its process is {state}"


def expected(link: Link, holds: Iterable[Hold]) -> Outcome:
    """What a knock at ``link`` comes to while ``holds`` are in force."""
    blocked = {hold.way for hold in holds if hold.kind in {"cut", "stall", "silent"}}
    asking: Way = "up" if link.dialed_by == "site" else "down"
    telling: Way = "down" if asking == "up" else "up"
    if None in blocked:
        return "refused"
    if telling in blocked or not (link.probe_greeting or link.probe_request):
        return "silent"
    if asking in blocked or not link.probe_request:
        return "greeted" if link.probe_greeting else "silent"
    return "answered"


def patience_s(holds: Iterable[Hold], base: Baseline) -> float:
    """How long a knock may take while ``holds`` are in force, seconds, before its silence means something."""
    holds = tuple(holds)
    delays = sum(hold.one_way_s + hold.jitter_s for hold in holds if hold.kind == "delay")
    return SOON_S + delays + 2 * _serial_s(holds, base, None)


def _see_delay(own_s: float, others_s: float, knocks: Sequence[Knock], base: Baseline) -> Sight:
    if own_s < _SMALLEST_DELAY_S:
        return None, f"{own_s * 1e3:g} ms are too little to tell"
    times = [got.answered_s for got in knocks if got.answered_s is not None]
    if not times or not base.answered_s:
        return None, _words(knocks[-1])
    got_s, before_s = median(times), median(base.answered_s)
    words = f"round trip {got_s * 1e3:.1f} ms, {before_s * 1e3:.1f} ms before any fault"
    return got_s > before_s + others_s + own_s / 2, words


def _see_rate(
    link: Link, own: Sequence[Hold], others: Sequence[Hold], knocks: Sequence[Knock], base: Baseline
) -> Sight:
    telling: Way = "down" if link.dialed_by == "site" else "up"
    own_s, others_s = (_serial_s(holds, base, telling) for holds in (own, others))
    if own_s - others_s < _SMALLEST_SERIAL_S:
        return None, f"a greeting of {base.greeting_bytes} bytes is too short to tell this rate"
    times = [got.greeted_s for got in knocks if got.greeted_s is not None]
    if not times:
        return None, _words(knocks[-1])
    delay_s = sum(hold.one_way_s for hold in others if hold.kind == "delay" and hold.way == telling)
    words = f"greeting after {median(times) * 1e3:.0f} ms, {base.greeted_s * 1e3:.0f} ms before any fault"
    return median(times) > base.greeted_s + delay_s + others_s + (own_s - others_s) / 2, words


def _round_trip_s(holds: Iterable[Hold]) -> float:
    return sum(hold.one_way_s for hold in holds if hold.kind == "delay")


def _serial_s(holds: Iterable[Hold], base: Baseline, way: Way | None) -> float:
    """How long the greeting takes at the slowest rate among ``holds``."""
    rates = [hold.rate_bps for hold in holds if hold.kind == "rate" and way in {None, hold.way}]
    return base.greeting_bytes * 8 / min(rates) if rates else 0.0


def _matches(got: Knock, outcome: Outcome) -> bool:
    # Docker's own port forwarder accepts where the proxy refuses, and then closes.
    return got.outcome == outcome or (outcome == "refused" and got.outcome == "closed")


def _words(got: Knock) -> str:
    match got.outcome:
        case "refused":
            return "connection refused"
        case "closed":
            return "connection closed without a word"
        case "silent":
            return "connected, nothing came"
        case "greeted":
            return "greeted, no answer"
        case _:
            return f"answered after {(got.answered_s or 0.0) * 1e3:.1f} ms"
