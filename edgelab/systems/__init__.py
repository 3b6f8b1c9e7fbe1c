"""Systems under test, one module or package each, behind :class:`.base.System`."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..errors import SpecError
from .base import System
from .kafka.direct import KafkaDirect
from .kafka.mirrormaker import KafkaMirrorMaker
from .nats.core import NatsLeafCore
from .nats.direct import NatsDirect
from .nats.leaf import NatsLeaf

__all__ = ["SYSTEMS", "KafkaDirect", "KafkaMirrorMaker", "NatsDirect", "NatsLeaf", "NatsLeafCore", "System", "system"]

SYSTEMS: dict[str, type] = {
    "nats-leaf": NatsLeaf,
    "nats-leaf-core": NatsLeafCore,
    "nats-direct": NatsDirect,
    "kafka-mirrormaker": KafkaMirrorMaker,
    "kafka-direct": KafkaDirect,
}
"""What ``--system`` takes."""


def system(name: str, **options: Any) -> System:
    """The system called ``name`` with ``options``.

    Raises:
        SpecError: there is no such system or option, or a value is refused.
    """
    kind = SYSTEMS.get(name)
    if kind is None:
        raise SpecError(f"system must be one of {', '.join(SYSTEMS)}, not {name!r}")
    known = sorted(field.name for field in dataclasses.fields(kind) if field.init)
    for option in options:
        if option not in known:
            raise SpecError(f"options of {name} are {', '.join(known)}, not {option!r}")
    made: System = kind(**options)
    return made
