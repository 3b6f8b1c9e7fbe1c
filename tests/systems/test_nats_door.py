"""The door into asyncio, from wherever it is opened."""

from __future__ import annotations

import asyncio
import threading

import pytest

from edgelab.errors import NotReady
from edgelab.systems.nats import control, door


async def _thread() -> int:
    await asyncio.sleep(0)
    return threading.get_ident()


def test_a_coroutine_runs_on_a_thread_of_its_own_and_its_result_comes_back() -> None:
    assert door.run(_thread()) != threading.get_ident()


def test_it_works_inside_a_running_loop_as_in_jupyter() -> None:
    async def cell() -> int:
        return door.run(_thread())

    assert asyncio.run(cell()) != threading.get_ident()


def test_what_the_coroutine_raises_comes_out_as_it_is() -> None:
    async def fail() -> None:
        raise NotReady("not yet")

    with pytest.raises(NotReady, match="not yet"):
        door.run(fail())


def test_waiting_ends_at_its_deadline_with_what_was_last_seen() -> None:
    looks = []

    async def observe() -> str:
        looks.append(1)
        return f"look {len(looks)}"

    with pytest.raises(NotReady, match=r"waited 0\.1 s for the moon; last seen: look \d+"):
        door.run(control.until(observe, deadline_s=0.1, what="the moon"))
    assert len(looks) >= 2


def test_waiting_takes_an_error_for_not_yet() -> None:
    looks = []

    async def observe() -> str:
        looks.append(1)
        if len(looks) < 3:
            raise NotReady("no answer")
        return ""

    door.run(control.until(observe, deadline_s=5.0, what="an answer"))

    assert len(looks) == 3


def test_the_first_failure_of_many_is_raised_as_it_is_and_ends_the_others() -> None:
    ended = []

    async def work(item: int) -> None:
        if item == 3:
            raise NotReady("site-3 is missing")
        try:
            await asyncio.sleep(60.0)
        finally:
            ended.append(item)

    with pytest.raises(NotReady, match="site-3 is missing"):
        door.run(control.for_each(range(5), work))
    assert sorted(ended) == [0, 1, 2, 4]
