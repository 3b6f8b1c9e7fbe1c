"""Publishing to a store that answers each message, with a bounded number of attempts."""

from __future__ import annotations

from .in_flight import Flight, InFlight, State
from .nats_options import NatsOptions
from .nats_wire import position_in, refusal_in
from .publish_spec import SitePart
from .publisher import BATCH, Publisher, Shared

_NO_ANSWER = "no answer to any attempt"
_NOT_CONNECTED = "not connected"
_STUCK = "the connection took nothing more"
_STOPPED = "the run was stopped before there was an answer"
_ENDED = "no answer before the publisher ended"


class StreamPublisher(Publisher):
    """A publisher on JetStream.

    An attempt that is due while there is no connection waits for one as long as it would for an answer. It is not
    put into the client's buffer, where the next attempt would become a second copy. So a producer's patience,
    ``attempts`` times (``ack_timeout_s`` + ``backoff_s``), is the same whether its connection is cut or silent.

    A message that is given up has **failed** if each attempt was refused or never left; else it is **unknown**.
    """

    def __init__(self, part: SitePart[NatsOptions], number: int, shared: Shared) -> None:
        super().__init__(part, number, shared)
        self._flights = InFlight(
            answer_ns=round(part.options.ack_timeout_s * 1e9), pause_ns=round(part.options.backoff_s * 1e9)
        )

    def _tend(self, now_ns: int) -> None:
        for flight in self._flights.held():
            if not self._can_send():
                self._flights.hold_again(flight)
                break
            self._send(flight, now_ns)
        for flight in self._flights.overdue(now_ns):
            if flight.state == State.SENT:
                flight.unsure = True
                self._attempt_is_over(flight, now_ns, _NO_ANSWER)
            else:
                self._attempt_is_over(flight, now_ns, _STUCK if self._client.is_connected else _NOT_CONNECTED)
        for flight in self._flights.rested(now_ns):
            flight.attempts += 1
            if self._can_send():
                self._send(flight, now_ns)
            else:
                self._flights.hold(flight, now_ns)

    def _next_ns(self) -> int | None:
        return self._flights.next_ns()

    def _room(self) -> int:
        room = self._options.in_flight_max - len(self._flights)
        return min(room, self._socket_room()) if self._client.is_connected else min(room, BATCH)

    def _take(self, flight: Flight) -> bytes:
        self._flights.launch(flight)
        if not self._client.is_connected:
            self._flights.hold(flight, flight.sent_ns)
            return b""
        self._flights.sent(flight, flight.sent_ns)
        return self._command(flight)

    def _answer(self, sequence: int, answer: bytes, header: bytes | None) -> None:
        flight = self._flights.get(sequence)
        if flight is None:
            self._recorder.answered_late += 1
            return
        now = self._clock.now_ns()
        position = position_in(answer)
        if position is not None:
            self._flights.end(flight)
            self._messages.acknowledge(flight, now, position)
            self._progress_ns = now
        elif flight.state == State.SENT:
            # It may be the late answer to an attempt before: then `unsure` is set, and stays.
            self._attempt_is_over(flight, now, refusal_in(answer, header))

    def _settled(self) -> bool:
        return not self._flights

    async def _drain(self) -> None:
        """Every message was answered or given up: nothing can be left."""

    def _settle(self) -> None:
        now = self._clock.now_ns()
        for flight in self._flights:
            flight.unsure = flight.unsure or flight.state == State.SENT
            self._end(flight, now, _STOPPED if self._stopping else _ENDED)
        super()._settle()

    def _can_send(self) -> bool:
        return self._client.is_connected and self._socket_room() > 0

    def _send(self, flight: Flight, now_ns: int) -> None:
        self._client.send(self._command(flight))
        self._flights.sent(flight, now_ns)

    def _attempt_is_over(self, flight: Flight, now_ns: int, why: str) -> None:
        if flight.attempts < self._options.attempts:
            self._flights.pause(flight, now_ns)
        else:
            self._end(flight, now_ns, why)

    def _end(self, flight: Flight, now_ns: int, why: str) -> None:
        self._flights.end(flight)
        self._messages.give_up(flight, now_ns, why)
