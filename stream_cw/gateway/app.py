"""The gateway as an ASGI application, put together from its parts."""

import logging
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream_cw.errors import BrokerError
from stream_cw.gateway.events import Events, Sink
from stream_cw.gateway.feed import Feed, Pace
from stream_cw.gateway.follow import Progress
from stream_cw.gateway.latest import Latest
from stream_cw.gateway.limits import Buckets, StreamLimits
from stream_cw.gateway.metrics import Metrics
from stream_cw.gateway.openapi import description
from stream_cw.gateway.opening import Openings
from stream_cw.gateway.page import page_routes
from stream_cw.gateway.probes import Probes
from stream_cw.gateway.problems import Problem, on_http_exception, on_problem
from stream_cw.gateway.rows import Rows
from stream_cw.gateway.settings import GatewaySettings
from stream_cw.gateway.streams import Streams
from stream_cw.gateway.subscribers import Subscribers
from stream_cw.gateway.tickets import Tickets
from stream_cw.gateway.tokens import Clock, Tokens

DEVICE: Final = "/v1/profiles/{profile}/devices/{device}"
CORS_SECONDS: Final = 600

log: Final = logging.getLogger("stream_cw.gateway")


class Parts(Struct, frozen=True, kw_only=True):
    """What a gateway is made of.

    Attributes
    ----------
    settings : GatewaySettings
    tokens : Tokens
    tickets : Tickets
    sink : Sink
        Where events go.
    latest : Latest
    subscribers : Subscribers
    progress : Progress
        How much of the push topic is in `latest`.
    metrics : Metrics
    clock : Clock
    monotonic : callable
        A clock of seconds that never goes back.
    """

    settings: GatewaySettings
    tokens: Tokens
    tickets: Tickets
    sink: Sink
    latest: Latest
    subscribers: Subscribers
    progress: Progress
    metrics: Metrics
    clock: Clock = time.time
    monotonic: Callable[[], float] = time.monotonic


def build_app(parts: Parts) -> Starlette:
    """Put the application together."""
    ways = _ways(parts)
    routes = [Route(path, answer, methods=[method]) for method, path, answer, _ in ways]
    names = {answer: name for _, _, answer, name in ways}
    middleware = [Middleware(_Watched, names=names, metrics=parts.metrics)]
    if parts.settings.origins:
        middleware.append(_cors(parts.settings.origins))
    return Starlette(
        routes=[*routes, *page_routes()],
        middleware=middleware,
        exception_handlers={
            Problem: _counted(parts.metrics),
            HTTPException: on_http_exception,
            BrokerError: _on_broker_error,
        },
    )


def _counted(metrics: Metrics) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, Problem):
            metrics.count("problems", reason=error.reason)
        return on_problem(request, error)

    return answer


Answer = Callable[[Request], Any]


def _ways(parts: Parts) -> list[tuple[str, str, Answer, str]]:
    """List what is answered: method, path, by whom, and its name in metrics."""
    settings = parts.settings
    limits = StreamLimits(settings.max_streams, settings.streams_per_subject)
    buckets = Buckets(settings.events_per_second, settings.events_at_once, parts.monotonic)
    pace = Pace(settings.heartbeat, settings.cut_off)
    feed = Feed(
        parts.latest, parts.subscribers, parts.progress, limits, parts.metrics, parts.clock, pace
    )
    events = Events(parts.tokens, buckets, parts.sink, parts.metrics, parts.clock)
    openings = Openings(parts.tokens, buckets, parts.sink, feed, wait_ms=settings.open_wait_ms)
    rows = Rows(parts.tokens, parts.latest, parts.progress)
    streams = Streams(parts.tokens, parts.tickets, feed)
    probes = Probes(parts.progress, limits, parts.metrics)
    return [
        ("POST", "/v1/events", events.post, "events"),
        ("POST", f"{DEVICE}/open", openings.post, "open"),
        ("GET", f"{DEVICE}/row", rows.get, "row"),
        ("GET", f"{DEVICE}/row/why", rows.why, "why"),
        ("GET", f"{DEVICE}/rows", streams.get, "rows"),
        ("POST", f"{DEVICE}/tickets", streams.ticket, "tickets"),
        ("GET", "/healthz", probes.healthz, "healthz"),
        ("GET", "/readyz", probes.readyz, "readyz"),
        ("GET", "/metrics", probes.metrics, "metrics"),
        ("GET", "/openapi.json", description, "openapi"),
    ]


def _cors(origins: list[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=[
            "authorization",
            "content-type",
            "idempotency-key",
            "if-none-match",
            "last-event-id",
            "traceparent",
        ],
        expose_headers=["etag", "retry-after"],
        max_age=CORS_SECONDS,
    )


def _on_broker_error(_request: Request, error: Exception) -> Response:
    log.warning("events not acknowledged: %s", error)
    detail = "the brokers did not acknowledge in time; it may be kept: send it again"
    return Problem(503, "no_broker", detail, {"retry-after": "1"}).response()


class _Watched:
    """Counts answers, and tells a fault without the request that it came of."""

    def __init__(self, app: ASGIApp, names: dict[Answer, str], metrics: Metrics) -> None:
        self._app = app
        self._names = names
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - the server's own log would quote the request
            log.error("fault: %s", told(error))
            if not status:
                answer = Problem(500, "fault", "the gateway failed").response()
                await answer(scope, receive, noted)
        finally:
            way = self._names.get(scope.get("endpoint"), "other")  # type: ignore[arg-type]
            self._metrics.count("answers", way=way, status=str(status))


def told(error: BaseException) -> str:
    """Name an exception and its place; its message may quote a member."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
