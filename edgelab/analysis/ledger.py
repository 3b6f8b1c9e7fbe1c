"""The ledger: what became of each message.

::

    INVOKE ──► one row per (site, sequence)
    OUTCOME ─► outcome, acknowledged_ns, position, attempts, reason
    STORED ──► copies, stored_ns          (PROGRESS gives the time where the hub keeps the site's stamp)
    HELD ────► stranded instead of lost
    windows ─► phase, window              (:mod:`edgelab.analysis.spans`)
    system ──► cause of each loss

What cannot happen (an answer to a question nobody asked) is not dropped: it is counted as an anomaly, and the
checks make the verdict unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import LabError
from ..history import Kind, Outcome, Records
from ..model.measured import Evidence
from . import copies as at_hub
from .addressing import Ints, Rows
from .counts import UNEXPLAINED, Counts, summary
from .facts import Facts
from .spans import PHASES, by_site, phases

OUTCOMES = ("acknowledged", "failed", "unknown")
FATES = ("delivered", "stranded", "lost")
Causes = Callable[[pd.DataFrame, Evidence], pd.Series]
"""What :meth:`edgelab.systems.base.System.causes` is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Account:
    """The ledger of a run, and what has no row in it.

    Attributes:
        ledger: one row per attempted message, in order of site and sequence; see :func:`account`.
        counts: its totals.
        copies_read: copies that were read back from the hub.
        unexpected_examples: the first few unexpected copies, in words.
        furthest_reorder: greatest distance of a reordered message, in sequence numbers of its site.
        late_ns: of each copy that the hub did not stamp, by how much its store time may be too late.
        anomalies: things that cannot be, with how often they were; empty unless the lab is at fault.
    """

    ledger: pd.DataFrame
    counts: Counts
    copies_read: int
    unexpected_examples: tuple[str, ...]
    furthest_reorder: int
    late_ns: Ints
    anomalies: Mapping[str, int]


def account(facts: Facts, causes: Causes) -> Account:
    """Account for every message of a run.

    The ledger's columns: ``site``, ``sequence``, ``intended_ns``, ``sent_ns``, ``outcome``, ``acknowledged_ns``,
    ``copies``, ``stored_ns`` (of the first copy), ``fate``, ``cause`` (of a loss; ``"unexplained"`` if not known),
    and ``publisher``, ``position`` (in the store that confirmed it), ``attempts``, ``reason``, ``phase``, ``window``.

    Raises:
        LabError: a record of a site that the run does not have; causes that do not fit the losses.
    """
    invoked = _of_kind(facts.records, Kind.INVOKE)
    _refuse_strangers(facts.records, invoked, facts.sites)
    site, sequence = _field(facts.records, "site", invoked), _field(facts.records, "sequence", invoked)
    rows = Rows(site, sequence, sites=len(facts.sites))
    row = rows.find(site, sequence)
    intended_ns, sent_ns, publisher = _attempts(facts.records, invoked, row, len(rows))
    answers = _answers(facts, rows)
    found = at_hub.find(facts.stored, facts.progress, rows, sent_ns=sent_ns, publisher=publisher, sites=facts.sites)
    fate = _fates(found.count, rows.find(facts.held["site"], facts.held["sequence"]))
    phase, window = _phases(facts, rows, sent_ns)
    untimed = found.stored_ns == at_hub.NEVER
    ledger = pd.DataFrame(
        {
            "site": _category(_small(rows.site, len(facts.sites)), facts.sites),
            "sequence": rows.sequence,
            "intended_ns": intended_ns,
            "sent_ns": sent_ns,
            "outcome": _category(answers.outcome, OUTCOMES),
            "acknowledged_ns": pd.arrays.IntegerArray(answers.acknowledged_ns, answers.outcome != 0),
            "copies": found.count,
            "stored_ns": pd.arrays.IntegerArray(found.stored_ns, (found.count == 0) | untimed),
            "fate": _category(fate, FATES),
            "publisher": publisher,
            "position": answers.position,
            "attempts": answers.attempts,
            "reason": answers.reason,
            "phase": _category(phase, PHASES),
            "window": window,
        },
        copy=False,
    )
    ledger.insert(9, "cause", pd.Series(_explain(ledger, facts.evidence, causes), copy=False))
    anomalies = {
        "messages that were invoked more than once": len(invoked) - len(rows),
        "answers to messages that were never invoked": answers.orphans,
        "answers that cannot be read": answers.unreadable,
        "delivered messages whose store time nothing tells": int(np.count_nonzero(untimed)),
    }
    return Account(
        ledger=ledger,
        counts=summary(ledger, reordered=found.reordered, unexpected=found.unexpected),
        copies_read=len(facts.stored),
        unexpected_examples=found.unexpected_examples,
        furthest_reorder=found.furthest,
        late_ns=found.late_ns,
        anomalies={what: n for what, n in anomalies.items() if n},
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answers:
    outcome: npt.NDArray[np.int8]  # index in OUTCOMES
    acknowledged_ns: Ints
    position: npt.NDArray[np.uint32]
    attempts: npt.NDArray[np.uint16]
    reason: pd.Categorical
    orphans: int
    unreadable: int


def _attempts(records: Records, invoked: Ints, row: Ints, count: int) -> tuple[Ints, Ints, npt.NDArray[np.uint16]]:
    if len(row) > count:  # an anomaly; of several, the first counts: assign it last
        latest_first = np.lexsort((_field(records, "value", invoked), _field(records, "t_ns", invoked)))[::-1]
        invoked, row = invoked[latest_first], row[latest_first]
    columns = []
    for name in ("value", "t_ns", "publisher"):
        column = np.empty(count, records.dtype[name])
        column[row] = _field(records, name, invoked)
        columns.append(column)
    return columns[0], columns[1], columns[2]


def _answers(facts: Facts, rows: Rows) -> _Answers:
    at = _of_kind(facts.records, Kind.OUTCOME)
    row = rows.find(_field(facts.records, "site", at), _field(facts.records, "sequence", at))
    orphans = int(np.count_nonzero(row < 0))
    at, row = at[row >= 0], row[row >= 0]
    code = _field(facts.records, "code", at)
    readable = (code >= Outcome.ACKNOWLEDGED) & (code <= Outcome.UNKNOWN)
    if not readable.all():
        at, row, code = at[readable], row[readable], code[readable]
    if len(row) and np.bincount(row, minlength=len(rows)).max() > 1:
        # A message answered twice (timed out, then confirmed after all) has its best answer, and of those the first.
        worst_first = np.lexsort((_field(facts.records, "t_ns", at), code))[::-1]
        at, row, code = at[worst_first], row[worst_first], code[worst_first]
    outcome = np.full(len(rows), OUTCOMES.index("unknown"), np.int8)
    outcome[row] = code - 1
    columns = {}
    for name in ("t_ns", "position", "stream", "value"):
        columns[name] = np.zeros(len(rows), facts.records.dtype[name])
        columns[name][row] = _field(facts.records, name, at)
    return _Answers(
        outcome=outcome,
        acknowledged_ns=columns["t_ns"],
        position=columns["position"],
        attempts=columns["stream"],
        reason=_reasons(columns["value"], facts.reasons),
        orphans=orphans,
        unreadable=int(np.count_nonzero(~readable)),
    )


def _reasons(number: Ints, reasons: tuple[str, ...]) -> pd.Categorical:
    words = tuple(dict.fromkeys(reasons))
    codes = np.array([-1, *(words.index(r) for r in reasons)], np.int16)
    known = np.where((number >= 0) & (number <= len(reasons)), number, 0)
    return _category(codes[known], words)


def _fates(count: npt.NDArray[np.uint32], held: Ints) -> npt.NDArray[np.int8]:
    fate = np.full(len(count), FATES.index("lost"), np.int8)
    fate[held[held >= 0]] = FATES.index("stranded")
    fate[count > 0] = FATES.index("delivered")
    return fate


def _phases(facts: Facts, rows: Rows, sent_ns: Ints) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int16]]:
    phase, window = np.empty(len(rows), np.int8), np.empty(len(rows), np.int16)
    bounds = rows.of_sites()
    for i, spans in enumerate(by_site(facts).values()):
        own = slice(bounds[i], bounds[i + 1])
        phase[own], window[own] = phases(sent_ns[own], spans)
    return phase, window


