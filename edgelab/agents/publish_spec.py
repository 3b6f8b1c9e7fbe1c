"""What a publishing agent is asked to do, checked before it connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import SpecError
from ..history import FOREIGN_SITE
from ..model import validate
from ..model.workload import Load, Workload

Options = TypeVar("Options")


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePart(Generic[Options]):
    """What one site publishes.

    Attributes:
        site / index: its name, and its position in the scenario.
        load: rate, size, publishers.
        options: how.
        times_s: intended send times by sequence number, seconds after the start.
    """

    site: str
    index: int
    load: Load
    options: Options
    times_s: npt.NDArray[np.float64]


def site_parts(spec: Mapping[str, Any], kind: type[Options]) -> tuple[SitePart[Options], ...]:
    """The sites of an agent's spec, with options of ``kind``.

    Raises:
        SpecError: a field is missing, unknown or out of bounds; the message names it.
    """
    validate.integer("seed", spec.get("seed"), low=0, high=(1 << 63) - 1)
    if not spec["sites"]:
        raise SpecError("sites must hold at least one site, not []")
    raw = [_checked(site) for site in spec["sites"]]
    names = [site["site"] for site in raw]
    if len(set(names)) != len(names):
        raise SpecError(f"sites must not repeat a site, not {names!r}")
    loads = {site["site"]: made(Load, {k: site[k] for k in ("rate_hz", "size_bytes", "publishers")}) for site in raw}
    workload = made(Workload, {k: spec[k] for k in ("duration_s", "arrival") if k in spec} | {"per_site": loads})
    return tuple(
        SitePart(
            site=site["site"],
            index=site["index"],
            load=loads[site["site"]],
            options=made(kind, site["options"]),
            times_s=workload.intended_s(site["site"], seed=spec["seed"]),
        )
        for site in raw
    )


def made(kind: type[Options], fields: Mapping[str, Any]) -> Options:
    """A value of ``kind``.

    Raises:
        SpecError: a field is missing, unknown or out of bounds; the message names it.
    """
    try:
        return kind(**fields)
    except TypeError as error:  # a field that is unknown or missing: Python's message names it
        raise SpecError(str(error).replace(f"{kind.__name__}.__init__() ", f"{kind.__name__} ")) from error


def address(field: str, value: object) -> None:
    """Refuse what is not ``host:port``."""
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise SpecError(f"{field} must be host:port, not {value!r}")


def _checked(site: Any) -> Mapping[str, Any]:
    fields = ("site", "index", "rate_hz", "size_bytes", "publishers", "options")
    if not isinstance(site, Mapping):
        raise SpecError(f"sites must hold objects, not {site!r}")
    for name in fields:
        if name not in site:
            raise SpecError(f"sites[].{name} is missing")
    validate.name("sites[].site", site["site"])
    validate.integer("sites[].index", site["index"], low=0, high=FOREIGN_SITE - 1)
    if not isinstance(site["options"], Mapping):
        raise SpecError(f"sites[].options must be an object, not {site['options']!r}")
    return site
