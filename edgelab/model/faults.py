"""Faults: values that each name one thing that goes wrong, and where.

A fault says nothing about *when*: :mod:`edgelab.model.schedule` does. ``sites`` may be one site's name,
several, or ``"all"``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..errors import SpecError
from . import validate

Plane = Literal["proxy", "packet", "process"]
OutageKind = Literal["stall", "cut", "silent"]
Direction = Literal["both", "up", "down"]

ALL = "all"
_LONGEST_DELAY_S = 600.0
_FASTEST_BPS = 100e9
_MOST_NAMED = 4
# Toxiproxy shapes in whole kilobytes (1000 bytes) per second: 8 kbit/s is its slowest rate that still moves.
SLOWEST_BPS = 8_000.0


def _sites(value: str | tuple[str, ...]) -> tuple[str, ...]:
    sites = (value,) if isinstance(value, str) else validate.several("sites", value, "'all', a site or several sites")
    if not sites:
        raise SpecError("sites must name at least one site, or 'all', not ()")
    for site in sites:
        validate.name("sites", site)
    if ALL in sites and len(sites) > 1:
        raise SpecError(f"sites must be 'all' or names of sites, not both: {sites!r}")
    if len(set(sites)) != len(sites):
        raise SpecError(f"sites must not repeat a site, not {sites!r}")
    return sites


@dataclass(frozen=True, slots=True)
class _OnLinks:
    """A fault of the links of some sites."""

    sites: str | tuple[str, ...] = ALL
    plane: ClassVar[Plane] = "proxy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sites", _sites(self.sites))

    @property
    def targets(self) -> tuple[str, ...]:
        """The sites named, or ``("all",)``."""
        return tuple(self.sites)


@dataclass(frozen=True, slots=True)
class Outage(_OnLinks):
    """The link of each site carries nothing.

    ``kind`` says what that stands for:

    - ``"stall"`` (default): a radio gap. Nothing moves, but nothing is lost in flight either, because TCP would
      retransmit: the flow survives and what was under way arrives afterwards. Applied as a bandwidth of zero.
    - ``"cut"``: a router or proxy restarts. Both ends see the connection close, and cannot open it again until
      the fault clears. What was in flight is gone. Applied by disabling the proxy; ``direction`` must be "both".
    - ``"silent"``: a flow that has died without telling anyone, as behind an expired NAT mapping. Bytes vanish,
      connections look open, noticing is up to the broker's own pings. Toxiproxy swallows the bytes, and
      closes the affected connections when the fault clears, so a broker that had not noticed by then is
      *not* credited with a detection, and recovers sooner than it would behind a real dead mapping.

    ``direction`` is seen from the site: ``"up"`` stops what the site sends, ``"down"`` what it should receive.

    Raises:
        SpecError: an unknown kind or direction; a cut of one direction only.
    """

    kind: OutageKind = field(default="stall", kw_only=True)
    direction: Direction = field(default="both", kw_only=True)

    def __post_init__(self) -> None:
        _OnLinks.__post_init__(self)
        validate.one_of("kind", self.kind, ("stall", "cut", "silent"))
        validate.one_of("direction", self.direction, ("both", "up", "down"))
        if self.kind == "cut" and self.direction != "both":
            raise SpecError(
                f"direction must be 'both' for kind 'cut' (a TCP connection closes as a whole), not {self.direction!r}"
            )


@dataclass(frozen=True, slots=True)
class Partition(Outage):
    """The hub on one side, a set of sites on the other: one outage of all their links at the same moment.

    The same kinds as :class:`Outage`; the lab starts and ends it on every link together and reports the skew.
    """


@dataclass(frozen=True, slots=True)
class Latency(_OnLinks):
    """Each byte arrives later by ``one_way_s`` plus or minus ``jitter_s`` (uniform).

    With ``direction="both"`` the round trip grows by twice ``one_way_s``. Order is kept, so jitter pushes back-to-back
    data later on average than its mean says.

    Args:
        one_way_s: seconds added per direction, 0.001 to 600.
        jitter_s: half-width of the uniform spread, at most ``one_way_s``.
    """

    one_way_s: float = field(kw_only=True)
    jitter_s: float = field(default=0.0, kw_only=True)
    direction: Direction = field(default="both", kw_only=True)

    def __post_init__(self) -> None:
        _OnLinks.__post_init__(self)
        validate.number("one_way_s", self.one_way_s, low=0.001, high=_LONGEST_DELAY_S)
        validate.number("jitter_s", self.jitter_s, low=0.0, high=self.one_way_s)
        validate.one_of("direction", self.direction, ("both", "up", "down"))


@dataclass(frozen=True, slots=True)
class Throttle(_OnLinks):
    """The link carries at most ``rate_bps`` bits per second in each direction named.

    The proxy plane holds the rate per TCP connection, not per link: a broker that opens several connections
    gets the rate several times.

    Args:
        rate_bps: bits per second, at least 8000 (Toxiproxy's 1 KB/s).
    """

    rate_bps: float = field(kw_only=True)
    direction: Direction = field(default="both", kw_only=True)

    def __post_init__(self) -> None:
        _OnLinks.__post_init__(self)
        validate.number("rate_bps", self.rate_bps, low=SLOWEST_BPS, high=_FASTEST_BPS)
        validate.one_of("direction", self.direction, ("both", "up", "down"))


@dataclass(frozen=True, slots=True)
class Kill:
    """The service's process dies (SIGKILL) and is started again when the fault clears; its disk survives.

    Args:
        service: ``"hub"``, or a site's name for its broker.
    """

    service: str
    plane: ClassVar[Plane] = "process"

    def __post_init__(self) -> None:
        validate.name("service", self.service)

    @property
    def targets(self) -> tuple[str, ...]:
        """The service named."""
        return (self.service,)


@dataclass(frozen=True, slots=True)
class Pause(Kill):
    """The service's process stops running (SIGSTOP, or the container's freezer) and goes on when the fault clears."""


LinkFault = Outage | Latency | Throttle
ProcessFault = Kill
Fault = LinkFault | ProcessFault


def describe(fault: Fault) -> str:
    """One short line for a person: ``"Outage cut of site-1, site-2"``."""
    who = _who(fault.targets)
    match fault:
        case Outage():
            way = "" if fault.direction == "both" else f" ({fault.direction})"
            return f"{type(fault).__name__} {fault.kind}{way} of {who}"
        case Latency():
            return f"Latency {fault.one_way_s * 1e3:g} ms one way of {who}"
        case Throttle():
            return f"Throttle {fault.rate_bps / 1e3:g} kbit/s of {who}"
        case _:
            return f"{type(fault).__name__} of {who}"


def _who(targets: tuple[str, ...]) -> str:
    if len(targets) <= _MOST_NAMED:
        return ", ".join(targets)
    return f"{targets[0]} to {targets[-1]} ({len(targets)} sites)"
