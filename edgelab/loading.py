"""From a run folder to the facts that the analysis is a function of. Reads; never writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .analysis import checks
from .analysis.facts import Facts, LinkBytes
from .errors import LabError, SpecError
from .history import RECORD, Kind, Records, read_journal, read_segment
from .model import codec, faults, schedule, workload
from .model.measured import Evidence, LogEvent, MeasuredWindow, StoreState
from .model.scenario import Scenario
from .store import RunFolder
from .systems import SYSTEMS


@contextmanager
def intact(folder: RunFolder) -> Iterator[None]:
    """What is missing or wrong in a folder that is read within is told as that, and not as a bug of the reader's.

    Raises:
        LabError: the folder is of another version of edgelab, was cut short, or was changed.
    """
    try:
        yield
    except LabError:
        raise
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise LabError(
            f"the run in {folder.path} cannot be read ({type(error).__name__}: {error}): it is of another version of "
            "edgelab, was cut short, or was changed"
        ) from error


def scenario_of(folder: RunFolder) -> Scenario:
    """The scenario that was played.

    Raises:
        LabError: the folder is of another version of edgelab, or was changed.
    """
    value = codec.decode(folder.read_json("scenario.json"), _classes())
    if not isinstance(value, Scenario):
        raise LabError(f"{folder.path / 'scenario.json'} does not hold a scenario")
    return value


def check_kept(scenario: Scenario) -> None:
    """Refuse a scenario that its run folder could not give back.

    Raises:
        SpecError: a system or check of the user's own, or a value that JSON does not hold.
    """
    try:
        codec.decode(codec.encode(scenario), _classes())
    except (LabError, TypeError) as error:
        raise SpecError(
            f"scenario must be made of edgelab's own systems, faults and checks, else no report can read it: {error}"
        ) from error


def facts_of(folder: RunFolder, scenario: Scenario) -> Facts:
    """Everything that the run left behind.

    Raises:
        LabError: the run ended before the hub's store was read; the message says what there is.
    """
    meta = folder.read_json("history/meta.json")
    published = _published(folder)
    if "hub_count" not in meta:
        attempted = int(np.count_nonzero(published.records["kind"] == Kind.INVOKE))
        raise LabError(
            f"the run in {folder.path} ended before the hub's store was read: {attempted:,} messages were attempted "
            "until then, and what became of them cannot be told; their records are in history/"
        )
    environment = folder.read_json("environment.json")
    observed = _records(folder.history.glob("observe.seg"))
    held_paths = [p for p in folder.history.glob("store-*.seg") if p.name != "store-hub.seg"]
    windows, links = _windows(folder), _links(folder, scenario)
    census = _census(folder)
    return Facts(
        scenario=scenario.name,
        system=scenario.system.name,
        runtime=environment["runtime"],
        plane=" + ".join(scenario.planes),
        versions=environment["versions"],
        seed=scenario.seed,
        command=environment["command"],
        environment={**environment, "digests": meta.get("digests", {}), "round_trips_s": meta.get("round_trips_s", {})},
        sites=scenario.sites,
        confirms=meta["confirms"],
        workload=scenario.workload,
        schedule=scenario.schedule,
        start_ns=meta["start_ns"],
        publish_end_ns=meta["publish_end_ns"],
        drain_end_ns=meta["drain_end_ns"],
        drain=meta["drain"]["why"],
        records=published.records,
        stored=_records([folder.segment("store-hub")]),
        held=_records(held_paths),
        progress=_of(observed, Kind.PROGRESS),
        sessions=_of(observed, Kind.SESSION),
        bytes=bytes_of(folder, scenario, links, end_ns=meta["drain_end_ns"], observed=observed),
        reasons=published.reasons,
        windows=windows,
        evidence=Evidence(
            windows=windows,
            log_events={**_client_events(folder, scenario), **_log_events(folder, until_ns=meta["drain_end_ns"])},
            stores=tuple(_stores(folder)),
        ),
        usage=_usage(folder),
        links=links,
        clock_drift_ns=meta["clock_drift_ns"],
        hub_count=meta["hub_count"],
        bypasses=(*meta["bypasses"], *_round_a_link(census, scenario)),
        census=census,
        clients=_clients(folder),
        startup_s=meta.get("startup_s"),
    )


def history_of(folder: RunFolder) -> pd.DataFrame:
    """Every record of every segment, in order of time, with the name of its agent: also of a run that was killed."""
    parts = []
    for path in sorted(folder.history.glob("*.seg")):
        records, about = read_segment(path)
        frame = pd.DataFrame({name: records[name] for name in RECORD.names or ()})
        frame.insert(0, "agent", about.get("agent", path.stem))
        parts.append(frame)
    if not parts:
        raise LabError(f"{folder.history} holds no segment: the run ended before anything was recorded")
    whole = pd.concat(parts, ignore_index=True)
    whole["kind"] = whole["kind"].map({kind.value: kind.name for kind in Kind})
    return whole.sort_values("t_ns", kind="stable", ignore_index=True)


def bytes_of(
    folder: RunFolder, scenario: Scenario, links: Mapping[str, LinkBytes], *, end_ns: int, observed: Records
) -> Records:
    """BYTES records: of the links themselves where they were read during the run, else as the hub counted them."""
    readings = [line for line in read_journal(folder.journal("link_bytes")) if line["t_ns"] < end_ns]
    if not readings:
        return _of(observed, Kind.BYTES)
    index_of = {link.name: scenario.sites.index(link.site) for link in scenario.topology().links}
    counted = np.zeros((len(readings) + 1, len(scenario.sites), 2), np.int64)
    for row, line in zip(counted, readings, strict=False):
        for link, up_and_down in line["links"].items():
            row[index_of[link]] += up_and_down
    counted[-1] = [(links[site].bytes_up, links[site].bytes_down) for site in scenario.sites]
    # A connection that closed while it was read may have counted twice, or not at all. The end total is certain.
    counted = np.minimum(np.maximum.accumulate(counted), counted[-1])
    records = np.zeros(counted.shape, RECORD)
    records["kind"] = Kind.BYTES
    records["t_ns"] = np.array([*(line["t_ns"] for line in readings), end_ns])[:, None, None]
    records["site"] = np.arange(len(scenario.sites))[:, None]
    records["code"] = (0, 1)
    records["value"] = counted
    return records.ravel()


@dataclass(frozen=True, slots=True)
class _Published:
    records: Records
    reasons: tuple[str, ...]


def _published(folder: RunFolder) -> _Published:
    """All publishers' records, with their reasons numbered through."""
    parts: list[Records] = []
    reasons: list[str] = []
    for path in sorted(folder.history.glob("publish-*.seg")):
        records, _ = read_segment(path)
        words = {line["reason"]: line["text"] for line in read_journal(folder.journal(path.stem)) if "reason" in line}
        if words and reasons:
            records = np.array(records)
            given = (records["kind"] == Kind.OUTCOME) & (records["value"] > 0)
            records["value"][given] += len(reasons)
        reasons.extend(words.get(number, "no words recorded") for number in range(1, max(words, default=0) + 1))
        parts.append(records)
    return _Published(_joined(parts), tuple(reasons))


