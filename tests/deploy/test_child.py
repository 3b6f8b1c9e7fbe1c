"""A service that is supervised, played by a shell."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgelab.deploy import child as child_module
from edgelab.deploy import ready
from edgelab.deploy.child import Child

FAILS_TWICE = "echo once >> starts; [ $(wc -l < starts) -gt 2 ] || exit 7; exec sleep 60"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "_AGAIN_S", 0.05)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    """Makes supervised services of a line of shell, and ends them."""
    children: list[Child] = []

    def make(script: str) -> Child:
        child = Child(
            "mirror",
            ("/bin/sh", "-c", script),
            cwd=tmp_path,
            log=tmp_path / "mirror.log",
            environment={},
            supervised=True,
        )
        children.append(child)
        return child

    yield make
    for child in children:
        child.kill()


def starts(tmp_path: Path) -> int:
    path = tmp_path / "starts"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_what_fails_is_started_again_and_its_log_says_so(made: Callable[[str], Child], tmp_path: Path) -> None:
    child = made(FAILS_TWICE)

    child.start()
    ready.until(lambda: starts(tmp_path) == 3, deadline_s=10, what="the third start")

    assert child.log.read_text() == "edgelab: ended with status 7, started again\n" * 2
    assert child.pid is not None


def test_one_that_a_signal_ended_is_started_again(made: Callable[[str], Child]) -> None:
    child = made("exec sleep 60")
    child.start()
    first = child.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)

    ready.until(lambda: child.pid not in {None, first}, deadline_s=10, what="another process")
    assert child.log.read_text() == "edgelab: was ended by signal 9, started again\n"


def test_one_that_ends_well_is_left_alone(made: Callable[[str], Child], tmp_path: Path) -> None:
    child = made("echo once >> starts")

    child.start()
    assert child.wait(5)
    with pytest.raises(Exception, match="waited"):
        ready.until(lambda: starts(tmp_path) > 1, deadline_s=0.3, what="a second start")


def test_one_killed_on_purpose_stays_dead_until_it_is_started(made: Callable[[str], Child]) -> None:
    child = made("exec sleep 60")
    child.start()

    child.kill()
    with pytest.raises(Exception, match="waited"):
        ready.until(lambda: child.pid, deadline_s=0.3, what="a process")
    child.start()

    assert child.pid is not None
    assert child.log.read_text() == ""


def test_nothing_starts_after_the_end(made: Callable[[str], Child], tmp_path: Path) -> None:
    child = made("echo once >> starts; exit 1")
    child.start()
    ready.until(lambda: starts(tmp_path) > 2, deadline_s=10, what="a few starts")

    child.terminate()
    assert child.wait(5)
    before = starts(tmp_path)
    with pytest.raises(Exception, match="waited"):
        ready.until(lambda: starts(tmp_path) > before, deadline_s=0.3, what="another start")
