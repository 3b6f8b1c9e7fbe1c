"""How a NATS publisher is asked to publish, checked before it connects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import SpecError
from ..model import validate
from .publish_spec import address

Mode = Literal["core", "stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsOptions:
    """How a site's publishers reach their broker, and how patient they are.

    Attributes:
        address: ``host:port`` of the broker.
        subject: published to.
        mode: ``stream``: a store answers each message; ``core``: nobody answers.
        msg_id: send ``Nats-Msg-Id: SITE-SEQUENCE``, so that the store drops copies within its window.
        ack_timeout_s: how long one attempt waits for its answer, seconds.
        attempts: how often one message is tried; 1 = never again.
        backoff_s: pause between two attempts, seconds.
        in_flight_max: messages of one publisher that may wait for an answer; more wait to be sent, and are late.
        buffer_bytes: what the client holds while the socket takes nothing; in mode ``core`` also while it is
            disconnected (0: then a message fails at once).
        reconnect_s: pause between two tries to connect again, seconds.
        ping_s: pause between the client's own pings, seconds; it gives a silent connection up after two unanswered.
    """

    address: str
    subject: str
    mode: Mode = "stream"
    msg_id: bool = False
    ack_timeout_s: float = 5.0
    attempts: int = 1
    backoff_s: float = 0.05
    in_flight_max: int = 4096
    buffer_bytes: int = 2 << 20
    reconnect_s: float = 0.1
    ping_s: float = 120.0

    def __post_init__(self) -> None:
        address("address", self.address)
        if not isinstance(self.subject, str) or not self.subject or any(c in self.subject for c in " \t\r\n*>"):
            raise SpecError(f"subject must be a NATS subject without wildcards or spaces, not {self.subject!r}")
        validate.one_of("mode", self.mode, get_args(Mode))
        if not isinstance(self.msg_id, bool):
            raise SpecError(f"msg_id must be true or false, not {self.msg_id!r}")
        validate.number("ack_timeout_s", self.ack_timeout_s, low=0.01, high=3600.0)
        validate.integer("attempts", self.attempts, low=1, high=10_000)
        validate.number("backoff_s", self.backoff_s, low=0.001, high=3600.0)
        validate.integer("in_flight_max", self.in_flight_max, low=1, high=1_000_000)
        validate.integer("buffer_bytes", self.buffer_bytes, low=0, high=1 << 30)
        validate.number("reconnect_s", self.reconnect_s, low=0.001, high=60.0)
        validate.number("ping_s", self.ping_s, low=0.05, high=3600.0)

    @property
    def patience_s(self) -> float:
        """The longest that one message can wait for its outcome once it was sent."""
        return self.attempts * (self.ack_timeout_s + self.backoff_s)
