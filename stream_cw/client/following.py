"""Following the rows of a device, but for the waiting: what to ask, what to take, when to go on."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
from httpx_sse import ServerSentEvent

from stream_cw.client.answers import refusal
from stream_cw.client.backoff import MOST_S, Backoff, Random
from stream_cw.client.calls import CALL_S, bearer
from stream_cw.core.rows import Row, Version, decode_row
from stream_cw.errors import (
    GatewayError,
    GatewayUnavailableError,
    RefusedRecordError,
    TokenExpiredError,
)

Clock = Callable[[], float]
"""Seconds that only grow, such as `time.monotonic`."""

SILENCE_S: Final = 45.0
"""A stream that is silent for so long is lost: the gateway says something every 15 s."""
FRESH_S: Final = 900.0
"""How long an opening holds: time changes the row, so after it the row is computed anew."""


class Following:
    """One stream of rows across all its connections.

    Parameters
    ----------
    url : str
        Of the device.
    renewable : bool
        Another connection may have a fresh token.
    random : Random
    clock : Clock
    """

    def __init__(self, url: str, *, renewable: bool, random: Random, clock: Clock) -> None:
        self._url = url
        self._renewable = renewable
        self._backoff = Backoff(random)
        self._clock = clock
        self._fresh_until = clock() + FRESH_S
        self._newest: Version | None = None
        self._event_id = ""
        self._connected_at: float | None = None
        self._retry_s = 0.0

    def arguments(self, token: str) -> dict[str, Any]:
        """Arguments of `httpx.Client.stream` for the next connection."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store", **bearer(token)}
        if self._event_id:
            headers["Last-Event-ID"] = self._event_id
        return {
            "method": "GET",
            "url": f"{self._url}/rows",
            "headers": headers,
            "timeout": httpx.Timeout(CALL_S, read=SILENCE_S),
        }

    def connected(self, answer: httpx.Response) -> None:
        """Look at the answer to a connection; the body of a refusal must have been read.

        Raises
        ------
        GatewayError
            If it is a refusal.
        """
        if answer.status_code != httpx.codes.OK:
            raise refusal(answer)
        self._connected_at = self._clock()

    def take(self, event: ServerSentEvent) -> Iterator[Row | None]:
        """Take an event of the stream.

        Yields
        ------
        Row or None
            A row newer than all before; None where the row is gone. Nothing where nothing changes.

        Raises
        ------
        TokenExpiredError
            If the stream ends with its token.
        GatewayError
            If what should be a row is none.
        """
        if event.retry is not None:
            self._retry_s = event.retry / 1000
        match event.event:
            case "row":
                row = _row(event)
                self._backoff.reset()
                if self._newest is None or row.version > self._newest:
                    self._newest, self._event_id = row.version, event.id
                    yield row
            case "erased":
                known, self._newest, self._event_id = self._newest, None, ""
                if known is not None:
                    yield None
            case "expired":
                raise TokenExpiredError(
                    httpx.codes.UNAUTHORIZED, "expired", "the token of the stream has expired"
                )

    def pause(self, failure: GatewayError) -> float:
        """Tell how long to wait before the next connection.

        Raises
        ------
        GatewayError
            The failure itself, where no other connection would mend it. One with a fresh token
            mends it that the token expired while the stream ran; whether it was, it will tell.
        """
        connected_at, self._connected_at = self._connected_at, None
        if connected_at is not None and self._clock() - connected_at > MOST_S:
            self._backoff.reset()
        if isinstance(failure, GatewayUnavailableError):
            return self._backoff.pause(failure.retry_after_s or self._retry_s)
        expired = isinstance(failure, TokenExpiredError)
        if expired and self._renewable and connected_at is not None:
            return self._backoff.pause()
        raise failure

    def wants_opening(self) -> bool:
        """Tell whether the row is to be computed anew before it is shown again."""
        return self._clock() > self._fresh_until

    def was_opened(self) -> None:
        """Begin the time anew for which an opening holds."""
        self._fresh_until = self._clock() + FRESH_S


def ended() -> GatewayUnavailableError:
    """Make the error of a stream that ends without a word, as when its gateway stops."""
    return GatewayUnavailableError(None, "stream_ended", "the gateway ended the stream")


def unreachable(error: httpx.TransportError) -> GatewayUnavailableError:
    """Make the error of an answer that does not come, or by half."""
    return GatewayUnavailableError(None, "unreachable", f"{type(error).__name__}: {error}")


def _row(event: ServerSentEvent) -> Row:
    try:
        return decode_row(event.data.encode())
    except RefusedRecordError as error:
        raise GatewayError(httpx.codes.OK, "bad_answer", error.message) from None
