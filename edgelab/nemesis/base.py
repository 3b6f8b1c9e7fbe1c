"""What the injector reports: one measured window per planned window and target."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredWindow:
    """One planned window on one target, as it really happened (ns on the run's clock).

    The fault certainly held from ``start_ns`` (the call that applied it had returned) to ``end_ns`` (the call
    that clears it was about to be made). Recovery is counted from ``end_ns``: at most ``clear_call_ns`` too long.

    Attributes:
        window: position of the planned window in the schedule.
        target: the link's or service's name.
        site: the site it belongs to; None for the hub.
        fault / kind: class of the fault, and its kind or parameters in short.
        planned_start_ns / planned_end_ns: when it was due.
        start_ns / end_ns: measured; None where it was never applied or cleared.
        apply_call_ns / clear_call_ns: how long the calls took.
        bit / cleared: what the probe saw; None where it could not tell.
        evidence: what the probe saw, in words.
    """

    window: int
    target: str
    site: str | None
    fault: str
    kind: str
    planned_start_ns: int
    planned_end_ns: int
    start_ns: int | None = None
    end_ns: int | None = None
    apply_call_ns: int = 0
    clear_call_ns: int = 0
    bit: bool | None = None
    cleared: bool | None = None
    evidence: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)
