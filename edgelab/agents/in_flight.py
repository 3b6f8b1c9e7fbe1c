"""Messages that wait for an answer, and their deadlines: two queues instead of one timer per message. Pure.

All attempts wait equally long, and so do all pauses between attempts: deadlines come in the order in which they were
set, and a queue whose head is due first is all the timer wheel there needs to be. A flight that was answered stays in
its queue until its deadline passes, and is then skipped.

::

                 ┌────────────── attempt over, some left ─────────────┐
                 ▼                                                    │
    launched ► SENT (answer awaited) ─► deadline, or refused ─► PAUSED ─► due ► attempt again
             ► HELD (no connection)  ─► deadline ─────────────────────┘
                    any answer at any time ends it; so do a deadline or refusal after the last attempt
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import IntEnum


class State(IntEnum):
    """What a flight waits for."""

    SENT = 1
    HELD = 2
    PAUSED = 3
    OVER = 4


class Flight:
    """One message on its way.

    Attributes:
        sequence: its number.
        intended_ns / sent_ns: when it was due, and first tried.
        attempts: made, including the one going on.
        unsure: whether an attempt left without an answer, so that the store may hold the message.
        state: what it waits for.
        until_ns: how long.
    """

    __slots__ = ("attempts", "intended_ns", "sent_ns", "sequence", "state", "unsure", "until_ns")

    def __init__(self, sequence: int, intended_ns: int, sent_ns: int) -> None:
        self.sequence = sequence
        self.intended_ns = intended_ns
        self.sent_ns = sent_ns
        self.attempts = 1
        self.unsure = False
        self.state = State.SENT
        self.until_ns = 0


class InFlight:
    """The flights of one publisher.

    Args:
        answer_ns: how long an attempt waits.
        pause_ns: how long the pause between two attempts lasts.
    """

    def __init__(self, *, answer_ns: int, pause_ns: int) -> None:
        self._answer_ns = answer_ns
        self._pause_ns = pause_ns
        self._flights: dict[int, Flight] = {}
        self._waiting: deque[tuple[int, Flight]] = deque()
        self._paused: deque[tuple[int, Flight]] = deque()
        self._held: deque[Flight] = deque()

    def __len__(self) -> int:
        return len(self._flights)

    def __iter__(self) -> Iterator[Flight]:
        return iter(list(self._flights.values()))

    def launch(self, flight: Flight) -> None:
        """Take a message whose first attempt is about to be made; :meth:`sent` or :meth:`hold` follows."""
        self._flights[flight.sequence] = flight

    def sent(self, flight: Flight, now_ns: int) -> None:
        """Its attempt left: wait for the answer."""
        flight.state = State.SENT
        flight.until_ns = now_ns + self._answer_ns
        self._waiting.append((flight.until_ns, flight))

    def hold(self, flight: Flight, now_ns: int) -> None:
        """Its attempt cannot leave now: wait for the connection as long as for an answer."""
        flight.state = State.HELD
        flight.until_ns = now_ns + self._answer_ns
        self._waiting.append((flight.until_ns, flight))
        self._held.append(flight)

    def pause(self, flight: Flight, now_ns: int) -> None:
        """Its attempt is over: wait before the next."""
        flight.state = State.PAUSED
        flight.until_ns = now_ns + self._pause_ns
        self._paused.append((flight.until_ns, flight))

    def get(self, sequence: int) -> Flight | None:
        """The flight with that number; None if it is over."""
        return self._flights.get(sequence)

    def end(self, flight: Flight) -> None:
        """It has its outcome."""
        del self._flights[flight.sequence]
        flight.state = State.OVER
        flight.until_ns = 0

    def overdue(self, now_ns: int) -> Iterator[Flight]:
        """Flights, SENT or HELD, whose attempt has waited long enough."""
        return _due(self._waiting, now_ns)

    def rested(self, now_ns: int) -> Iterator[Flight]:
        """Flights whose pause is over."""
        return _due(self._paused, now_ns)

    def held(self) -> Iterator[Flight]:
        """Take the held flights, oldest first. One that is not sent must be put back by :meth:`hold_again`."""
        while self._held:
            flight = self._held.popleft()
            if flight.state == State.HELD:
                yield flight

    def hold_again(self, flight: Flight) -> None:
        """Put back a flight that :meth:`held` gave; its deadline stands."""
        self._held.appendleft(flight)

    def next_ns(self) -> int | None:
        """When the next deadline comes; None if there is none."""
        heads = [queue[0][0] for queue in (self._waiting, self._paused) if _prune(queue)]
        return min(heads, default=None)


def _prune(queue: deque[tuple[int, Flight]]) -> bool:
    while queue and queue[0][1].until_ns != queue[0][0]:
        queue.popleft()
    return bool(queue)


def _due(queue: deque[tuple[int, Flight]], now_ns: int) -> Iterator[Flight]:
    # An entry whose time is not its flight's belongs to a wait that is over.
    while _prune(queue) and queue[0][0] <= now_ns:
        yield queue.popleft()[1]
