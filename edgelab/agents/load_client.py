"""What a Kafka publisher needs of a client library, and which library an agent uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ..clock import Clock
from ..errors import LabError
from .kafka_options import ClientName, KafkaOptions

_LIGHT_HZ = 1_000.0
"""Up to this rate an agent takes kafka-python, which every installation has; above it, it would be what is measured."""
TIMED_OUT = "delivery timeout: not acknowledged within delivery.timeout.ms"
OPEN_S = 15.0
"""How long a client may take to connect."""


REFUSALS = frozenset({3, 10, 17, 18, 29, 31, 44, 87})
"""Error codes of brokers after which a message is certainly not in: unknown topic, too large (10, 18), invalid topic,
topic or cluster not authorised, against a policy, invalid record. Others may follow an attempt that got in."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a client could not deliver a message.

    Attributes:
        why: in words.
        refused: whether it certainly never got in, whatever was sent: a broker or the library itself said no.
        silent_since_ns: the client has sent no message since then. One that was handed over later never left. 0: this
            one never left.
    """

    why: str
    refused: bool
    silent_since_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Where a client reports to; called within its ``poll`` and ``send`` only.

    Attributes:
        delivered: ``(token, offset, None)``, or ``(token, -1, problem)``; once for each message that was taken.
        connection: ``("connected" or "lost", why)``; the first ``connected`` is not told.
    """

    delivered: Callable[[int, int, Problem | None], None]
    connection: Callable[[str, str], None]


class LoadClient(Protocol):
    """One producer of a client library.

    Attributes:
        connected: whether it has a connection to a broker, as far as it knows.
    """

    connected: bool

    def open(self) -> None:
        """Connect, and check that the topic has the partitions it should have.

        Raises:
            LabError: no connection, or no such topic.
            SpecError: the library does not take a property.
        """

    def send(self, messages: Sequence[tuple[int, bytes]], partition: int) -> int:
        """Hand over ``(token, value)`` pairs; return how many of them, from the first on, had room."""

    def poll(self, wait_s: float = 0.0) -> None:
        """Report what there is to report, after waiting for up to ``wait_s`` if there is nothing yet."""

    def abandon(self) -> None:
        """Give up what was not answered: each is reported with a problem, in this call or a later ``poll``."""

    def close(self) -> None:
        """End, at once; nothing more is reported."""


class NoSuchTopic(LabError):  # noqa: N818 - reads as what happened
    """The broker has no such topic, or it has fewer partitions than were asked for."""

    def __init__(self, options: KafkaOptions, partitions: int) -> None:
        super().__init__(
            f"topic {options.topic} at {options.bootstrap} must have at least {options.partitions} partitions, "
            f"not {partitions}"
        )


def chosen(name: ClientName, rate_hz: float) -> Literal["confluent", "kafka-python"]:
    """Which library an agent uses that publishes ``rate_hz`` messages a second in all."""
    if name != "auto":
        return name
    return "confluent" if rate_hz > _LIGHT_HZ and _has_confluent() else "kafka-python"


def made(library: str, name: str, options: KafkaOptions, reports: Reports, clock: Clock) -> LoadClient:
    """A client of that library, not yet connected.

    Raises:
        SpecError: it is not installed, or does not take a property.
    """
    if library == "confluent":
        from .confluent_load import ConfluentLoad  # noqa: PLC0415 - optional: the extra "fast"

        return ConfluentLoad(name, options, reports, clock)
    from .kafka_python_load import KafkaPythonLoad  # noqa: PLC0415 - slow to import, and not always wanted

    return KafkaPythonLoad(name, options, reports, clock)


def described(library: str) -> str:
    """The library with its version, as a result tells it."""
    if library == "confluent":
        from .confluent_load import VERSION  # noqa: PLC0415 - as above
    else:
        from .kafka_python_load import VERSION  # noqa: PLC0415 - as above
    return VERSION


def _has_confluent() -> bool:
    try:
        import confluent_kafka  # noqa: F401, PLC0415 - optional: the extra "fast"
    except ImportError:
        return False
    return True
