"""Memory, processor time and link bytes, sampled once a second beside the run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from ..clock import Clock
from ..errors import EdgelabError
from ..history import Journal

_EVERY_S = 1.0


class Sampler:
    """Calls ``sample`` once a second in a thread of its own and journals what it returns.

    A reading that fails is skipped: a service that is being killed has no memory to tell.
    """

    def __init__(self, sample: Callable[[], list[dict[str, object]]], journal: Journal, clock: Clock) -> None:
        self._sample = sample
        self._journal = journal
        self._clock = clock
        self._taking = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="edgelab-sampler", daemon=True)
        self._thread.start()

    def take(self) -> None:
        """Take a reading now, beside those of every second."""
        with self._taking, suppress(EdgelabError, OSError):
            t_ns = self._clock.now_ns()
            for line in self._sample():
                self._journal.write(t_ns=t_ns, **line)

    def stop(self) -> None:
        """End it; a reading under way is waited for."""
        self._over.set()
        self._thread.join(timeout=10.0)

    def _run(self) -> None:
        while True:
            self.take()
            if self._over.wait(_EVERY_S):
                return
