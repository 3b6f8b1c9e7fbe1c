"""Systems by the words of a command line: ``NAME``, ``NAME:PRESET``, ``NAME@VERSION`` or ``NAME:PRESET@VERSION``."""

from __future__ import annotations

import dataclasses

from edgelab import SpecError
from edgelab.systems import SYSTEMS, System, system


def named_system(words: str) -> System:
    """The system that ``words`` name, with its default options beside preset and version.

    Raises:
        SpecError: there is no such system, preset or version, or the system has no presets.
    """
    rest, at, version = words.partition("@")
    name, colon, preset = rest.partition(":")
    if name not in SYSTEMS:
        raise SpecError(f"systems must be NAME, NAME:PRESET or NAME@VERSION of {', '.join(SYSTEMS)}, not {words!r}")
    options = {}
    if colon:
        options["preset"] = preset
    if at:
        options["version"] = version
    known = {field.name for field in dataclasses.fields(SYSTEMS[name]) if field.init}
    for option in options:
        if option not in known:
            raise SpecError(f"systems must not give a {option} of {name}, which has none: not {words!r}")
    return system(name, **options)
