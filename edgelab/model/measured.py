"""What was really seen: measured fault windows, states of stores, lines of broker logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


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


@dataclass(frozen=True, slots=True)
class StoreState:
    """What a broker itself says of one of its stores.

    Attributes:
        place: ``"hub"`` or the site's name.
        store: name of the stream or topic.
        messages: how many it holds now.
        first_sequence / last_sequence: of what it holds; (0, 0) or (n + 1, n) when empty.
        limits: its limits and policies in the broker's words, for the causes of loss.
    """

    place: str
    store: str
    messages: int
    first_sequence: int
    last_sequence: int
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line that matters in the log of a site's service.

    Attributes:
        t_ns: when the broker wrote it (wall time, Unix nanoseconds).
        kind: ``closed`` = the broker noticed that its session with the hub is gone; ``established`` = it has one
            again; ``dial`` = it tries an address; ``trouble`` = slow consumer, stale connection and the like;
            ``started`` = the program begins: more than once when it was killed, or restarted by a supervisor.
        detail: the address dialed, the reason given.
    """

    t_ns: int
    kind: Literal["closed", "established", "dial", "trouble", "started"]
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the causes of loss may be inferred from; all of it lies in the run folder.

    Attributes:
        windows: the measured fault windows.
        log_events: of each site's services, in order of time.
        stores: states of all stores when the drain ended.
    """

    windows: tuple[MeasuredWindow, ...]
    log_events: Mapping[str, tuple[LogEvent, ...]]
    stores: tuple[StoreState, ...]
