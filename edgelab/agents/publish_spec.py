"""What a publishing agent is asked to do, checked before it connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ..errors import SpecError
from ..history import FOREIGN_SITE
from ..model import validate
from ..model.workload import Load, Workload

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
        host, _, port = self.address.rpartition(":") if isinstance(self.address, str) else ("", "", "")
        if not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
            raise SpecError(f"address must be host:port, not {self.address!r}")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePart:
    """What one site publishes.

    Attributes:
        site / index: its name, and its position in the scenario.
        load: rate, size, publishers.
        options: how.
        times_s: intended send times by sequence number, seconds after the start.
    """

    site: str
    index: int
    load: Load
    options: NatsOptions
    times_s: npt.NDArray[np.float64]


def site_parts(spec: Mapping[str, Any]) -> tuple[SitePart, ...]:
    """The sites of an agent's spec.

    Raises:
        SpecError: a field is missing, unknown or out of bounds; the message names it.
    """
    validate.integer("seed", spec.get("seed"), low=0, high=(1 << 63) - 1)
    if not spec["sites"]:
        raise SpecError("sites must hold at least one site, not []")
    raw = [_checked(site) for site in spec["sites"]]
    names = [site["site"] for site in raw]
    if len(set(names)) != len(names):
        raise SpecError(f"sites must not repeat a site, not {names!r}")
    loads = {site["site"]: _made(Load, {k: site[k] for k in ("rate_hz", "size_bytes", "publishers")}) for site in raw}
    workload = _made(Workload, {k: spec[k] for k in ("duration_s", "arrival") if k in spec} | {"per_site": loads})
    return tuple(
        SitePart(
            site=site["site"],
            index=site["index"],
            load=loads[site["site"]],
            options=_made(NatsOptions, site["options"]),
            times_s=workload.intended_s(site["site"], seed=spec["seed"]),
        )
        for site in raw
    )


def _checked(site: Any) -> Mapping[str, Any]:
    fields = ("site", "index", "rate_hz", "size_bytes", "publishers", "options")
    if not isinstance(site, Mapping):
        raise SpecError(f"sites must hold objects, not {site!r}")
    for name in fields:
        if name not in site:
            raise SpecError(f"sites[].{name} is missing")
    validate.name("sites[].site", site["site"])
    validate.integer("sites[].index", site["index"], low=0, high=FOREIGN_SITE - 1)
    if not isinstance(site["options"], Mapping):
        raise SpecError(f"sites[].options must be an object, not {site['options']!r}")
    return site


def _made(kind: Any, fields: Mapping[str, Any]) -> Any:
    try:
        return kind(**fields)
    except TypeError as error:  # a field that is unknown or missing: Python's message names it
        raise SpecError(str(error).replace(f"{kind.__name__}.__init__() ", f"{kind.__name__} ")) from error
