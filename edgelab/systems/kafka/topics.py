"""The topics of a run: made by the lab, or found to be what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...deploy.base import Address, Deployment
from ...errors import SystemUnderTestError
from ...model.topology import HUB, MIB
from . import broker, clients
from .mirror import TOPIC, hub_topic
from .settings import milliseconds

_FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
_SEGMENTS_HELD = 8
_SEGMENT_BYTES = 4 * MIB
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """What topics there shall be.

    Attributes:
        sites: whose.
        partitions: of each.
        site_settings: of the sites' topics.
        at_sites: whether there are brokers at the sites.
    """

    sites: tuple[str, ...]
    partitions: int
    site_settings: Mapping[str, str] = field(default_factory=dict)
    at_sites: bool = True

    def make(self, lab: Deployment) -> None:
        """Make all of them, or find them as they shall be.

        The hub's are made here and not by the mirror, which would copy the site's settings: what is short-lived at the
        site would be short-lived at the hub.

        Raises:
            SystemUnderTestError: a broker refuses one, or one is there with other settings.
        """
        hub = {hub_topic(site): _FOR_EVER for site in self.sites}
        make(lab.address(HUB, broker.LAB), HUB, hub, self.partitions)
        if self.at_sites:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda site: self._make_at(lab, site), self.sites))

    def _make_at(self, lab: Deployment, site: str) -> None:
        make(lab.address(site, broker.LAB), site, {TOPIC: self.site_settings}, self.partitions)


def site_settings(
    *, retention_s: float | None, retention_bytes: int | None, segment_bytes: int | None, least_segment_bytes: int
) -> dict[str, str]:
    """Settings of a site's topic. A limit drops whole segments: with one they are small unless a size was asked for."""
    found = {
        "retention.ms": "-1" if retention_s is None else milliseconds(retention_s),
        "retention.bytes": "-1" if retention_bytes is None else str(retention_bytes),
        "cleanup.policy": "delete",
    }
    if segment_bytes is None and (retention_s is not None or retention_bytes is not None):
        share = _SEGMENT_BYTES if retention_bytes is None else retention_bytes // _SEGMENTS_HELD
        segment_bytes = max(least_segment_bytes, min(_SEGMENT_BYTES, share))
    if segment_bytes is not None:
        found["segment.bytes"] = str(segment_bytes)
    return found


def make(address: Address, place: str, topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
    """Make ``topics`` at the broker of ``place``, each with its settings.

    Raises:
        SystemUnderTestError: the broker refuses one, or one is there with other settings.
    """
    with clients.admin(address, place) as admin:
        for name, settings in topics.items():
            wanted = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(settings)}
            try:
                with clients.translated(place):
                    admin.create_topics({name: wanted}, wait_for_metadata=True)
            except SystemUnderTestError as error:
                if not clients.is_there_already(error):
                    raise
                _refuse_other(admin, place, name, settings, partitions)


def _refuse_other(admin: clients.Admin, place: str, name: str, wanted: Mapping[str, str], partitions: int) -> None:
    (found,) = admin.describe_topics([name])
    there = len(found["partitions"])
    if there != partitions:
        raise SystemUnderTestError(f"topic {name} of {place} exists with {there} partition(s), not {partitions}")
    settings = clients.settings_of(admin, name)
    for key, value in wanted.items():
        if (has := settings.get(key)) != value:
            raise SystemUnderTestError(f"topic {name} of {place} exists with {key}={has}, not {value}")
