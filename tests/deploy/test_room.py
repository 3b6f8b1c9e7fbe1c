"""What cannot fit is refused before it starts, with what would fit."""

from __future__ import annotations

import resource
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from edgelab.deploy import room
from edgelab.errors import SpecError
from edgelab.model.scenario import Scenario
from edgelab.model.topology import MIB, site_names
from edgelab.model.workload import Load, Workload
from edgelab.systems import NatsLeaf

_Disk = namedtuple("_Disk", "total used free")  # noqa: PYI024 - stands in for shutil's own
_Memory = namedtuple("_Memory", "available")  # noqa: PYI024 - stands in for psutil's own


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 MB of disk, 100 MiB of memory, 200 files."""
    replaced: dict[str, Any] = {
        "shutil.disk_usage": lambda _: _Disk(20_000_000, 10_000_000, 10_000_000),
        "psutil.virtual_memory": lambda: _Memory(100 * MIB),
        "resource.getrlimit": lambda _: (200, 200),
    }
    for name, stand_in in replaced.items():
        monkeypatch.setattr(f"edgelab.deploy.room.{name}", stand_in)


def _scenario(*, sites: int = 1, rate_hz: float = 100.0, publishers: int = 1) -> Scenario:
    load = Load(rate_hz=rate_hz, size_bytes=904, publishers=publishers)
    workload = Workload(duration_s=10.0, load=load)
    return Scenario(name="x", system=NatsLeaf(), sites=site_names(sites), workload=workload)


def test_what_fits_is_left_alone(tmp_path: Path) -> None:
    room.check(_scenario(), tmp_path / "not" / "there" / "yet")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate_hz": 2000.0}, r"20,000 messages need at least 20\.0 MB of disk .* has 10\.0 MB free; lower rate_hz"),
        ({"sites": 9, "rate_hz": 1.0}, r"11 brokers .* need at least 115\.4 MB of memory, and 104\.9 MB are free"),
        ({"publishers": 101}, "publishers of all sites together must be at most 100 .*, not 101"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=words):
        room.check(_scenario(**changes), tmp_path)


def test_what_runs_in_java_needs_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = _scenario(rate_hz=1.0)
    monkeypatch.setattr("edgelab.deploy.room.is_jvm", lambda service: service.role != "proxy")

    with pytest.raises(SpecError, match=r"3 brokers and mirrors, 2 of them in Java, .* at least 283\.1 MB of memory"):
        room.check(scenario, tmp_path)


def test_no_limit_of_files_is_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr("edgelab.deploy.room.resource.getrlimit", lambda _: unlimited)

    room.check(_scenario(publishers=500), tmp_path)
