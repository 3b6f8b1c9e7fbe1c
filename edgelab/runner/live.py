"""What a run shows while it goes on: one line that moves on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a run is.

    Attributes:
        phase: what it is doing, in words.
        elapsed_s / planned_s: seconds into the schedule, and how long it is; 0 before it starts.
        attempted / acknowledged / stored: messages so far; stored counts what the hub's stores hold.
        faults: those that hold now, in words.
    """

    phase: str = "starting"
    elapsed_s: float = 0.0
    planned_s: float = 0.0
    attempted: int = 0
    acknowledged: int = 0
    stored: int = 0
    faults: tuple[str, ...] = ()

    @property
    def backlog(self) -> int:
        """Messages attempted that the hub does not hold (yet)."""
        return max(0, self.attempted - self.stored)


class Reporter(Protocol):
    """Shows the status of a run."""

    def phase(self, line: str) -> None:
        """A slow step begins."""

    def status(self, status: Status) -> None:
        """The status has changed; called a few times a second."""

    def close(self) -> None:
        """Nothing more comes."""


class Quiet:
    """Shows nothing."""

    def phase(self, line: str) -> None:
        """Nothing."""

    def status(self, status: Status) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Plain:
    """One line per phase and per change of the faults: for pipes and CI logs."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._began = time.monotonic()
        self._faults: tuple[str, ...] = ()

    def phase(self, line: str) -> None:
        """Print it with the seconds since the start."""
        with suppress(OSError, ValueError):  # nobody reads it any more: no reason to end the run
            print(f"{time.monotonic() - self._began:6.1f} s  {line}", file=self._out, flush=True)

    def status(self, status: Status) -> None:
        """Print a line when a fault begins or ends."""
        if status.faults != self._faults:
            self._faults = status.faults
            self.phase("; ".join(status.faults) if status.faults else "no fault holds any more")

    def close(self) -> None:
        """Nothing."""


class Screen(Console):
    """A console whose reader may go away; rich would end the program with status 1, "a check failed"."""

    def on_broken_pipe(self) -> None:
        """Show nothing more."""
        self.quiet = True


class Terminal:
    """One line that moves."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Screen(stderr=True)
        self._last = Status()
        self._live = Live(self._render(), console=self._console, refresh_per_second=8, transient=True)
        with suppress(OSError, ValueError):
            self._live.start()

    def phase(self, line: str) -> None:
        """Show what begins."""
        self.status(replace(self._last, phase=line))

    def status(self, status: Status) -> None:
        """Show it."""
        self._last = status
        with suppress(OSError, ValueError):
            self._live.update(self._render())

    def close(self) -> None:
        """Remove the line."""
        with suppress(OSError, ValueError):
            self._live.stop()

    def _render(self) -> Text:
        s = self._last
        text = Text(no_wrap=True, overflow="ellipsis")
        if s.planned_s:
            text.append(f"{s.elapsed_s:5.1f}/{s.planned_s:.0f} s  ", style="bold")
        text.append(s.phase)
        if s.attempted:
            text.append(f"  sent {s.attempted:,}  at hub {s.stored:,}  ", style="dim")
            text.append(f"backlog {s.backlog:,}", style="yellow" if s.backlog else "green")
        if s.faults:
            text.append("  " + "; ".join(s.faults), style="bold red")
        return text


def reporter_for(stream: TextIO) -> Reporter:
    """The one that fits ``stream``: moving on a terminal, plain lines in a pipe."""
    console = Screen(file=stream)
    return Terminal(console) if console.is_terminal else Plain(stream)
