"""Fault windows of services. Killing or starting one can take a while, so each service has a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from ..clock import Clock
from ..errors import FaultError
from ..model.faults import Kill, describe
from .confirm import Confirmer
from .process import ProcessPlane
from .scene import Scene
from .windows import Windows


class ServiceWindows:
    """Turns windows of process faults into calls, and calls into measured windows. One thread at a time.

    Attributes:
        error: the first call that failed.
    """

    def __init__(self, plane: ProcessPlane, scene: Scene, windows: Windows, confirm: Confirmer, clock: Clock) -> None:
        self._plane = plane
        self._scene = scene
        self._windows = windows
        self._confirm = confirm
        self._clock = clock
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._under_way: list[Future[None]] = []
        self.error: FaultError | None = None

    def begin(self, number: int, fault: Kill, *, until_ns: int) -> None:
        """Apply ``fault`` as soon as its service's previous fault is done with; it is to last until ``until_ns``."""

        def act() -> None:
            self._scene.service_down(fault.service, f"{describe(fault)} hides it")
            start_ns, took_ns = self._timed(number, fault, self._plane.apply)
            self._windows.update(number, fault.service, start_ns=start_ns + took_ns, apply_call_ns=took_ns)
            self.look(number, fault, until_ns=until_ns, when="after apply")

        self._submit(fault.service, act)

    def end(self, number: int, fault: Kill) -> None:
        """Clear ``fault``."""

        def act() -> None:
            end_ns, took_ns = self._timed(number, fault, self._plane.clear)
            self._windows.update(number, fault.service, end_ns=end_ns, clear_call_ns=took_ns)
            self._confirm.service_cleared(number, fault, then=serves_again)

        def serves_again() -> None:
            self._scene.service_down(fault.service, "")
            self._confirm.look_again()

        self._submit(fault.service, act)

    def look(self, number: int, fault: Kill, *, until_ns: int, when: str) -> None:
        """Have it confirmed that a window's fault is in force."""
        self._confirm.service_bit(number, fault, for_s=(until_ns - self._clock.now_ns()) / 1e9, when=when)

    def wait(self, timeout_s: float) -> bool:
        """Whether all calls have returned within ``timeout_s``."""
        _, left = wait(self._under_way, timeout_s)
        self._under_way = list(left)
        return not left

    def close(self, timeout_s: float) -> None:
        """Wait for calls under way, and end the threads."""
        self.wait(timeout_s)
        for thread in self._threads.values():
            thread.shutdown(wait=False)

    def _timed(self, number: int, fault: Kill, call: Callable[[Kill], None]) -> tuple[int, int]:
        began_ns = self._clock.now_ns()
        try:
            call(fault)
        except FaultError as error:
            self.error = self.error or error
            self._windows.update(number, fault.service, saw=str(error))
            raise
        return began_ns, self._clock.now_ns() - began_ns

    def _submit(self, service: str, act: Callable[[], None]) -> None:
        if service not in self._threads:
            self._threads[service] = ThreadPoolExecutor(1, thread_name_prefix=f"edgelab-{service}")
        self._under_way.append(self._threads[service].submit(act))
