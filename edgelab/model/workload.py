"""Open-loop traffic: every message has an intended send time that no slow answer can move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import SpecError
from . import validate
from .message import HEADER_BYTES

Arrival = Literal["uniform", "poisson"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one site publishes.

    Attributes:
        rate_hz: messages per second of the site, all its publishers together.
        size_bytes: payload size, at least the 28 bytes that name the message.
        publishers: clients that share the rate; publisher p of P sends sequence numbers p, p + P, p + 2P, ….
    """

    rate_hz: float = 100.0
    size_bytes: int = 1000
    publishers: int = 1

    def __post_init__(self) -> None:
        validate.number("rate_hz", self.rate_hz, low=0.001, high=1_000_000.0)
        validate.integer("size_bytes", self.size_bytes, low=HEADER_BYTES, high=1_000_000)
        validate.integer("publishers", self.publishers, low=1, high=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Traffic of all sites.

    Attributes:
        duration_s: for how long messages are due, seconds.
        load: what each site publishes.
        per_site: sites that publish something else.
        arrival: ``"uniform"`` spacing, or ``"poisson"`` (exponential gaps, seeded).
    """

    duration_s: float
    load: Load = field(default_factory=Load)
    per_site: Mapping[str, Load] = field(default_factory=dict)
    arrival: Arrival = "uniform"

    def __post_init__(self) -> None:
        validate.number("duration_s", self.duration_s, low=0.1, high=7 * 24 * 3600.0)
        validate.one_of("arrival", self.arrival, ("uniform", "poisson"))
        validate.instance("load", self.load, Load, "a Load")
        validate.instance("per_site", self.per_site, Mapping, "a mapping from sites to Loads")
        for site, load in self.per_site.items():
            validate.instance(f"per_site[{site!r}]", load, Load, "a Load")
        object.__setattr__(self, "per_site", MappingProxyType(dict(self.per_site)))

    def of(self, site: str) -> Load:
        """What ``site`` publishes."""
        return self.per_site.get(site, self.load)

    def check_sites(self, sites: Iterable[str]) -> None:
        """Refuse a load for a site that is not there.

        Raises:
            SpecError: ``per_site`` names an unknown site.
        """
        unknown = sorted(set(self.per_site) - set(sites))
        if unknown:
            raise SpecError(f"per_site must name sites that are there, not {unknown[0]!r}")

    def intended_s(self, site: str, *, seed: int) -> npt.NDArray[np.float64]:
        """Intended send times of ``site``, seconds after the run's start, by sequence number (from 0).

        The same seed gives the same times. Sites start at seeded phases within one message gap, so that a
        fleet does not publish in lockstep.
        """
        load = self.of(site)
        rng = np.random.default_rng([seed, *site.encode()])
        count = int(load.rate_hz * self.duration_s)
        if self.arrival == "uniform":
            uniform: npt.NDArray[np.float64] = (np.arange(count, dtype=np.float64) + rng.random()) / load.rate_hz
            return uniform
        gaps = rng.exponential(1.0 / load.rate_hz, size=int(count + 6 * np.sqrt(count) + 10))
        times = np.cumsum(gaps)
        kept: npt.NDArray[np.float64] = times[times < self.duration_s]
        return kept
