from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from edgelab.deploy import doctor, toolchain
from edgelab.deploy.doctor import Finding, diagnose, runtimes


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in found}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with an empty cache, no Go and no engine."""
    monkeypatch.setenv("EDGELAB_CACHE", str(tmp_path / "not" / "there"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    monkeypatch.setattr(toolchain, "system_go", lambda: None)


@pytest.mark.usefixtures("bare")
def test_every_lack_comes_with_its_mending() -> None:
    found = by_name(diagnose())

    for name in ("Go toolchain", "nats-server binary", "toxiproxy binary", "Docker engine", "packet plane"):
        assert not found[name].ok
        assert found[name].mend
        assert not found[name].needed
    assert "edgelab.deploy.engine" in found["Docker engine"].mend


@pytest.mark.usefixtures("bare")
def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    diagnose()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("bare")
def test_a_full_disk_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - stands in for shutil's own
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10, 10, 5 * 1024 * 1024))  # type: ignore[attr-defined]

    disk = by_name(diagnose())["free disk"]

    assert (disk.ok, disk.needed, disk.found) == (False, True, "5 MiB here and in the cache")
    assert "EDGELAB_CACHE" in disk.mend


def test_it_says_which_runtimes_work() -> None:
    disk = Finding(name="free disk", ok=True, found="much", needed=True)
    engine = Finding(name="Docker engine", ok=True, found="20.10")

    assert runtimes([disk, engine]) == ["process", "compose"]
    assert runtimes([disk, replace(engine, ok=False)]) == ["process"]
    assert runtimes([replace(disk, ok=False), engine]) == []
