"""Options of ``kafka-mirrormaker``, what they come to in the keys of ``mm2.properties``, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ...model import validate
from ...model.topology import MIB
from . import checking, common, heap, presets, properties
from .mirror import Place
from .settings import Setting, merged, milliseconds, users
from .versions import Version

Preset = Literal["default", "patched", "tuned", "exactly-once"]
Tolerance = Literal["none", "all"]

_LONGEST_S = 7 * 24 * 3600.0
_LEAST_MIRROR_HEAP_BYTES = 48 * MIB
_LEAST_MIRROR_WHY = "a mirror with 64 MiB starts (measured); with less than 48 it was never seen to"
_ASKED = "As asked."
_OPTION_OF = {
    "hub.offset.flush.interval.ms": "offset_flush_s",
    "hub.scheduled.rebalance.max.delay.ms": "rebalance_delay_s",
    "@{site}->hub.errors.tolerance": "errors_tolerance",
    "hub.producer.delivery.timeout.ms": "mirror_delivery_timeout_s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorOptions(common.KafkaHub):
    """Options of sites and mirrors.

    Attributes:
        preset: ``"default"``: as shipped; ``"patched"``: the mirror's worker stays in its group through an outage;
            ``"tuned"``: and takes larger batches and fetches; ``"exactly-once"``: patched, and copies in transactions.
        mirror: ``"edge"``: MirrorMaker in dedicated mode at the site, which writes across the link; ``"hub"``: the same
            at the hub, which reads across it; ``"standalone"``: a Connect standalone worker at the site.
        tasks_max: most tasks of a mirror; one copies one partition or more.
        offset_flush_s: how often a mirror notes its position, seconds; None: the preset's.
        rebalance_delay_s: how long the work of a worker that left its group rests, seconds; None: the preset's.
        errors_tolerance: ``"none"``: a message that cannot be copied ends the task; ``"all"``: it is skipped.
        mirror_delivery_timeout_s: how long the mirror tries to deliver one message; None: for ever, as shipped.
        retention_s / retention_bytes: of the site's topic; None: no limit.
        segment_bytes: of the site's topic, which is dropped segment by segment; None: the broker's own, or a small one
            with a retention.
        heap_bytes: heap of each site's broker; ``-Xmx`` in ``site_jvm_options`` wins.
        mirror_heap_bytes: heap of each mirror; ``-Xmx`` in ``mirror_jvm_options`` wins.
        site_jvm_options / mirror_jvm_options: further options of their JVMs.
        site_properties: further lines for the sites' ``server.properties``.
        mirror_properties: further lines for ``mm2.properties``, in which ``@{site}`` is the site's cluster and ``hub``
            the hub's: ``@{site}.consumer.max.poll.records = 2000``.
        cpus: limit of each site's broker and mirror (containers only).
    """

    preset: Preset = "default"
    mirror: Place = "edge"
    tasks_max: int = 1
    offset_flush_s: float | None = None
    rebalance_delay_s: float | None = None
    errors_tolerance: Tolerance = "none"
    mirror_delivery_timeout_s: float | None = None
    retention_s: float | None = None
    retention_bytes: int | None = None
    segment_bytes: int | None = None
    heap_bytes: int = 64 * MIB
    mirror_heap_bytes: int = 256 * MIB
    site_jvm_options: str = ""
    mirror_jvm_options: str = ""
    site_properties: str = ""
    mirror_properties: str = ""
    cpus: float = 1.0

    def __post_init__(self) -> None:
        version = self._check_hub()
        validate.one_of("preset", self.preset, get_args(Preset))
        validate.one_of("mirror", self.mirror, get_args(Place))
        validate.one_of("errors_tolerance", self.errors_tolerance, get_args(Tolerance))
        validate.integer("tasks_max", self.tasks_max, low=1, high=1000)
        self._check_numbers(version)
        self._check_broker("site", "heap_bytes", version)
        least, why = _LEAST_MIRROR_HEAP_BYTES, _LEAST_MIRROR_WHY
        heap.check_bytes("mirror_heap_bytes", self.mirror_heap_bytes, least_bytes=least, why=why)
        heap.check(
            "mirror_jvm_options", "mirror_heap_bytes", self.mirror_jvm_options, least_bytes=least, why=why
        )  # fmt: skip
        self._check_publishers(version, presets.PUBLISHER)
        text = properties.parse("mirror_properties", self.mirror_properties)
        checking.check_text(
            text, version, {line.key: _OPTION_OF[line.key] for line in self._asked() if line.key in _OPTION_OF}
        )
        checking.check_mirror(
            {line.key: line.value for line in self._settings(text)},
            standalone=self.mirror == "standalone",
            preset=self.preset,
            rebalance_delay_s=self.rebalance_delay_s,
        )

    def _check_numbers(self, version: Version) -> None:
        for field, low in (
            ("offset_flush_s", 0.01),
            ("rebalance_delay_s", 0.0),
            ("mirror_delivery_timeout_s", 0.01),
            ("retention_s", 0.1),
        ):
            if (value := getattr(self, field)) is not None:
                validate.number(field, value, low=low, high=_LONGEST_S)
        for field, least in (("retention_bytes", 1), ("segment_bytes", version.smallest_segment_bytes)):
            if (value := getattr(self, field)) is not None:
                validate.integer(field, value, low=least, high=(1 << 31) - 1 if field == "segment_bytes" else 1 << 62)
        validate.number("cpus", self.cpus, low=0.01, high=1024.0)

    @property
    def _in_transactions(self) -> bool:
        return self._effective().get("hub.exactly.once.source.support") == "enabled"

    @property
    def _tolerance(self) -> str:
        return checking.tolerance(self._effective())

    def _seconds(self, key: str) -> float:
        """A time that every preset sets."""
        return int(self._effective()[key]) / 1e3

    def _effective(self) -> Mapping[str, str]:
        text = properties.parse("mirror_properties", self.mirror_properties)
        return {line.key: line.value for line in self._settings(text)}

    def _settings(self, text: Mapping[str, str]) -> tuple[Setting, ...]:
        asked = tuple(line for line in self._asked() if line.key not in text)
        return merged(presets.MIRROR[self.preset], asked, users(text))

    def _asked(self) -> Iterator[Setting]:
        """What options say, in the keys of ``mm2.properties``."""
        if self.offset_flush_s is not None:
            yield Setting("hub.offset.flush.interval.ms", milliseconds(self.offset_flush_s), _ASKED)
        if self.rebalance_delay_s is not None:
            yield Setting("hub.scheduled.rebalance.max.delay.ms", milliseconds(self.rebalance_delay_s), _ASKED)
        if self.errors_tolerance != "none":
            yield Setting("@{site}->hub.errors.tolerance", self.errors_tolerance, _ASKED)
        if self.mirror_delivery_timeout_s is not None:
            whole_ms = int(milliseconds(self.mirror_delivery_timeout_s))
            yield Setting("hub.producer.delivery.timeout.ms", str(whole_ms), _ASKED)
            if whole_ms < 60_000:
                fits = "Must fit into the delivery timeout."
                yield Setting("hub.producer.request.timeout.ms", str(max(1, whole_ms * 2 // 5)), fits)
