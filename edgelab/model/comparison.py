"""A comparison: several systems through the same outage, one after another, as one frozen value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..errors import SpecError
from . import validate
from .scenario import Scenario

SHARED = ("sites", "workload", "schedule", "seed")
"""What the scenarios of a comparison have in common: only then do their numbers stand side by side."""

_MOST = 16
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Scenarios that differ in the system alone, in the order in which they are played.

    Attributes:
        name: what the folder and the page call it.
        entries: pairs of a label, which names the system and its set-up, and a scenario.

    Raises:
        SpecError: fewer than two entries, two of the same label, or scenarios that do not share :data:`SHARED`.
    """

    name: str
    entries: tuple[tuple[str, Scenario], ...]

    def __post_init__(self) -> None:
        validate.name("name", self.name.replace("_", "-") if isinstance(self.name, str) else self.name)
        entries = validate.several("entries", self.entries, "several pairs of a label and a Scenario")
        if not 2 <= len(entries) <= _MOST:
            raise SpecError(f"entries must be 2 to {_MOST} pairs of a label and a Scenario, not {len(entries)}")
        object.__setattr__(self, "entries", tuple(_pair(entry) for entry in entries))
        for number, label in enumerate(self.labels):
            if label in self.labels[:number]:
                raise SpecError(f"entries must have a label each of their own, not {label!r} twice")
        self._check_shared()

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the entries, in order."""
        return tuple(label for label, _ in self.entries)

    def with_seed(self, seed: int) -> Comparison:
        """The same with another seed, of all entries."""
        entries = tuple((label, dataclasses.replace(scenario, seed=seed)) for label, scenario in self.entries)
        return dataclasses.replace(self, entries=entries)

    def _check_shared(self) -> None:
        first_label, first = self.entries[0]
        for label, scenario in self.entries[1:]:
            for field in SHARED:
                expected, found = getattr(first, field), getattr(scenario, field)
                if found != expected:
                    raise SpecError(
                        f"{field} of {label} must be that of {first_label} ({expected!r}), not {found!r}: "
                        "else their numbers do not compare"
                    )


def _pair(entry: Any) -> tuple[str, Scenario]:
    if not isinstance(entry, (tuple, list)) or len(entry) != 2:
        raise SpecError(f"entries must be pairs of a label and a Scenario, not {entry!r}")
    label, scenario = entry
    good = isinstance(label, str) and label.isprintable() and label == label.strip()
    if not good or not 1 <= len(label) <= _LONGEST_LABEL:
        raise SpecError(f"label must be 1 to {_LONGEST_LABEL} printable letters, not {label!r}")
    validate.instance(f"scenario of {label}", scenario, Scenario, "a Scenario")
    return label, scenario
