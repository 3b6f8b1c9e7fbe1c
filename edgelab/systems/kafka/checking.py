"""Settings of a mirror that contradict each other, refused before anything starts."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import SpecError
from .keys import FLOW, HUB
from .keys import check_mirror as check_keys
from .publishing import refuse_short_delivery
from .settings import refuse_both
from .versions import Version

_FIELD = "mirror_properties"
_SHIPPED = {"session.timeout.ms": "10000", "heartbeat.interval.ms": "3000", "rebalance.timeout.ms": "60000"}


def check_text(text: Mapping[str, str], version: Version, options: Mapping[str, str]) -> None:
    """Refuse a user's lines that no mirror knows, that are the lab's, or that an option sets, too.

    Args:
        text: the lines.
        version: of Kafka.
        options: which option sets which key.

    Raises:
        SpecError: the message names the key.
    """
    check_keys(_FIELD, text, version)
    for key, option in options.items():
        refuse_both(_FIELD, option, (key,), text)


def tolerance(effective: Mapping[str, str]) -> str:
    """What a mirror does with a message that it cannot copy: ``"none"`` ends its task, ``"all"`` passes over it."""
    return effective.get(f"{FLOW}errors.tolerance", effective.get("errors.tolerance", "none"))


def check_mirror(
    effective: Mapping[str, str], *, standalone: bool, preset: str, rebalance_delay_s: float | None
) -> None:
    """Refuse what cannot be together in one mirror.

    Raises:
        SpecError: the message names the two.
    """
    once = effective.get(f"{HUB}.exactly.once.source.support", "disabled") != "disabled"
    if standalone:
        _refuse_in_standalone(preset, rebalance_delay_s, once=once)
    else:
        _refuse_short_session(effective)
    if once:
        if tolerance(effective) == "all":
            raise SpecError(
                "errors_tolerance must be none with exactly-once: what cannot be sent ends the whole transaction, so "
                "there is no single message to skip"
            )
        for key, wanted in (("acks", ("all", "-1")), ("enable.idempotence", ("true",))):
            value = effective.get(f"{HUB}.producer.{key}", wanted[0])
            if value not in wanted:
                raise SpecError(f"hub.producer.{key} must be {wanted[0]} with exactly-once, not {value!r}")
    refuse_short_delivery("mirror_delivery_timeout_s", f"{HUB}.producer.", effective)


def _refuse_in_standalone(preset: str, rebalance_delay_s: float | None, *, once: bool) -> None:
    if once:
        raise SpecError("preset must not be 'exactly-once' with mirror='standalone': only a distributed worker can")
    if preset == "patched":
        raise SpecError("preset must not be 'patched' with mirror='standalone': it keeps a worker in its group, and a "
                        "standalone worker is in none")  # fmt: skip
    if rebalance_delay_s is not None:
        raise SpecError("rebalance_delay_s must not be set with mirror='standalone': its worker is in no group")


def _refuse_short_session(effective: Mapping[str, str]) -> None:
    session, heartbeat, rebalance = (effective.get(f"{HUB}.{key}", value) for key, value in _SHIPPED.items())
    if not (session.isdigit() and heartbeat.isdigit() and rebalance.isdigit()):
        return  # Kafka's to refuse
    if int(session) <= int(heartbeat):
        raise SpecError(
            f"hub.session.timeout.ms must be more than hub.heartbeat.interval.ms ({heartbeat}), not {session}: else a "
            "worker is taken for dead between two heartbeats"
        )
    if int(rebalance) < int(session):
        raise SpecError(
            f"hub.rebalance.timeout.ms must be at least hub.session.timeout.ms ({session}), not {rebalance}"
        )
