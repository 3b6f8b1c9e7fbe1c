"""What a scenario may ask of a run. Each check is a frozen value; its sentence names messages, site, time and cause.

What every run checks of itself is in :mod:`edgelab.analysis.lab_checks`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from ..model import validate
from .counts import UNEXPLAINED
from .results import Results
from .verdict import LAB_CHECKS, Check, CheckResult, Judgement, Verdict, judge, worst
from .wording import MOST_NAMED, abridged, named, short_s, when, which_lost

__all__ = [
    "CHECKS",
    "LAB_CHECKS",
    "Check",
    "CheckResult",
    "Judgement",
    "Verdict",
    "all_losses_explained",
    "judge",
    "no_duplicates",
    "no_loss",
    "nothing_stranded",
    "reconnects_within",
    "resumes_within",
    "syncs_within",
    "worst",
]

_Row = Mapping[Any, Any]
_DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class NoLoss:
    """Every attempted message is at the hub or held by its site."""

    name: ClassVar[str] = "no loss"

    def check(self, results: Results) -> CheckResult:
        counts = results.counts
        if not counts.attempted:
            return CheckResult(self.name, Verdict.UNKNOWN, "nothing was published")
        if counts.lost:
            return CheckResult(
                self.name, Verdict.FAIL, f"{_share(counts.lost, counts.attempted)} lost: {which_lost(results)}"
            )
        late = f"; {counts.stranded:,} of them still wait at their site" if counts.stranded else ""
        return CheckResult(self.name, Verdict.PASS, f"none of {counts.attempted:,} messages was lost{late}")


@dataclass(frozen=True, slots=True)
class AllLossesExplained:
    """Every lost message has a known cause."""

    name: ClassVar[str] = "all losses explained"

    def check(self, results: Results) -> CheckResult:
        counts = results.counts
        if not counts.attempted:
            return CheckResult(self.name, Verdict.UNKNOWN, "nothing was published")
        if counts.lost_unexplained:
            unexplained = which_lost(results, cause=UNEXPLAINED)
            why = (
                f"{_share(counts.lost_unexplained, counts.lost, 'lost messages')} without a known cause: {unexplained}"
            )
            return CheckResult(self.name, Verdict.FAIL, why)
        if not counts.lost:
            return CheckResult(self.name, Verdict.PASS, "nothing was lost")
        causes = results.losses.groupby("cause", observed=True)["messages"].sum()
        told = ", ".join(f"{cause} ({n:,})" for cause, n in causes.items())
        return CheckResult(self.name, Verdict.PASS, f"all {counts.lost:,} losses are explained: {told}")


@dataclass(frozen=True, slots=True)
class NothingStranded:
    """Nothing still waits at its site when the drain has ended."""

    name: ClassVar[str] = "nothing stranded"

    def check(self, results: Results) -> CheckResult:
        counts, ledger = results.counts, results.ledger
        if not counts.attempted:
            return CheckResult(self.name, Verdict.UNKNOWN, "nothing was published")
        if not counts.stranded:
            return CheckResult(self.name, Verdict.PASS, "no message still waits at its site")
        sites = [str(site) for site in ledger.loc[ledger["fate"] == "stranded", "site"].unique()]
        why = (
            f"{_share(counts.stranded, counts.attempted)} still held by {', '.join(abridged(sites))} when the drain "
            f"ended at {results.facts.seconds(results.facts.drain_end_ns):.1f} s ({results.facts.drain})"
        )
        return CheckResult(self.name, Verdict.FAIL, why)


@dataclass(frozen=True, slots=True)
class NoDuplicates:
    """No message is at the hub twice."""

    name: ClassVar[str] = "no duplicates"

    def check(self, results: Results) -> CheckResult:
        counts, ledger = results.counts, results.ledger
        if not counts.delivered:
            return CheckResult(self.name, Verdict.UNKNOWN, "nothing was delivered")
        if not counts.duplicated:
            return CheckResult(self.name, Verdict.PASS, f"each of {counts.delivered:,} messages is there once")
        twice = ledger[ledger["copies"] > 1]
        sites = ", ".join(abridged([str(site) for site in twice["site"].unique()]))
        why = (
            f"{counts.duplicated:,} extra copies of {len(twice):,} messages of {sites}, sent "
            f"{when(results, int(twice['sent_ns'].min()), int(twice['sent_ns'].max()))}"
        )
        return CheckResult(self.name, Verdict.FAIL, why)


Phase = Literal["reconnect", "resume", "sync"]
_MISSED = {
    "reconnect": "did not get its session back",
    "resume": "got no message through",
    "sync": "never synced what it had",
}
_DONE = {"reconnect": "were back", "resume": "got a message through", "sync": "synced their backlog"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Every site gets through a phase of recovery within a limit, after every fault window.

    Attributes:
        phase: which of the measured phases.
        limit_s: seconds after the fault cleared.
    """

    phase: Phase
    limit_s: float

    def __post_init__(self) -> None:
        validate.one_of("phase", self.phase, get_args(Phase))
        validate.number("limit_s", self.limit_s, low=0.0, high=_DAY_S)

    @property
    def name(self) -> str:
        """``"sync within 60 s"``."""
        return f"{self.phase} within {self.limit_s:g} s"

    def check(self, results: Results) -> CheckResult:
        windows = results.windows
        cleared = windows[windows["end_s"].notna()]
        if self.phase == "reconnect":  # a session that never went away has nothing to come back from
            cleared = cleared[cleared["away"]]
            if len(windows) and cleared.empty:
                return CheckResult(self.name, Verdict.PASS, "no site's session went away")
        if cleared.empty:
            return CheckResult(self.name, Verdict.UNKNOWN, "no fault window was measured to its end")
        taken = cleared[f"{self.phase}_s"]
        slow = cleared[~(taken <= self.limit_s)]
        if slow.empty:
            why = f"all sites {_DONE[self.phase]} within {short_s(taken.max())}"
            return CheckResult(self.name, Verdict.PASS, why)
        told = [self._tell(results, row) for row in slow.head(MOST_NAMED).to_dict("records")]
        more = f"; and {len(slow) - MOST_NAMED} more" if len(slow) > MOST_NAMED else ""
        return CheckResult(self.name, Verdict.FAIL, f"{'; '.join(told)}{more}")

    def _tell(self, results: Results, row: _Row) -> str:
        after = f"{row['site']} after the {named(row['fault'], row['kind'])} that cleared at {row['end_s']:.1f} s"
        taken = float(row[f"{self.phase}_s"])
        if not math.isnan(taken):
            return f"{after} needed {short_s(taken)}, {short_s(taken - self.limit_s)} too long"
        own = results.ledger[results.ledger["site"] == row["site"]]
        fates = own["fate"].value_counts()
        left = [f"{fates[fate]:,} of its messages are {fate}" for fate in ("lost", "stranded") if fates[fate]]
        missed = _MISSED[self.phase]
        if self.phase == "sync" and fates["lost"] and not fates["stranded"]:
            missed = "had no backlog to sync"
        return f"{after} {missed}" + (f": {', '.join(left)}" if left else "")


