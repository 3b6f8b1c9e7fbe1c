"""Verdicts, as Jepsen has them: a failure is a failure whatever else is unclear; what is unclear is no pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .checking import Check, CheckResult, Verdict
from .lab_checks import LAB_CHECKS
from .results import Results

__all__ = ["LAB_CHECKS", "Check", "CheckResult", "Judgement", "Verdict", "judge", "worst"]


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
    """Apply the checks that every run makes of itself, then ``checks``; one that raises gives unknown."""
    return Judgement(tuple(_safely(check, results) for check in (*LAB_CHECKS, *checks)))


def _safely(check: Check, results: Results) -> CheckResult:
    try:
        return check.check(results)
    except Exception as error:  # noqa: BLE001 - a broken check must not hide what the others found
        return CheckResult(check.name, Verdict.UNKNOWN, f"the check itself failed: {type(error).__name__}: {error}")
