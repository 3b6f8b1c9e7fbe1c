"""Load through confluent-kafka, which is librdkafka. Its callbacks come within ``poll`` and ``produce_batch``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from ..clock import Clock
from ..errors import LabError, SpecError
from .kafka_options import KafkaOptions
from .load_client import OPEN_S, REFUSALS, TIMED_OUT, NoSuchTopic, Problem, Reports
from .producer_properties import for_librdkafka

try:
    from confluent_kafka import KafkaError, KafkaException, Producer, libversion
    from confluent_kafka import __version__ as _version
except ImportError as error:
    raise SpecError(
        "client must not be confluent where confluent-kafka is not installed: pip install edgelab[fast]"
    ) from error

VERSION = f"confluent-kafka {_version} (librdkafka {libversion()[0]})"
_STATISTICS_MS = 100
_LOCAL_REFUSALS = frozenset({KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})  # noqa: SLF001 - public names


class ConfluentLoad:
    """One producer of librdkafka; see :class:`.load_client.LoadClient`.

    A message that fails without a broker's word is reported with the next statistics: only these tell whether anything
    was sent at all since the message was handed over.
    """

    def __init__(self, name: str, options: KafkaOptions, reports: Reports, clock: Clock) -> None:
        self.connected = False
        self._options = options
        self._reports = reports
        self._clock = clock
        self._doubtful: list[tuple[int, str]] = []
        self._sent = 0
        self._readings_down = 0
        self._silent_since_ns = clock.now_ns()
        self._sends_once = options.java.get("retries") == "0"
        self._config: dict[str, Any] = {
            "bootstrap.servers": options.bootstrap,
            "client.id": name,
            "error_cb": self._trouble,
            "log_level": 0,
            "socket.nagle.disable": True,
            "statistics.interval.ms": _STATISTICS_MS,
            "stats_cb": self._statistics,
            **for_librdkafka(options.java),
        }
        if options.attempts is not None:
            # Come back by itself, at once; not by way of the bootstrap address and fresh metadata, a second later.
            self._config["metadata.recovery.strategy"] = "none"
        try:
            self._producer = Producer(self._config)
        except (KafkaException, TypeError) as error:
            raise SpecError(f"properties are refused by {VERSION}: {_words(error)}") from error

    def open(self) -> None:
        """Connect, and check the topic."""
        try:
            topic = self._producer.list_topics(self._options.topic, timeout=OPEN_S).topics[self._options.topic]
        except KafkaException as error:
            raise LabError(f"no connection to the broker at {self._options.bootstrap}: {_words(error)}") from error
        if topic.error is not None or len(topic.partitions) < self._options.partitions:
            raise NoSuchTopic(self._options, len(topic.partitions))
        self.connected = True

    def send(self, messages: Sequence[tuple[int, bytes]], partition: int) -> int:
        """Hand over; how many had room."""
        batch: list[dict[str, Any]] = [
            {"value": value, "callback": partial(self._delivered, token)} for token, value in messages
        ]
        if self._producer.produce_batch(self._options.topic, batch, partition=partition) == len(batch):
            return len(batch)
        taken = 0
        for (token, _), entry in zip(messages, batch, strict=True):
            error = entry.get("_error")
            if error is not None and error.code() == KafkaError._QUEUE_FULL:  # noqa: SLF001 - a public name
                break
            if error is not None:
                # It was not queued, and will not be reported.
                self._reports.delivered(token, -1, Problem(error.str(), True, self._silent_since_ns))
            taken += 1
        return taken

    def poll(self, wait_s: float = 0.0) -> None:
        """Report what there is."""
        self._producer.poll(wait_s)

    def abandon(self) -> None:
        """Take everything out of its queues; reported with the next statistics."""
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)

    def close(self) -> None:
        """End."""
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)

    def _delivered(self, token: int, error: Any, message: Any) -> None:
        if error is None:
            if not self.connected:
                self._changed(connected=True, why="")
            self._reports.delivered(token, message.offset(), None)
            return
        code = error.code()
        if self._sends_once and code == KafkaError._PURGE_QUEUE:  # noqa: SLF001 - a public name
            self._reports.delivered(token, -1, Problem(error.str(), False, 0))
        elif code in REFUSALS or code in _LOCAL_REFUSALS:
            self._reports.delivered(token, -1, Problem(error.str(), True, self._silent_since_ns))
        else:
            timed_out = code == KafkaError._MSG_TIMED_OUT  # noqa: SLF001 - a public name
            self._doubtful.append((token, TIMED_OUT if timed_out else error.str()))

    def _statistics(self, text: str) -> None:
        found = json.loads(text)
        if found["txmsgs"] != self._sent:
            self._sent = found["txmsgs"]
            self._silent_since_ns = self._clock.now_ns()
        up = any(broker["state"] == "UP" for broker in found["brokers"].values())
        # It changes from one connection to another by closing the first: that is not yet a loss.
        self._readings_down = 0 if up else self._readings_down + 1
        if up != self.connected and self._readings_down != 1:
            self._changed(connected=up, why="" if up else "no broker is up")
        doubtful, self._doubtful = self._doubtful, []
        for token, why in doubtful:
            self._reports.delivered(token, -1, Problem(why, False, self._silent_since_ns))

    def _trouble(self, error: Any) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN and self.connected:  # noqa: SLF001 - a public name
            self._changed(connected=False, why=error.str())

    def _changed(self, *, connected: bool, why: str) -> None:
        self.connected = connected
        self._reports.connection("connected" if connected else "lost", why)


def _words(error: Exception) -> str:
    inner = error.args[0] if error.args else error
    return str(inner.str()) if isinstance(inner, KafkaError) else str(inner)
