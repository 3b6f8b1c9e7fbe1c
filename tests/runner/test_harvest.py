"""What is read after the drain, on stand-ins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelab import store
from edgelab.history import read_journal
from edgelab.model.measured import LogEvent
from edgelab.model.scenario import Scenario
from edgelab.model.topology import HUB, Service, Topology, assemble
from edgelab.model.workload import Load, Workload
from edgelab.runner.harvest import write_log_events

SITES = ("site-1", "site-2")


@dataclass(frozen=True)
class Mirrored:
    """A system whose mirrors, at the hub, have the sessions: their names are not the sites'."""

    name = "mirrored"
    versions = {"broker": "1.0.0"}  # noqa: RUF012 - a stand-in's constant

    def topology(self, sites: tuple[str, ...]) -> Topology:
        def service(name: str, role: Any, site: str = "") -> Service:
            return Service(name=name, role=role, site=site, program="broker", version="1.0.0", arguments=())

        mirrors = (service(f"mirror-of-{site}", "hub", site) for site in sites)
        services = (service(HUB, "hub"), *(service(site, "site", site) for site in sites), *mirrors)
        return assemble(self.name, sites=sites, services=services, links=())

    def allowed_dials(self, lab: Any, site: str) -> frozenset[str]:
        del lab
        return frozenset({f"link-{site}"})

    def log_events(self, lines: Iterable[str]) -> Iterator[LogEvent]:
        for line in lines:
            t_ns, kind, detail = line.split()
            yield LogEvent(int(t_ns), kind, detail)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Logged:
    """A deployment of which only the logs are left."""

    topology: Topology
    logs: dict[str, Path]

    def collect_logs(self) -> dict[str, Path]:
        return self.logs


def test_every_log_of_a_site_is_read_whatever_its_service_is_called(tmp_path: Path) -> None:
    system: Any = Mirrored()
    scenario = Scenario(
        name="harvested", system=system, sites=SITES, workload=Workload(duration_s=1.0, load=Load(rate_hz=1.0))
    )
    lines = {
        "site-1": "5 trouble slow\n",
        "mirror-of-site-1": "3 dial link-site-1\n",
        "mirror-of-site-2": "4 dial hub:1\n",
    }
    logs = {}
    for service in scenario.topology().services:
        logs[service.name] = tmp_path / f"{service.name}.log"
        logs[service.name].write_text(lines.get(service.name, ""))
    lab: Any = Logged(scenario.topology(), logs)
    folder = store.create(tmp_path, "harvested")

    bypasses = write_log_events(scenario, system, lab, folder)

    assert bypasses == ["mirror-of-site-2 dialed hub:1"]
    assert [(line["site"], line["t_ns"]) for line in read_journal(folder.journal("log_events"))] == [
        ("site-1", 5),
        ("site-1", 3),
        ("site-2", 4),
    ]
