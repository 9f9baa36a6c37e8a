"""Writes a stream no faster than its client reads."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from starlette.types import Send

Headers = Sequence[tuple[bytes, bytes]]
START: Final = "http.response.start"
BODY: Final = "http.response.body"


class CutOff(Exception):  # noqa: N818 - not an error: the stream ends
    """The client read nothing for too long; its connection is gone."""


class Transport(Protocol):
    """The part of a connection that is used."""

    def get_write_buffer_size(self) -> int:
        """Count the bytes that wait for the client."""

    def abort(self) -> None:
        """Drop the connection, and what waits."""


class Writer:
    """The body of an answer, piece by piece.

    Parameters
    ----------
    send : Send
        The server's; it waits while its buffer is full, before it takes the next piece.
    transport : Transport or None
        None where the server does not tell.
    cut_off : float
        Seconds that a client may read nothing while something waits for it.
    """

    def __init__(self, send: Send, transport: Transport | None, cut_off: float) -> None:
        self._send = send
        self._transport = transport
        self._cut_off = cut_off

    async def start(self, headers: Headers) -> None:
        """Begin an answer of status 200."""
        await self._send({"type": START, "status": 200, "headers": list(headers)})

    async def write(self, data: bytes) -> None:
        """Write a piece, and wait until the client has read most of what was written.

        Raises
        ------
        CutOff
            If it reads nothing for too long.
        """
        await self._give(data)
        if self._waiting():
            await self._give(b"")  # sends nothing, and waits as any piece would

    async def end(self) -> None:
        """End the answer in order."""
        await self._send({"type": BODY, "body": b"", "more_body": False})

    async def _give(self, data: bytes) -> None:
        piece = {"type": BODY, "body": data, "more_body": True}
        waiting = self._waiting()
        if not waiting:  # the usual case: it is taken at once
            return await self._send(piece)
        while True:
            try:
                async with asyncio.timeout(self._cut_off):
                    return await self._send(piece)
            except TimeoutError:
                # The piece has not been taken yet: what is taken is taken at once.
                before, waiting = waiting, self._waiting()
                if waiting >= before:
                    if self._transport is not None:
                        self._transport.abort()
                    raise CutOff from None

    def _waiting(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()
