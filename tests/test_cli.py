"""The command line as a script sees it: exit codes, one clear message, nothing left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from edgelab.cli import main
from edgelab.history import Kind
from edgelab.runs import load

EDGELAB = (sys.executable, "-m", "edgelab.cli")
SHORT = ("--set", "sites=1", "--set", "before_s=1", "--set", "outage_s=2", "--set", "after_s=1")


def edgelab(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*EDGELAB, *arguments], capture_output=True, text=True, check=False, cwd=cwd, timeout=150)


def of_runs_in(out: Path) -> list[psutil.Process]:
    """Processes that a lab started for a run below ``out``, by what they were told on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(out) in part for part in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return [p for p in found if p.pid != os.getpid()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "nats_leaf"), "SCENARIO must be path/to/file.py:function or one of"),
        (("run", "nats_leaf_outage", "--set", "outage_s=-3"), "outage_s must be more than 0, not -3.0"),
        (("run", "nats_leaf_outage", "--set", "rate_hz=fast"), "--set rate_hz must be a number, not 'fast'"),
        (("run", "nats_leaf_outage", "--system", "amqp"), "--system must be one of nats-leaf"),
        (("run", "nats_leaf_outage", "--runtime", "vm"), "'vm' is not one of"),
        (
            ("run", "nats_leaf_outage", "--set", "system.durable_source=true", "--set", "version=2.10.12"),
            "durable_source",
        ),
        (("report", "nowhere"), "RUN must be a run folder (it holds scenario.json), not nowhere"),
        (("compare", "one"), "RUN must be given at least twice"),
        (("compose",), "SCENARIO must be given"),
        (("run", "nats_leaf_outage", "--out", "/proc/nowhere"), "--out must be a folder that can be written to"),
        (
            (
                "run",
                "nats_leaf_outage",
                "--set",
                "sites=1",
                "--set",
                "rate_hz=1e6",
                "--set",
                "size_bytes=1000000",
                "--set",
                "outage_s=900",
            ),
            "messages need at least 915.1 TB of disk",
        ),
        (
            ("run", "nats_leaf_outage", "--set", "system.extra_site_config=x: @{listn:client}"),
            "service site-1 uses @{listn:client}, which is no placeholder",
        ),
        (("run", "nats_leaf_outage", "--set", "sites=1000", "--runtime", "compose"), "sites must be at most 250 with"),
    ],
)
def test_bad_input_is_refused_in_one_message_with_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = edgelab(*arguments, cwd=tmp_path)

    assert words in done.stderr
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_compose_file_is_printed_for_any_scenario(tmp_path: Path) -> None:
    done = edgelab("compose", "nats_partition", "--set", "sites=2", "--set", "partitioned=1", cwd=tmp_path)

    assert done.returncode == 0
    assert "site-2-lan" in done.stdout


def test_lists_name_every_scenario_and_system(tmp_path: Path) -> None:
    done = edgelab("list", cwd=tmp_path)

    assert done.returncode == 0
    for name in ("nats_leaf_outage", "nats_partition", "nats-leaf-core", "nats-direct"):
        assert name in done.stdout


