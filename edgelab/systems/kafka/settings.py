"""One setting of a program, with the reason why it is set; and the settings of several sources as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ...errors import SpecError

USERS = "The user's."


class Setting(NamedTuple):
    """One line of a configuration.

    Attributes:
        key: as in the program's own configuration; may hold ``@{site}``.
        value: as there.
        reason: why, in a sentence.
    """

    key: str
    value: str
    reason: str


def merged(*layers: Iterable[Setting]) -> tuple[Setting, ...]:
    """All of them, each key once, at its first place: what comes later wins."""
    found: dict[str, Setting] = {}
    for layer in layers:
        for setting in layer:
            found[setting.key] = setting
    return tuple(found.values())


def users(text: Mapping[str, str]) -> tuple[Setting, ...]:
    """The lines of a user's text."""
    return tuple(Setting(key, value, USERS) for key, value in text.items())


def refuse_both(field: str, option: str, keys: Iterable[str], text: Mapping[str, str]) -> None:
    """Refuse a text that sets what an option sets, too.

    Raises:
        SpecError: it does; the message names the two.
    """
    for key in keys:
        if key in text:
            raise SpecError(f"{field} must not set {key!r} together with {option}: one of the two is enough")


def milliseconds(seconds: float) -> str:
    """As Kafka writes durations."""
    return str(round(seconds * 1e3))