def _records(paths: Iterable[Path]) -> Records:
    return _joined([read_segment(path)[0] for path in sorted(paths)])


def _joined(parts: list[Records]) -> Records:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, RECORD)


def _of(records: Records, kind: Kind) -> Records:
    picked: Records = records[records["kind"] == kind]
    return picked


def _windows(folder: RunFolder) -> tuple[MeasuredWindow, ...]:
    """The last word on each window and target: the injector journals it when it applies and when it has cleared."""
    latest = {(line["window"], line["target"]): line for line in read_journal(folder.journal("windows"))}
    return tuple(MeasuredWindow(**line) for line in latest.values())


def _log_events(folder: RunFolder, *, until_ns: int) -> Mapping[str, tuple[LogEvent, ...]]:
    """What logs say of the run. What they say later is of the lab's own making: it closes the links, then reads."""
    events: dict[str, list[LogEvent]] = {}
    for line in read_journal(folder.journal("log_events")):
        if line["t_ns"] > until_ns:
            continue
        events.setdefault(line["site"], []).append(LogEvent(line["t_ns"], line["kind"], line["detail"]))
    # A site may have several services, each with a log of its own.
    return {site: tuple(sorted(found, key=lambda event: event.t_ns)) for site, found in events.items()}


def _client_events(folder: RunFolder, scenario: Scenario) -> Mapping[str, tuple[LogEvent, ...]]:
    """Sessions of the sites without a service of their own: those of their publishers, by the publishers' journals.

    A site's session is gone when its last publisher has noticed, and there again with the first that is back.
    """
    topology = scenario.topology()
    connected = {
        site: set(range(scenario.workload.of(site).publishers))
        for site in scenario.sites
        if not topology.services_of(site)
    }
    lines = [line for p in sorted(folder.history.glob("publish-*.jsonl")) for line in read_journal(p)]
    events: dict[str, list[LogEvent]] = {}
    for line in sorted((line for line in lines if line.get("site") in connected), key=lambda line: line["t_ns"]):
        there, found = connected[line["site"]], events.setdefault(line["site"], [])
        if line["connection"] == "connected":
            if not there:
                found.append(LogEvent(line["t_ns"], "established"))
            there.add(line["publisher"])
        elif there:
            there.discard(line["publisher"])
            if not there:
                found.append(LogEvent(line["t_ns"], "closed", line["why"]))
    return {site: tuple(found) for site, found in events.items()}


