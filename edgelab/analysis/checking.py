"""What a check is, and what it may come to."""

from __future__ import annotations

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
