"""The one door from the synchronous lab into asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run ``coroutine`` to its end on an event loop and a thread of its own; return or raise what it does.

    Works wherever it is called from, inside Jupyter's running loop too. On Ctrl-C the coroutine is cancelled and
    has cleaned up before the interrupt goes on.
    """
    loop_of: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def reachable() -> T:
        task = asyncio.ensure_future(coroutine)
        loop_of.append((asyncio.get_running_loop(), task))
        return await task

    with ThreadPoolExecutor(1, thread_name_prefix="edgelab-door") as pool:
        future = pool.submit(asyncio.run, reachable())
        try:
            return future.result()
        except KeyboardInterrupt:
            for loop, task in loop_of:
                loop.call_soon_threadsafe(task.cancel)
            raise
