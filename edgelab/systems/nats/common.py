"""What the three NATS systems share: options of the brokers, services, links, readiness."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from ...deploy.base import Address, Deployment
from ...errors import SpecError
from ...model import validate
from ...model.measured import Evidence, LogEvent
from ...model.topology import HUB, MIB, PROXY, ConfigFile, Link, Port, Service, site_network
from . import config, control, monitor, versions
from .logs import log_events

CLIENT, LEAF, MONITOR = "client", "leaf", "monitor"
_FILE = "nats.conf"
_HUB_MIB, _HUB_MIB_PER_SITE = 1024, 16
_READY_S, _READY_PER_SITE_S = 30.0, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsBrokers:
    """Options of the brokers, whatever is done with them.

    Attributes:
        version: of nats-server, at hub and sites.
        reconnect_s: pause of a leaf between two tries to connect; None: the broker's own (1 s). After a failed try
            the broker adds up to as much again at random.
        ping_interval_s: pause between two pings on a quiet connection; None: the broker's own (2 min).
        ping_max: pings unanswered before a connection is given up; None: the broker's own (2).
        extra_site_config: further lines for the sites' configuration; may hold ``@{site}``.
        extra_hub_config: further lines for the hub's.
        site_config: a whole configuration in place of the lab's; must hold what the lab relies on, and ``@{site}``.
        hub_config: the same for the hub.
        memory_bytes: limit of each site's broker (containers only).
        cpus: limit of each site's broker (containers only).
    """

    version: str = versions.NEWEST
    reconnect_s: float | None = None
    ping_interval_s: float | None = None
    ping_max: int | None = None
    extra_site_config: str = ""
    extra_hub_config: str = ""
    site_config: str | None = None
    hub_config: str | None = None
    memory_bytes: int = 256 * MIB
    cpus: float = 1.0

    def _check_brokers(self, *, store: bool, leaves: bool = True) -> None:
        version = versions.parse(self.version)
        if self.reconnect_s is not None:
            validate.number("reconnect_s", self.reconnect_s, low=0.001, high=3600.0)
            if not version.takes_reconnect_fractions and self.reconnect_s != int(self.reconnect_s):
                raise SpecError(
                    f"reconnect_s must be a whole number with nats-server {self.version}, "
                    f"which takes seconds only, not {self.reconnect_s!r}"
                )
        if self.ping_interval_s is not None:
            validate.number("ping_interval_s", self.ping_interval_s, low=0.01, high=3600.0)
        if self.ping_max is not None:
            validate.integer("ping_max", self.ping_max, low=1, high=1000)
        validate.integer("memory_bytes", self.memory_bytes, low=32 * MIB, high=1 << 42)
        validate.number("cpus", self.cpus, low=0.01, high=1024.0)
        config.check_extra("extra_site_config", self.extra_site_config, store=store)
        config.check_extra("extra_hub_config", self.extra_hub_config, store=True)
        if self.site_config is not None:
            config.check_site(self.site_config, store=store)
        if self.hub_config is not None:
            config.check_hub(self.hub_config, version, leaves=leaves)
        self._refuse_unused()

    def _refuse_unused(self) -> None:
        """A whole text of the user's leaves no place for options that would have gone into ours."""
        in_both = ("ping_interval_s", "ping_max")
        replaced = {
            "site_config": ("extra_site_config", "reconnect_s", *in_both),
            "hub_config": ("extra_hub_config", *in_both),
        }
        for whole, options in replaced.items():
            if getattr(self, whole) is None:
                continue
            for option in options:
                if getattr(self, option) not in {None, ""}:
                    raise SpecError(f"{option} must not be set with {whole}: put it there")

    @property
    def versions(self) -> Mapping[str, str]:
        return {"nats-server": self.version}

    def log_events(self, lines: Iterable[str]) -> Iterator[LogEvent]:
        return log_events(lines)

    def remarks(self, windows: pd.DataFrame, evidence: Evidence) -> tuple[str, ...]:
        del windows, evidence
        return ()

    def _hub(self, sites: tuple[str, ...], *, leaves: bool) -> Service:
        text = self.hub_config or config.hub_text(
            versions.parse(self.version), leaves=leaves, pings=self._pings(), extra=self.extra_hub_config
        )
        ports = [Port(name=CLIENT, number=4222), Port(name=MONITOR, number=8222)]
        if leaves:
            ports.append(Port(name=LEAF, number=7422, published=False))
        return Service(
            name=HUB,
            role="hub",
            program="nats-server",
            version=self.version,
            arguments=("-c", f"@{{file:{_FILE}}}"),
            files=(ConfigFile(name=_FILE, text=text),),
            ports=tuple(ports),
            networks=(HUB,),
            memory_bytes=(_HUB_MIB + _HUB_MIB_PER_SITE * len(sites)) * MIB,
            cpus=2.0,
            keeps_data=True,
        )

    def _site(self, site: str, *, store: bool) -> Service:
        text = self.site_config or config.site_text(
            versions.parse(self.version),
            store=store,
            reconnect_s=self.reconnect_s,
            pings=self._pings(),
            extra=self.extra_site_config,
        )
        return Service(
            name=site,
            role="site",
            site=site,
            program="nats-server",
            version=self.version,
            arguments=("-c", f"@{{file:{_FILE}}}"),
            files=(ConfigFile(name=_FILE, text=text.replace(config.SITE, site)),),
            ports=(Port(name=CLIENT, number=4222), Port(name=MONITOR, number=8222)),
            networks=(site_network(site),),
            memory_bytes=self.memory_bytes,
            cpus=self.cpus,
            keeps_data=store or self.site_config is not None,
        )

    def _pings(self) -> tuple[str, ...]:
        return config.pings(self.ping_interval_s, self.ping_max)


def link(site: str, port: str) -> Link:
    """The link of ``site`` to the hub's ``port``.

    A nats-server greets, and answers a PING before any CONNECT at once, with a PONG or (2.15) a refusal.
    """
    return Link(name=site, site=site, service=HUB, port=port, probe_greeting=b"INFO", probe_request=b"PING\r\n")


def subject_of(site: str) -> str:
    """What ``site`` publishes to."""
    return f"edge.{site}"


def leaf_dials(lab: Deployment, site: str) -> frozenset[str]:
    """The one address that the leaf of ``site`` may dial: its link."""
    return frozenset(lab.dial_address(site, PROXY, link.listen_port) for link in lab.topology.links_of(site))


def hub_client(lab: Deployment) -> Address:
    """Where the lab reaches the hub as a client."""
    return lab.address(HUB, CLIENT)


def ready_s(sites: tuple[str, ...]) -> float:
    """How long getting ready may take."""
    return _READY_S + _READY_PER_SITE_S * len(sites)


async def leaves_up(lab: Deployment) -> None:
    """Wait until the hub has a leaf session with every site.

    Raises:
        NotReady: one is missing; the message names it.
    """
    sites = set(lab.topology.sites)
    address = lab.address(HUB, MONITOR)

    async def missing() -> str:
        gone = sites - await asyncio.to_thread(monitor.leaf_names, address)
        return f"no session of {control.some(gone)} ({len(sites) - len(gone)} of {len(sites)} are up)" if gone else ""

    await control.until(missing, deadline_s=ready_s(lab.topology.sites), what="the leaf session of every site")


def observing(
    lab: Deployment, *, streams: Iterable[str], sessions: str, sources: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Options of the agent ``watch_nats``; see there."""
    return {
        "address": str(hub_client(lab)),
        "monitor": str(lab.address(HUB, MONITOR)),
        "streams": list(streams),
        "sessions": sessions,
        "sources": dict(sources or {}),
    }
