"""JVM options: the user's, checked; ours; and what a heap needs around it."""

from __future__ import annotations

import re
import shlex

from ...errors import SpecError
from ...model import validate
from ...model.topology import MIB

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_XMX = re.compile(r"(?:-Xmx|-XX:MaxHeapSize=)(\d+)([kmgtKMGT]?)")
_OURS = ("-cp", "-classpath", "--class-path", "-jar", "--module", "-m", "-Duser.timezone", "-Dlog4j")
_COLLECTOR = re.compile(r"-XX:\+Use(?:Serial|Parallel|G1|Z|Shenandoah|Epsilon)GC")
_COMPILER = re.compile(r"-XX:TieredStopAtLevel=|-XX:-TieredCompilation|-Xint\b|-client\b|-server\b")
MOST_BYTES = 1 << 40


def check(field: str, heap_field: str, text: object, *, least_bytes: int, why: str) -> None:
    """Refuse options that the lab sets, and a heap too small to start.

    Raises:
        SpecError: the message names the field and the bound.
    """
    for word in words(field, text):
        if not word.startswith("-"):
            raise SpecError(f"{field} must hold options of a JVM, which start with a hyphen, not {word!r}")
        if word.startswith(_OURS):
            raise SpecError(f"{field} must not hold {word!r}, which the lab sets")
    heap = _given_bytes(field, text)
    if heap is not None and heap < least_bytes:
        raise SpecError(
            f"{field} must give a heap of at least {least_bytes // MIB} MiB, not {heap / MIB:g} MiB: {why} "
            f"(without -Xmx it is that of {heap_field})"
        )


def check_bytes(field: str, value: object, *, least_bytes: int, why: str) -> None:
    """Refuse a heap that is too small to start.

    Raises:
        SpecError: the message names the field and the bound.
    """
    validate.integer(field, value, low=1, high=MOST_BYTES)
    if isinstance(value, int) and value < least_bytes:
        raise SpecError(f"{field} must be at least {least_bytes}, not {value!r}: {why}")


def words(field: str, text: object) -> tuple[str, ...]:
    """The single options in ``text``.

    Raises:
        SpecError: it is no text, or has an open quote.
    """
    if not isinstance(text, str):
        raise SpecError(f"{field} must be text, not {text!r}")
    try:
        return tuple(shlex.split(text, comments=True))
    except ValueError as error:
        raise SpecError(f"{field} must be options as a shell reads them: {error}") from error


def size_bytes(heap_bytes: int, text: str) -> int:
    """The heap that a JVM gets: the user's own ``-Xmx`` wins."""
    given = _given_bytes("", text)
    return heap_bytes if given is None else given


def options(heap_bytes: int, text: str, *, small: bool) -> tuple[str, ...]:
    """All options of a JVM; ``small`` compiles with the first compiler only, which costs less at the start.

    The user's come last, and whatever of ours they contradict is left out.
    """
    given = words("", text)
    ours = []
    if _given_bytes("", text) is None:
        ours.append(f"-Xmx{heap_bytes}")
    if not any(map(_COLLECTOR.match, given)):
        ours.append("-XX:+UseSerialGC")
    if small and not any(map(_COMPILER.match, given)):
        ours.append("-XX:TieredStopAtLevel=1")
    if not any(word.startswith("-Xss") for word in given):
        ours.append("-Xss256k" if small else "-Xss512k")
    return (*ours, *given)


def memory_bytes(heap_bytes: int) -> int:
    """What a container with that heap may take. A JVM needs some 100 MiB around it, and a tenth for its bookkeeping."""
    return heap_bytes + heap_bytes // 8 + 192 * MIB


def _given_bytes(field: str, text: object) -> int | None:
    found = [match for match in map(_XMX.fullmatch, words(field, text)) if match]
    return int(found[-1][1]) * _UNITS[found[-1][2].lower()] if found else None
