"""Probes that confirm each fault: just after it was applied, shortly before it ends, and after it was cleared.

They run in threads of their own, so that no window waits for a probe.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ..clock import Clock
from ..deploy.base import Deployment
from ..errors import FaultError
from ..model.faults import Kill
from ..model.topology import Link
from . import judge
from .holds import Hold
from .judge import Baseline
from .probe import Door, Knock, knock, link_door, service_door
from .scene import Scene, View
from .windows import Windows

_MOST_THREADS = 256  # they sleep, each on its link: a partition of all links is probed on all at once
_TRIPS = 3
_LINK_BACK_S = 10.0
_SERVICE_BACK_S = 30.0
_PAUSE_S = 0.02
_ASKED_FOR = ("rate", "delay")
"""What a small probe on a connection of its own cannot always time: then Toxiproxy's own word counts."""
_SHORTEST_S = 0.15
_LONGEST_KNOCK_S = 30.0


class Confirmer:
    """Knocks at links and services, and tells :class:`Windows` what it saw."""

    def __init__(
        self,
        deployment: Deployment,
        scene: Scene,
        windows: Windows,
        clock: Clock,
        *,
        says_on: Callable[[Collection[Hold]], bool],
    ) -> None:
        self._lab = deployment
        self._says_on = says_on
        self._scene = scene
        self._windows = windows
        self._clock = clock
        self._pool = ThreadPoolExecutor(
            min(_MOST_THREADS, 8 + len(deployment.topology.links)), thread_name_prefix="edgelab-probe"
        )
        self._closing = threading.Event()
        self.error: FaultError | None = None
        self._pending = 0
        self._deferred: list[Callable[[], None]] = []
        self._idle = threading.Condition()
        self._baselines: dict[str, Baseline] = {}
        self._doors: dict[str, Door | None] = {}
        self._sent: Counter[str] = Counter()
        self._received: Counter[str] = Counter()

    def learn_links(self, links: Iterable[Link]) -> None:
        """Take each link's baseline.

        Raises:
            FaultError: a link does not carry a probe before any fault.
        """
        links = [link for link in links if link.name not in self._baselines]
        for link, base in zip(links, self._pool.map(self._baseline, links), strict=True):
            self._baselines[link.name] = base

    def learn_services(self, services: Iterable[str]) -> None:
        """Find out how each service can be probed; it must be up."""
        names = [name for name in services if name not in self._doors]
        for name, door in zip(names, self._pool.map(lambda n: service_door(self._lab, n), names), strict=True):
            self._doors[name] = door

    @property
    def round_trips_s(self) -> dict[str, list[float]]:
        """Round trips of each link before any fault, seconds; empty for a link that cannot be asked."""
        return {name: list(base.answered_s) for name, base in self._baselines.items()}

    @property
    def bytes_by_link(self) -> dict[str, tuple[int, int]]:
        """What the probes themselves sent into and received from each link, whichever way it is dialed."""
        return {name: (self._sent[name], self._received[name]) for name in self._baselines}

    def link_bit(self, window: int, link: Link, own: tuple[Hold, ...], *, for_s: float, when: str) -> None:
        """See whether a window's holds are in force; they end in ``for_s`` seconds."""
        if for_s < _SHORTEST_S:
            self._windows.update(window, link.name, saw=f"{when}: no time to probe")
            return
        self._submit(partial(self._see_bite, window, link, own, self._clock.now_ns() + int(for_s * 1e9), when))

    def link_cleared(self, window: int, link: Link, own: tuple[Hold, ...]) -> None:
        """See whether a window's holds are gone."""
        self._submit(partial(self._see_clear, window, link, own))

    def service_bit(self, window: int, fault: Kill, *, for_s: float, when: str) -> None:
        """See whether a process fault is in force; it ends in ``for_s`` seconds."""
        self._submit(partial(self._see_service_bite, window, fault, for_s, when))

    def service_cleared(self, window: int, fault: Kill, *, then: Callable[[], None]) -> None:
        """See whether a service serves again, and ``then`` do something."""
        self._submit(partial(self._see_service_clear, window, fault, then))

    def look_again(self) -> None:
        """Something about the links changed: what could not be seen until now may be seen."""
        with self._idle:
            jobs, self._deferred = self._deferred, []
        for job in jobs:
            self._submit(job)

    def wait(self, timeout_s: float) -> bool:
        """Whether every probe has come to an end within ``timeout_s``."""
        with self._idle:
            return self._idle.wait_for(lambda: self._pending == 0, timeout_s)

    def close(self) -> None:
        """Give up on probes under way; each ends within its own bound."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _defer(self, job: Callable[[], None]) -> None:
        with self._idle:
            self._deferred.append(job)

    def _left_s(self, deadline_ns: int) -> float:
        return (deadline_ns - self._clock.now_ns()) / 1e9

    def _submit(self, job: Callable[[], None]) -> None:
        if self._closing.is_set():
            return
        with self._idle:
            self._pending += 1

        def run() -> None:
            try:
                job()
            except FaultError as error:
                self.error = error
            finally:
                with self._idle:
                    self._pending -= 1
                    self._idle.notify_all()

        self._pool.submit(run)

    def _see_bite(
        self, window: int, link: Link, own: tuple[Hold, ...], deadline_ns: int, when: str, *, again: bool = False
    ) -> None:
        base = self._baselines.get(link.name, Baseline())
        for_s = self._left_s(deadline_ns)
        while not self._closing.is_set():
            view, left_s = self._scene.view(link), self._left_s(deadline_ns)
            if not view.holds.issuperset(own) or left_s < _SHORTEST_S / 2:
                if not again:
                    self._windows.update(window, link.name, saw=f"{when}: no time to probe")
                return
            others = view.holds.difference(own)
            if why := view.hidden_by or judge.hidden(link, own, others):
                if not again:
                    self._windows.update(window, link.name, saw=f"{when}: {why}")
                self._defer(partial(self._see_bite, window, link, own, deadline_ns, when, again=True))
                return
            short_s = judge.SOON_S if for_s > 2.5 * judge.SOON_S else 0.4 * for_s
            patience_s = judge.patience_s(view.holds, base) - judge.SOON_S + short_s
            knocks = self._knocks(link, own, min(patience_s, max(left_s, short_s), _LONGEST_KNOCK_S), left_s)
            asked = own[0].kind in _ASKED_FOR
            in_force = not asked or self._says_on(own)
            if self._same(view, link):
                bit, saw = judge.see_link(link, own, others, knocks, base)
                said = ""
                if not in_force:
                    bit, said = False, ", but Toxiproxy says it is off"
                elif asked and bit is None and knocks[-1].came_back:
                    bit, said = True, "; Toxiproxy says that it is in force"
                self._windows.update(window, link.name, bit=bit, saw=f"{when}: {saw}{said}")
                return
            self._closing.wait(_PAUSE_S)

    def _see_clear(self, window: int, link: Link, own: tuple[Hold, ...], *, again: bool = False) -> None:
        base = self._baselines.get(link.name, Baseline())
        deadline_ns = self._clock.now_ns() + int((_LINK_BACK_S + judge.patience_s(own, base)) * 1e9)
        while not self._closing.is_set():
            view = self._scene.view(link)
            gone = [hold for hold in own if hold not in view.holds]
            why = view.hidden_by or ("" if len(gone) == len(own) else "another fault still holds it")
            if why := why or judge.hidden(link, gone, view.holds):
                if not again:
                    self._windows.update(window, link.name, saw=f"after clear: {why}")
                self._defer(partial(self._see_clear, window, link, own, again=True))
                return
            patience_s = min(judge.patience_s({*view.holds, *own}, base), _LONGEST_KNOCK_S)
            knocks = self._knocks(link, gone, patience_s, patience_s)
            if self._same(view, link):
                bites, saw = judge.see_link(link, gone, view.holds, knocks, base)
                # What cannot be timed has cleared if the link answers and Toxiproxy says that it is off.
                works = bites is None and knocks[-1].came_back and not self._says_on(gone)
                if bites is False or works or self._left_s(deadline_ns) < 0:
                    cleared = bites is False or works
                    self._windows.update(window, link.name, cleared=cleared, saw=f"after clear: {saw}")
                    return
            self._closing.wait(_PAUSE_S)

    def _see_service_bite(self, window: int, fault: Kill, for_s: float, when: str) -> None:
        door = self._doors.get(fault.service)
        if door is None:  # what has no port for the lab is looked at, not asked
            bit, saw = judge.see_process(fault, self._lab.state(fault.service))
            self._windows.update(window, fault.service, bit=bit, saw=f"{when}: {saw}")
            return
        if for_s < _SHORTEST_S:
            self._windows.update(window, fault.service, saw=f"{when}: no time to probe")
            return
        got = knock(door, min(judge.SOON_S, 0.4 * for_s))
        bit, saw = judge.see_service(fault, door, got)
        self._windows.update(window, fault.service, bit=bit, saw=f"{when}: {saw}")

    def _see_service_clear(self, window: int, fault: Kill, then: Callable[[], None]) -> None:
        door = self._doors.get(fault.service)
        if door is None:
            state = self._lab.state(fault.service)
            self._windows.update(window, fault.service, cleared=state == "running", saw=f"after clear: {state}")
            then()
            return
        deadline_ns = self._clock.now_ns() + int(_SERVICE_BACK_S * 1e9)
        while not self._closing.is_set():
            got = knock(door, judge.SOON_S)
            serves = got.came_back or (not door.tells and got.outcome == "silent")
            if serves or self._clock.now_ns() > deadline_ns:
                _, saw = judge.see_service(fault, door, got)
                self._windows.update(window, fault.service, cleared=serves, saw=f"after clear: {saw}")
                then()
                return
            self._closing.wait(_PAUSE_S)

    def _knocks(self, link: Link, own: Iterable[Hold], timeout_s: float, left_s: float) -> list[Knock]:
        """One knock; for a delay several, as far as there is time, so that one slow moment does not decide."""
        door = link_door(self._lab, link)
        found = [self._knock(door, link, timeout_s)]
        cost_s = (found[0].greeted_s or 0.0) + (found[0].answered_s or timeout_s)
        if any(hold.kind == "delay" for hold in own):
            times = min(_TRIPS, int(left_s / 2 / max(cost_s, 1e-3)))
            found += [self._knock(door, link, timeout_s) for _ in range(times - 1)]
        return found

    def _knock(self, door: Door, link: Link, timeout_s: float) -> Knock:
        got = knock(door, timeout_s)
        with self._idle:
            self._sent[link.name] += got.sent_bytes
            self._received[link.name] += got.received_bytes
        return got

    def _same(self, before: View, link: Link) -> bool:
        return not before.changing and self._scene.view(link) == before

    def _baseline(self, link: Link) -> Baseline:
        door = link_door(self._lab, link)
        if not door.tells:
            return Baseline()
        knocks = [self._knock(door, link, 5.0) for _ in range(_TRIPS)]
        bad = next((got for got in knocks if got.outcome != judge.expected(link, ())), None)
        if bad is not None:
            raise FaultError(f"link {link.name} at {door.address}: a probe before any fault was {bad.outcome}")
        answered = tuple(got.answered_s for got in knocks if got.answered_s is not None)
        greeted = min((got.greeted_s for got in knocks if got.greeted_s is not None), default=0.0)
        # What is received is the greeting and a short answer.
        return Baseline(answered, greeted, knocks[0].received_bytes if door.greeting else 0)