CHECKS: tuple[type, ...] = (NoLoss, NothingStranded, AllLossesExplained, NoDuplicates, Within)
"""The classes of the checks below: what a stored scenario may name."""


def no_loss() -> NoLoss:
    """Fails when any message is lost. Stranded ones are late, not lost: see :func:`nothing_stranded`."""
    return NoLoss()


def nothing_stranded() -> NothingStranded:
    """Fails when a message still waits at its site after the drain. Where that is fine, late is not lost."""
    return NothingStranded()


def all_losses_explained() -> AllLossesExplained:
    """Fails when a lost message has no known cause."""
    return AllLossesExplained()


def no_duplicates() -> NoDuplicates:
    """Fails when the hub holds a message more than once."""
    return NoDuplicates()


def syncs_within(limit_s: float) -> Within:
    """Fails when a site's backlog is not at the hub ``limit_s`` seconds after a fault cleared, or never came."""
    return Within(phase="sync", limit_s=limit_s)


def resumes_within(limit_s: float) -> Within:
    """Fails when no message of a site is stored at the hub within ``limit_s`` seconds after a fault cleared."""
    return Within(phase="resume", limit_s=limit_s)


def reconnects_within(limit_s: float) -> Within:
    """Fails when a session that went away is not back ``limit_s`` seconds after a fault cleared."""
    return Within(phase="reconnect", limit_s=limit_s)


def _share(part: int, whole: int, noun: str = "messages") -> str:
    return f"{part:,} of {whole:,} {noun} {'is' if part == 1 else 'are'}"
