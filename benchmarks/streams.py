"""Parts of the gateway's benchmark that run as processes: a bare server, and clients that count.

python -m benchmarks.streams bare PORT
python -m benchmarks.streams PORT TOKENS SECONDS
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NoReturn, cast

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from stream_cw.core.rows import Cause, ModelRef, Placement, Row, Tile, Version, encode_row

TILES: Final = 12
CONNECT_AT_ONCE: Final = 200


def row_of(profile: str, revision: int) -> bytes:
    """Make a row of twelve tiles."""
    return encode_row(
        Row(
            profile_id=profile,
            device_id="tv",
            session_id="session-1",
            version=Version(revision, 1, 1),
            ts=1_750_000_000_000 + revision,
            cause=Cause(f"event-{revision}", "stop"),
            model=ModelRef("additive-2", "ab" * 32),
            placement=Placement(770_000, 1, "combined"),
            arm=None,
            tiles=[a_tile(number) for number in range(TILES)],
        )
    )


def a_tile(number: int) -> Tile:
    return Tile(
        show_id=f"series-{number}",
        kind="series",
        title_id=f"series-{number}-episode-3",
        season=1,
        episode=3,
        position_ms=600_000,
        duration_ms=2_700_000,
        up_next=False,
        score=900_000 - number,
        reason="recently_watched",
    )


def frame_of(profile: str, revision: int) -> bytes:
    return b"event: row\nid: %d.1.1\ndata: %b\n\n" % (revision, row_of(profile, revision))


class Reader(asyncio.Protocol):
    """Counts rows; HTTP/1.0, so that the body is not in chunks."""

    rows = 0
    """Of all readers."""

    def __init__(self, request: bytes, connected: asyncio.Event) -> None:
        self._request = request
        self._connected = connected
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count."""
        if not self._connected.is_set():
            assert data.startswith(b"HTTP/1.1 200 "), data
            self._connected.set()
        data = self._rest + data
        Reader.rows += data.count(b"event: row\n")
        self._rest = data[-10:] if not data.endswith(b"\n") else b""


async def read(port: int, tokens: list[str], seconds: float) -> None:
    """Connect, tell; read for so long, tell what came."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_end)
    room = asyncio.Semaphore(CONNECT_AT_ONCE)

    async def connect(number: int, token: str) -> None:
        path = f"/v1/profiles/p{number}/devices/tv/rows"
        request = f"GET {path} HTTP/1.0\r\nauthorization: Bearer {token}\r\n\r\n".encode()
        connected = asyncio.Event()
        async with room:
            await loop.create_connection(lambda: Reader(request, connected), "127.0.0.1", port)
            await connected.wait()

    await asyncio.gather(*(connect(number, token) for number, token in enumerate(tokens)))
    await asyncio.sleep(2.0)
    Reader.rows, began = 0, time.monotonic()
    print(json.dumps({"connected": len(tokens)}), flush=True)
    await asyncio.sleep(seconds)
    print(json.dumps({"rows": Reader.rows, "seconds": time.monotonic() - began}), flush=True)
    await asyncio.sleep(3600)


def _end(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> NoReturn:
    print(context, file=sys.stderr)
    os._exit(1)


def bare_app() -> Starlette:
    """As little as a server of events can do: the same bytes, again and again."""

    async def rows(request: Request) -> Response:
        frame = frame_of(request.path_params["profile"], 1)

        async def frames() -> AsyncIterator[bytes]:
            while True:
                yield frame
                await asyncio.sleep(0)

        return StreamingResponse(frames(), media_type="text/event-stream")

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("alive")

    path = "/v1/profiles/{profile}/devices/{device}/rows"
    return Starlette(routes=[Route(path, rows), Route("/healthz", healthz)])


def main() -> None:
    if sys.argv[1] == "bare":
        port = int(sys.argv[2])
        uvicorn.run(bare_app(), port=port, log_level="error", access_log=False, loop="uvloop")
        return
    port, tokens, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(read(port, json.loads(Path(tokens).read_text()), seconds))


if __name__ == "__main__":
    main()
