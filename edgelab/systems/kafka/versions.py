"""What each version of Kafka can do, as far as the lab must know.

Run by hand: 3.6.0, 3.6.2, 3.7.0, 3.9.1, 3.9.2, 4.3.1.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import SpecError

NEWEST = "4.3.1"
OLDEST = (3, 6, 0)

_PATTERN = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})")


class Version(NamedTuple):
    """A version of Kafka."""

    major: int
    minor: int
    patch: int

    @property
    def logs_with_log4j2(self) -> bool:
        """Whether its logging is configured for log4j 2; before, for log4j 1 (reload4j)."""
        return self >= (4, 0, 0)

    @property
    def has_zookeeper(self) -> bool:
        """Whether a broker can keep its metadata in ZooKeeper."""
        return self < (4, 0, 0)

    @property
    def rejoins_without_delay(self) -> bool:
        """Whether a mirror gets its work back when ``scheduled.rebalance.max.delay.ms`` is 0.

        The one of 3.6.0 joins its group again and is given nothing (three of three runs); 3.6.2 is cured.
        """
        return self >= (3, 6, 2)

    @property
    def smallest_segment_bytes(self) -> int:
        """The least that ``segment.bytes`` of a topic may be."""
        return 1 << 20 if self >= (4, 0, 0) else 14


def parse(text: object) -> Version:
    """``"3.9.2"`` as a version.

    Raises:
        SpecError: it is none, or one that the lab does not know how to set up.
    """
    match = _PATTERN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise SpecError(f"version must be that of a Kafka, such as {NEWEST}, not {text!r}")
    version = Version(*(int(part) for part in match.groups()))
    if version < OLDEST:
        raise SpecError(f"version must be at least {'.'.join(map(str, OLDEST))}, not {text!r}")
    if version.major > 4:
        raise SpecError(f"version must be below 5.0.0, which did not exist when this was written, not {text!r}")
    return version
