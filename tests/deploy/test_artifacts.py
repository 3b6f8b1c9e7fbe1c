import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgelab.deploy import artifacts, toolchain
from edgelab.errors import ArtifactError, CommandError, SpecError


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Sequence[str]]:
    """A stand-in for Go that makes small files; the calls it got."""
    calls: list[Sequence[str]] = []

    def run(argv: Sequence[str], *, cwd: Path, environment: dict[str, str] | None = None, **_: Any) -> str:
        calls.append(argv)
        if argv[1] == "install" and argv[-1].endswith("@v2.99.9"):
            raise CommandError(argv, 1, "unknown revision v2.99.9")
        if argv[1] == "install" and argv[-1].endswith("@v2.2.2"):
            raise CommandError(argv, 1, "does not compile")
        if argv[1] == "list":
            return json.dumps({"Versions": ["v2.2.1", "v2.2.2"]})
        built = "server" if argv[-1].split("@")[0].endswith("/server") else "nats-server"
        assert environment is not None
        Path(environment["GOBIN"], built).write_text(f"binary of {argv[-1]}")
        assert cwd.is_dir()
        return ""

    monkeypatch.setenv("EDGELAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(toolchain, "run", run)
    monkeypatch.setattr(toolchain, "go", lambda **_: Path("/go"))
    return calls


def test_a_binary_is_built_once(go: list[Sequence[str]]) -> None:
    first = artifacts.binary("toxiproxy", "2.12.0")
    second = artifacts.binary("toxiproxy", "2.12.0")

    assert first == second
    assert first.name == "toxiproxy"
    assert first.stat().st_mode & 0o111
    assert [call[-1] for call in go] == ["github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"]


def test_a_binary_that_was_changed_is_built_again(go: list[Sequence[str]]) -> None:
    said: list[str] = []
    path = artifacts.binary("nats-server", "2.10.12")
    path.write_text("something else")

    again = artifacts.binary("nats-server", "2.10.12", progress=said.append)

    assert "binary of" in again.read_text()
    assert len(go) == 2
    assert "nats-server-2.10.12 in the cache does not match its checksum: building it again" in said


def test_a_cache_without_its_manifest_is_built_again(go: list[Sequence[str]]) -> None:
    path = artifacts.binary("nats-server", "2.10.12")
    (path.parent / "manifest.json").unlink()

    assert artifacts.cached("nats-server", "2.10.12") is None
    artifacts.binary("nats-server", "2.10.12")
    assert len(go) == 2


def test_a_version_that_does_not_exist_is_named_with_those_that_do(go: list[Sequence[str]]) -> None:
    with pytest.raises(ArtifactError, match=r"no nats-server 2\.99\.9; the newest are 2\.2\.1, 2\.2\.2 .*go list -m"):
        artifacts.binary("nats-server", "2.99.9")
    assert artifacts.cached_versions("nats-server") == []
    assert go


def test_a_version_that_exists_but_does_not_build_shows_what_go_said(go: list[Sequence[str]]) -> None:
    with pytest.raises(ArtifactError, match=r"could not be built: .*\n.*does not compile"):
        artifacts.binary("nats-server", "2.2.2")
    assert go


@pytest.mark.parametrize("version", ["newest", "2.10", "v2.10.12", "2.10.12@x", "../../x", "2.10.12/..", ""])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(SpecError, match="nats-server version must be three numbers"):
        artifacts.binary("nats-server", version)


def test_an_unknown_program_is_refused() -> None:
    with pytest.raises(SpecError, match="program must be one of nats-server, toxiproxy"):
        artifacts.binary("rabbitmq", "1.2.3")


def test_versions_are_listed_in_their_own_order(go: list[Sequence[str]]) -> None:
    for version in ("2.10.12", "2.9.3", "2.10.2"):
        artifacts.binary("nats-server", version)

    assert artifacts.cached_versions("nats-server") == ["2.9.3", "2.10.2", "2.10.12"]
    assert len(go) == 3


def test_a_cache_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGELAB_CACHE", str(tmp_path / "file" / "below"))

    with pytest.raises(ArtifactError, match=r"cache .*below cannot be written .* set EDGELAB_CACHE"):
        artifacts.binary("nats-server", "2.10.12")
