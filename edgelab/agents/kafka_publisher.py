"""A publisher on Kafka: hands over what is due when it is due, and records what came of it. A client of its own.

Open loop, as :mod:`.publisher` says. Publishers of an agent share one thread: each does a :meth:`~KafkaPublisher.step`
at a time, and is never waited for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from .due import NEVER_NS
from .in_flight import Flight, InFlight
from .kafka_options import KafkaOptions
from .load_client import LoadClient, Problem, Reports
from .messages import Filler, Messages
from .publish_spec import SitePart
from .record import Recorder

BATCH = 256
"""Messages handed over at once: between two batches, reports are read."""
_SLACK_NS = 5_000_000_000
"""A client tells of the end of a delivery timeout when it looks, and that is not at once."""
_NO_ANSWER = "the client reported nothing within its own timeout"
_NO_ROOM = "no room in the client's buffer for max.block.ms"
_STOPPED = "the run was stopped before there was an answer"
_ENDED = "no answer before the publisher ended"
Part = SitePart[KafkaOptions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all publishers of an agent share.

    Attributes:
        clock / recorder / filler: of the agent.
        client: makes a client, by its name.
    """

    clock: Clock
    recorder: Recorder
    filler: Filler
    client: Callable[[str, KafkaOptions, Reports, Clock], LoadClient]


class KafkaPublisher:
    """Publisher ``number`` of a site, with the client's own patience: its properties say when it gives up.

    A message that is given up has **failed** if a broker refused it or it never left; else it is **unknown**.

    Attributes:
        client: its connection.
        over: whether each message has its outcome.
    """

    def __init__(self, part: Part, number: int, shared: Shared) -> None:
        self._options = part.options
        self._clock = shared.clock
        self._messages = Messages(part, number, shared.recorder, shared.filler)
        self._recorder = shared.recorder
        self._partition = number % part.options.partitions
        reports = Reports(delivered=self._delivered, connection=self._connection_changed)
        name = f"edgelab-{part.site}-publisher-{number}"
        self.client = shared.client(name, part.options, reports, shared.clock)
        self._patience_ns = round(part.options.patience_s * 1e9) + _SLACK_NS
        self._block_ns = round(part.options.max_block_s * 1e9)
        self._flights = InFlight(answer_ns=self._patience_ns, pause_ns=0)
        self._no_room: deque[Flight] = deque()
        self._progress_ns = 0
        self._told = ""
        self.over = False

    def begin(self, start_ns: int) -> None:
        """Publish from ``start_ns`` on."""
        self.client.poll()  # what it has to say of the time before is not of the run
        self._told = "connected"
        self._messages.begin(start_ns)

    @property
    def waits(self) -> bool:
        """Whether messages are with the client, or want to be: reports are to be expected."""
        return bool(self._flights) or bool(self._no_room)

    def next_ns(self) -> int:
        """When :meth:`step` has something to do, besides reading reports; in the past: it waits for room."""
        due_ns = self._messages.due.next_ns
        if self._no_room or (due_ns != NEVER_NS and len(self._flights) >= self._options.in_flight_max):
            return 0
        return due_ns

    def step(self, now_ns: int) -> bool:
        """Read reports, hand over what is due, and look after the rest; True if more is due already."""
        self.client.poll()
        self._tend(now_ns)
        more = self._hand_over(now_ns)
        if self._messages.due.over and not self.waits:
            self.over = True
        elif now_ns > max(self._messages.due.last_ns, self._progress_ns) + self._patience_ns:
            self._settle(_ENDED)
            self._messages.give_up_the_rest(self._clock)
            self.over = True
        return more

    def stop(self) -> None:
        """Every message that was tried gets its outcome now."""
        if not self.over:
            self.client.poll()
            self._settle(_STOPPED)
            self.over = True

    # What depends on when a message is given up.

    def _tend(self, now_ns: int) -> None:
        for flight in self._flights.overdue(now_ns):
            flight.unsure = True
            self._end(flight, now_ns, _NO_ANSWER)
        while self._no_room and now_ns - self._no_room[0].sent_ns > self._block_ns:
            self._messages.give_up(self._no_room.popleft(), now_ns, _NO_ROOM)

    def _hand_over(self, now_ns: int) -> bool:
        batch, self._no_room = self._no_room, deque()
        room = min(BATCH, self._options.in_flight_max - len(self._flights)) - len(batch)
        due = self._messages.due
        while room > 0 and due.next_ns <= now_ns:
            batch.append(self._messages.invoke(now_ns))
            room -= 1
        if not batch:
            return False
        for flight in batch:
            self._flights.launch(flight)
        taken = self.client.send([(f.sequence, self._payload(f)) for f in batch], self._partition)
        for number, flight in enumerate(batch):
            if number >= taken:
                self._flights.end(flight)
                self._no_room.append(flight)
            elif self._flights.get(flight.sequence) is not None:  # else it was refused at once
                self._flights.sent(flight, now_ns)
        return taken == BATCH

    def _delivered(self, token: int, offset: int, problem: Problem | None) -> None:
        flight = self._flights.get(token)
        if flight is None:
            self._recorder.answered_late += 1
            return
        now = self._clock.now_ns()
        if problem is None:
            self._flights.end(flight)
            self._messages.acknowledge(flight, now, offset + 1)
            self._progress_ns = now
            return
        flight.unsure = not problem.refused and flight.sent_ns <= problem.silent_since_ns
        self._end(flight, now, problem.why)

    def _settle(self, why: str) -> None:
        now = self._clock.now_ns()
        for flight in self._flights:
            flight.unsure = True
            self._end(flight, now, why)
        while self._no_room:
            self._messages.give_up(self._no_room.popleft(), now, why)

    # What does not.

    def _payload(self, flight: Flight) -> bytes:
        head, filler = self._messages.head_and_filler(flight)
        return head + filler

    def _end(self, flight: Flight, now_ns: int, why: str) -> None:
        self._flights.end(flight)
        self._messages.give_up(flight, now_ns, why)

    def _connection_changed(self, what: str, why: str) -> None:
        # It had a connection, or it would not have begun: one that it has yet to open is not one that it lost.
        if self._told and what != self._told:
            self._told = what
            self._messages.event(self._clock.now_ns(), what, why)
