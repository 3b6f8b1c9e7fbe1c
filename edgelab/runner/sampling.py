"""Memory and processor time of services, bytes over links, and who is connected to whom, read beside the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..deploy.base import Connection, Deployment
from ..errors import EdgelabError
from ..history import Journal
from ..nemesis import link_bytes
from ..store import RunFolder

_USAGE_EVERY_S = 1.0
_BYTES_EVERY_S = 0.25
"""As often as what crosses is to be told apart before, during and after a fault; a reading costs some 5 ms."""
_CENSUS_EVERY_S = 2.0
"""A connection that goes round a link stays, or is made again and again: a client that found a way uses it."""


class Sampler:
    """Calls ``sample`` every ``every_s`` seconds in a thread of its own and journals what it returns.

    A reading that fails is skipped: a service that is being killed has no memory to tell.
    """

    def __init__(
        self, sample: Callable[[], Iterable[Mapping[str, Any]]], journal: Journal, clock: Clock, *, every_s: float
    ) -> None:
        self._sample = sample
        self._journal = journal
        self._clock = clock
        self._every_s = every_s
        self._taking = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="edgelab-sampler", daemon=True)
        self._thread.start()

    def take(self) -> None:
        """Take a reading now, beside the regular ones."""
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
            if self._over.wait(self._every_s):
                return


@dataclass(frozen=True, slots=True)
class Samplers:
    """Those of which a reading is taken at certain moments, beside the regular ones."""

    usage: Sampler
    census: Sampler


@contextmanager
def sampling(lab: Deployment, folder: RunFolder, clock: Clock) -> Iterator[Samplers]:
    """Keep the journals ``usage``, ``census`` and, where the kernel can be asked, ``link_bytes``."""
    seen: set[Connection] = set()
    with ExitStack() as stack:
        path = folder.journal("link_bytes")
        stack.enter_context(_sampled(lambda: _link_bytes(lab), path, clock, every_s=_BYTES_EVERY_S))
        usage = _sampled(lambda: _usage(lab), folder.journal("usage"), clock, every_s=_USAGE_EVERY_S)
        census = _sampled(lambda: _census(lab, seen), folder.journal("census"), clock, every_s=_CENSUS_EVERY_S)
        yield Samplers(stack.enter_context(usage), stack.enter_context(census))


@contextmanager
def _sampled(
    sample: Callable[[], Iterable[Mapping[str, Any]]], path: Path, clock: Clock, *, every_s: float
) -> Iterator[Sampler]:
    journal = Journal(path)
    sampler = Sampler(sample, journal, clock, every_s=every_s)
    try:
        yield sampler
    finally:
        sampler.stop()
        journal.close()


def _usage(lab: Deployment) -> Iterator[Mapping[str, Any]]:
    for service, usage in lab.usage().items():
        yield {"service": service, "rss_bytes": usage.rss_bytes, "cpu_s": usage.cpu_s}


def _census(lab: Deployment, seen: set[Connection]) -> Iterator[Mapping[str, Any]]:
    """One line for each connection that was not seen before."""
    for connection in sorted((lab.connections() or frozenset()) - seen):
        seen.add(connection)
        yield connection._asdict()


def _link_bytes(lab: Deployment) -> Iterator[Mapping[str, Any]]:
    """One line for all links: [up, down] of each."""
    if (links := link_bytes.live(lab)) is not None:
        yield {"links": links}
