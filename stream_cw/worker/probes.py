"""`/healthz`, `/readyz`, `/metrics`: how the worker is, for those who run it."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from msgspec import Struct

from stream_cw.core.row import View
from stream_cw.errors import SettingsError
from stream_cw.worker.metrics import Metrics

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"

log: Final = logging.getLogger("stream_cw.worker")


class Standing(Struct, frozen=True):
    """Whom probes ask.

    Attributes
    ----------
    is_alive : callable
        Whether the worker has looked after itself lately.
    is_ready : callable
        Whether it has its partitions and works on them.
    view : callable
        What rows are made with.
    """

    is_alive: Callable[[], bool]
    is_ready: Callable[[], bool]
    view: Callable[[], View]


@asynccontextmanager
async def answering(
    address: str | None, standing: Standing, metrics: Metrics
) -> AsyncIterator[tuple[str, int] | None]:
    """Answer probes at an address, host:port, as long as the context lasts; None: nowhere.

    Yields
    ------
    tuple of str and int, or None
        Where: port 0 takes a free one.

    Raises
    ------
    SettingsError
        If the address cannot be taken.
    """
    if address is None:
        yield None
        return
    host, _, port = address.rpartition(":")
    runner = web.AppRunner(_app(standing, metrics), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        except OSError as error:
            raise SettingsError(f"STREAM_CW_PROBES: {address}: {error.strerror}") from None
        taken: tuple[str, int] = runner.addresses[0][:2]
        log.info("probes are answered at %s, port %d", *taken)
        yield taken
    finally:
        await runner.cleanup()


def _app(standing: Standing, metrics: Metrics) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return _told("alive", standing.is_alive())

    async def readyz(_request: web.Request) -> web.Response:
        return _told("ready", standing.is_ready())

    async def text(_request: web.Request) -> web.Response:
        metrics.model(standing.view().scorer.ref)
        metrics.level("ready", standing.is_ready())
        return web.Response(body=metrics.text(), headers={"content-type": TEXT})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", text)]
    )
    return app


def _told(what: str, is_so: bool) -> web.Response:
    return web.json_response({what: is_so}, status=200 if is_so else 503)