@pytest.mark.process
@pytest.mark.timeout(180)
def test_a_run_prints_its_outcome_to_a_pipe_and_report_gives_the_same_again(tmp_path: Path) -> None:
    done = edgelab("run", "nats_leaf_outage", *SHORT, "--runtime", "process", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "verdict pass" in done.stdout
    assert "\x1b[" not in done.stdout + done.stderr
    folder = tmp_path / "runs" / "latest"
    first = json.loads((folder / "result.json").read_text())
    (folder / "result.json").unlink()
    again = edgelab("report", "runs/latest", cwd=tmp_path)
    assert again.returncode == 0
    assert json.loads((folder / "result.json").read_text()) == first
    side_by_side = edgelab("compare", "runs/latest", "runs/latest", cwd=tmp_path)
    assert side_by_side.stdout.count("nats-leaf") >= 2
    assert not of_runs_in(tmp_path)


_LOSES = """
from edgelab.analysis.checks import no_loss
from dataclasses import replace
from scenarios import nats_core_outage

def strict(*, sites: int = 1, before_s: float = 1.0, outage_s: float = 1.0, after_s: float = 1.0):
    made = nats_core_outage(sites=sites, before_s=before_s, outage_s=outage_s, after_s=after_s)
    return replace(made, checks=(no_loss(),))
"""


@pytest.mark.process
@pytest.mark.timeout(180)
def test_a_check_that_fails_is_exit_code_1_and_says_what_was_lost(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(_LOSES)

    done = edgelab("run", "mine.py:strict", *SHORT, "--runtime", "process", cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    assert "verdict fail" in done.stdout
    assert "no loss" in done.stdout


_OWN_CHECK = """
from dataclasses import dataclass, replace
from scenarios import nats_leaf_outage

@dataclass(frozen=True)
class Mine:
    name = "mine"
    def check(self, results): ...

def mine():
    return replace(nats_leaf_outage(), checks=(Mine(),))

def fails():
    raise ZeroDivisionError("of mine")
"""


def test_what_no_report_could_read_and_a_scenario_that_raises_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(_OWN_CHECK)

    own_check = edgelab("run", "mine.py:mine", cwd=tmp_path)
    raises = edgelab("run", "mine.py:fails", cwd=tmp_path)

    assert (own_check.returncode, raises.returncode) == (2, 2)
    assert "a 'Mine' is not known" in own_check.stderr
    assert "mine.py:fails failed: ZeroDivisionError: of mine (" in raises.stderr
    assert "mine.py, line 14)" in raises.stderr
    assert not (tmp_path / "runs").exists()


def test_no_engine_is_the_labs_failure_and_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"}

    done = subprocess.run(
        [*EDGELAB, "run", "nats_leaf_outage", "--runtime", "compose"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip

    assert done.returncode == 3
    assert "no Docker engine answers" in done.stderr
    assert "use --runtime process" in done.stderr
    assert "nothing was recorded yet" in done.stderr


def test_a_bug_is_not_taken_for_a_check_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("edgelab.deploy.doctor.diagnose", broken)

    result = CliRunner().invoke(main, ["doctor"])

    assert result.exit_code == 3
    assert "RuntimeError: unforeseen" in result.stderr
    assert "a bug of edgelab" in result.stderr


@pytest.mark.parametrize("arguments", [("list",), ("compose", "nats_leaf_outage")])
def test_a_reader_that_went_away_changes_no_exit_code(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [*EDGELAB, *arguments], stdout=writing, stderr=subprocess.PIPE, check=False, cwd=tmp_path, text=True
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, "")


def _hear_hangups() -> None:
    """Under nohup, where the tests may run, a lab rightly goes on."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A lab in the middle of an outage."""
    long = ("--set", "sites=2", "--set", "before_s=1", "--set", "outage_s=60", "--set", "rate_hz=50")
    with (tmp_path / "output").open("wb") as output:
        lab = subprocess.Popen(
            [*EDGELAB, "run", "nats_leaf_outage", *long, "--runtime", "process"],
            cwd=tmp_path, stdout=output, stderr=output,
            preexec_fn=_hear_hangups,  # noqa: PLW1509 - nothing else runs in this process yet
        )  # fmt: skip
    deadline = time.monotonic() + 60
    while b"Outage cut" not in (tmp_path / "output").read_bytes():
        assert lab.poll() is None, (tmp_path / "output").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield lab
    if lab.poll() is None:
        lab.kill()
    lab.wait()


@pytest.mark.process
@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", [(signal.SIGINT, signal.SIGINT, signal.SIGTERM), (signal.SIGTERM,), (signal.SIGHUP,)])
def test_an_interrupted_run_takes_everything_down_and_keeps_its_history(
    tmp_path: Path, under_way: subprocess.Popen[bytes], how: tuple[signal.Signals, ...]
) -> None:
    for number in how:
        under_way.send_signal(number)
        time.sleep(0.05)
    assert under_way.wait(timeout=40) == 3

    assert "interrupted" in (tmp_path / "output").read_text()
    assert "Traceback" not in (tmp_path / "output").read_text()
    assert not of_runs_in(tmp_path)
    history = load(tmp_path / "runs" / "latest").history()
    assert (history["kind"] == Kind.INVOKE.name).sum() > 50


@pytest.mark.process
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("victim", "words"),
    [
        ("publish-0.json", "the lab failed: agent publish-0 ended with status -9 (killed by SIGKILL)"),
        ("observe.json", "the lab failed: agent observe ended with status -9 (killed by SIGKILL)"),
        ("site-1/nats.conf", "the system under test failed: site-1 was ended by signal 9; its log ends:"),
        ("toxiproxy.json", "toxiproxy was ended by signal 9"),
    ],
)
def test_whatever_dies_in_the_middle_ends_the_run_at_once_by_name(
    tmp_path: Path, under_way: subprocess.Popen[bytes], victim: str, words: str
) -> None:
    (found,) = [p for p in of_runs_in(tmp_path) if any(part.endswith(victim) for part in p.cmdline())]

    found.kill()

    assert under_way.wait(timeout=40) == 3  # the schedule goes on for a minute
    told = (tmp_path / "output").read_text()
    assert words in told
    assert "what was recorded is in" in told
    assert "Traceback" not in told
    assert not of_runs_in(tmp_path)


@pytest.mark.process
@pytest.mark.timeout(180)
def test_a_lab_that_is_killed_leaves_a_history_that_opens_and_clean_removes_the_rest(
    tmp_path: Path, under_way: subprocess.Popen[bytes]
) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    under_way.kill()
    under_way.wait()
    brokers = of_runs_in(tmp_path)
    assert len(brokers) >= 4

    history = load(tmp_path / "runs" / "latest").history()
    told = edgelab("report", "runs/latest", cwd=tmp_path)
    cleaned = edgelab("clean", cwd=tmp_path)

    assert (history["kind"] == Kind.INVOKE.name).sum() > 50
    assert told.returncode == 3
    assert "ended before the hub's store was read" in told.stderr
    assert cleaned.returncode == 0
    assert "removed" in cleaned.stdout
    _, alive = psutil.wait_procs(brokers, timeout=10)
    assert not alive
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert "nothing was left behind" in edgelab("clean", cwd=tmp_path).stdout
