"""Many clients of streams at once: each comes back when its stream ends, as a browser does."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from gateway_support import device_path

from stream_cw.core.rows import Version
from stream_cw.gateway.rows import parse_tag

BACK_SECONDS = 0.3


@dataclass
class Client:
    """One device's stream, and all that came of it."""

    port: int
    profile: str
    device: str
    authorization: str
    rows: list[tuple[Version, bytes]] = field(default_factory=list)
    connections: int = 0
    erased: int = 0
    refused: list[str] = field(default_factory=list)
    is_connected: bool = False
    last_id: str = ""

    async def follow(self) -> None:
        """Read, and come back, until cancelled."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._read()
            self.is_connected = False
            await asyncio.sleep(random.random() * BACK_SECONDS)

    async def _read(self) -> None:
        # HTTP/1.0: the body is not in chunks.
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            head = f"GET {device_path(self.profile, self.device)}/rows HTTP/1.0\r\n"
            head += f"authorization: {self.authorization}\r\n"
            if self.last_id:
                head += f"last-event-id: {self.last_id}\r\n"
            writer.write(f"{head}\r\n".encode())
            status = (await reader.readline()).decode()
            if status and " 200 " not in status:
                self.refused.append(status.strip())
                return
            while await reader.readline() not in (b"\r\n", b""):
                pass
            self.is_connected = bool(status)
            self.connections += self.is_connected
            await self._take_events(reader)
        finally:
            writer.close()

    async def _take_events(self, reader: asyncio.StreamReader) -> None:
        fields: dict[bytes, bytes] = {}
        while line := await reader.readline():
            if not line.endswith(b"\n"):
                return  # cut in the middle: what has no end does not count
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if line != b"\n":
                fields[name] = value
            elif fields:
                self._take(fields)
                fields = {}

    def _take(self, fields: dict[bytes, bytes]) -> None:
        if fields.get(b"event") == b"row":
            self.last_id = fields[b"id"].decode()
            version, tag = parse_tag(self.last_id)
            assert version is not None
            assert tag is not None
            self.rows.append((version, fields[b"data"]))
        elif b"event" in fields:
            self.erased += 1


async def until(condition: Callable[[], bool], what: str, seconds: float = 90.0) -> None:
    """Wait in the loop that the clients run in."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - clients say nothing when they change
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited {seconds} s in vain: {what}") from None
