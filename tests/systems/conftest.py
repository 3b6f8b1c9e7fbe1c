"""Real hubs, sites and links as local processes; links that tests cut; messages as the lab's publishers write them."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgelab.deploy.base import Address, Deployment
from edgelab.deploy.process import ProcessRuntime
from edgelab.history import Records, SegmentWriter, read_segment
from edgelab.model.measured import LogEvent, StoreState
from edgelab.model.message import Identity, pack
from edgelab.model.topology import HUB, PROXY, PROXY_API, Topology, site_names
from edgelab.systems import System
from edgelab.systems.nats import monitor
from edgelab.systems.nats.wire import Wire

_LONGEST_S = 60.0


@dataclass
class Lab:
    """A system that is up and prepared."""

    system: Any
    up: Deployment
    folder: Path

    @property
    def sites(self) -> tuple[str, ...]:
        return self.up.topology.sites

    def set_link(self, site: str, *, enabled: bool) -> None:
        """Cut or heal the link of a site, by Toxiproxy's own API."""
        connection = http.client.HTTPConnection(*self.up.address(PROXY, PROXY_API), timeout=5.0)
        connection.request("POST", f"/proxies/{site}", json.dumps({"enabled": enabled}))
        assert connection.getresponse().status == http.client.OK
        connection.close()

    @contextmanager
    def cut(self, seconds: float) -> Iterator[None]:
        """All links are cut for at least ``seconds``."""
        for site in self.sites:
            self.set_link(site, enabled=False)
        begun = time.monotonic()
        try:
            yield
            time.sleep(max(0.0, seconds - (time.monotonic() - begun)))
        finally:
            for site in self.sites:
                self.set_link(site, enabled=True)

    def publish(self, site: str, sequences: range) -> None:
        """Publish to where the system says, and wait until that broker has read all."""
        options = self.system.publishing(self.up, site).options
        host, _, port = options["address"].rpartition(":")
        with Wire(Address(host, int(port))) as wire:
            for sequence in sequences:
                now = time.time_ns()
                head = pack(Identity(self.sites.index(site), 0, sequence, now, now))
                wire.publish(options["subject"], head + bytes(200))
            settled = wire.subscribe()
            wire.publish(settled.subject)
            next(wire.messages())

    def publish_everywhere(self, sequences: range) -> None:
        for site in self.sites:
            self.publish(site, sequences)

    def wait_for(self, count: int, seconds: float = _LONGEST_S) -> None:
        """The hub holds exactly ``count`` messages."""
        self.wait_until(lambda: self.system.hub_count(self.up), count, seconds)

    def wait_until(self, look: Callable[[], object], wanted: object, seconds: float = _LONGEST_S) -> None:
        end = time.monotonic() + seconds
        while (seen := look()) != wanted:
            assert time.monotonic() < end, f"still {seen!r} after {seconds:g} s, not {wanted!r}"
            time.sleep(0.05)

    def connected(self) -> set[str]:
        """Sites with a session, by the hub's monitoring."""
        return monitor.leaf_names(self.up.address(HUB, "monitor"))

    def read_hub(self) -> tuple[Records, tuple[StoreState, ...]]:
        path = self.folder / f"hub-{time.monotonic_ns()}.seg"
        with SegmentWriter(path, "store-hub") as writer:
            states = self.system.read_hub(self.up, writer)
        return read_segment(path)[0], states

    def read_site(self, site: str) -> tuple[Records, tuple[StoreState, ...]]:
        path = self.folder / f"{site}-{time.monotonic_ns()}.seg"
        with SegmentWriter(path, site) as writer:
            states = self.system.read_site(self.up, site, writer)
        return read_segment(path)[0], states

    def log_events(self, site: str) -> list[LogEvent]:
        with self.up.collect_logs()[site].open() as lines:
            return list(self.system.log_events(lines))

    def dials_round_the_link(self) -> set[str]:
        return {
            event.detail
            for site in self.sites
            for event in self.log_events(site)
            if event.kind == "dial" and event.detail not in self.system.allowed_dials(self.up, site)
        }


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Bring a system up; all that was brought up is taken down again."""
    labs: list[Deployment] = []

    def make(system: System, *, sites: int = 2, topology: Topology | None = None) -> Lab:
        folder = tmp_path / f"lab-{len(labs)}"
        folder.mkdir()
        up = ProcessRuntime().up(topology or system.topology(site_names(sites)), folder, run_id="test-systems")
        labs.append(up)
        system.prepare(up)
        return Lab(system, up, folder)

    yield make
    for lab in labs:
        lab.down()
