"""What is going on right now: which holds are in force, which services are down. Shared by injector and probes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ..model.topology import Link
from .holds import Held, Hold


@dataclass(frozen=True, slots=True)
class View:
    """One link at one moment.

    Attributes:
        version: changes whenever something about the link does; a probe that saw two versions proves nothing.
        holds: what is in force on it.
        hidden_by: why nothing can be seen through it; empty if it can.
        changing: a call is under way.
    """

    version: int
    holds: frozenset[Hold]
    hidden_by: str
    changing: bool


class Scene:
    """May be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = Held()
        self._changes: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._down: dict[str, str] = {}

    def change(self, *, take: Iterable[Hold], give: Iterable[Hold]) -> tuple[list[Hold], list[Hold]]:
        """Count holds in and out; return what is now to be switched on, and off. :meth:`settle` must follow.

        Taken before given, so that what an ending fault hands over to a beginning one is not switched at all.
        """
        take, give = list(take), list(give)
        with self._lock:
            self._mark((*take, *give), 1)
            on = self._held.take(take)
            off = self._held.give(give)
        return [hold for hold in on if hold not in off], [hold for hold in off if hold not in on]

    def settle(self, holds: Collection[Hold]) -> None:
        """The calls for these, all that were taken and given, are done."""
        with self._lock:
            self._mark(holds, -1)

    def service_down(self, service: str, why: str) -> None:
        """``service`` does not answer from now on; empty ``why``: it does again."""
        with self._lock:
            self._changes[f"service {service}"] += 1
            if why:
                self._down[service] = why
            else:
                self._down.pop(service, None)

    def view(self, link: Link) -> View:
        """How things stand on ``link``."""
        with self._lock:
            version = self._changes[link.name] + self._changes[f"service {link.service}"]
            holds = self._held.of(link.name)
            return View(version, holds, self._down.get(link.service, ""), self._under_way[link.name] > 0)

    def _mark(self, holds: Collection[Hold], step: int) -> None:
        for link in {hold.link for hold in holds}:
            self._under_way[link] += step
            self._changes[link] += 1
