"""What one must know of MirrorMaker to understand a recovery that was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from ...model.measured import Evidence, LogEvent
from . import logs
from .versions import Version

_LONG_S = 3.0
"""A mirror that has kept its work goes on within a second or two."""
_AFTER_NS = 5_000_000_000
_ABOUT = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What a mirror's worker was told.

    Attributes:
        version: of Kafka.
        in_group: whether it is in a group, which gives the work away of those who are not heard of.
        rebalance_delay_s: how long that work then rests.
        session_s: how long one may be unheard of.
        flush_s: how often it notes its position.
        once: whether it copies in transactions.
    """

    version: Version
    in_group: bool
    rebalance_delay_s: float
    session_s: float
    flush_s: float
    once: bool


def of_mirror(windows: pd.DataFrame, evidence: Evidence, worker: Worker) -> tuple[str, ...]:
    """Sentences; none where nothing needs one."""
    return (
        *_of_waits(windows, evidence, worker),
        *_of_repeats(evidence, worker),
        *_of_failed_tasks(evidence),
        *_of_skips(evidence, worker),
        *_of_starts(evidence, worker),
        *_of_memory(evidence),
    )


def _of_waits(windows: pd.DataFrame, evidence: Evidence, worker: Worker) -> Iterator[str]:
    if not worker.in_group:
        return
    revoked = {site for site, events in evidence.log_events.items() if _revoked_in_window(site, events, evidence)}
    late = windows[(windows["resume_s"] > _LONG_S) | (windows["resume_s"].isna() & windows["end_s"].notna())]
    late = late[late["site"].astype(str).isin(revoked)]
    # A hub that was killed counts nobody's absence, and is late by its own start.
    late = late[late["fault"] != "Kill"]
    if late.empty:
        return
    sites = _some(late["site"].astype(str))
    if worker.rebalance_delay_s == 0 and not worker.version.rejoins_without_delay:
        yield (
            f"The mirror of {sites} was not given its work back: Kafka {'.'.join(map(str, worker.version))} never "
            "does so when scheduled.rebalance.max.delay.ms is 0, though its task says RUNNING. A restart "
            "or 3.6.2 cures it."
        )
        return
    # Unheard of since its last heartbeat, which may be some seconds older than the fault.
    late = late[late["end_s"] - late["start_s"] > _ABOUT * worker.session_s]
    if late.empty or worker.rebalance_delay_s == 0:
        return
    sites, took = _some(late["site"].astype(str)), late["resume_s"].dropna()
    span = "until the end of the run" if took.empty else f"for {took.max():.1f} s"
    yield (
        f"The hub took nothing from {sites} {span} after the link was back. The mirror's worker had not reached its "
        f"group at the hub for longer than its session ({worker.session_s:g} s), so Kafka Connect counted its work as "
        f"lost and let it rest for scheduled.rebalance.max.delay.ms ({worker.rebalance_delay_s:g} s). What waits "
        "meanwhile is stranded, not lost. A session longer than the outage avoids it (system.preset=patched: 60 s)."
    )


def _of_repeats(evidence: Evidence, worker: Worker) -> Iterator[str]:
    """A task that was stopped without the hub could not note where it was."""
    revoked = [s for s, events in evidence.log_events.items() if _revoked_in_window(s, events, evidence)]
    if not revoked or worker.once:
        return
    yield (
        f"The mirror's worker of {_some(revoked)} stopped its task, because it did not reach its group at the hub "
        "(heartbeat.interval.ms), and while it does not reach the hub it cannot note the task's position there. If "
        "that lasts for more than some 5 s (offset.flush.timeout.ms), the task begins at the position noted last, up "
        f"to {worker.flush_s:g} s old (offset.flush.interval.ms): what it had copied since is copied once more, and "
        "counts as duplicated. A heartbeat longer than the outage avoids it (system.preset=patched: 20 s)."
    )


def _revoked_in_window(site: str, events: Iterable[LogEvent], evidence: Evidence) -> bool:
    spans = [
        (w.start_ns, w.end_ns + _AFTER_NS if w.end_ns is not None else 1 << 62)
        for w in evidence.windows
        if w.site in {site, None} and w.start_ns is not None
    ]
    return any(
        event.kind == "trouble" and logs.REVOKED in event.detail and any(a <= event.t_ns <= b for a, b in spans)
        for event in events
    )


def _of_failed_tasks(evidence: Evidence) -> Iterator[str]:
    for store in evidence.stores:
        if "FAILED" not in str(store.limits.get("task.state", "")):
            continue
        why = str(store.limits.get("task.trace", "it does not say why"))
        yield (
            f"The mirror's task of {store.place} has failed and nobody starts it again: {why}. What the site's topic "
            "still holds goes on once the mirror is restarted."
        )


def _of_skips(evidence: Evidence, worker: Worker) -> Iterator[str]:
    for store in evidence.stores:
        tolerant = store.limits.get("errors.tolerance") == "all"
        if tolerant and store.limits.get("held") and logs.tell(evidence, store.place, logs.UNSENT):
            yield (
                f"The mirror of {store.place} passes over what it cannot deliver (errors.tolerance=all), and tells so "
                f"only with its position, every {worker.flush_s:g} s (offset.flush.interval.ms). What comes after the "
                "last one that it noted or delivered counts as stranded, though it may have passed over some of it: a "
                "longer drain would tell."
            )


def _of_starts(evidence: Evidence, worker: Worker) -> Iterator[str]:
    for site, events in evidence.log_events.items():
        starts = sum(event.kind == "started" and event.detail == logs.MIRROR for event in events)
        if starts < 2:
            continue
        if worker.once:
            then = "It copies in transactions together with its position, so nothing is copied twice."
        else:
            then = (
                f"It begins again at the position that it noted last, up to {worker.flush_s:g} s old, and copies once "
                "more what it had copied since, which counts as duplicated."
            )
        unreached = sum(logs.UNREACHED in event.detail for event in events)
        why = f", {unreached} time(s) because it ends itself when it does not reach the hub" if unreached else ""
        yield f"The mirror of {site} was started {starts} times{why}. {then}"
        if worker.in_group and any(w.fault == "Kill" and w.site == site and w.target != site for w in evidence.windows):
            yield (
                "A mirror that was killed is given its work once its group at the hub has forgotten the one before: "
                f"up to hub.session.timeout.ms ({worker.session_s:g} s) later. A longer session, which helps in an "
                "outage, makes that longer."
            )


def _of_memory(evidence: Evidence) -> Iterator[str]:
    for who, effect in ((logs.MIRROR, "It goes on to run, and copies nothing"), (logs.BROKER, "It may take nothing")):
        sites = {
            site
            for site, events in evidence.log_events.items()
            if any(e.kind == "trouble" and logs.OUT_OF_MEMORY in e.detail and e.detail.startswith(who) for e in events)
        }
        if sites:
            yield f"The {who} of {_some(sites)} ran out of memory. {effect}: its heap is too small for this load."


def _some(names: Iterable[str]) -> str:
    """The first few of them, for a person."""
    ordered = sorted(set(names))
    return ", ".join(ordered[:3]) + (f" and {len(ordered) - 3} more" if len(ordered) > 3 else "")
