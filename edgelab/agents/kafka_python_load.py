"""Load through kafka-python. Its callbacks come on a thread of its own, and wait here for the next ``poll``."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

import kafka
from kafka import KafkaProducer
from kafka.errors import KafkaConfigurationError, KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from kafka.producer.transaction_manager import TransactionState

from ..clock import Clock
from ..errors import LabError, SpecError
from .kafka_options import KafkaOptions
from .load_client import OPEN_S, REFUSALS, TIMED_OUT, NoSuchTopic, Problem, Reports
from .producer_properties import for_kafka_python

VERSION = f"kafka-python {kafka.__version__}"
_LOOK_NS = 5_000_000
_AGAIN_S = 2.0
_RECORD_BYTES = 100
"""What a buffered record takes besides its value, about."""


def mend(transactions: Any) -> None:
    """Let a producer that drops its number ask for another; None: it has none, as it is not idempotent.

    kafka-python 3.0.12 drops the number when a message that it had tried already reaches its delivery timeout. It then
    believes still to have one, refuses itself a new one, and sends nothing for ever: every message after an outage
    longer than that timeout would count as lost, which Kafka's own client delivers.
    """
    if transactions is None:
        return
    drop = transactions.reset_producer_id

    def drop_and_begin_again() -> None:
        drop()
        if transactions._current_state is TransactionState.READY:  # noqa: SLF001 - as said
            transactions._current_state = TransactionState.UNINITIALIZED  # noqa: SLF001 - as said

    transactions.reset_producer_id = drop_and_begin_again


class KafkaPythonLoad:
    """One producer of kafka-python; see :class:`.load_client.LoadClient`.

    kafka-python buffers without bound: ``buffer.memory`` is kept to here.
    """

    def __init__(self, name: str, options: KafkaOptions, reports: Reports, clock: Clock) -> None:
        # During an outage it logs each try; what matters of it is in the journal.
        logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)
        self.connected = False
        self._options = options
        self._reports = reports
        self._clock = clock
        self._config = {
            "bootstrap_servers": options.bootstrap,
            "client_id": name,
            **for_kafka_python(options.java),
        }
        self._room_bytes = self._buffer_bytes = int(options.java["buffer.memory"])
        self._producer: Any = None
        self._connections: Any = {}
        self._answers: deque[tuple[int, int, int, Any, bool]] = deque()
        self._answered = threading.Event()
        self._silent_since_ns = self._looked_ns = clock.now_ns()

    def open(self) -> None:
        """Connect, and check the topic."""
        self._begin(OPEN_S)
        partitions = self._producer.partitions_for(self._options.topic) or ()
        if len(partitions) < self._options.partitions:
            raise NoSuchTopic(self._options, len(partitions))
        self.connected = True

    def send(self, messages: Sequence[tuple[int, bytes]], partition: int) -> int:
        """Hand over; how many had room."""
        if self._producer is None:
            try:
                self._begin(_AGAIN_S)
            except LabError as error:
                self._answers.extend((token, -1, 0, error, False) for token, _ in messages)
                return len(messages)
        for taken, (token, value) in enumerate(messages):
            size = len(value) + _RECORD_BYTES
            # One message at least, however small the buffer.
            if size > self._room_bytes and self._room_bytes != self._buffer_bytes:
                return taken
            self._room_bytes -= size
            try:
                future = self._producer.send(self._options.topic, value, partition=partition)
            except MessageSizeTooLargeError as error:
                self._answers.append((token, -1, size, error, False))
                continue
            future.add_callback(partial(self._acknowledged, token, size))
            future.add_errback(partial(self._failed, token, size))
        return len(messages)

    def poll(self, wait_s: float = 0.0) -> None:
        """Report what there is."""
        if wait_s > 0 and not self._answers:
            self._answered.clear()
            if not self._answers:
                self._answered.wait(wait_s)
        self._look()
        while self._answers:
            token, offset, size, error, was_up = self._answers.popleft()
            self._room_bytes += size
            if was_up:
                self._silent_since_ns = self._clock.now_ns()
            self._reports.delivered(token, offset, None if error is None else self._problem(error))

    def abandon(self) -> None:
        """End the producer, which fails what it holds; the next :meth:`send` makes a new one."""
        self._end()
        self._set_connected(connected=False, why="its producer was ended")

    def close(self) -> None:
        """End."""
        self._end()

    def _begin(self, limit_s: float) -> None:
        try:
            self._producer = KafkaProducer(**self._config, bootstrap_timeout_ms=round(limit_s * 1000))
        except (ValueError, TypeError, RuntimeError, KafkaConfigurationError) as error:
            raise SpecError(f"properties are refused by {VERSION}: {error}") from error
        except KafkaError as error:
            raise LabError(f"no connection to the broker at {self._options.bootstrap}: {error}") from error
        mend(self._producer._transaction_manager)  # noqa: SLF001 - as said
        # Its metrics count a connection that is only being tried.
        self._connections = self._producer._sender._client._manager._conns  # noqa: SLF001 - as said

    def _end(self) -> None:
        if self._producer is not None:
            # Its close() would first wait for what cannot be delivered.
            self._producer._sender.force_close()  # noqa: SLF001 - as said
            self._producer._unregister_cleanup()  # noqa: SLF001 - or it would be waited for when the process ends
        self._producer = None
        self._connections = {}

    # On kafka-python's thread.

    def _acknowledged(self, token: int, size: int, metadata: Any) -> None:
        self._answers.append((token, metadata.offset, size, None, False))
        self._answered.set()

    def _failed(self, token: int, size: int, error: Any) -> None:
        # What it takes for expired with a connection just made it may send all the same, in the same breath.
        self._answers.append((token, -1, size, error, self._is_up()))
        self._answered.set()

    def _is_up(self) -> bool:
        return any(connection.connected for connection in list(self._connections.values()))

    # On the publisher's.

    def _look(self) -> None:
        now = self._clock.now_ns()
        if now - self._looked_ns < _LOOK_NS:
            return
        self._looked_ns = now
        up = self._is_up()
        if up or self.connected:
            self._silent_since_ns = now
        self._set_connected(connected=up, why="" if up else "no connection to a broker")

    def _set_connected(self, *, connected: bool, why: str) -> None:
        if connected != self.connected:
            self.connected = connected
            self._reports.connection("connected" if connected else "lost", why)

    def _problem(self, error: Any) -> Problem:
        if isinstance(error, LabError):  # there was no producer to hand it to
            return Problem(str(error), refused=False, silent_since_ns=0)
        if isinstance(error, KafkaTimeoutError):
            return Problem(TIMED_OUT, refused=False, silent_since_ns=self._silent_since_ns)
        # Its class, and not what it says: that may hold numbers, which are others each time.
        words = getattr(type(error), "description", None) or type(error).__doc__ or ""
        why = f"{type(error).__name__}: {words.strip().partition(chr(10))[0]}".removesuffix(": ")
        return Problem(why, getattr(error, "errno", None) in REFUSALS, self._silent_since_ns)
