"""One service as a local process group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psutil

from ..errors import LabError
from .log_end import last_lines

_TAIL_BYTES = 65_536  # of which a stack trace of Java's may take most
_AGAIN_S = 1.0  # what a supervisor waits before it starts again what ended


class Child:
    """Starts, stops and watches one service. Methods may be called from several threads.

    One that is ``supervised`` is started again a second after it ended with a failure, unless it was stopped on
    purpose; each time its log says so.
    """

    def __init__(
        self,
        name: str,
        argv: tuple[str, ...],
        *,
        cwd: Path,
        log: Path,
        environment: Mapping[str, str],
        supervised: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        self.supervised = supervised
        self._argv = argv
        self._cwd = cwd
        self._environment = {**os.environ, **environment}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._stopping = threading.Event()
        self.stopped_on_purpose = True

    @property
    def pid(self) -> int | None:
        """Of the running process, and of its session and group; None where none runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def end(self) -> str:
        """How the last process ended, in words."""
        return _words(self.exit_status)

    @property
    def exit_status(self) -> int | None:
        """Of the last process; negative for a signal; None while it runs or before the first."""
        return None if self._process is None else self._process.poll()

    @property
    def state(self) -> Literal["running", "paused", "ended"]:
        """What its process does."""
        pid = self.pid
        if pid is None:
            return "ended"
        try:
            return "paused" if psutil.Process(pid).status() == psutil.STATUS_STOPPED else "running"
        except psutil.NoSuchProcess:
            return "ended"

    def start(self) -> None:
        """Start it; what it writes is appended to its log.

        Raises:
            LabError: it runs already, or the program could not be executed.
        """
        with self._lock:
            if self.pid is not None:
                raise LabError(f"{self.name} runs already (pid {self.pid})")
            process = self._spawn()
            self.stopped_on_purpose = False
            self._stopping.clear()
        if self.supervised:
            threading.Thread(
                target=self._supervise, args=(process,), name=f"{self.name}-supervisor", daemon=True
            ).start()

    def kill(self) -> None:
        """SIGKILL to the whole group; returns once it is gone."""
        with self._lock:
            self._stop_supervision()
            self._signal(signal.SIGKILL)
            if self._process is not None:
                self._process.wait()

    def terminate(self) -> None:
        """SIGTERM, and on with it if it was paused; does not wait."""
        with self._lock:
            self._stop_supervision()
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended within ``timeout_s``."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def pause(self) -> None:
        """SIGSTOP to the whole group."""
        self._must_run("pause")
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to the whole group."""
        self._must_run("resume")
        self._signal(signal.SIGCONT)

    def listening(self) -> frozenset[int]:
        """Ports on which it, or a child of it, accepts connections.

        Read from the kernel's tables: a trial connection would show up in the broker's log and count as a client.
        """
        pid = self.pid
        if pid is None:
            return frozenset()
        found: set[int] = set()
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            found |= _listening(process)
            if not found:
                for child in process.children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        found |= _listening(child)
        return frozenset(found)

    def tail(self, *, lines: int = 12) -> str:
        """The end of what it wrote since it was last started."""
        with suppress(OSError), self.log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(self._log_start, end - _TAIL_BYTES))
            return last_lines(file.read().decode(errors="replace"), lines=lines)
        return ""

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            try:
                self._process = subprocess.Popen(
                    self._argv,
                    cwd=self._cwd,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # a Ctrl-C at the terminal is for the lab, not for its brokers
                )
            except OSError as error:
                raise LabError(f"{self.name} could not be started: {error}") from error
        return self._process

    def _supervise(self, process: subprocess.Popen[bytes]) -> None:
        # Whoever stops or starts the service holds the lock while he does, so that after that this one does nothing.
        while (status := process.wait()) != 0:
            with self._lock:
                if self.stopped_on_purpose or self._process is not process:
                    return
                with self.log.open("a") as log:
                    log.write(f"edgelab: {_words(status)}, started again\n")
            self._stopping.wait(_AGAIN_S)
            with self._lock:
                if self.stopped_on_purpose or self._process is not process:
                    return
                process = self._spawn()

    def _stop_supervision(self) -> None:
        self.stopped_on_purpose = True
        self._stopping.set()

    def _must_run(self, verb: str) -> None:
        if self.pid is None:
            raise LabError(f"cannot {verb} {self.name}: it does not run")

    def _signal(self, number: signal.Signals) -> None:
        # Only to a group whose leader has not been reaped: until then its number is not given to anybody else.
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)


def _words(status: int | None) -> str:
    return f"was ended by signal {-status}" if status is not None and status < 0 else f"ended with status {status}"


def _listening(process: psutil.Process) -> set[int]:
    return {c.laddr.port for c in process.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN}
