"""`POST …/open`: the row that a session begins with, computed at that moment."""

import asyncio
import re
import secrets
import time
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct
from starlette.requests import Request
from starlette.responses import Response

from stream_cw.core.decoding import decode_json
from stream_cw.core.events import (
    Country,
    DeviceType,
    HomeView,
    Id,
    SessionStart,
    Timestamp,
    encode_event,
)
from stream_cw.core.records import check_time
from stream_cw.core.rows import row_key
from stream_cw.errors import RefusedRecordError
from stream_cw.gateway.access import Asked, asked
from stream_cw.gateway.events import Sink, derived_id, trace_of_request
from stream_cw.gateway.feed import Feed
from stream_cw.gateway.latest import Known
from stream_cw.gateway.limits import Buckets, read_body
from stream_cw.gateway.problems import Problem, json_response
from stream_cw.gateway.producing import Place
from stream_cw.gateway.settings import MAX_WAIT_MS
from stream_cw.gateway.subscribers import Mailbox
from stream_cw.gateway.tokens import Tokens

MAX_OPENING_BYTES: Final = 8_192
_DIGITS: Final = re.compile(r"[0-9]{1,4}")


class Opening(Struct, frozen=True, kw_only=True):
    """Body of the request; what it does not say is left out of the event."""

    device_type: DeviceType
    event: Literal["session_start", "home_view"] = "session_start"
    event_id: Id | None = None
    session_id: Id | None = None
    tz_offset_min: Annotated[int, Meta(ge=-840, le=840)] | None = None
    country: Country | None = None
    ts: Timestamp | None = None


class Sent(Struct, frozen=True):
    """The event that the opening became."""

    event_id: str
    partition: int
    offset: int


class Opened(Struct, frozen=True):
    """The answer; `row` as it stands on the push topic, `age_ms` in event time."""

    stale: bool
    age_ms: int | None
    event: Sent
    row: Raw | None


class _Dated(Struct):
    ts: Timestamp


_opening: Final = msgspec.json.Decoder(Opening)
_dated: Final = msgspec.json.Decoder(_Dated)


class Openings:
    """Opens the app on devices.

    Parameters
    ----------
    tokens : Tokens
    buckets : Buckets
    sink : Sink
    feed : Feed
    wait_ms : int
        How long an answer waits for its row where the request does not say.
    """

    def __init__(
        self,
        tokens: Tokens,
        buckets: Buckets,
        sink: Sink,
        feed: Feed,
        *,
        wait_ms: int,
    ) -> None:
        self._tokens = tokens
        self._buckets = buckets
        self._sink = sink
        self._feed = feed
        self._wait_ms = wait_ms

    async def post(self, request: Request) -> Response:
        """Answer `POST …/open`."""
        began = time.monotonic()
        who = asked(request, self._tokens)
        wait_ms = _wait_ms(request.query_params.get("wait_ms"), self._wait_ms)
        self._buckets.take(who.grant.subject, 1)
        body = await read_body(request, MAX_OPENING_BYTES)
        repeat = request.headers.get("idempotency-key")
        event = self._event(who, body, f"{who.grant.subject} {repeat}" if repeat else None)
        key = row_key(who.profile_id, who.device_id)
        with self._feed.subscribers.join(key) as mailbox:
            [place] = await self._sink.send(
                [(who.profile_id.encode(), encode_event(event))], trace_of_request(request)
            )
            known = self._feed.latest.get(key)
            if not _follows(known, place):
                left = began + wait_ms / 1000 - time.monotonic()
                known = await _awaited(mailbox, place, left) or self._feed.latest.get(key)
        self._feed.metrics.observe("opening_seconds", time.monotonic() - began)
        self._feed.metrics.count("openings", outcome=_outcome(known, place))
        return _answer(event, place, known)

    def _event(self, who: Asked, body: bytes, key: str | None) -> SessionStart | HomeView:
        now_ms = int(self._feed.clock() * 1000)
        try:
            opening = decode_json(_opening, body, MAX_OPENING_BYTES)
            kind = HomeView if opening.event == "home_view" else SessionStart
            event = kind(
                event_id=opening.event_id or (derived_id(key, 0) if key else secrets.token_hex(16)),
                profile_id=who.profile_id,
                device_id=who.device_id,
                device_type=opening.device_type,
                ts=opening.ts or now_ms,
                session_id=opening.session_id,
                tz_offset_min=opening.tz_offset_min,
                country=opening.country,
            )
            check_time(event, now_ms)
        except RefusedRecordError as error:
            raise Problem(422, error.reason, error.message) from None
        return event


def _wait_ms(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not _DIGITS.fullmatch(text) or int(text) > MAX_WAIT_MS:
        raise Problem(422, "bad_field", f"`wait_ms`: wanted 0 to {MAX_WAIT_MS}")
    return int(text)


def _follows(known: Known | None, place: Place) -> bool:
    return known is not None and known.source >= place.offset


def _outcome(known: Known | None, place: Place) -> str:
    if known is None:
        return "none"
    return "fresh" if _follows(known, place) else "stale"


async def _awaited(mailbox: Mailbox, place: Place, seconds: float) -> Known | None:
    """Wait for the row that follows from the event."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            while mailbox.closed is None:
                _, known = await mailbox.take()
                if _follows(known, place):
                    return known
    except TimeoutError:
        pass
    return None


def _answer(event: SessionStart | HomeView, place: Place, known: Known | None) -> Response:
    sent = Sent(event.event_id, place.partition, place.offset)
    if known is None:
        return json_response(Opened(stale=True, age_ms=None, event=sent, row=None), 202)
    stale = not _follows(known, place)
    age_ms = max(0, event.ts - _dated.decode(known.value).ts) if stale else 0
    return json_response(Opened(stale=stale, age_ms=age_ms, event=sent, row=Raw(known.value)))
