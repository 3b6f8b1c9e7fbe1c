"""All that is known of a run: what checks judge, plots draw and reports tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ..model.measured import Evidence
from . import link_bytes, measurements, recovery, remarks
from .counts import Counts, losses
from .facts import Facts
from .ledger import Account, Causes, account

Remarks = Callable[[pd.DataFrame, Evidence], tuple[str, ...]]
"""What :meth:`edgelab.systems.base.System.remarks` is."""


def _none(_windows: pd.DataFrame, _evidence: Evidence) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """The account of a run and its measurements. Tables are made once, when first asked for.

    Attributes:
        facts: what it was made from.
        account: the ledger, and what has no row in it.
        explain: the system's own words on recoveries.
    """

    facts: Facts
    account: Account
    explain: Remarks = _none

    @property
    def ledger(self) -> pd.DataFrame:
        """One row per attempted message: :func:`edgelab.analysis.ledger.account`."""
        return self.account.ledger

    @property
    def counts(self) -> Counts:
        """Totals of the ledger."""
        return self.account.counts

    @cached_property
    def windows(self) -> pd.DataFrame:
        """One row per fault window and site: :func:`edgelab.analysis.recovery.windows`."""
        return recovery.windows(self.facts, self.ledger)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What one must know to understand the recoveries: of the links, and of the system."""
        return (*remarks.of_links(self.windows), *self.explain(self.windows, self.facts.evidence))

    @cached_property
    def losses(self) -> pd.DataFrame:
        """Lost messages by site, window, phase and cause: :func:`edgelab.analysis.counts.losses`."""
        return losses(self.ledger)

    @cached_property
    def latency(self) -> pd.DataFrame:
        """By phase: :func:`edgelab.analysis.measurements.latency`."""
        return measurements.latency(self.ledger)

    @cached_property
    def backlog(self) -> pd.DataFrame:
        """Over time: :func:`edgelab.analysis.measurements.backlog`."""
        return measurements.backlog(self.facts, self.ledger)

    @cached_property
    def footprint(self) -> pd.DataFrame:
        """By service: :func:`edgelab.analysis.measurements.footprint`."""
        return measurements.footprint(self.facts)

    @cached_property
    def links(self) -> pd.DataFrame:
        """By site: :func:`edgelab.analysis.link_bytes.links`."""
        return link_bytes.links(self.facts, self.ledger)


def analyse(facts: Facts, causes: Causes, explain: Remarks = _none) -> Results:
    """The results of a run; ``causes`` and ``explain`` are the system's own judgement of losses and recoveries.

    Raises:
        LabError: the history contradicts itself (:func:`edgelab.analysis.ledger.account`).
    """
    return Results(facts=facts, account=account(facts, causes), explain=explain)
