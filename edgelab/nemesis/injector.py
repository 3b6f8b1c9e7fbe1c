"""Plays a schedule of faults against a deployment, on time, and measures when each really held."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from ..clock import Clock
from ..deploy.base import Deployment
from ..errors import FaultError
from ..model.faults import Fault, Kill, Latency, LinkFault, Outage, Throttle, describe
from ..model.measured import MeasuredWindow
from ..model.schedule import Schedule, Window
from ..model.topology import PROXY, PROXY_API
from .confirm import Confirmer
from .link_windows import LinkWindows
from .moments import moments
from .process import ProcessPlane
from .scene import Scene
from .service_windows import ServiceWindows
from .toxiproxy import LinkPlane
from .windows import Recorder, Windows

_READY_S = 0.2
"""Connections for a moment are opened this long before it."""
_INTERACTIVE_S = 1.5
"""An interactive fault has no planned end: its probe may take this long."""
_STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class Handle:
    """One fault that :meth:`Injector.apply` applied."""

    window: int
    fault: Fault


class Injector:
    """Applies and clears the faults of ``schedule``, all targets of a moment together.

    Each window is told to ``record`` for each of its targets: when it was applied, when a probe has something to
    say, when it was cleared; the latest state of a window and target counts. ``record`` is called from several
    threads, one at a time.

    Use: :meth:`arm`, :meth:`play`, :meth:`wait`, and :meth:`heal` at the end, whatever happened; or :meth:`apply` and
    :meth:`clear`, whose windows are numbered on from the schedule's. All methods may be called from any thread.

    Raises:
        SpecError: the schedule names a site or service that the deployment does not have.
    """

    def __init__(self, deployment: Deployment, schedule: Schedule, clock: Clock, *, record: Recorder) -> None:
        topology = deployment.topology
        self._topology = topology
        self._schedule = self._resolved(schedule)
        self._clock = clock
        scene = Scene()
        self._windows = Windows(record)
        self._plane = LinkPlane(deployment.address(PROXY, PROXY_API), topology.links, clock)
        self._confirm = Confirmer(deployment, scene, self._windows, clock, says_on=self._plane.are_on)
        self._on_links = LinkWindows(topology, self._plane, scene, self._windows, self._confirm, clock)
        self._on_services = ServiceWindows(ProcessPlane(deployment), scene, self._windows, self._confirm, clock)
        self._faults: dict[int, Fault] = dict(enumerate(window.fault for window in self._schedule))
        self._active: dict[int, int] = {}  # number of each window in force, and its planned end
        self._turning = threading.RLock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: FaultError | None = None
        self._healed = False

    @property
    def error(self) -> FaultError | None:
        """What went wrong in the background, if anything did: the run's faults are not what was planned."""
        return self._error or self._on_services.error or self._confirm.error

    @property
    def round_trips_s(self) -> dict[str, list[float]]:
        """Round trips of each link before any fault, seconds, from :meth:`arm`."""
        return self._confirm.round_trips_s

    @property
    def probe_bytes(self) -> dict[str, tuple[int, int]]:
        """What the probes themselves put on each link: bytes asked, bytes answered."""
        return self._confirm.bytes_by_link

    @property
    def windows(self) -> tuple[MeasuredWindow, ...]:
        """The latest state of each window and target."""
        return self._windows.all()

    def arm(self) -> None:
        """Check proxies, put in place what the schedule needs, and take each link's baseline.

        Raises:
            FaultError: Toxiproxy does not answer, or a link does not work before any fault.
        """
        with self._turning:
            self._plane.check()
            self._learn(self._faults.values())
            self._confirm.learn_links(self._topology.links)

    def play(self, start_ns: int) -> None:
        """Play the schedule in a thread; its second 0 is ``start_ns`` on the run's clock."""
        for number, window in enumerate(self._schedule):
            self._announce(number, window, start_ns)
        self._thread = threading.Thread(target=self._run, args=(start_ns,), name="edgelab-injector", daemon=True)
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Whether the schedule has been played, and every probe has come to an end, within ``timeout`` seconds."""
        end_ns = self._clock.now_ns() + int(timeout * 1e9)

        def left_s() -> float:
            return max(0.0, (end_ns - self._clock.now_ns()) / 1e9)

        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
        return self._on_services.wait(left_s()) and self._confirm.wait(left_s())

    def stop(self) -> None:
        """Play no further, and clear what is in force; its windows end now."""
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_S)
        self._end_all()

    def heal(self) -> None:
        """Clear everything, whatever happened, and record no more. Never raises; what failed is in :attr:`error`."""
        with self._turning:
            if self._healed:
                return
            self._healed = True
        self.stop()
        self._on_services.close(_STOP_S)
        with self._turning:
            try:
                self._plane.heal()
            except FaultError as error:
                self._error = self._error or error
            self._plane.close()
        self._confirm.close()
        self._windows.close()

    def active(self) -> tuple[str, ...]:
        """What is in force now, in short, for a person."""
        return tuple(describe(self._faults[number]) for number in sorted(self._active.copy()))

    def apply(self, fault: Fault) -> Handle:
        """Apply ``fault`` now, on all its targets together; returns when it holds.

        Raises:
            SpecError: it names a site or service that is not there.
            FaultError: it could not be applied.
        """
        window = self._resolved(Schedule((Window(0.0, 1.0, fault),))).windows[0]
        with self._turning:
            if self._healed:
                raise FaultError(f"{describe(fault)} was not applied: the injector has healed, and is done")
            self._learn([window.fault])
            number, now_ns = len(self._faults), self._clock.now_ns()
            self._faults[number] = window.fault
            self._announce(number, window, now_ns)
            self._active[number] = now_ns + int(_INTERACTIVE_S * 1e9)
            self._turn(begins=[number])
        return self._settled(Handle(number, window.fault))

    def clear(self, handle: Handle) -> None:
        """Clear what ``handle`` stands for; does nothing if it was cleared before.

        Raises:
            FaultError: it could not be cleared.
        """
        with self._turning:
            if handle.window not in self._active:
                return
            now_ns = self._clock.now_ns()
            for target, _ in self._targets(handle.fault):
                self._windows.update(handle.window, target, planned_end_ns=now_ns)
            self._turn(ends=[handle.window])
        self._settled(handle)

    def _resolved(self, schedule: Schedule) -> Schedule:
        return schedule.resolved(self._topology.sites, services=self._topology.breakable)

    def _run(self, start_ns: int) -> None:
        try:
            self._play_moments(start_ns)
        except FaultError as error:
            self._error = self._error or error
        except Exception as error:  # noqa: BLE001 - nobody is above a thread; who waits for it looks at `error`
            self._error = FaultError(f"the injector failed: {error!r}")
            self._error.__cause__ = error
        finally:
            if self.error is not None:
                self._end_all()

    def _play_moments(self, start_ns: int) -> None:
        for moment in moments(self._schedule):
            at_ns = start_ns + round(moment.at_s * 1e9)
            if self._sleep_until(at_ns - int(_READY_S * 1e9)):
                return
            with self._turning:
                self._on_links.get_ready(self._link_faults((*moment.begins, *moment.ends)).values())
            if self._sleep_until(at_ns):
                return
            with self._turning:
                for number in moment.begins:
                    self._active[number] = start_ns + round(self._schedule.windows[number].end_s * 1e9)
                for number in moment.looks:
                    self._look(number, "before end")
                self._turn(begins=moment.begins, ends=moment.ends)
            if self.error is not None:
                return

    def _turn(self, *, begins: Collection[int] = (), ends: Collection[int] = ()) -> None:
        """Apply and clear windows, all together, and have each confirmed. ``begins`` are in ``_active`` already."""
        ends = [number for number in ends if number in self._active]
        for number in ends:
            del self._active[number]
        for number, fault in self._service_faults(begins).items():
            self._on_services.begin(number, fault, until_ns=self._active[number])
        for number, fault in self._service_faults(ends).items():
            self._on_services.end(number, fault)
        failure = self._on_links.turn(self._link_faults(begins), self._link_faults(ends))
        if failure:
            self._error = self._error or FaultError(failure)
        self._confirm.look_again()
        for number in self._link_faults(begins):
            self._look(number, "after apply")
        for number, link_fault in self._link_faults(ends).items():
            self._on_links.look_cleared(number, link_fault)

    def _look(self, number: int, when: str) -> None:
        fault, until_ns = self._faults[number], self._active.get(number)
        if until_ns is None:
            return
        if isinstance(fault, Kill):
            self._on_services.look(number, fault, until_ns=until_ns, when=when)
        else:
            self._on_links.look(number, fault, until_ns=until_ns, when=when)

    def _end_all(self) -> None:
        with self._turning:
            self._turn(ends=list(self._active))

    def _learn(self, faults: Collection[Fault]) -> None:
        on_links = [fault for fault in faults if not isinstance(fault, Kill)]
        self._on_links.install(on_links)
        self._confirm.learn_links(link for fault in on_links for link in self._on_links.links(fault))
        self._confirm.learn_services(dict.fromkeys(fault.service for fault in faults if isinstance(fault, Kill)))

    def _settled(self, handle: Handle) -> Handle:
        """Wait for calls that run in threads; raise what failed."""
        if not self._on_services.wait(_STOP_S):
            raise FaultError(f"{describe(handle.fault)} was neither done nor refused within {_STOP_S:g} s")
        if self.error is not None:
            raise self.error
        return handle

    def _announce(self, number: int, window: Window, start_ns: int) -> None:
        for target, site in self._targets(window.fault):
            self._windows.add(
                MeasuredWindow(
                    window=number,
                    target=target,
                    site=site,
                    fault=type(window.fault).__name__,
                    kind=_kind(window.fault),
                    planned_start_ns=start_ns + round(window.start_s * 1e9),
                    planned_end_ns=start_ns + round(window.end_s * 1e9),
                )
            )

    def _targets(self, fault: Fault) -> list[tuple[str, str | None]]:
        if isinstance(fault, Kill):
            return [(fault.service, self._topology.service(fault.service).site or None)]
        return [(link.name, link.site) for link in self._on_links.links(fault)]

    def _link_faults(self, numbers: Collection[int]) -> dict[int, LinkFault]:
        found = {number: self._faults[number] for number in numbers}
        return {number: fault for number, fault in found.items() if not isinstance(fault, Kill)}

    def _service_faults(self, numbers: Collection[int]) -> dict[int, Kill]:
        found = {number: self._faults[number] for number in numbers}
        return {number: fault for number, fault in found.items() if isinstance(fault, Kill)}

    def _sleep_until(self, t_ns: int) -> bool:
        """Return at ``t_ns``, or True at once when stopped."""
        left_s = (t_ns - self._clock.now_ns()) / 1e9
        if self._stopping.wait(max(0.0, left_s - 0.002)):
            return True
        self._clock.sleep_until(t_ns)
        return False


def _kind(fault: Fault) -> str:
    """Kind or parameters in short: ``"stall"``, ``"silent (up)"``, ``"300 ms"``, ``"64 kbit/s"``."""
    if isinstance(fault, Kill):
        return ""
    way = "" if fault.direction == "both" else f" ({fault.direction})"
    match fault:
        case Outage():
            return f"{fault.kind}{way}"
        case Latency():
            spread = f" ± {fault.jitter_s * 1e3:g}" if fault.jitter_s else ""
            return f"{fault.one_way_s * 1e3:g}{spread} ms{way}"
        case Throttle():
            return f"{fault.rate_bps / 1e3:g} kbit/s{way}"


__all__ = ["Handle", "Injector"]
