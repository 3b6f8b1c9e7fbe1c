"""What every run checks of itself: that the lab did what it says, so that the other checks mean something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..model.message import HEADER_BYTES
from ..model.schedule import Window
from .checking import Check, CheckResult, Verdict
from .measurements import lateness_s
from .recovery import CLOCK_TOLERANCE_NS
from .results import Results
from .wording import brief, plural, short_s

_LEAST_ATTEMPTED_RATIO = 0.99
LATENESS_LIMIT_S = 0.25
READING_LIMIT_S = 0.1
_CARRIED_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class LabCheck:
    """A check that is the same in every run.

    Attributes:
        name: a few words.
        judge: gives the verdict and the sentence.
    """

    name: str
    judge: Callable[[Results], tuple[Verdict, str]]

    def check(self, results: Results) -> CheckResult:
        verdict, why = self.judge(results)
        return CheckResult(self.name, verdict, why)


def _adds_up(results: Results) -> tuple[Verdict, str]:
    counts, account = results.counts, results.account
    wrong = [f"{n:,} {what}" for what, n in account.anomalies.items()]
    wrong += counts.problems()
    read = counts.delivered + counts.duplicated + counts.unexpected
    if read != account.copies_read:
        wrong.append(f"delivered + duplicated + unexpected is {read:,}, but {account.copies_read:,} copies were read")
    if wrong:
        return Verdict.UNKNOWN, f"the history contradicts itself: {'; '.join(wrong)}"
    return Verdict.PASS, (
        f"{counts.attempted:,} attempted = {counts.delivered:,} delivered + {counts.stranded:,} stranded "
        f"+ {counts.lost:,} lost"
    )


def _independent_count(results: Results) -> tuple[Verdict, str]:
    counts, told = results.counts, results.facts.hub_count
    ours = counts.delivered + counts.duplicated + counts.unexpected
    if told is None:
        return Verdict.UNKNOWN, "the hub could not be asked for its own count"
    if told != ours:
        return Verdict.UNKNOWN, (
            f"the hub counts {told:,} messages, but the ledger has {ours:,} copies: "
            f"{counts.delivered:,} delivered, {counts.duplicated:,} duplicated, {counts.unexpected:,} unexpected"
        )
    return Verdict.PASS, f"the hub's own count is {told:,} messages, as the ledger's"


def _faults_held(results: Results) -> tuple[Verdict, str]:
    facts = results.facts
    if not len(facts.schedule):
        return Verdict.PASS, "no fault was planned"
    doubts = [doubt for i, window in enumerate(facts.schedule) for doubt in _doubts(results, i, window)]
    if doubts:
        more = f"; and {len(doubts) - 4} more" if len(doubts) > 4 else ""
        return Verdict.UNKNOWN, f"{'; '.join(doubts[:4])}{more}"
    return Verdict.PASS, (
        f"{plural(len(facts.schedule), 'fault')} on {plural(len(facts.windows), 'target')} bit and cleared"
    )


def _doubts(results: Results, index: int, window: Window) -> list[str]:
    measured = [w for w in results.facts.windows if w.window == index]
    what = f"fault {index + 1} ({brief(window.fault)})"
    missing = sorted(set(window.fault.targets) - {w.target for w in measured} - {w.site for w in measured})
    doubts = [f"{what} was never applied to {target}" for target in missing]
    for found in measured:
        told = f": {found.evidence}" if found.evidence else ""
        if found.start_ns is None:
            doubts.append(f"{what} was never applied to {found.target}{told}")
        elif found.bit is not True:
            saw = "did not bite on" if found.bit is False else "cannot be shown to have bitten on"
            doubts.append(f"{what} {saw} {found.target}{told}")
        elif found.end_ns is None or found.cleared is not True:
            saw = "cannot be shown to have cleared" if found.cleared is None else "did not clear"
            doubts.append(f"{what} {saw} on {found.target}{told}")
    return doubts


def _workload_ran(results: Results) -> tuple[Verdict, str]:
    attempted, planned = results.counts.attempted, results.facts.planned_messages()
    late_s = lateness_s(results.ledger, quantile=0.99)
    if not attempted:
        return Verdict.UNKNOWN, f"nothing was published, though {planned:,} messages were planned"
    if not _LEAST_ATTEMPTED_RATIO * planned <= attempted <= planned:
        return Verdict.UNKNOWN, f"{attempted:,} messages were attempted, but {planned:,} were planned"
    if late_s > LATENESS_LIMIT_S:
        return Verdict.UNKNOWN, (
            f"the publishers were late: 1 in 100 messages left more than {short_s(late_s)} after it was due "
            f"(at most {LATENESS_LIMIT_S:g} s is allowed), so this was not the planned load{_held_up(results)}"
        )
    return Verdict.PASS, (
        f"{attempted:,} of {planned:,} planned messages were attempted; 99 in 100 left within "
        f"{short_s(late_s)} of when they were due"
    )


def _held_up(results: Results) -> str:
    """What else than a slow machine may have held the publishers up."""
    if not results.facts.confirms:
        return ""
    return (
        "; they could not keep up, or had as many messages in flight as they may and waited for answers "
        "(in_flight_max of the system)"
    )


def _no_bypass(results: Results) -> tuple[Verdict, str]:
    bypasses = (*results.facts.bypasses, *_not_carried(results))
    if bypasses:
        more = f" (and {len(bypasses) - 3} more)" if len(bypasses) > 3 else ""
        return Verdict.UNKNOWN, f"a site went around the proxy: {'; '.join(bypasses[:3])}{more}"
    seen = f"; {plural(len(results.facts.census), 'kind')} of connection seen" if results.facts.census else ""
    return Verdict.PASS, f"no site reached the hub, nor the hub a site, but through its proxy{seen}"


def _not_carried(results: Results) -> Iterator[str]:
    """Sites whose messages are at the hub although their link has not carried them. Payloads do not compress."""
    facts = results.facts
    if any(window.fault == "Kill" for window in facts.windows):
        return  # a connection that dies with its broker is not always in the proxy's counters
    delivered = results.ledger.loc[results.ledger["fate"] == "delivered", "site"].value_counts()
    for site, link in facts.links.items():
        count, size_bytes = int(delivered.get(site, 0)), facts.workload.of(site).size_bytes
        if link.bytes_up < _CARRIED_RATIO * count * (size_bytes - HEADER_BYTES):
            yield (
                f"{plural(count, 'message')} of {size_bytes:,} bytes came from {site}, whose link carried only "
                f"{link.bytes_up:,} bytes"
            )


def _clock_steady(results: Results) -> tuple[Verdict, str]:
    drift_ns = results.facts.clock_drift_ns
    backwards = int(results.latency["backwards"].sum())
    if abs(drift_ns) >= CLOCK_TOLERANCE_NS:
        return Verdict.UNKNOWN, (
            f"wall time moved {drift_ns / 1e6:+.1f} ms against the run's clock (less than "
            f"{CLOCK_TOLERANCE_NS / 1e6:g} ms is allowed), so the hub's stamps do not compare with ours"
        )
    if backwards:
        return Verdict.UNKNOWN, f"{backwards:,} messages were stored before they were due: the clocks disagree"
    return Verdict.PASS, f"wall time moved {abs(drift_ns) / 1e6:.3f} ms against the run's clock"


def _store_times_known(results: Results) -> tuple[Verdict, str]:
    late_ns = results.account.late_ns
    if not len(late_ns):
        return Verdict.PASS, "the hub stamped every message when it stored it"
    late_s, most_s = float(np.quantile(late_ns, 0.99)) / 1e9, float(late_ns.max()) / 1e9
    told = f"99 in 100 are late by at most {short_s(late_s)}, all by at most {short_s(most_s)}"
    if late_s > READING_LIMIT_S:
        return Verdict.UNKNOWN, (
            f"the hub keeps the sites' stamps, and its stores were read too seldom to tell when it stored what: {told} "
            f"({READING_LIMIT_S:g} s is allowed for 99 in 100)"
        )
    return Verdict.PASS, f"the hub keeps the sites' stamps; store times are readings of its stores: {told}"


def _nothing_unexpected(results: Results) -> tuple[Verdict, str]:
    unexpected = results.counts.unexpected
    if unexpected:
        return Verdict.FAIL, (
            f"the hub holds {plural(unexpected, 'message')} that nobody attempted, such as "
            f"{'; '.join(results.account.unexpected_examples)}"
        )
    return Verdict.PASS, "every message at the hub is one that was attempted"


LAB_CHECKS: tuple[Check, ...] = (
    LabCheck("the ledger adds up", _adds_up),
    LabCheck("an independent count agrees", _independent_count),
    LabCheck("every fault bit and cleared", _faults_held),
    LabCheck("the workload ran as planned", _workload_ran),
    LabCheck("no way around the proxy", _no_bypass),
    LabCheck("the clocks agree", _clock_steady),
    LabCheck("store times are known", _store_times_known),
    LabCheck("nothing unexpected at the hub", _nothing_unexpected),
)
"""Part of every run, before the scenario's own checks."""
