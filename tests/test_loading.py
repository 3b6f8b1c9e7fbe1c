"""From journals to the tables that the analysis takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from edgelab import Scenario, Workload, loading, store
from edgelab.analysis.facts import LinkBytes
from edgelab.history import RECORD, Journal, Kind
from edgelab.loading import bytes_of
from edgelab.model.workload import Load
from edgelab.systems import KafkaMirrorMaker, NatsLeaf

SCENARIO = Scenario(
    name="loaded",
    system=NatsLeaf(),
    sites=("site-1", "site-2"),
    workload=Workload(duration_s=1.0, load=Load(rate_hz=1.0)),
)
TOTALS = {
    "site-1": LinkBytes(bytes_up=1000, bytes_down=100),
    "site-2": LinkBytes(bytes_up=50, bytes_down=5),
}


def _written(tmp_path: Path, *readings: tuple[int, dict[str, tuple[int, int]]]) -> store.RunFolder:
    folder = store.create(tmp_path, "loaded")
    journal = Journal(folder.journal("link_bytes"))
    for t_ns, links in readings:
        journal.write(t_ns=t_ns, links=links)
    journal.close()
    return folder


def _series(records: np.ndarray, site: int, code: int) -> list[tuple[int, int]]:
    own = records[(records["site"] == site) & (records["code"] == code)]
    return [(int(record["t_ns"]), int(record["value"])) for record in own]


def test_readings_of_links_never_fall_and_end_at_the_total(tmp_path: Path) -> None:
    folder = _written(
        tmp_path,
        (10, {"site-1": (400, 40), "site-2": (10, 1)}),
        # A connection that closed meanwhile counted twice, then once; a reading after the end is none of the run's.
        (20, {"site-1": (1200, 80), "site-2": (10, 1)}),
        (30, {"site-1": (900, 90), "site-2": (20, 2)}),
        (50, {"site-1": (1000, 100), "site-2": (70, 7)}),
    )

    records = bytes_of(folder, SCENARIO, TOTALS, end_ns=40, observed=np.empty(0, RECORD))

    assert set(records["kind"].tolist()) == {Kind.BYTES}
    assert _series(records, 0, 0) == [(10, 400), (20, 1000), (30, 1000), (40, 1000)]
    assert _series(records, 0, 1) == [(10, 40), (20, 80), (30, 90), (40, 100)]
    assert _series(records, 1, 0) == [(10, 10), (20, 10), (30, 20), (40, 50)]


def _connected(tmp_path: Path, scenario: Scenario, *census: tuple[str, str, str]) -> list[str]:
    folder = store.create(tmp_path, "loaded")
    journal = Journal(folder.journal("census"))
    for caller, service, port in census:
        journal.write(t_ns=1, caller=caller, service=service, port=port)
    journal.close()
    return list(loading._round_a_link(loading._census(folder), scenario))


def test_a_site_that_was_connected_to_the_hub_went_round_its_link(tmp_path: Path) -> None:
    found = _connected(
        tmp_path,
        SCENARIO,
        ("site-1", "toxiproxy", "link-site-1"),
        ("toxiproxy", "hub", "leaf"),
        ("site-2", "hub", "leaf"),
    )

    assert found == ["site-2 (at site-2) was connected to hub (at hub), port leaf"]


def test_a_mirror_belongs_to_the_place_where_it_runs(tmp_path: Path) -> None:
    scenario = replace(SCENARIO, system=KafkaMirrorMaker(mirror="hub"))

    found = _connected(
        tmp_path,
        scenario,
        ("mirror-site-1", "hub", "internal"),
        ("mirror-site-1", "toxiproxy", "link-site-1"),
        ("mirror-site-2", "site-2", "wan"),
    )

    assert found == ["mirror-site-2 (at hub) was connected to site-2 (at site-2), port wan"]


def test_where_links_could_not_be_read_the_hubs_counts_are_taken(tmp_path: Path) -> None:
    observed = np.zeros(2, RECORD)
    observed["kind"] = (Kind.PROGRESS, Kind.BYTES)
    observed["value"] = (1, 77)

    records = bytes_of(_written(tmp_path), SCENARIO, TOTALS, end_ns=40, observed=observed)

    assert records["value"].tolist() == [77]


def test_what_logs_say_after_the_drain_is_no_evidence(tmp_path: Path) -> None:
    folder = store.create(tmp_path, "loaded")
    journal = Journal(folder.journal("log_events"))
    for t_ns in (10, 40, 41):
        journal.write(site="site-1", t_ns=t_ns, kind="closed", detail=str(t_ns))
    journal.close()

    (events,) = loading._log_events(folder, until_ns=40).values()

    assert [event.t_ns for event in events] == [10, 40]