def _explain(ledger: pd.DataFrame, evidence: Evidence, causes: Causes) -> pd.Categorical:
    at = np.flatnonzero(ledger["fate"] == "lost")
    if not len(at):
        return _category(np.full(len(ledger), -1, np.int8), (UNEXPLAINED,))
    columns = ["site", "sequence", "intended_ns", "sent_ns", "outcome", "acknowledged_ns"]
    columns += ["publisher", "position", "reason"]
    lost = ledger.iloc[at][columns]
    reasons = lost["reason"].astype(object)
    lost = lost.assign(reason=reasons.where(reasons.notna(), None))
    told = causes(lost, evidence)
    if len(told) != len(lost) or not told.index.equals(lost.index):
        raise LabError(f"causes of loss must have one value for each of {len(lost)} lost messages, not {len(told)}")
    numbers, words = pd.factorize(told.astype(object).where(told.notna(), UNEXPLAINED), sort=True)
    codes = np.full(len(ledger), -1, np.int16)
    codes[at] = numbers
    return _category(codes, tuple(str(word) for word in words))


def _refuse_strangers(records: Records, invoked: Ints, sites: tuple[str, ...]) -> None:
    highest = int(_field(records, "site", invoked).max(initial=0))
    if len(invoked) and highest >= len(sites):
        raise LabError(f"the history has messages of site number {highest}, but the run has only {len(sites)} sites")


def _of_kind(records: Records, kind: Kind) -> Ints:
    return np.flatnonzero(records["kind"] == kind)


def _field(records: Records, name: str, at: Ints) -> npt.NDArray[Any]:
    column: npt.NDArray[Any] = records[name][at]
    return column


def _small(codes: npt.NDArray[np.uint16], categories: int) -> npt.NDArray[Any]:
    return codes.astype(np.int8 if categories < 128 else np.int16)


def _category(codes: npt.NDArray[Any], names: tuple[str, ...]) -> pd.Categorical:
    category: pd.Categorical = pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="object"))
    return category
