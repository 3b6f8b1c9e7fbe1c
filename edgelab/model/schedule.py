"""When faults hold: planned windows, in seconds after the first message was due. Pure; clocks live elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..errors import SpecError
from . import validate
from .faults import ALL, Fault, Kill, Latency, Outage, Throttle, describe

_LONGEST_S = 7 * 24 * 3600.0
_MOST_WINDOWS = 10_000


@dataclass(frozen=True, slots=True)
class Window:
    """One planned window: ``fault`` holds from ``start_s`` to ``end_s``, seconds after the first message was due."""

    start_s: float
    end_s: float
    fault: Fault

    def __post_init__(self) -> None:
        validate.number("start_s", self.start_s, low=0.0, high=_LONGEST_S)
        validate.number("end_s", self.end_s, low=0.0, high=_LONGEST_S)
        validate.instance("fault", self.fault, Fault, "a fault, such as Outage('site-1')")
        if self.end_s <= self.start_s:
            raise SpecError(f"end_s must be more than start_s ({self.start_s:g}), not {self.end_s:g}")

    @property
    def length_s(self) -> float:
        """How long the fault holds, seconds."""
        return self.end_s - self.start_s

    def overlaps(self, other: Window) -> bool:
        """Whether the two hold at some moment together."""
        return self.start_s < other.end_s and other.start_s < self.end_s


@dataclass(frozen=True, slots=True)
class Schedule:
    """Fault windows in order of their start.

    Raises:
        SpecError: two windows that overlap and would do the same thing to the same target, or two process
            faults of one service at once.
    """

    windows: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        windows = validate.several("windows", self.windows, "several Windows")
        for window in windows:
            validate.instance("windows", window, Window, "Windows only")
        if len(windows) > _MOST_WINDOWS:
            raise SpecError(f"windows must be at most {_MOST_WINDOWS}, not {len(windows)}")
        object.__setattr__(self, "windows", tuple(sorted(windows, key=lambda w: (w.start_s, w.end_s))))
        holding: list[Window] = []
        for window in self.windows:  # by their start: what has ended before this one overlaps none that follow
            holding = [earlier for earlier in holding if earlier.overlaps(window)]
            for earlier in holding:
                _refuse_clash(earlier, window)
            holding.append(window)

    def __iter__(self) -> Iterator[Window]:
        return iter(self.windows)

    def __len__(self) -> int:
        return len(self.windows)

    def __add__(self, other: Schedule) -> Schedule:
        return Schedule(self.windows + other.windows)

    @property
    def end_s(self) -> float:
        """When the last window ends; 0 without windows."""
        return max((w.end_s for w in self.windows), default=0.0)

    def resolved(self, sites: Iterable[str], *, services: Iterable[str] = ()) -> Schedule:
        """The same windows with ``"all"`` replaced by the sites' names.

        Args:
            sites: those that there are.
            services: those that a process fault may hit.

        Raises:
            SpecError: a fault names a site or service that is not there.
        """
        known, running = tuple(sites), tuple(services)
        return Schedule(tuple(replace(w, fault=_resolve(w.fault, known, running)) for w in self.windows))


def once(fault: Fault, *, at_s: float, for_s: float) -> Schedule:
    """``fault`` from ``at_s`` for ``for_s`` seconds."""
    validate.number("at_s", at_s, low=0.0, high=_LONGEST_S)
    validate.number("for_s", for_s, low=0.0, high=_LONGEST_S, above=True)
    return Schedule((Window(at_s, at_s + for_s, fault),))


def flapping(fault: Fault, *, at_s: float, on_s: float, off_s: float, times: int) -> Schedule:
    """``fault`` comes and goes: ``times`` windows of ``on_s`` with ``off_s`` between them, the first at ``at_s``."""
    validate.number("at_s", at_s, low=0.0, high=_LONGEST_S)
    validate.number("on_s", on_s, low=0.0, high=_LONGEST_S, above=True)
    validate.number("off_s", off_s, low=0.0, high=_LONGEST_S, above=True)
    validate.integer("times", times, low=1, high=_MOST_WINDOWS)
    starts = (at_s + i * (on_s + off_s) for i in range(times))
    return Schedule(tuple(Window(start, start + on_s, fault) for start in starts))


def _resolve(fault: Fault, known: tuple[str, ...], services: tuple[str, ...]) -> Fault:
    if isinstance(fault, Kill):
        # A system without a broker at the site has no such service to kill.
        if fault.service not in services:
            raise SpecError(f"service must be one that runs ({_abridged(services)}), not {fault.service!r}")
        return fault
    if ALL in fault.targets:
        return replace(fault, sites=known)
    for site in fault.targets:
        if site not in known:
            raise SpecError(f"sites must name links that are there ({_abridged(known)}), not {site!r}")
    return fault


def _abridged(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{names[0]} … {names[-1]}"


def _refuse_clash(first: Window, second: Window) -> None:
    a, b = first.fault, second.fault
    together = ALL in a.targets or ALL in b.targets or bool(set(a.targets) & set(b.targets))
    if together and _effect(a) == _effect(b):
        raise SpecError(
            f"windows must not do the same thing to one target twice at once: {describe(a)} "
            f"({first.start_s:g} to {first.end_s:g} s) and {describe(b)} ({second.start_s:g} to {second.end_s:g} s)"
        )


def _effect(fault: Fault) -> tuple[object, ...]:
    match fault:
        case Outage():
            return ("outage", fault.kind, fault.direction)
        case Latency():
            return ("latency", fault.one_way_s, fault.jitter_s, fault.direction)
        case Throttle():
            return ("throttle", fault.rate_bps, fault.direction)
        case _:
            # A dead process cannot be paused, nor a paused one be restarted: any two clash.
            return ("process",)
