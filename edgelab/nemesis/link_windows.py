"""Fault windows of links: applied and cleared on all their links together, measured, confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..clock import Clock
from ..model.faults import LinkFault
from ..model.topology import Link, Topology
from .confirm import Confirmer
from .holds import Hold, holds_of
from .scene import Scene
from .toxiproxy import Call, LinkPlane
from .windows import Windows


class LinkWindows:
    """Turns windows of link faults into calls, and calls into measured windows. One thread at a time."""

    def __init__(
        self, topology: Topology, plane: LinkPlane, scene: Scene, windows: Windows, confirm: Confirmer, clock: Clock
    ) -> None:
        self._topology = topology
        self._plane = plane
        self._scene = scene
        self._windows = windows
        self._confirm = confirm
        self._clock = clock

    def links(self, fault: LinkFault) -> list[Link]:
        """The links that ``fault`` is about."""
        return [link for site in fault.targets for link in self._topology.links_of(site)]

    def install(self, faults: Iterable[LinkFault]) -> None:
        """Put in place, switched off, what these will need.

        Raises:
            SpecError: it cannot be put in place any more.
            FaultError: Toxiproxy did not do it.
        """
        # In the order of the schedule, not of a set: chains are the same in every run.
        self._plane.install(dict.fromkeys(hold for fault in faults for hold in self._all_holds(fault)))

    def get_ready(self, faults: Iterable[LinkFault]) -> None:
        """Open connections for a turn of these within the next few seconds."""
        self._plane.get_ready(sum(len(self._all_holds(fault)) for fault in faults))

    def turn(self, begins: Mapping[int, LinkFault], ends: Mapping[int, LinkFault]) -> str:
        """Apply and clear, all together; return what failed first, or nothing."""
        take = [hold for fault in begins.values() for hold in self._all_holds(fault)]
        give = [hold for fault in ends.values() for hold in self._all_holds(fault)]
        if not take and not give:
            return ""
        on, off = self._scene.change(take=take, give=give)
        before_ns = self._clock.now_ns()
        calls = self._plane.switch(on=on, off=off)
        after_ns = self._clock.now_ns()
        self._scene.settle([*take, *give])
        # A hold that another fault has too needs no call: then it was in force all along, or goes on being.
        for number, fault in begins.items():
            for link in self.links(fault):
                self._record(number, link, fault, calls, Call(before_ns, after_ns), begins=True)
        for number, fault in ends.items():
            for link in self.links(fault):
                self._record(number, link, fault, calls, Call(before_ns, before_ns), begins=False)
        return next((call.failure for call in calls.values() if call.failure), "")

    def look(self, number: int, fault: LinkFault, *, until_ns: int, when: str) -> None:
        """Have it confirmed that a window's fault is in force on each link."""
        for_s = (until_ns - self._clock.now_ns()) / 1e9
        for link in self.links(fault):
            self._confirm.link_bit(number, link, holds_of(fault, link), for_s=for_s, when=when)

    def look_cleared(self, number: int, fault: LinkFault) -> None:
        """Have it confirmed that a window's fault is gone from each link."""
        for link in self.links(fault):
            self._confirm.link_cleared(number, link, holds_of(fault, link))

    def _record(
        self, number: int, link: Link, fault: LinkFault, calls: Mapping[Hold, Call], no_call: Call, *, begins: bool
    ) -> None:
        mine = [calls[hold] for hold in holds_of(fault, link) if hold in calls] or [no_call]
        failure = next((call.failure for call in mine if call.failure), "")
        sent_ns, done_ns = min(call.sent_ns for call in mine), max(call.answered_ns for call in mine)
        changes: dict[str, Any]
        if begins:
            changes = {"start_ns": None if failure else done_ns, "apply_call_ns": done_ns - sent_ns}
        else:
            changes = {"end_ns": None if failure else sent_ns, "clear_call_ns": done_ns - sent_ns}
        self._windows.update(number, link.name, saw=failure, **changes)

    def _all_holds(self, fault: LinkFault) -> list[Hold]:
        return [hold for link in self.links(fault) for hold in holds_of(fault, link)]
