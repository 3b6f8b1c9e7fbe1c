"""Where what is expensive to get is kept, and who may write there: one process at a time."""

from __future__ import annotations

import fcntl
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ArtifactError
from .base import Progress, silent

CACHE_VARIABLE = "EDGELAB_CACHE"


def cache_folder() -> Path:
    """``$EDGELAB_CACHE``, else ``edgelab`` below the user's cache directory; not necessarily there yet."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "edgelab"
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base).expanduser().absolute() / "edgelab"
    return Path.home() / ".cache" / "edgelab"


@contextmanager
def locked(name: str, *, progress: Progress = silent) -> Iterator[None]:
    """Hold the cache's lock called ``name``; a second process waits, and says so.

    The kernel drops the lock with its holder, so that a killed build leaves nothing to clear up.
    """
    folder = cache_folder() / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.lock").open("w")
    except OSError as error:
        raise ArtifactError(f"the cache {cache_folder()} cannot be written ({error}); set {CACHE_VARIABLE}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another process that is making {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
