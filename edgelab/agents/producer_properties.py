"""Producer properties by their Java names, and what each client library calls them. Pure.

What is not asked for is as the library has it, except where an outage would show the difference: there, both libraries
get the Java producer's own default (:func:`effective`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import SpecError

_INT_MAX = (1 << 31) - 1
Kind = Literal["integer", "flag", "word"]


@dataclass(frozen=True, slots=True)
class _Property:
    """A property: what it holds, and its names (none: the library has nothing like it)."""

    kind: Kind
    librdkafka: tuple[str, ...] = ()
    kafka_python: str = ""
    low: int = 0
    high: int = _INT_MAX
    words: tuple[str, ...] = ()


_LAB = "the lab"
"""Said of properties that the publisher itself keeps to, with either library."""

_PROPERTIES: Mapping[str, _Property] = {
    "acks": _Property("word", ("acks",), "acks", words=("all", "-1", "0", "1")),
    "batch.size": _Property("integer", ("batch.size",), "batch_size", low=1),
    # Kept to by the publisher for kafka-python, which has no bound of its own.
    "buffer.memory": _Property("integer", ("queue.buffering.max.kbytes",), _LAB, low=1024, high=1 << 40),
    "compression.type": _Property(
        "word", ("compression.type",), "compression_type", words=("none", "gzip", "snappy", "lz4", "zstd")
    ),
    "connections.max.idle.ms": _Property("integer", ("connections.max.idle.ms",), "connections_max_idle_ms"),
    "delivery.timeout.ms": _Property("integer", ("delivery.timeout.ms",), "delivery_timeout_ms", low=1),
    "enable.idempotence": _Property("flag", ("enable.idempotence",), "enable_idempotence"),
    "linger.ms": _Property("integer", ("linger.ms",), "linger_ms", high=900_000),
    "max.block.ms": _Property("integer", (_LAB,), _LAB, high=(1 << 63) - 1),
    "max.in.flight.requests.per.connection": _Property(
        "integer", ("max.in.flight.requests.per.connection",), "max_in_flight_requests_per_connection", low=1
    ),
    "max.request.size": _Property("integer", ("message.max.bytes",), "max_request_size", low=1000),
    "metadata.max.age.ms": _Property("integer", ("metadata.max.age.ms",), "metadata_max_age_ms", low=1),
    "metadata.recovery.strategy": _Property("word", ("metadata.recovery.strategy",), words=("none", "rebootstrap")),
    "receive.buffer.bytes": _Property("integer", ("socket.receive.buffer.bytes",), "receive_buffer_bytes"),
    "reconnect.backoff.max.ms": _Property("integer", ("reconnect.backoff.max.ms",), "reconnect_backoff_max_ms"),
    "reconnect.backoff.ms": _Property("integer", ("reconnect.backoff.ms",), "reconnect_backoff_ms"),
    # librdkafka splits it: how long the broker may take for its replicas, and how long it may be silent.
    "request.timeout.ms": _Property(
        "integer", ("request.timeout.ms", "socket.timeout.ms"), "request_timeout_ms", low=10
    ),
    "retries": _Property("integer", ("retries",), "retries"),
    "retry.backoff.max.ms": _Property("integer", ("retry.backoff.max.ms",), low=1),
    "retry.backoff.ms": _Property("integer", ("retry.backoff.ms",), "retry_backoff_ms", low=1),
    "send.buffer.bytes": _Property("integer", ("socket.send.buffer.bytes",), "send_buffer_bytes"),
    "socket.connection.setup.timeout.ms": _Property("integer", ("socket.connection.setup.timeout.ms",), low=1000),
}
_DEFAULTS = {
    "acks": "all",
    "buffer.memory": str(32 << 20),
    "delivery.timeout.ms": "120000",
    "max.block.ms": "60000",
    "reconnect.backoff.max.ms": "1000",
    "request.timeout.ms": "30000",
}


def check(properties: Mapping[str, str]) -> None:
    """Refuse what no library knows.

    Raises:
        SpecError: a property is unknown, or its value is; the message names it.
    """
    for name, value in properties.items():
        if name not in _PROPERTIES:
            raise SpecError(f"properties must be of {', '.join(_PROPERTIES)}; not {name!r}")
        _value(name, value)


def effective(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties asked for, on top of Java's defaults where an outage shows them.

    Java's producer is idempotent unless another property speaks against it.
    """
    found = {**_DEFAULTS, **properties}
    against = (
        found["acks"] not in {"all", "-1"}
        or found.get("retries") == "0"
        or int(found.get("max.in.flight.requests.per.connection", "5")) > 5
    )
    # A request may not outlive its messages.
    if "request.timeout.ms" not in properties:
        lingers_ms = int(found.get("linger.ms", "0"))
        longest_ms = max(10, int(found["delivery.timeout.ms"]) - lingers_ms)
        found["request.timeout.ms"] = str(min(int(found["request.timeout.ms"]), longest_ms))
    return {"enable.idempotence": "false" if against else "true", **found}


def for_librdkafka(properties: Mapping[str, str]) -> dict[str, Any]:
    """The same for confluent-kafka.

    Raises:
        SpecError: it has nothing like a property; the message names it.
    """
    made = _translated(properties, "librdkafka", lambda p: p.librdkafka)
    if "queue.buffering.max.kbytes" in made:
        made["queue.buffering.max.kbytes"] //= 1024
        # Java bounds bytes only.
        made["queue.buffering.max.messages"] = 0
    return made


def for_kafka_python(properties: Mapping[str, str]) -> dict[str, Any]:
    """The same for kafka-python.

    Raises:
        SpecError: it has nothing like a property; the message names it.
    """
    made = _translated(properties, "kafka-python", lambda p: (p.kafka_python,) if p.kafka_python else ())
    if "acks" in made and made["acks"] != "all":
        made["acks"] = int(made["acks"])
    if made.get("compression_type") == "none":
        made["compression_type"] = None
    return made


def _translated(
    properties: Mapping[str, str], library: str, names: Callable[[_Property], tuple[str, ...]]
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in properties.items():
        theirs = names(_PROPERTIES[name])
        if not theirs:
            raise SpecError(f"properties must not hold {name}: the client library {library} has nothing like it")
        made.update(dict.fromkeys((n for n in theirs if n != _LAB), _value(name, value)))
    return made


def _value(name: str, value: object) -> Any:
    text, of = str(value).strip(), _PROPERTIES[name]
    if of.kind == "flag":
        if text.lower() not in {"true", "false"}:
            raise SpecError(f"{name} must be true or false, not {value!r}")
        return text.lower() == "true"
    if of.kind == "word":
        if text not in of.words:
            raise SpecError(f"{name} must be one of {', '.join(of.words)}, not {value!r}")
        return "all" if text == "-1" else text
    if not text.isdigit() or not of.low <= int(text) <= of.high:
        raise SpecError(f"{name} must be a whole number from {of.low} to {of.high}, not {value!r}")
    return int(text)
