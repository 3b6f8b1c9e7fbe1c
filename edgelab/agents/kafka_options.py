"""How a Kafka publisher is asked to publish, checked before it connects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ..errors import SpecError
from ..model import validate
from . import producer_properties
from .publish_spec import address, made

ClientName = Literal["auto", "kafka-python", "confluent"]
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """A client that drops a batch after some attempts, as kafka-go's Writer does (acks all, MaxAttempts).

    Attributes:
        count: attempts at one batch.
        batch_s / batch_messages: a batch is complete after that time, or with so many messages.
        backoff_s: the pause before attempt n + 1 is n x n times this, and at most ten times this.
        timeout_s: how long one attempt waits.
    """

    count: int = 3
    batch_s: float = 0.1
    batch_messages: int = 100
    backoff_s: float = 0.1
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        validate.integer("attempts.count", self.count, low=1, high=1_000)
        validate.number("attempts.batch_s", self.batch_s, low=0.001, high=60.0)
        validate.integer("attempts.batch_messages", self.batch_messages, low=1, high=100_000)
        validate.number("attempts.backoff_s", self.backoff_s, low=0.001, high=60.0)
        validate.number("attempts.timeout_s", self.timeout_s, low=0.1, high=3600.0)

    def pause_s(self, attempts: int) -> float:
        """The pause after that many attempts."""
        return self.backoff_s * min(attempts * attempts, 10)

    @property
    def patience_s(self) -> float:
        """The longest that the attempts at one batch can take."""
        return self.count * self.timeout_s + sum(self.pause_s(n) for n in range(1, self.count))


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaOptions:
    """How a site's publishers reach their broker, and how their client is set.

    Attributes:
        bootstrap: ``host:port`` of the broker.
        topic / partitions: published to; publisher n uses partition n modulo partitions.
        client: library; ``auto`` takes the fast one where it is installed and the load needs it.
        properties: producer properties by their Java names; see :mod:`.producer_properties`.
        in_flight_max: messages of one publisher that may wait for an answer; more wait to be sent, and are late.
        attempts: drop a batch after some attempts; None: the client does as its properties say.
    """

    bootstrap: str
    topic: str
    partitions: int = 1
    client: ClientName = "auto"
    properties: Mapping[str, str] = field(default_factory=dict)
    in_flight_max: int = 100_000
    attempts: Attempts | None = None

    def __post_init__(self) -> None:
        address("bootstrap", self.bootstrap)
        if not isinstance(self.topic, str) or not _TOPIC.fullmatch(self.topic):
            raise SpecError(f"topic must be a Kafka topic's name, not {self.topic!r}")
        validate.integer("partitions", self.partitions, low=1, high=10_000)
        validate.one_of("client", self.client, get_args(ClientName))
        validate.integer("in_flight_max", self.in_flight_max, low=1, high=10_000_000)
        if not isinstance(self.properties, Mapping):
            raise SpecError(f"properties must be an object, not {self.properties!r}")
        if isinstance(self.attempts, Mapping):
            fields: Mapping[str, Any] = self.attempts
            object.__setattr__(self, "attempts", made(Attempts, fields))
        producer_properties.check(self.properties)
        if self.attempts is not None and (taken := _ATTEMPTS_SAY & self.properties.keys()):
            raise SpecError(f"properties must not hold {min(taken)} together with attempts, which say it")

    @property
    def java(self) -> dict[str, str]:
        """The properties that hold: those asked for, on top of the lab's."""
        if self.attempts is None:
            return producer_properties.effective(self.properties)
        timeout_ms = str(round(self.attempts.timeout_s * 1000))
        fixed = {
            # One try of the library's is one attempt; the pauses between them are the publisher's.
            "retries": "0",
            "enable.idempotence": "false",
            "linger.ms": "0",
            "delivery.timeout.ms": timeout_ms,
            "request.timeout.ms": timeout_ms,
            "reconnect.backoff.ms": "20",
            "reconnect.backoff.max.ms": "100",
        }
        return producer_properties.effective({**self.properties, **fixed})

    @property
    def patience_s(self) -> float:
        """The longest that one message can wait for its outcome once the client has it."""
        if self.attempts is not None:
            return self.attempts.patience_s
        return int(self.java["delivery.timeout.ms"]) / 1000

    @property
    def max_block_s(self) -> float:
        """How long a message waits for room in the client's buffer before it fails."""
        return int(self.java["max.block.ms"]) / 1000


_ATTEMPTS_SAY = frozenset(
    {
        "retries",
        "enable.idempotence",
        "linger.ms",
        "delivery.timeout.ms",
        "request.timeout.ms",
        "reconnect.backoff.ms",
        "reconnect.backoff.max.ms",
    }
)
