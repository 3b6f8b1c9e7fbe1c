"""A publisher on Kafka that drops a batch after some attempts, equal in effect to kafka-go's Writer.

As there (``writer.go`` of segmentio/kafka-go): messages gather into batches, a batch is complete when it is full or
old enough, and the batches of a partition go one after another. Each attempt at a batch may fail, also because there is
no connection; before attempt n + 1 comes a pause of n x n x 0.1 s, at most 1 s; after the last attempt the whole batch
is dropped. While a refused link costs a batch 0.1 + 0.4 s, five more have gathered: one in five is lost, and the others
wait for their turn.

::

    gathering ─► complete ─► head of the queue:  CHECKED ─► SENT ─► all acknowledged
                                                    │         │
                                                    └─────────┴──► attempt over ─► PAUSED ─► CHECKED …
                                                                          └─ the last one: dropped
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum

from .answering import Answering
from .in_flight import Flight
from .kafka_options import Attempts
from .kafka_publisher import BATCH, KafkaPublisher, Part, Shared
from .load_client import Problem

_REPORT_NS = 500_000_000
"""How long a client may take to tell of what it gave up."""


class State(IntEnum):
    """What the batch at the head waits for."""

    CHECKED = 1
    SENT = 2
    PAUSED = 3


class _Batch:
    """Messages that share their attempts."""

    def __init__(self, complete_ns: int) -> None:
        self.flights: list[Flight] = []
        self.complete_ns = complete_ns
        self.state = State.CHECKED
        self.attempts = 1
        self.until_ns = 0
        self.handed_ns = 0
        self.check: Answering | None = None
        self.pending: dict[int, Flight] = {}
        self.was_connected = False
        self.abandoned = False
        self.why = ""


class BatchPublisher(KafkaPublisher):
    """See the module. A dropped message has **failed** if no attempt at it can have left, else it is **unknown**."""

    def __init__(self, part: Part, number: int, shared: Shared) -> None:
        super().__init__(part, number, shared)
        self._attempts = part.options.attempts or Attempts()
        self._timeout_ns = round(self._attempts.timeout_s * 1e9)
        self._gathering: _Batch | None = None
        self._queue: deque[_Batch] = deque()

    def next_ns(self) -> int:
        times = [super().next_ns()]
        if self._queue:
            head = self._queue[0]
            times.append(head.until_ns if head.state is State.PAUSED else 0)
        if self._gathering is not None:
            times.append(self._gathering.complete_ns)
        return min(times)

    def _hand_over(self, now_ns: int) -> bool:
        room, taken = min(BATCH, self._options.in_flight_max - len(self._flights)), 0
        while taken < room and self._messages.due.next_ns <= now_ns:
            flight = self._messages.invoke(now_ns)
            self._flights.launch(flight)
            self._gather(flight, now_ns)
            taken += 1
        return taken == BATCH

    def _gather(self, flight: Flight, now_ns: int) -> None:
        if self._gathering is None:
            self._gathering = _Batch(now_ns + round(self._attempts.batch_s * 1e9))
        self._gathering.flights.append(flight)
        if len(self._gathering.flights) >= self._attempts.batch_messages:
            self._complete()

    def _complete(self) -> None:
        if self._gathering is not None:
            self._queue.append(self._gathering)
            self._gathering = None

    def _tend(self, now_ns: int) -> None:
        if self._gathering is not None and self._gathering.complete_ns <= now_ns:
            self._complete()
        while self._queue and self._advance(self._queue[0], now_ns):
            pass

    def _advance(self, head: _Batch, now_ns: int) -> bool:
        """Let the batch at the head do what it can; True if there is more to do at once."""
        if head.state is State.PAUSED:
            if now_ns < head.until_ns:
                return False
            head.attempts += 1
            head.state = State.CHECKED
        if head.state is State.CHECKED:
            return self._check(head, now_ns)
        return self._await(head, now_ns)

    def _check(self, head: _Batch, now_ns: int) -> bool:
        if head.check is None and not self.client.connected:
            head.check = Answering(self._options.bootstrap, self._attempts.timeout_s)
        if head.check is not None and not head.check.done:
            return False
        trouble = "" if head.check is None else head.check.trouble
        head.check = None
        if trouble:
            return self._attempt_is_over(head, now_ns, trouble)
        head.state, head.handed_ns = State.SENT, now_ns
        head.was_connected, head.abandoned = self.client.connected, False
        head.until_ns = now_ns + self._timeout_ns + _REPORT_NS
        head.pending = {flight.sequence: flight for flight in head.flights}
        self._give(head)
        return False

    def _give(self, head: _Batch) -> None:
        values = [(flight.sequence, self._payload(flight)) for flight in head.flights]
        taken = self.client.send(values, self._partition)
        for flight in head.flights[taken:]:  # no room in its buffer
            head.pending.pop(flight.sequence, None)
            head.why = "no room in the client's buffer"

    def _await(self, head: _Batch, now_ns: int) -> bool:
        if not head.pending:
            if head.flights:
                return self._attempt_is_over(head, now_ns, head.why)
            self._queue.popleft()
            self._progress_ns = now_ns
            return True
        # A client that was not connected when it got the batch is given the time to connect.
        head.was_connected = head.was_connected or self.client.connected
        lost = head.was_connected and not self.client.connected
        if not head.abandoned and (lost or now_ns >= head.until_ns):
            # An attempt ends with its connection. The client would go on by itself, and make copies.
            head.abandoned = True
            head.why = "the connection was lost" if lost else "no answer"
            head.until_ns = now_ns + _REPORT_NS
            self.client.abandon()
        elif now_ns >= head.until_ns:
            for flight in head.pending.values():
                flight.unsure = True
            head.pending = {}
            head.why = head.why or "no answer"
            return True
        return False

    def _delivered(self, token: int, offset: int, problem: Problem | None) -> None:
        flight = self._flights.get(token)
        head = self._queue[0] if self._queue else None
        if flight is None or head is None or head.pending.pop(token, None) is None:
            self._recorder.answered_late += 1
            return
        now = self._clock.now_ns()
        if problem is None:
            head.flights.remove(flight)
            self._flights.end(flight)
            self._messages.acknowledge(flight, now, offset + 1)
            self._progress_ns = now
        elif problem.refused:
            head.flights.remove(flight)
            self._end(flight, now, problem.why)
        else:
            flight.unsure = flight.unsure or head.handed_ns <= problem.silent_since_ns
            head.why = problem.why

    def _attempt_is_over(self, head: _Batch, now_ns: int, why: str) -> bool:
        if head.attempts < self._attempts.count:
            head.state = State.PAUSED
            head.until_ns = now_ns + round(self._attempts.pause_s(head.attempts) * 1e9)
            for flight in head.flights:
                flight.attempts = head.attempts + 1
            return False
        self._queue.popleft()
        self._progress_ns = now_ns
        for flight in head.flights:
            self._end(flight, now_ns, f"dropped after {head.attempts} attempts: {why}")
        return True

    def _settle(self, why: str) -> None:
        now = self._clock.now_ns()
        sent = self._queue[0].pending if self._queue else {}
        for flight in self._flights:
            flight.unsure = flight.unsure or flight.sequence in sent
            self._end(flight, now, why)
