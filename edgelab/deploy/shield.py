"""Clean-up that a second Ctrl-C, a polite kill or a closed terminal does not cut short."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a process to end."""


@contextmanager
def shielded() -> Iterator[None]:
    """What asks this process to end is ignored within; a second one would leave faults and brokers behind.

    Only the main thread is ever interrupted: elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: not set from Python, and so not ours to restore
                signal.signal(number, handler)
