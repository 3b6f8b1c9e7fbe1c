import os
from pathlib import Path

import pytest

from edgelab.deploy import docker_api, engine
from edgelab.errors import RuntimeMissing


@pytest.fixture
def silent_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine answers, and the cache is empty."""
    monkeypatch.setenv("EDGELAB_CACHE", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(docker_api, "_DEFAULT_HOST", f"unix://{tmp_path}/nothing.sock")


def test_no_engine_is_reported_with_where_it_was_looked_for(
    silent_host: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del silent_host
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/other.sock")

    assert not docker_api.answers()
    with pytest.raises(RuntimeMissing, match=r"no Docker engine answers at unix://.*other\.sock .*DOCKER_HOST"):
        docker_api.connect()


def test_an_engine_elsewhere_is_not_started_here(
    silent_host: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del silent_host
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")

    assert engine.main() == 3
    assert "the engine at DOCKER_HOST=unix:///nowhere.sock does not answer" in capsys.readouterr().err


def test_starting_one_takes_root(silent_host: None, monkeypatch: pytest.MonkeyPatch) -> None:
    del silent_host
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(engine.sys, "platform", "linux")  # type: ignore[attr-defined]

    with pytest.raises(RuntimeMissing, match="run this as root"):
        engine.ensure()


@pytest.mark.docker
def test_an_engine_that_answers_is_left_as_it_is() -> None:
    said: list[str] = []

    assert engine.ensure(progress=said.append)[0].isdigit()
    assert said == []
