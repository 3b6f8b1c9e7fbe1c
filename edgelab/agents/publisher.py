"""A publisher: sends what is due when it is due, and records what came of it. It has a connection of its own.

Open loop: a slow answer never moves an intended time. A message that cannot be handed over when it is due (the limit
of messages in flight is reached, or the socket takes nothing) waits, keeps its intended time, and is late.

What a publisher does without a connection, and with answers, is in :mod:`.core_publisher` and
:mod:`.stream_publisher`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from ..errors import SpecError
from .in_flight import Flight
from .messages import Filler, Messages
from .nats_client import PublishClient
from .nats_options import NatsOptions
from .nats_wire import Commands
from .publish_spec import SitePart
from .record import Recorder

BATCH = 256
"""Messages handed over at once: between two batches the loop reads answers."""
_SHORTEST_NAP_S = 0.001
_BLOCKED_NAP_S = 0.01
_LONGEST_NAP_S = 1.0
_SLACK_NS = 1_000_000_000
_LARGEST_SEQUENCE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all publishers of an agent share.

    Attributes:
        clock / recorder / filler: of the agent.
        fail: called with an error that must end the agent.
    """

    clock: Clock
    recorder: Recorder
    filler: Filler
    fail: Callable[[Exception], None]


class Publisher(ABC):
    """Publisher ``number`` of a site: sends every ``publishers``-th message of it, from ``number`` on.

    Args:
        part: what the site publishes.
        number: of this publisher.
        shared: with the agent's other publishers.
    """

    def __init__(self, part: SitePart[NatsOptions], number: int, shared: Shared) -> None:
        self._part = part
        self._number = number
        self._options = part.options
        self._clock = shared.clock
        self._recorder = shared.recorder
        self._messages = Messages(part, number, shared.recorder, shared.filler)
        self._fail = shared.fail
        self._client = PublishClient(
            f"edgelab-{part.site}-publisher-{number}",
            on_answer=self._answered,
            on_event=self._connection_changed,
            buffer_bytes=part.options.buffer_bytes,
        )
        self._commands = Commands("")
        self._command_bytes = 0
        self._waker: asyncio.Future[None] | None = None
        self._blocked = False
        self._stopping = False
        self._progress_ns = 0

    async def connect(self) -> None:
        """Connect, and check that the broker takes messages of this size.

        Raises:
            LabError: no connection.
            SpecError: the messages are too large for the broker.
        """
        options = self._options
        inbox = await self._client.open(
            options.address,
            reconnect_s=options.reconnect_s,
            ping_s=options.ping_s,
            answers=options.mode == "stream",
        )
        msg_id = f"{self._part.site}-" if options.msg_id else ""
        self._commands = Commands(options.subject, inbox=inbox, msg_id=msg_id)
        self._command_bytes = len(self._command(Flight(_LARGEST_SEQUENCE, 0, 0)))
        size, most = self._part.load.size_bytes + self._commands.header_bytes, int(self._client.max_payload)
        if size > most:
            raise SpecError(
                f"size_bytes of site {self._part.site} must be at most {most - self._commands.header_bytes} for the "
                f"broker at {options.address} (its max_payload is {most}), not {self._part.load.size_bytes}"
            )

    async def play(self, start_ns: int) -> None:
        """Publish from ``start_ns`` on; return once each message has its outcome, or :meth:`stop` was called.

        Raises:
            LabError: the history cannot be written.
        """
        self._messages.begin(start_ns)
        while not self._stopping:
            now = self._clock.now_ns()
            self._tend(now)
            more = self._send_due()
            if self._messages.due.over and self._settled():
                await self._drain()
                break
            if self._patience_is_over(now):
                break
            await (asyncio.sleep(0) if more else self._nap())
        self._settle()

    def stop(self) -> None:
        """Let :meth:`play` return soon."""
        self._stopping = True
        self._wake()

    async def shut(self) -> None:
        """Close the connection."""
        await self._client.shut()

    # What the two modes do differently.

    @abstractmethod
    def _tend(self, now_ns: int) -> None:
        """Look after what was sent before."""

    @abstractmethod
    def _room(self) -> int:
        """How many messages can be taken now."""

    @abstractmethod
    def _take(self, flight: Flight) -> bytes:
        """Take a message that is due; return what to send, if anything. Its INVOKE was recorded."""

    @abstractmethod
    def _settled(self) -> bool:
        """Whether nothing that was sent waits for an answer."""

    @abstractmethod
    async def _drain(self) -> None:
        """Make sure that everything has left."""

    @abstractmethod
    def _answer(self, sequence: int, answer: bytes, header: bytes | None) -> None:
        """Take a store's answer."""

    @abstractmethod
    def _next_ns(self) -> int | None:
        """When :meth:`_tend` has something to do."""

    def _settle(self) -> None:
        """Give every message that was due its outcome; when stopped, those that were tried."""
        if not self._stopping:
            self._messages.give_up_the_rest(self._clock)

    # The loop's parts.

    def _send_due(self) -> bool:
        room, taken, out = min(BATCH, self._room()), 0, []
        while taken < room and self._messages.due.next_ns <= (now := self._clock.now_ns()):
            if command := self._take(self._messages.invoke(now)):
                out.append(command)
            taken += 1
        if out:
            self._client.send(b"".join(out))
        self._blocked = room <= 0
        return taken == BATCH

    def _command(self, flight: Flight) -> bytes:
        return self._commands.publish(flight.sequence, *self._messages.head_and_filler(flight))

    def _socket_room(self) -> int:
        """Messages that the client's buffer takes: one at least when it is empty, whatever its bound."""
        empty = self._client.room_bytes == self._options.buffer_bytes
        return max(self._client.room_bytes // self._command_bytes, 1 if empty else 0)

    def _patience_is_over(self, now_ns: int) -> bool:
        patience_ns = round(self._options.patience_s * 1e9) + _SLACK_NS
        return now_ns > max(self._messages.due.last_ns, self._progress_ns) + patience_ns

    async def _nap(self) -> None:
        wake_ns = min(self._messages.due.next_ns, self._next_ns() or self._messages.due.next_ns)
        nap_s = min(_LONGEST_NAP_S, max(_SHORTEST_NAP_S, (wake_ns - self._clock.now_ns()) / 1e9))
        if self._blocked:
            nap_s = max(nap_s, _BLOCKED_NAP_S)
        loop = asyncio.get_running_loop()
        self._waker = loop.create_future()
        timer = loop.call_later(nap_s, self._wake)
        try:
            await self._waker
        finally:
            timer.cancel()
            self._waker = None

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)

    def _answered(self, sequence: int, answer: bytes, header: bytes | None) -> None:
        try:
            self._answer(sequence, answer, header)
        except Exception as error:  # noqa: BLE001 - nats-py would swallow it
            self._fail(error)
        if self._blocked or (self._messages.due.over and self._settled()):
            self._wake()

    def _connection_changed(self, what: str, why: str) -> None:
        self._messages.event(self._clock.now_ns(), what, why)
        self._wake()
