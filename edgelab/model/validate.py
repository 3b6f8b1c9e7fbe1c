"""Refusing nonsense: every message names the field, the bound and the value."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from types import UnionType
from typing import Any

from ..errors import SpecError

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LONGEST_NAME = 40  # a DNS label has 63; the lab adds prefixes of its own


def number(field: str, value: object, *, low: float, high: float, above: bool = False) -> None:
    """Refuse ``value`` unless it is a finite number in ``[low, high]`` (``(low, high]`` if ``above``)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SpecError(f"{field} must be a number, not {value!r}")
    if value < low or (above and value == low):
        raise SpecError(f"{field} must be {'more than' if above else 'at least'} {_plain(low)}, not {value!r}")
    if value > high:
        raise SpecError(f"{field} must be at most {_plain(high)}, not {value!r}")


def integer(field: str, value: object, *, low: int, high: int) -> None:
    """Refuse ``value`` unless it is a whole number in ``[low, high]``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpecError(f"{field} must be a whole number, not {value!r}")
    number(field, value, low=low, high=high)


def instance(field: str, value: object, kind: type | UnionType, what: str) -> None:
    """Refuse ``value`` unless it is a ``kind``, which a person would call ``what``."""
    if not isinstance(value, kind):
        raise SpecError(f"{field} must be {what}, not {value!r}")


def several(field: str, value: object, what: str) -> tuple[Any, ...]:
    """``value`` as a tuple; refused unless it holds several things, called ``what``. A text holds letters only."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise SpecError(f"{field} must be {what}, not {value!r}")
    return tuple(value)


def one_of(field: str, value: object, allowed: Collection[str]) -> None:
    """Refuse ``value`` unless it is one of ``allowed``."""
    if value not in allowed:
        raise SpecError(f"{field} must be one of {', '.join(allowed)}, not {value!r}")


def name(field: str, value: object) -> None:
    """Refuse ``value`` unless it works as a DNS label, a file name and a NATS token at once."""
    if not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > _LONGEST_NAME:
        raise SpecError(
            f"{field} must be 1 to {_LONGEST_NAME} lower-case letters, digits and inner hyphens, not {value!r}"
        )


def _plain(bound: float) -> str:
    """As a person would type it: no exponent for what is a whole number."""
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"
