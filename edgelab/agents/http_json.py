"""GET of JSON over one kept connection, without blocking the loop."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any


class HttpJson:
    """Asks one server, again and again; connects anew when it has to.

    Args:
        address: ``host:port``.
        timeout_s: longest wait for an answer.
    """

    def __init__(self, address: str, *, timeout_s: float) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._timeout_s = timeout_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON object at ``path``.

        Raises:
            OSError: no answer in time, or none that is understood.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._get(path)
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            self._drop()
            raise OSError(f"{self._host}:{self._port}{path}: {type(error).__name__} {error}") from error
        except BaseException:  # cancelled half-way: the rest of this answer must not become the next one's
            self._drop()
            raise

    async def close(self) -> None:
        """Close the connection."""
        writer = self._writer
        self._drop()
        if writer is not None:
            with suppress(OSError):
                await writer.wait_closed()

    async def _get(self, path: str) -> dict[str, Any]:
        if self._reader is None or self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n\r\n".encode())
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if " 200 " not in head.partition("\r\n")[0]:
            raise ValueError(head.partition("\r\n")[0])
        body = await self._body(self._reader, head)
        found: dict[str, Any] = json.loads(body)
        return found

    async def _body(self, reader: asyncio.StreamReader, head: str) -> bytes:
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        if "content-length" in fields:
            return await reader.readexactly(int(fields["content-length"]))
        if fields.get("transfer-encoding") != "chunked":
            raise ValueError("neither length nor chunks")
        parts = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readexactly(2)
        return b"".join(parts)

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
