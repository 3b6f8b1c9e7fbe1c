"""Waiting for something to become true, with a deadline, and with what was last seen when it does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import NotReady

T = TypeVar("T")


def until(
    observe: Callable[[], T],
    *,
    deadline_s: float,
    what: str,
    accept: Callable[[T], object] = bool,
    tolerate: tuple[type[Exception], ...] = (),
    poll_s: float = 0.02,
) -> T:
    """Call ``observe`` until ``accept`` likes what it returns (by default: until it is true), and return that.

    It is called at least once, and once more after the last wait, so that a slow machine is not a late one.

    ``what`` completes "waited for …", as in "the leaf of site-1"; exceptions in ``tolerate`` mean "not yet".

    Raises:
        NotReady: the deadline passed; the message says what was last seen.
    """
    started = time.monotonic()
    while True:
        late = time.monotonic() - started >= deadline_s
        try:
            seen = observe()
        except tolerate as error:
            last = f"{type(error).__name__}: {error}"
        else:
            if accept(seen):
                return seen
            last = repr(seen)
        if late:
            raise NotReady(f"waited {deadline_s:g} s for {what}; last seen: {last}")
        time.sleep(poll_s)
