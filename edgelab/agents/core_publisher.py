"""Publishing to whoever listens: nobody answers, and what the broker loses is only seen at the other end."""

from __future__ import annotations

from .in_flight import Flight
from .publisher import BATCH, Publisher

_NOT_CONNECTED = "not connected"
_BUFFER_FULL = "not connected, and the client's buffer is full"


class CorePublisher(Publisher):
    """A publisher on core NATS.

    While it is disconnected it does as every NATS client: messages gather in the client's buffer and leave on
    reconnect; when the buffer is full (or there is none: ``buffer_bytes`` 0) a message fails. A message has no other
    outcome.
    """

    def _tend(self, now_ns: int) -> None:
        pass

    def _next_ns(self) -> None:
        return None

    def _room(self) -> int:
        return self._socket_room() if self._client.is_connected else BATCH

    def _take(self, flight: Flight) -> bytes:
        self._progress_ns = flight.sent_ns
        if self._client.is_connected:
            return self._command(flight)
        # The buffer is asked per message: what one takes must be in it before the next one asks.
        if self._client.room_bytes >= self._command_bytes:
            self._client.send(self._command(flight))
        else:
            self._messages.give_up(
                flight, flight.sent_ns, _BUFFER_FULL if self._options.buffer_bytes else _NOT_CONNECTED
            )
        return b""

    def _answer(self, sequence: int, answer: bytes, header: bytes | None) -> None:
        pass

    def _settled(self) -> bool:
        return True

    async def _drain(self) -> None:
        if not await self._client.drained(self._options.patience_s):
            self._recorder.event(
                trouble=f"publisher {self._number} of {self._part.site}: the broker did not confirm within "
                f"{self._options.patience_s:g} s after the last message that it read everything"
            )
