"""Java properties: lines of the user's read, files of the lab's written.

Values are kept as they were typed, escapes and all, so that Java reads what the user wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...errors import SpecError
from .settings import Setting

_KEY_END = re.compile(r"(?<!\\)[=:\s]")


def parse(field: str, text: object) -> dict[str, str]:
    """The settings in ``text``, by key.

    Raises:
        SpecError: it is no text, a line has no value, or a key stands there twice.
    """
    if not isinstance(text, str):
        raise SpecError(f"{field} must be text, not {text!r}")
    found: dict[str, str] = {}
    for line in _logical_lines(text):
        match = _KEY_END.search(line)
        if match is None:
            raise SpecError(f"{field} must hold lines of the form key = value, not {line!r}")
        key = line[: match.start()].replace("\\", "")
        value = line[match.start() :].lstrip()
        if value[:1] in {"=", ":"}:
            value = value[1:].lstrip()
        if not key:
            raise SpecError(f"{field} must hold lines of the form key = value, not {line!r}")
        if key in found:
            raise SpecError(f"{field} must set {key!r} once, not twice")
        found[key] = value
    return found


def render(title: str, settings: Iterable[Setting]) -> str:
    """A properties file; each line's reason stands above it, unless it is that of the line before."""
    lines, reason = [f"# {title}"], ""
    for setting in settings:
        if setting.reason != reason:
            reason = setting.reason
            lines.append(f"# {reason}")
        lines.append(f"{setting.key} = {setting.value}")
    return "\n".join(lines) + "\n"


def _logical_lines(text: str) -> Iterable[str]:
    joined = ""
    for raw in text.splitlines():
        line = raw.lstrip()
        if not joined and (not line or line[0] in "#!"):
            continue
        goes_on = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        joined += line[:-1] if goes_on else line
        if not goes_on:
            yield joined.strip()
            joined = ""
    if joined.strip():
        yield joined.strip()
