"""Why a message was lost, as far as the run folder tells. Pure.

Each cause needs its own evidence; a message without any stays None, *unexplained*. Where evidence is a moment (a log
line, a measured window), a message counts as touched by it within a stated margin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...model.measured import Evidence, LogEvent, MeasuredWindow, StoreState
from ..marking import Flags, mark, nothing, outcome_is, says

NO_SESSION = "no buffer on core NATS: no session with the hub"
DEAD_LINK = "no buffer on core NATS: sent into a link that carried nothing"
IN_FLIGHT = "no buffer on core NATS: in flight when the session closed"
SLOW_CONSUMER = "no buffer on core NATS: dropped by a slow consumer"
BROKER_DOWN = "a broker of the path was not running"
STORE_FULL = "site store full (discard new)"
RETENTION = "retention: the site's store dropped it before the hub had it"
REMOVED = "work queue or interest: the site's store let it go before the hub had it"
LIMIT_OR_REMOVED = "retention: a limit of the site's store, or its work queue or interest policy, let it go too early"
MEMORY = "the site's store was in memory, and its broker was killed"
REFUSED = "producer gave up: refused or never left"
NO_ANSWER = "producer gave up: no answer"

SUBSCRIBED_WITHIN_S = 0.25
"""After a session is established its leaf learns what the hub wants: the same flush, and one trip of the link."""
IN_FLIGHT_S = 1.0
"""What was sent this long before a connection closed may not have left it."""
WINDOW_S = 0.05
"""A fault holds before the call that applies it has returned, and after the call that clears it was begun."""
WRITE_DEADLINE_S = 11.0
"""A slow consumer is declared when a write has not ended for 10 s; what it drops was sent before that."""

_Times = npt.NDArray[np.int64]
_FOREVER_NS = 1 << 62


def of_core(lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
    """Causes for ``nats-leaf-core``: the first, in the order below, whose evidence there is."""
    found = nothing(lost)
    mark(found, outcome_is(lost, "failed"), REFUSED)
    for site, rows in lost.groupby("site", observed=True):
        events = evidence.log_events.get(str(site), ())
        windows = [w for w in evidence.windows if w.site == site or w.site is None]
        at = found.index.get_indexer(rows.index)
        sent = rows["sent_ns"].to_numpy(np.int64)
        for cause, spans in (
            (BROKER_DOWN, _down(windows)),
            (NO_SESSION, _without_session(events)),
            (DEAD_LINK, _dead(windows)),
            (IN_FLIGHT, _closing(events, windows)),
            (SLOW_CONSUMER, _slow(events)),
        ):
            chosen = np.zeros(len(found), np.bool_)
            chosen[at] = _within(sent, spans)
            mark(found, chosen, cause)
    return found


def of_leaf(lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
    """Causes for ``nats-leaf``."""
    found = nothing(lost)
    mark(found, outcome_is(lost, "failed") & says(lost, "maximum messages", "maximum bytes", "resource"), STORE_FULL)
    _mark_unanswered(found, lost)
    acknowledged = outcome_is(lost, "acknowledged")
    position = lost["position"].to_numpy(np.int64)
    for store in evidence.stores:
        here = acknowledged & (lost["site"].astype(str) == store.place).to_numpy(np.bool_)
        if store.limits.get("storage") == "memory":
            mark(found, here & _before_a_kill(lost, store.place, evidence.windows), MEMORY)
        if store.limits.get("retention", "limits") != "limits":
            # The hub's own consumer takes; what was taken and did not arrive can be anywhere in the store's numbers.
            mark(found, here & (position > 0), LIMIT_OR_REMOVED if _drops(store) else REMOVED)
        elif _drops(store):
            mark(found, here & (position > 0) & (position < store.first_sequence), RETENTION)
    return found


def of_direct(lost: pd.DataFrame, evidence: Evidence) -> pd.Series:
    """Causes for ``nats-direct``: only a producer that gave up loses a message."""
    del evidence
    found = nothing(lost)
    _mark_unanswered(found, lost)
    return found


def _before_a_kill(lost: pd.DataFrame, site: str, windows: Iterable[MeasuredWindow]) -> Flags:
    """What had been acknowledged when the broker of ``site`` was killed for the last time."""
    kills = [w.start_ns for w in windows if w.fault == "Kill" and w.target == site and w.start_ns is not None]
    acknowledged_ns = lost["acknowledged_ns"].to_numpy(np.int64, na_value=_FOREVER_NS)
    return np.asarray(acknowledged_ns <= max(kills, default=-1), np.bool_)


def _mark_unanswered(found: pd.Series, lost: pd.DataFrame) -> None:
    mark(found, outcome_is(lost, "failed"), REFUSED)
    mark(found, outcome_is(lost, "unknown"), NO_ANSWER)


def _drops(store: StoreState) -> bool:
    """Whether the store drops its oldest messages: by age, or by a limit that does not refuse new ones instead."""
    limits = store.limits
    by_size = limits.get("discard", "old") == "old" and any(limits.get(n, -1) > 0 for n in ("max_msgs", "max_bytes"))
    return by_size or limits.get("max_age", 0) > 0


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _within(times: _Times, spans: Iterable[tuple[int, int]]) -> Flags:
    inside = np.zeros(len(times), np.bool_)
    for begin, end in spans:
        inside |= (times >= begin) & (times <= end)
    return inside


def _without_session(events: Iterable[LogEvent]) -> Iterator[tuple[int, int]]:
    closed: int | None = None
    for event in events:
        if event.kind == "closed" and closed is None:
            closed = event.t_ns
        elif event.kind == "established" and closed is not None:
            yield closed, event.t_ns + _ns(SUBSCRIBED_WITHIN_S)
            closed = None
    if closed is not None:
        yield closed, _FOREVER_NS


def _held(window: MeasuredWindow) -> tuple[int, int] | None:
    if window.start_ns is None:
        return None
    end = _FOREVER_NS if window.end_ns is None else window.end_ns + window.clear_call_ns + _ns(WINDOW_S)
    return window.start_ns - window.apply_call_ns - _ns(WINDOW_S), end


def _dead(windows: Iterable[MeasuredWindow]) -> Iterator[tuple[int, int]]:
    """Links that swallow what the site sends; what was on its way when that began is gone too."""
    for window in windows:
        swallows = ("cut" in window.kind or "silent" in window.kind) and "down" not in window.kind
        if swallows and (held := _held(window)) is not None:
            yield held[0] - _ns(IN_FLIGHT_S), held[1]


def _down(windows: Iterable[MeasuredWindow]) -> Iterator[tuple[int, int]]:
    for window in windows:
        if window.fault == "Kill" and (held := _held(window)) is not None:
            yield held


def _closing(events: Iterable[LogEvent], windows: Iterable[MeasuredWindow]) -> Iterator[tuple[int, int]]:
    """What a closing connection still held: a second's worth, or all since a fault began that it closed in."""
    held = [h for h in map(_held, windows) if h is not None]
    for event in events:
        if event.kind != "closed":
            continue
        margin = event.t_ns - _ns(IN_FLIGHT_S)
        began = [h[0] for h in held if h[0] <= event.t_ns <= h[1] + _ns(IN_FLIGHT_S)]
        yield min([margin, *began]), event.t_ns + _ns(WINDOW_S)


def _slow(events: Iterable[LogEvent]) -> Iterator[tuple[int, int]]:
    for event in events:
        detail = event.detail.lower()
        if event.kind == "trouble" and "slow consumer" in detail and "recovered" not in detail:
            yield event.t_ns - _ns(WRITE_DEADLINE_S), event.t_ns + _ns(IN_FLIGHT_S)
