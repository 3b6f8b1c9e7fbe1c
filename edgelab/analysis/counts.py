"""The totals of a ledger: what ``result.json`` calls ``ledger``."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many messages, of all sites together; see ``design.md`` for the definition of each word.

    Attributes:
        attempted: publish was invoked.
        acknowledged / failed / unknown: it was confirmed; refused; not answered.
        delivered: found at the hub.
        duplicated: extra copies of those.
        reordered: delivered after a higher sequence number of the same publisher.
        unexpected: copies at the hub that nobody attempted.
        stranded: not at the hub, but held by the site's store.
        lost: neither at the hub nor held.
        lost_acknowledged: lost although confirmed: the broker broke its word.
        lost_unexplained: lost without a known cause.
    """

    attempted: int
    acknowledged: int
    failed: int
    unknown: int
    delivered: int
    duplicated: int
    reordered: int
    unexpected: int
    stranded: int
    lost: int
    lost_acknowledged: int
    lost_unexplained: int

    def problems(self) -> tuple[str, ...]:
        """Sums that do not add up, in words: none, unless the lab is broken."""
        sums = (
            ("delivered + stranded + lost", self.delivered + self.stranded + self.lost, "attempted", self.attempted),
            (
                "acknowledged + failed + unknown",
                self.acknowledged + self.failed + self.unknown,
                "attempted",
                self.attempted,
            ),
        )
        wrong = [f"{left} is {a:,}, but {right} is {b:,}" for left, a, right, b in sums if a != b]
        parts = {"lost_acknowledged": self.lost_acknowledged, "lost_unexplained": self.lost_unexplained}
        wrong += [f"{part} is {n:,}, but lost is only {self.lost:,}" for part, n in parts.items() if n > self.lost]
        return tuple(wrong)

    def to_json(self) -> dict[str, int]:
        """The ``ledger`` of ``result.json``."""
        return asdict(self)


def summary(ledger: pd.DataFrame, *, reordered: int, unexpected: int) -> Counts:
    """The totals of a ledger; what has no row in it is given beside it."""
    outcome = ledger["outcome"].value_counts()
    fate = ledger["fate"].value_counts()
    lost = ledger["fate"] == "lost"
    copies = ledger["copies"]
    return Counts(
        attempted=len(ledger),
        acknowledged=int(outcome["acknowledged"]),
        failed=int(outcome["failed"]),
        unknown=int(outcome["unknown"]),
        delivered=int(fate["delivered"]),
        duplicated=int(copies.sum()) - int((copies > 0).sum()),
        reordered=reordered,
        unexpected=unexpected,
        stranded=int(fate["stranded"]),
        lost=int(fate["lost"]),
        lost_acknowledged=int((lost & (ledger["outcome"] == "acknowledged")).sum()),
        lost_unexplained=int((lost & (ledger["cause"] == UNEXPLAINED)).sum()),
    )


def losses(ledger: pd.DataFrame) -> pd.DataFrame:
    """Lost messages by ``site``, ``window``, ``phase``, ``acknowledged`` and ``cause``: how many, when, which.

    ``window`` is -1 where the site had none. Further columns: ``messages``, ``first_sequence``, ``last_sequence``,
    ``first_sent_ns``, ``last_sent_ns``.
    """
    lost = ledger.loc[ledger["fate"] == "lost", ["site", "window", "phase", "outcome", "cause", "sequence", "sent_ns"]]
    by = ["site", "window", "phase", "acknowledged", "cause"]
    grouped = lost.assign(acknowledged=lost["outcome"] == "acknowledged").groupby(by, observed=True, sort=True)
    return grouped.agg(
        messages=("sequence", "size"),
        first_sequence=("sequence", "min"),
        last_sequence=("sequence", "max"),
        first_sent_ns=("sent_ns", "min"),
        last_sent_ns=("sent_ns", "max"),
    ).reset_index()
