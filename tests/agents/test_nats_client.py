"""What the publisher's connection does when the other end does not play along."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from edgelab.agents import nats_client
from edgelab.agents.nats_client import PublishClient
from edgelab.errors import LabError

_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_INFO = (
    b'INFO {"server_id":"x","version":"2.10.12","max_payload":1000,"headers":true,"connect_urls":["127.0.0.1:9"]}\r\n'
)


def test_no_broker_is_reported_with_its_address_and_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_client, "_CONNECT_S", 0.3)

    with pytest.raises(
        LabError, match=r"edgelab-a could not connect to 127\.0\.0\.1:9 within 0\.3 s: ConnectionRefusedError"
    ):
        asyncio.run(_client().open("127.0.0.1:9", reconnect_s=0.05, ping_s=60.0, answers=True))


def test_a_broker_that_accepts_and_says_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_client, "_CONNECT_S", 0.5)
    monkeypatch.setattr(nats_client, "_DIAL_S", 0.1)

    async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scene(address: str, _events: list[str]) -> None:
        with pytest.raises(LabError, match=r"could not connect to .* within 0\.5 s"):
            await _client().open(address, reconnect_s=0.02, ping_s=60.0, answers=False)

    asyncio.run(_with_server(say_nothing, scene))


def test_addresses_that_a_server_advertises_are_not_learned() -> None:
    async def scene(address: str, events: list[str]) -> None:
        client = _client(events)
        await client.open(address, reconnect_s=0.02, ping_s=60.0, answers=False)
        assert [server.netloc for server in client.servers] == [address]
        await client.shut()

    asyncio.run(_with_server(_broker(b""), scene))


@pytest.mark.parametrize("last_words", [b"-ERR 'Slow Consumer'\r\n", b"-ERR 'Stale Connection'\r\n", b"nonsense\r\n"])
def test_whatever_the_server_says_last_the_client_connects_again(last_words: bytes) -> None:
    async def scene(address: str, events: list[str]) -> None:
        client = _client(events)
        await client.open(address, reconnect_s=0.02, ping_s=60.0, answers=False)
        async with asyncio.timeout(5.0):
            while "connected" not in events:  # noqa: ASYNC110 - nobody would set an event
                await asyncio.sleep(0.01)
        assert events[:2] == ["disconnected", "connected"]
        await client.shut()

    asyncio.run(_with_server(_broker(last_words), scene))


def _client(events: list[str] | None = None) -> PublishClient:
    seen = events if events is not None else []
    return PublishClient(
        "edgelab-a",
        on_answer=lambda _sequence, _answer, _header: None,
        on_event=lambda what, _why: seen.append(what),
        buffer_bytes=1000,
    )


def _broker(last_words: bytes) -> _Serve:
    """Answers PINGs; the first connection that went through the handshake hears ``last_words``."""
    said = False

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal said
        writer.write(_INFO)
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
                await asyncio.sleep(0.05)
                if last_words and not said:
                    said = True
                    writer.write(last_words)

    return serve


async def _with_server(serve: _Serve, scene: Callable[[str, list[str]], Awaitable[None]]) -> None:
    async def shielded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(shielded, "127.0.0.1", 0)
    port: Any = server.sockets[0].getsockname()[1]
    try:
        await scene(f"127.0.0.1:{port}", [])
        await asyncio.sleep(0.05)
    finally:
        server.close()
