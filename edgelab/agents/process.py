"""Agents seen from the lab: start them, hear of them, end them. Plain and synchronous; see :mod:`.lifecycle`.

Nothing here can block on a full pipe: an agent's stdin and stdout carry a few short lines, its stderr goes to a file.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from ..deploy import owner
from ..errors import LabError, NotReady

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_LOG_LINES = 12
_POLL_S = 0.05


class AgentProcess:
    """One agent process.

    Attributes:
        name: of the agent.
        segment / journal / log: its files.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], *, segment: Path, journal: Path, log: Path) -> None:
        self.name = name
        self.segment = segment
        self.journal = journal
        self.log = log
        self._process = process
        self._rest = b""
        self._words: set[str] = set()
        self._error: str | None = None
        self._told_to_stop = False
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)

    @classmethod
    def spawn(
        cls,
        module: str,
        spec: Mapping[str, Any],
        *,
        folder: Path,
        run_id: str,
        env: Mapping[str, str] | None = None,
    ) -> Self:
        """Start ``python -m edgelab.agents.MODULE`` and return at once; start several, then wait for each.

        Args:
            module: below :mod:`edgelab.agents`.
            spec: what the agent is to do; kept as ``folder/agents/NAME.json``.
            folder: the run folder.
            run_id: marks the process, so that ``edgelab clean`` finds it.
            env: further environment variables.

        Raises:
            LabError: the process could not be started.
        """
        name = str(spec["agent"])
        log = folder / "logs" / f"agent-{name}.log"
        path = folder / "agents" / f"{name}.json"
        try:
            for parent in (log.parent, path.parent, Path(spec["segment"]).parent, Path(spec["journal"]).parent):
                parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(dict(spec), indent=1), encoding="utf-8")
            with log.open("ab") as stderr:
                process = subprocess.Popen(
                    # -P: a file named nats.py in the user's folder must not become the client.
                    (sys.executable, "-P", "-m", f"edgelab.agents.{module}", str(path)),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    env=_environment(run_id) | dict(env or {}),
                    # A group of its own: Ctrl-C during its start, before it can ignore SIGINT, must not end it.
                    process_group=0,
                )
        except OSError as error:
            raise LabError(f"agent {name} could not be started: {error}") from error
        return cls(name, process, segment=Path(spec["segment"]), journal=Path(spec["journal"]), log=log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def error(self) -> str | None:
        """The agent's own words on why it could not go on; None if it has not said so."""
        return self._error

    def wait_ready(self, deadline_s: float) -> None:
        """Return once the agent is connected and waits for its start.

        Raises:
            LabError: it ended or reported an error; the message says why.
            NotReady: it did neither in ``deadline_s``.
        """
        end = time.monotonic() + deadline_s
        while "ready" not in self._words:
            if self._error is not None or self.poll() is not None:
                self._raise("ended before it was ready")
            self._hear(min(_POLL_S, end - time.monotonic()))
            if "ready" not in self._words and time.monotonic() >= end:
                raise NotReady(f"agent {self.name} was not ready within {deadline_s:g} s{self._log_end()}")

    def start(self, start_ns: int) -> None:
        """Let it begin at ``start_ns`` on the run's clock.

        Raises:
            LabError: it is gone.
        """
        if not self._say(f"start {start_ns}"):
            self._raise("ended before it could start")

    def poll(self) -> int | None:
        """Its exit status, or None while it runs. Never blocks."""
        status = self._process.poll()
        self._hear(0.0)
        return status

    def stop(self) -> None:
        """Tell it to end, and return at once. Calling it twice, or when it has ended, is harmless."""
        self._told_to_stop = True
        self._say("stop")
        with suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def wait(self, deadline_s: float) -> None:
        """Return once it has ended, of itself or because it was told to.

        Raises:
            LabError: it failed, or was ended by someone else; the message says why, with the end of its log.
            NotReady: it still runs after ``deadline_s``.
        """
        end = time.monotonic() + deadline_s
        while self.poll() is None:
            if time.monotonic() >= end:
                raise NotReady(f"agent {self.name} did not end within {deadline_s:g} s{self._log_end()}")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(min(_POLL_S, max(0.0, end - time.monotonic())))
        self._close()
        if self._error is not None or self._process.returncode != 0:
            self._raise(f"ended with status {self._process.returncode}")
        if "done" not in self._words and not self._told_to_stop:
            self._raise("was stopped by someone else")

    def kill(self) -> None:
        """End it whatever state it is in, and wait for that. Its history stays readable."""
        self._told_to_stop = True
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._close()

    def _say(self, line: str) -> bool:
        stdin = self._process.stdin
        if stdin is None or stdin.closed:
            return False
        try:
            stdin.write(line.encode() + b"\n")
            stdin.flush()
        except OSError:
            return False
        return True

    def _hear(self, seconds: float) -> bool:
        """Read what it said; wait for that at most ``seconds``. False if there was nothing new."""
        stdout = self._process.stdout
        if stdout is None or stdout.closed:
            return False
        with selectors.DefaultSelector() as selector:  # select() refuses descriptors above 1023, a notebook has such
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, seconds)):
                return False
        try:
            chunk = os.read(stdout.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            self._words.add(word)
            if word == "error":
                self._error = _message(rest)
        return bool(chunk)

    def _raise(self, what: str) -> None:
        # Its last words may still lie in the pipe.
        while self._hear(0.2):
            pass
        status = self._process.poll()
        if self._error is not None:
            raise LabError(f"agent {self.name}: {self._error}")
        by = f" (killed by {signal.Signals(-status).name})" if status is not None and status < 0 else ""
        raise LabError(f"agent {self.name} {what}{by}{self._log_end()}")

    def _log_end(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LOG_LINES:]
        except OSError:
            lines = []
        return f"; the end of {self.log}:\n" + "\n".join(lines) if lines else f"; {self.log} is empty"

    def _close(self) -> None:
        while self._hear(0.0):
            pass
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _environment(run_id: str) -> dict[str, str]:
    paths = [str(_PACKAGE_PARENT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        **owner.marks(run_id),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONUNBUFFERED": "1",
    }


def _message(rest: str) -> str:
    try:
        return str(json.loads(rest)["message"])
    except (ValueError, KeyError, TypeError):
        return rest
