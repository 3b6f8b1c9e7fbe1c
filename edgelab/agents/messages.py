"""The messages of one publisher: which is due, what it says, and what became of it. The same for every system."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..clock import Clock
from ..model.message import HEADER_BYTES, Identity, pack
from .due import Due
from .in_flight import Flight
from .publish_spec import SitePart
from .record import Recorder

_FILLER_BYTES = 8 << 20
NEVER_TRIED = "never tried: what was sent before it waited for answers until the end"


class Filler:
    """Payload bytes that do not compress, seeded; the same message gets the same bytes on every attempt.

    Consecutive messages take consecutive slices of one random block, so that no two messages near each other
    share bytes: a compressing link would find nothing.
    """

    def __init__(self, seed: int) -> None:
        self._block = np.random.default_rng([seed, 0xF111]).bytes(_FILLER_BYTES)

    def of(self, site: int, sequence: int, size_bytes: int) -> bytes:
        """``size_bytes`` bytes for message ``sequence`` of ``site``."""
        if size_bytes == 0:
            return b""
        slots = _FILLER_BYTES // size_bytes
        # Sites begin at different slots; a prime step spreads them.
        at = (sequence + site * 7919) % slots * size_bytes
        return self._block[at : at + size_bytes]


class Messages:
    """What publisher ``number`` of a site has to send, and what it writes down about it.

    Args:
        part: what the site publishes.
        number: of this publisher; it sends every ``publishers``-th message of the site, from ``number`` on.
        recorder / filler: of the agent.

    Attributes:
        due: which message is next; nothing before :meth:`begin`.
    """

    def __init__(self, part: SitePart[Any], number: int, recorder: Recorder, filler: Filler) -> None:
        self._part = part
        self._site = part.index
        self._number = number
        self._recorder = recorder
        self._filler = filler
        self._filler_bytes = part.load.size_bytes - HEADER_BYTES
        self.due = Due(part.times_s[:0], first=number, step=1, start_ns=0)

    def begin(self, start_ns: int) -> None:
        """Let them be due from ``start_ns`` on."""
        part = self._part
        self.due = Due(part.times_s, first=self._number, step=part.load.publishers, start_ns=start_ns)

    def invoke(self, now_ns: int) -> Flight:
        """Take the next message, and record that it is about to be tried."""
        flight = Flight(self.due.sequence, self.due.next_ns, now_ns)
        self.due.take()
        self._recorder.invoke(flight, site=self._site, publisher=self._number)
        return flight

    def head_and_filler(self, flight: Flight) -> tuple[bytes, bytes]:
        """The two parts of its payload."""
        head = pack(Identity(self._site, self._number, flight.sequence, flight.intended_ns, flight.sent_ns))
        return head, self._filler.of(self._site, flight.sequence, self._filler_bytes)

    def acknowledge(self, flight: Flight, t_ns: int, position: int) -> None:
        """Record that the store has it."""
        self._recorder.acknowledge(flight, t_ns, position, site=self._site, publisher=self._number)

    def give_up(self, flight: Flight, t_ns: int, why: str) -> None:
        """Record that it was not acknowledged, and why."""
        self._recorder.give_up(flight, t_ns, why, site=self._site, publisher=self._number)

    def give_up_the_rest(self, clock: Clock) -> None:
        """Every message that was due has its outcome, those that were never tried, too."""
        now = clock.now_ns()
        while self.due.next_ns <= now:
            self.give_up(self.invoke(now), now, NEVER_TRIED)

    def event(self, t_ns: int, what: str, why: str) -> None:
        """Write in the journal that the connection was lost or made."""
        self._recorder.event(connection=what, t_ns=t_ns, site=self._part.site, publisher=self._number, why=why)
