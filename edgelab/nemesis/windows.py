"""The measured windows of a run: one for each planned window and target, told to a recorder at every change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..model.measured import MeasuredWindow

Recorder = Callable[[MeasuredWindow], None]


class Windows:
    """Keeps the latest state of each. May be used by several threads; the recorder is called by one at a time."""

    def __init__(self, record: Recorder) -> None:
        self._record = record
        self._latest: dict[tuple[int, str], MeasuredWindow] = {}
        self._lock = threading.Lock()
        self._closed = False

    def add(self, window: MeasuredWindow) -> None:
        """A window that is now known of; not yet told to the recorder."""
        with self._lock:
            self._latest[window.window, window.target] = window

    def update(self, window: int, target: str, *, saw: str = "", bit: bool | None = None, **changes: Any) -> None:
        """Change fields, add what a probe ``saw``, and tell the recorder.

        A window bit if a probe saw it bite and none saw it not bite.
        """
        with self._lock:
            old = self._latest[window, target]
            if bit is not None:
                changes["bit"] = bit if old.bit is None else old.bit and bit
            if saw:
                changes["evidence"] = f"{old.evidence}; {saw}" if old.evidence else saw
            new = self._latest[window, target] = replace(old, **changes)
            if not self._closed:
                self._record(new)

    def get(self, window: int, target: str) -> MeasuredWindow:
        """The latest state of one."""
        with self._lock:
            return self._latest[window, target]

    def all(self) -> tuple[MeasuredWindow, ...]:
        """The latest state of all, in order of window and target."""
        with self._lock:
            return tuple(self._latest[key] for key in sorted(self._latest))

    def close(self) -> None:
        """The recorder is never called again."""
        with self._lock:
            self._closed = True