def _stores(folder: RunFolder) -> Iterator[StoreState]:
    for line in read_journal(folder.journal("stores")):
        yield StoreState(**line)


def _usage(folder: RunFolder) -> pd.DataFrame:
    columns = ["t_ns", "service", "rss_bytes", "cpu_s"]
    return pd.DataFrame(list(read_journal(folder.journal("usage"))), columns=columns)


def _census(folder: RunFolder) -> tuple[tuple[str, str, str], ...]:
    lines = read_journal(folder.journal("census"))
    return tuple(sorted((line["caller"], line["service"], line["port"]) for line in lines))


def _round_a_link(census: Iterable[tuple[str, str, str]], scenario: Scenario) -> Iterator[str]:
    """Connections between two places that no link carries: only the proxy, which is at all of them, may have those."""
    place = {service.name: service.place for service in scenario.topology().services}
    for caller, service, port in census:
        if place[caller] and place[service] and place[caller] != place[service]:
            yield f"{caller} (at {place[caller]}) was connected to {service} (at {place[service]}), port {port}"


def _clients(folder: RunFolder) -> Mapping[str, str]:
    """What each publishing agent says that it published with."""
    return {
        path.stem: str(line["client"])
        for path in sorted(folder.history.glob("publish-*.jsonl"))
        for line in read_journal(path)
        if "client" in line
    }


def _links(folder: RunFolder, scenario: Scenario) -> Mapping[str, LinkBytes]:
    """Bytes per site: the sum over its links."""
    site_of = {link.name: link.site for link in scenario.topology().links}
    totals: dict[str, tuple[int, int]] = {}
    for line in read_journal(folder.journal("links")):
        up, down = totals.get(site_of[line["link"]], (0, 0))
        totals[site_of[line["link"]]] = (up + line["bytes_up"], down + line["bytes_down"])
    return {site: LinkBytes(bytes_up=up, bytes_down=down) for site, (up, down) in totals.items()}


def _classes() -> Mapping[str, type[Any]]:
    """Every class that ``scenario.json`` may name."""
    values: list[type[Any]] = [Scenario, schedule.Schedule, schedule.Window, workload.Workload, workload.Load]
    values += [faults.Outage, faults.Partition, faults.Latency, faults.Throttle, faults.Kill, faults.Pause]
    values += [*SYSTEMS.values(), *checks.CHECKS]
    return {kind.__name__: kind for kind in values}
