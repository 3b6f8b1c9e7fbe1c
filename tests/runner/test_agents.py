"""Waiting for publishers: who dies is told of at once, and nobody is waited for without end."""

from __future__ import annotations

from typing import Any

import pytest

from edgelab.errors import LabError, NotReady
from edgelab.runner.agents import Agents


class Stand:
    """An agent that ends with the ``after``-th look at it, or never."""

    def __init__(self, name: str, after: int | None, error: str = "") -> None:
        self.name = name
        self._left = after
        self._error = error

    def poll(self) -> int | None:
        if self._left is None or self._left > 0:
            self._left = None if self._left is None else self._left - 1
            return None
        return 3 if self._error else 0

    def wait(self, _deadline_s: float) -> None:
        if self._error:
            raise LabError(self._error)


def _agents(*publishers: Stand) -> Any:
    return Agents(Stand("observe", None), list(publishers))  # type: ignore[arg-type]  # stands for processes


def test_it_returns_when_all_have_ended() -> None:
    ticks: list[int] = []

    _agents(Stand("a", 1), Stand("b", 3)).wait_published(lambda: ticks.append(1), within_s=60.0, every_s=0.0)

    assert len(ticks) == 3


def test_a_dead_publisher_is_told_of_while_others_still_publish() -> None:
    agents = _agents(Stand("a", None), Stand("b", 2, error="agent b was killed"))

    with pytest.raises(LabError, match="agent b was killed"):
        agents.wait_published(lambda: None, within_s=60.0, every_s=0.0)


def test_a_publisher_that_never_ends_is_named_when_its_time_is_over() -> None:
    agents = _agents(Stand("a", 0), Stand("b", None))

    with pytest.raises(NotReady, match="agent b still publishes 0 s after the start"):
        agents.wait_published(lambda: None, within_s=0.01, every_s=0.0)
