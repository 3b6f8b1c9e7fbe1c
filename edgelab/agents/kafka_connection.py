"""A connection to one Kafka broker for the lab's own questions: made when needed, and again after trouble."""

from __future__ import annotations

import asyncio
import struct

from .kafka_wire import request

ANSWER_S = 1.0
"""How long a broker may take to answer; a dead one must not hold up what else is looked at."""
_HEAD = struct.Struct(">ii")


class KafkaConnection:
    """Asks one question at a time.

    Args:
        address: ``host:port``.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.address = address
        self._to = (host, int(port))
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._number = 0
        self._turn = asyncio.Lock()

    async def ask(self, api: int, version: int, body: bytes) -> bytes:
        """The answer's body.

        Raises:
            OSError: no connection, no answer in time, or the connection broke. The next question connects again.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWER_S):
                    return await self._ask(api, version, body)
            except asyncio.IncompleteReadError as error:
                self._drop()
                raise ConnectionResetError(f"the broker at {self.address} closed the connection") from error
            except BaseException:
                # A late answer must not be taken for the next one's: also when this was cancelled.
                self._drop()
                raise

    def close(self) -> None:
        """Close it."""
        self._drop()

    async def _ask(self, api: int, version: int, body: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._to)
        reader, writer = self._streams
        self._number = (self._number + 1) & 0x7FFFFFFF
        writer.write(request(api, version, self._number, body))
        length, number = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if number != self._number:
            raise ConnectionResetError(f"the broker at {self.address} answered another question")
        return await reader.readexactly(length - 4)

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
