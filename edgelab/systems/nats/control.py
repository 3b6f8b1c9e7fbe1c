"""Requests to a server's JetStream over nats-py, and waiting with a deadline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import nats
import nats.errors
from nats.aio.client import Client

from ...deploy.base import Address
from ...errors import LabError, NotReady, SystemUnderTestError

T = TypeVar("T")
_CONNECT_S = 5.0
_CALL_S = 5.0
_AT_ONCE = 16
_POLL_S = 0.05


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Client]:
    """A client of the server at ``address``, which does not reconnect.

    Raises:
        NotReady: the server does not answer.
    """

    async def ignore(_error: Exception) -> None:
        """What matters is raised by the request that fails; nats-py would log the rest."""

    try:
        client = await nats.connect(
            f"nats://{address}",
            name="edgelab-control",
            allow_reconnect=False,
            connect_timeout=_CONNECT_S,
            error_cb=ignore,
        )
    except (OSError, nats.errors.Error, TimeoutError) as error:
        raise NotReady(f"nats-server at {address} did not take a client: {type(error).__name__}: {error}") from error
    try:
        yield client
    finally:
        with suppress(OSError, nats.errors.Error, TimeoutError):
            await client.close()


async def call(client: Client, subject: str, body: Any = None, *, timeout_s: float = _CALL_S) -> dict[str, Any]:
    """One request to JetStream's API.

    Raises:
        SystemUnderTestError: it refused; the message is its own.
        NotReady: no answer within ``timeout_s``.
    """
    try:
        answer = await client.request(subject, b"" if body is None else json.dumps(body).encode(), timeout=timeout_s)
    except (TimeoutError, nats.errors.NoRespondersError) as error:
        raise NotReady(f"no answer to {subject} within {timeout_s:g} s ({type(error).__name__})") from error
    except nats.errors.Error as error:
        raise NotReady(f"{subject} could not be asked: {error} ({type(error).__name__})") from error
    data: dict[str, Any] = json.loads(answer.data)
    if problem := data.get("error"):
        code = problem.get("err_code", problem.get("code"))
        raise SystemUnderTestError(f"nats-server refused {subject}: {problem.get('description')} ({code})")
    return data


async def make_stream(client: Client, config: dict[str, Any]) -> None:
    """Make a stream; see :func:`call` for what it raises."""
    await call(client, f"$JS.API.STREAM.CREATE.{config['name']}", config)


async def until(observe: Callable[[], Awaitable[str]], *, deadline_s: float, what: str) -> None:
    """Wait until ``observe`` returns an empty text; what it returns says what is still missing.

    Raises:
        NotReady: the deadline passed; the message says what was last seen.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while True:
        late = loop.time() >= end
        try:
            missing = await observe()
        except (LabError, OSError) as error:
            missing = str(error)
        if not missing:
            return
        if late:
            raise NotReady(f"waited {deadline_s:g} s for {what}; last seen: {missing}")
        await asyncio.sleep(_POLL_S)


async def for_each(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """``work`` on all items, a few at once. The first failure ends it and is raised as it is."""
    limit = asyncio.Semaphore(_AT_ONCE)

    async def bounded(item: T) -> None:
        async with limit:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(bounded(item))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def some(names: Iterable[str]) -> str:
    """The first few of ``names``, for a message."""
    listed = sorted(names)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
