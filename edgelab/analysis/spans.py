"""Fault windows as each site lived through them, and the phase of a message.

A message is *during* a window when it was sent after the call that applied the fault had begun (from then on the
fault may have held) and before the call that cleared it was made; *before* when it was sent before its site's first
window; *after* otherwise, counted to the window that ended last. A site without windows is undisturbed: all of it
is *before*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..model.measured import MeasuredWindow
from .facts import Facts

PHASES = ("before", "during", "after")
BEFORE, DURING, AFTER = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One planned window on one site: all its links together, or the hub, whose faults are every site's.

    Attributes:
        window: position in the schedule.
        fault / kind: as measured.
        planned_start_ns / planned_end_ns: when it was due.
        start_ns / end_ns: first applied and last cleared on the run's clock; None where it never was.
        apply_call_ns: how long the call that applied it took, at most.
        bit / cleared: False if a probe said no on any link, None if one could not tell.
        evidence: what the probes saw.
    """

    window: int
    fault: str
    kind: str
    planned_start_ns: int
    planned_end_ns: int
    start_ns: int | None
    end_ns: int | None
    apply_call_ns: int
    bit: bool | None
    cleared: bool | None
    evidence: tuple[str, ...]

    @property
    def held_from_ns(self) -> int | None:
        """From when on the fault may have held: the call that applied it had begun."""
        return None if self.start_ns is None else self.start_ns - self.apply_call_ns


def merged(windows: Iterable[MeasuredWindow]) -> Span:
    """Several targets of one planned window as one span, from the first start to the last end."""
    parts = tuple(windows)
    starts = [w.start_ns for w in parts if w.start_ns is not None]
    ends = [w.end_ns for w in parts if w.end_ns is not None]
    return Span(
        window=parts[0].window,
        fault=parts[0].fault,
        kind=parts[0].kind,
        planned_start_ns=min(w.planned_start_ns for w in parts),
        planned_end_ns=max(w.planned_end_ns for w in parts),
        start_ns=min(starts, default=None),
        end_ns=max(ends) if len(ends) == len(parts) else None,
        apply_call_ns=max(w.apply_call_ns for w in parts),
        bit=_all(w.bit for w in parts),
        cleared=_all(w.cleared for w in parts),
        evidence=tuple(f"{w.target}: {w.evidence}" for w in parts if w.evidence),
    )


def by_site(facts: Facts) -> dict[str, tuple[Span, ...]]:
    """The spans of every site, in order of their window."""
    groups: dict[str, dict[int, list[MeasuredWindow]]] = {site: defaultdict(list) for site in facts.sites}
    for window in facts.windows:
        for site in facts.sites if window.site is None else (window.site,):
            if site in groups:
                groups[site][window.window].append(window)
    return {site: tuple(merged(found) for _, found in sorted(windows.items())) for site, windows in groups.items()}


def phases(sent_ns: npt.NDArray[np.int64], spans: Iterable[Span]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int16]]:
    """Phase (index in :data:`PHASES`) of each message of one site, and the window it is counted to (-1 for none)."""
    edges, labels, windows = _timeline(spans)
    at = np.searchsorted(edges, sent_ns, side="right")
    return labels[at], windows[at]


def _timeline(
    spans: Iterable[Span],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8], npt.NDArray[np.int16]]:
    held = [s for s in spans if s.start_ns is not None]
    changes = [(s.held_from_ns or 0, True, s) for s in held]
    changes += [(s.end_ns, False, s) for s in held if s.end_ns is not None]
    changes.sort(key=lambda change: (change[0], change[1], change[2].window))
    edges, labels, windows = [], [BEFORE], [changes[0][2].window if changes else -1]
    active: dict[int, Span] = {}
    for t_ns, begins, span in changes:
        if begins:
            active[span.window] = span
        else:
            active.pop(span.window, None)
        edges.append(t_ns)
        labels.append(DURING if active else AFTER)
        windows.append(next(reversed(active)) if active else span.window)
    return np.array(edges, np.int64), np.array(labels, np.int8), np.array(windows, np.int16)


def _all(values: Iterable[bool | None]) -> bool | None:
    seen = set(values)
    if False in seen:
        return False
    return None if None in seen else True
