"""How each site came back after each fault window.

- **detect**: fault applied -> the site's broker writes that its session is gone (where a site has none, its publishers
  do). What it writes once the fault is being cleared is no detection: Toxiproxy closes swallowed connections then.
  0 when it noticed within the call. None when another fault of the site had begun by then: it may be that one's.
- **reconnect**: fault cleared -> it writes that it has a session again (where no log tells, the observer sees one).
  None when the session never went away, as in a stall.
- **resume**: fault cleared -> a message of the site is stored at the hub.
- **sync**: fault cleared -> the last message sent before that moment is stored at the hub; 0 when all of them were
  there already. None when one of them is stranded or its store time is not known, and when nothing of them came
  afterwards although some sent during the window are lost: there was no backlog to sync.

"Cleared" is the start of the call that cleared it (:class:`~edgelab.model.measured.MeasuredWindow`). The next fault
on the same site bounds detect, reconnect and resume: what happens after it is not this window's recovery. It does
not bound sync: the backlog stays owed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..history import Records
from ..model.measured import LogEvent
from .addressing import Ints
from .facts import Facts
from .spans import Span, by_site

RECOVERY_PHASES = ("detect_s", "reconnect_s", "resume_s", "sync_s")
CLOCK_TOLERANCE_NS = 5_000_000
"""To this a broker's stamps and the run's clock agree (some logs have whole milliseconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One site's way through one window, seconds; None where a phase did not happen.

    Attributes:
        away: whether the site's session was gone when the fault cleared, or went then.
    """

    away: bool
    detect_s: float | None
    reconnect_s: float | None
    resume_s: float | None
    sync_s: float | None


def windows(facts: Facts, ledger: pd.DataFrame) -> pd.DataFrame:
    """One row per fault window and site, in seconds of the schedule; NaN where something did not happen.

    Columns: ``window``, ``site``, ``fault``, ``kind``, ``planned_start_s``, ``planned_end_s``, ``start_s``,
    ``end_s``, ``bit``, ``cleared``, ``away``, ``detect_s``, ``reconnect_s``, ``resume_s``, ``sync_s``, ``lost`` (of
    the messages sent during or after it, until the next).
    """
    lines = []
    codes = ledger["site"].cat.codes.to_numpy()
    bounds = np.searchsorted(codes, np.arange(len(facts.sites) + 1))
    for index, (site, spans) in enumerate(by_site(facts).items()):
        if not spans:
            continue
        own = ledger.iloc[bounds[index] : bounds[index + 1]]
        messages = SiteMessages.of(own)
        session = _session(facts, site, index)
        lost = own.loc[(own["fate"] == "lost") & (own["phase"] != "before"), "window"].value_counts()
        for span in spans:
            bound_ns, other_ns = _bound(span, spans, facts.drain_end_ns), _next_start(span, spans)
            recovery = _recover(span, bound_ns, messages, session, other_ns=other_ns)
            lines.append(_line(facts, site, span, recovery, int(lost.get(span.window, 0))))
    table = pd.DataFrame(lines, columns=_COLUMNS)
    table[["bit", "cleared"]] = table[["bit", "cleared"]].astype("boolean")
    table["away"] = table["away"].astype(bool)
    numbers = [name for name in _COLUMNS if name.endswith("_s")]
    table[numbers] = table[numbers].astype(float)
    return table.sort_values(["window", "site"], ignore_index=True)


@dataclass(frozen=True, slots=True, eq=False)
class SiteMessages:
    """One site's messages in order of sending, with running totals, so that each window costs a binary search."""

    sent_ns: Ints
    stored_sorted_ns: Ints
    latest_stored_ns: Ints
    lost_before: Ints
    owed_before: Ints

    @classmethod
    def of(cls, ledger: pd.DataFrame) -> SiteMessages:
        """From the rows of one site."""
        sent_ns = ledger["sent_ns"].to_numpy()
        fate = ledger["fate"].cat.codes.to_numpy()
        timed = ~ledger["stored_ns"].isna().to_numpy()
        stored_ns = ledger["stored_ns"].to_numpy(np.int64, na_value=0)
        if np.any(sent_ns[1:] < sent_ns[:-1]):
            order = np.argsort(sent_ns, kind="stable")
            sent_ns, fate, timed, stored_ns = sent_ns[order], fate[order], timed[order], stored_ns[order]
        lost = fate == _LOST
        return cls(
            sent_ns=sent_ns,
            stored_sorted_ns=np.sort(stored_ns[timed]),
            latest_stored_ns=np.maximum.accumulate(stored_ns),
            lost_before=_running(lost),
            owed_before=_running(~lost & ~timed),
        )

    def resume_s(self, end_ns: int, bound_ns: int) -> float | None:
        """From ``end_ns`` to the next message stored, if that comes before ``bound_ns``."""
        at = np.searchsorted(self.stored_sorted_ns, end_ns)
        if at == len(self.stored_sorted_ns) or self.stored_sorted_ns[at] >= bound_ns:
            return None
        return float(self.stored_sorted_ns[at] - end_ns) / 1e9

    def sync_s(self, held_from_ns: int, end_ns: int) -> float | None:
        """From ``end_ns`` until all that was sent before it, and is not lost, was stored."""
        began, ended = np.searchsorted(self.sent_ns, (held_from_ns, end_ns))
        if ended == 0 or self.owed_before[ended] > 0:
            return None
        if self.latest_stored_ns[ended - 1] >= end_ns:
            return float(self.latest_stored_ns[ended - 1] - end_ns) / 1e9
        lost = self.lost_before[ended] - self.lost_before[min(began, ended - 1)]
        return None if lost else 0.0


@dataclass(frozen=True, slots=True)
class _Session:
    """When a site's session with the hub went and came."""

    noticed: Sequence[int]
    gone: Sequence[int]
    back: Sequence[int]


def _session(facts: Facts, site: str, index: int) -> _Session:
    events = facts.evidence.log_events.get(site, ())
    seen: Records = facts.sessions[facts.sessions["site"] == index]
    noticed = [e.t_ns for e in events if _notices(e)]
    # A broker that is killed does not write that its session is gone.
    killed = [w.start_ns for w in facts.windows if w.fault == "Kill" and w.site == site and w.start_ns is not None]
    gone = [e.t_ns for e in events if e.kind == "closed"] + killed
    back = [e.t_ns for e in events if e.kind == "established"]
    # A log that tells only of what went (of any one of a mirror's many connections) does not tell of the session.
    if not back and len(seen):
        gone = seen["t_ns"][seen["code"] == 0].tolist() + killed
        back = seen["t_ns"][seen["code"] == 1].tolist()
    return _Session(sorted(noticed), sorted(gone), sorted(back))


def _notices(event: LogEvent) -> bool:
    return event.kind == "closed" or (event.kind == "trouble" and "stale" in event.detail.lower())


def _recover(span: Span, bound_ns: int, messages: SiteMessages, session: _Session, *, other_ns: int) -> Recovery:
    if span.start_ns is None or span.held_from_ns is None:
        return Recovery(away=False, detect_s=None, reconnect_s=None, resume_s=None, sync_s=None)
    held_from_ns = span.held_from_ns - CLOCK_TOLERANCE_NS
    end_ns = bound_ns if span.end_ns is None else span.end_ns
    detected = _first(session.noticed, held_from_ns, min(end_ns - CLOCK_TOLERANCE_NS, bound_ns, other_ns))
    detect_s = None if detected is None else max(0.0, (detected - span.start_ns) / 1e9)
    # Gone may be since an earlier fault from which it never came back.
    gone, back = _last(session.gone, end_ns), _last(session.back, end_ns)
    away = gone is not None and (back is None or back < gone)
    if span.end_ns is None:
        return Recovery(away=away, detect_s=detect_s, reconnect_s=None, resume_s=None, sync_s=None)
    away = away or _first(session.gone, end_ns, bound_ns) is not None
    returned = _first(session.back, end_ns, bound_ns) if away else None
    return Recovery(
        away=away,
        detect_s=detect_s,
        reconnect_s=None if returned is None else (returned - end_ns) / 1e9,
        resume_s=messages.resume_s(end_ns, bound_ns),
        sync_s=messages.sync_s(span.held_from_ns, end_ns),
    )


def _bound(span: Span, spans: Sequence[Span], drain_end_ns: int) -> int:
    """The start of the next fault after this one cleared, or the end of the drain."""
    if span.end_ns is None:
        return drain_end_ns
    later = (s.held_from_ns for s in spans if s.held_from_ns is not None and s.held_from_ns >= span.end_ns)
    return min(later, default=drain_end_ns)


def _next_start(span: Span, spans: Sequence[Span]) -> int:
    """When the next fault begins, though this one still holds: what is noticed then may be of either."""
    later = (s for s in spans if s.planned_start_ns > span.planned_start_ns)
    return min((s.held_from_ns for s in later if s.held_from_ns is not None), default=_FOREVER_NS)


def _first(times: Sequence[int], low: int, high: int) -> int | None:
    at = bisect_left(times, low)
    return times[at] if at < len(times) and times[at] < high else None


def _last(times: Sequence[int], before: int) -> int | None:
    at = bisect_left(times, before)
    return times[at - 1] if at else None


def _running(flags: npt.NDArray[np.bool_]) -> Ints:
    return np.concatenate(([0], np.cumsum(flags)))


def _line(facts: Facts, site: str, span: Span, recovery: Recovery, lost: int) -> tuple[object, ...]:
    return (
        span.window,
        site,
        span.fault,
        span.kind,
        facts.seconds(span.planned_start_ns),
        facts.seconds(span.planned_end_ns),
        None if span.start_ns is None else facts.seconds(span.start_ns),
        None if span.end_ns is None else facts.seconds(span.end_ns),
        span.bit,
        span.cleared,
        recovery.away,
        recovery.detect_s,
        recovery.reconnect_s,
        recovery.resume_s,
        recovery.sync_s,
        lost,
    )


_FOREVER_NS = 1 << 62
_LOST = 2
_COLUMNS = [
    "window",
    "site",
    "fault",
    "kind",
    "planned_start_s",
    "planned_end_s",
    "start_s",
    "end_s",
    "bit",
    "cleared",
    "away",
    *RECOVERY_PHASES,
    "lost",
]
