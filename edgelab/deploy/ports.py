"""Free ports, never the same for two labs.

A block of ports belongs to whoever holds the lock on its file: several labs, in one process or in many, cannot take
the same one between the moment a port is found free and the moment a broker binds it. (A block per lock, not a port:
a hundred sites would otherwise hold three hundred open files.)
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..errors import LabError

# Below 32768, where Linux begins to take the local ports of outgoing connections: a broker that is killed and started
# again must find its port free. (Seen: two of a hundred leaves lost their monitor port to a passing connection.)
FIRST_PORT = 20_000
LAST_PORT = 31_999
_BLOCK = 20


class Ports:
    """Ports for one lab; all stay its own until :meth:`release`."""

    def __init__(self) -> None:
        self._locks: list[IO[str]] = []
        self._free: list[int] = []
        self._lock = threading.Lock()
        blocks = list(range(FIRST_PORT, LAST_PORT + 1, _BLOCK))
        # A generator of its own: the lab's seeds and the user's stay untouched.
        start = random.Random().randrange(len(blocks))
        self._blocks = blocks[start:] + blocks[:start]

    def take(self) -> int:
        """A port that nothing listens on, on any address of this machine.

        Raises:
            LabError: there is none left.
        """
        with self._lock:
            while True:
                while self._free:
                    port = self._free.pop(0)
                    if is_free(port):
                        return port
                self._next_block()

    def release(self) -> None:
        """Give all of them back. Safe to call twice."""
        with self._lock:
            for file in self._locks:
                file.close()
            self._locks.clear()
            self._free.clear()

    def _next_block(self) -> None:
        folder = _lock_folder()
        while self._blocks:
            first = self._blocks.pop(0)
            file = (folder / f"{first}.lock").open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            self._locks.append(file)
            self._free = list(range(first, first + _BLOCK))
            return
        raise LabError(f"no free port left between {FIRST_PORT} and {LAST_PORT}; do other labs still run?")


def is_free(port: int) -> bool:
    """Whether a broker could listen on ``port`` now."""
    for host in ("127.0.0.1", ""):  # two, because only Linux refuses the one when another process holds the other
        with socket.socket() as probe:
            # What brokers set, too: connections that linger in TIME_WAIT do not make a port busy.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def _lock_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"edgelab-ports-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    return folder
