"""Verdicts, as Jepsen has them: a failure is a failure whatever else is unclear; what is unclear is no pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .results import Results


class Verdict(StrEnum):
    """What a check came to, from best to worst."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    UNKNOWN = "unknown"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check came to, and why, in a sentence for a person."""

    name: str
    verdict: Verdict
    why: str

    def to_json(self) -> dict[str, str]:
        """As JSON values."""
        return {"name": self.name, "verdict": str(self.verdict), "why": self.why}


class Check(Protocol):
    """One thing that must hold. A frozen value."""

    @property
    def name(self) -> str:
        """A few words: ``"no loss"``."""

    def check(self, results: Results) -> CheckResult:
        """Judge a run."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a run, and the checks it follows from."""

    checks: tuple[CheckResult, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of them; unknown without any."""
        return worst(result.verdict for result in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not a pass: of the checks that gave the verdict."""
        if self.verdict is Verdict.PASS:
            return ()
        return tuple(result.why for result in self.checks if result.verdict is self.verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Fail over unknown over pass; unknown for none at all, because nothing was looked at."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.UNKNOWN)


def judge(results: Results, checks: Iterable[Check]) -> Judgement:
    """Apply every check; one that raises gives unknown, with what it raised."""
    return Judgement(tuple(_safely(check, results) for check in checks))


def _safely(check: Check, results: Results) -> CheckResult:
    try:
        return check.check(results)
    except Exception as error:  # noqa: BLE001 - a broken check must not hide what the others found
        return CheckResult(check.name, Verdict.UNKNOWN, f"the check itself failed: {type(error).__name__}: {error}")
