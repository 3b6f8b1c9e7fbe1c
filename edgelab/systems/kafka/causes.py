"""Why a message was lost, as far as the run folder tells. Pure.

Each cause needs its own evidence; a message without any stays None, *unexplained*.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ...model.measured import Evidence, LogEvent, MeasuredWindow, StoreState
from ..marking import Flags, mark, nothing, outcome_is, says
from . import logs

REFUSED = "producer gave up: refused or never left"
NO_ANSWER = "producer gave up: no answer"
TIMED_OUT = "producer gave up: no answer within its delivery timeout"
ATTEMPTS = "producer gave up: dropped after its last attempt"
BROKER_DOWN = "producer gave up: the site's broker was not running"
SITE_OUT_OF_MEMORY = "producer gave up: the site's broker was out of memory"
UNCONFIRMED = "acks=0: the producer did not wait for an answer"
RETENTION = "retention: the site's topic dropped it before the hub had it"
RETENTION_OUT_OF_MEMORY = "retention: the site's topic dropped it while the mirror was out of memory"
SKIPPED = "task skipped: the mirror could not deliver it, and errors.tolerance=all passes over that"
KILLED = "the site's broker lost it when it was killed"

_TIMEOUT_WORDS = ("timed out", "timeout", "expired")
_ATTEMPT_WORDS = ("attempt",)
_MARGIN_NS = 1_000_000_000


def of_mirror(lost: pd.DataFrame, evidence: Evidence, *, unconfirmed: bool = False) -> pd.Series:
    """Causes for ``kafka-mirrormaker``; ``unconfirmed``: publishers do not wait for an answer (acks=0)."""
    found = nothing(lost)
    site_of = lost["site"].astype(str)
    for site in site_of.unique():
        here = (site_of == site).to_numpy(np.bool_)
        events = evidence.log_events.get(site, ())
        _mark_given_up(found, here, lost, events, [w for w in evidence.windows if w.target == site])
    _mark_unanswered(found, lost)
    acknowledged = outcome_is(lost, "acknowledged")
    position = lost["position"].to_numpy(np.int64)
    for store in evidence.stores:
        here = acknowledged & (site_of == store.place).to_numpy(np.bool_) & (position > 0)
        if "partitions" in store.limits:
            # Each publisher keeps to one of them, as the publishing agent says.
            own = lost["publisher"].to_numpy(np.int64) % int(store.limits["partitions"])
            here &= own == int(store.limits["partition"])
        if _drops(store):
            starved = _out_of_memory(evidence.log_events.get(store.place, ()), logs.MIRROR)
            cause = RETENTION_OUT_OF_MEMORY if starved else RETENTION
            mark(found, here & (position < store.first_sequence), cause)
        in_store = (position >= store.first_sequence) & (position <= store.last_sequence)
        if store.limits.get("errors.tolerance") == "all" and logs.tell(evidence, store.place, logs.UNSENT):
            mark(found, here & in_store, SKIPPED)
        if any(w.fault == "Kill" and w.target == store.place for w in evidence.windows):
            mark(found, here & (position > store.last_sequence), KILLED)
    if unconfirmed:
        mark(found, acknowledged & (position == 0), UNCONFIRMED)
    return found


def of_direct(lost: pd.DataFrame, evidence: Evidence, *, attempts: bool, unconfirmed: bool = False) -> pd.Series:
    """Causes for ``kafka-direct``; ``attempts``: its client counts them, and drops what has had its last one."""
    del evidence
    found = nothing(lost)
    if attempts:
        mark(found, outcome_is(lost, "failed") | outcome_is(lost, "unknown"), ATTEMPTS)
    _mark_unanswered(found, lost)
    if unconfirmed:
        mark(found, outcome_is(lost, "acknowledged"), UNCONFIRMED)
    return found


def _mark_given_up(
    found: pd.Series, here: Flags, lost: pd.DataFrame, events: Iterable[LogEvent], windows: Iterable[MeasuredWindow]
) -> None:
    """What a site's own broker did not take, where it is seen why."""
    given_up = here & (outcome_is(lost, "failed") | outcome_is(lost, "unknown"))
    if _out_of_memory(events, logs.BROKER):
        mark(found, given_up, SITE_OUT_OF_MEMORY)
    sent_ns = lost["sent_ns"].to_numpy(np.int64)
    for window in windows:
        if window.fault == "Kill" and window.start_ns is not None:
            end_ns = np.iinfo(np.int64).max if window.end_ns is None else window.end_ns + window.clear_call_ns
            down = (sent_ns >= window.start_ns - window.apply_call_ns - _MARGIN_NS) & (sent_ns <= end_ns)
            mark(found, given_up & down, BROKER_DOWN)


def _mark_unanswered(found: pd.Series, lost: pd.DataFrame) -> None:
    failed = outcome_is(lost, "failed")
    mark(found, failed & says(lost, *_ATTEMPT_WORDS), ATTEMPTS)
    mark(found, failed & says(lost, *_TIMEOUT_WORDS), TIMED_OUT)
    mark(found, failed, REFUSED)
    mark(found, outcome_is(lost, "unknown"), NO_ANSWER)


def _drops(store: StoreState) -> bool:
    return any(int(store.limits.get(name, -1)) >= 0 for name in ("retention.ms", "retention.bytes"))


def _out_of_memory(events: Iterable[LogEvent], who: str) -> bool:
    return any(e.kind == "trouble" and logs.OUT_OF_MEMORY in e.detail and e.detail.startswith(who) for e in events)
