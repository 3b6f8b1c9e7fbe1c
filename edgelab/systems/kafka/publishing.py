"""Options of publishers, in the words of Kafka's Java producer, and what contradicts itself among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ...errors import SpecError
from ...model import validate
from . import keys, properties
from .settings import Setting, merged, milliseconds, refuse_both, users
from .versions import Version

Acks = Literal["all", "1", "0"]
Client = Literal["auto", "kafka-python", "confluent"]
_LONGEST_S = 7 * 24 * 3600.0
_MOST_RETRIES = 2_147_483_647
_ASKED = "As asked."
_KEY_OF = {
    "acks": "acks",
    "linger_s": "linger.ms",
    "delivery_timeout_s": "delivery.timeout.ms",
    "request_timeout_s": "request.timeout.ms",
    "retries": "retries",
    "idempotence": "enable.idempotence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishers:
    """Options of the publishers, wherever they publish to.

    Attributes:
        client: library that publishes: ``"kafka-python"``, ``"confluent"`` (confluent-kafka, some 30 times as fast), or
            ``"auto"``: the fast one where it is installed.
        in_flight_max: messages of one publisher that may wait for an answer.
        acks / linger_s / delivery_timeout_s / request_timeout_s / retries / idempotence: of the producer; None: the
            preset's.
        producer_properties: further lines, in the words of Kafka's Java producer.
    """

    client: Client = "auto"
    in_flight_max: int = 10_000
    acks: Acks | None = None
    linger_s: float | None = None
    delivery_timeout_s: float | None = None
    request_timeout_s: float | None = None
    retries: int | None = None
    idempotence: bool | None = None
    producer_properties: str = ""

    def _check_publishers(self, version: Version, preset: Iterable[Setting]) -> None:
        validate.one_of("client", self.client, get_args(Client))
        validate.integer("in_flight_max", self.in_flight_max, low=1, high=1_000_000)
        if self.acks is not None:
            validate.one_of("acks", self.acks, get_args(Acks))
        for field, low in (("linger_s", 0.0), ("delivery_timeout_s", 0.001), ("request_timeout_s", 0.001)):
            if (value := getattr(self, field)) is not None:
                validate.number(field, value, low=low, high=_LONGEST_S)
        if self.retries is not None:
            validate.integer("retries", self.retries, low=0, high=_MOST_RETRIES)
        if self.idempotence is not None:
            validate.instance("idempotence", self.idempotence, bool, "true or false")
        text = properties.parse("producer_properties", self.producer_properties)
        keys.check_producer("producer_properties", text, version)
        for option, key in _KEY_OF.items():
            if getattr(self, option) is not None:
                refuse_both("producer_properties", option, (key,), text)
        self._refuse_contradictions(dict(self._producer(preset)))

    def _producer(self, preset: Iterable[Setting]) -> Iterable[tuple[str, str]]:
        """The producer's settings: the preset's, the options', the user's lines."""
        text = users(properties.parse("producer_properties", self.producer_properties))
        found = {line.key: line.value for line in merged(preset, self._asked_of_producer(), text)}
        asked = {line.key for line in (*self._asked_of_producer(), *text)}
        if "enable.idempotence" not in asked and (
            found.get("acks") not in {"all", "-1"} or found.get("retries") == "0"
        ):
            # What Kafka's own client does when nobody asked for it.
            found["enable.idempotence"] = "false"
        return found.items()

    def _unconfirmed(self, preset: Iterable[Setting]) -> bool:
        """Whether no answer is waited for."""
        return dict(self._producer(preset)).get("acks") == "0"

    def _asked_of_producer(self) -> Iterable[Setting]:
        for option, key in _KEY_OF.items():
            value: Any = getattr(self, option)
            if value is None:
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield Setting(key, milliseconds(value) if option.endswith("_s") else text, _ASKED)

    def _refuse_contradictions(self, producer: Mapping[str, str]) -> None:
        if producer.get("enable.idempotence") == "true":
            if producer.get("acks", "all") not in {"all", "-1"}:
                raise SpecError(f"idempotence must be false with acks={producer['acks']}: it needs acks=all")
            if producer.get("retries") == "0":
                raise SpecError("idempotence must be false with retries=0: it sends again what was not answered")
        refuse_short_delivery("delivery_timeout_s", "", producer)


def refuse_short_delivery(field: str, prefix: str, producer: Mapping[str, str]) -> None:
    """Refuse a delivery timeout that a single try does not fit into; values that are no numbers are Kafka's to refuse.

    Raises:
        SpecError: the message names the three.
    """
    shipped = {"delivery.timeout.ms": "2147483647", "linger.ms": "0", "request.timeout.ms": "30000"}
    whole, linger, request = (producer.get(f"{prefix}{key}", value) for key, value in shipped.items())
    if all(value.isdigit() for value in (whole, linger, request)) and int(whole) < int(linger) + int(request):
        raise SpecError(
            f"{field} must be at least linger.ms + request.timeout.ms = {int(linger) + int(request)} ms, "
            f"not {whole} ms: no try would fit into it"
        )
