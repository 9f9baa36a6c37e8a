"""`POST /v1/events`: a batch is judged as the worker judges it, and its good events produced."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, Protocol

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from stream_cw.core.events import Event, decode_event
from stream_cw.core.records import check_time
from stream_cw.core.trace import trace_of
from stream_cw.errors import RefusedRecordError
from stream_cw.gateway.access import bearer, check_profile
from stream_cw.gateway.limits import Buckets, read_body
from stream_cw.gateway.metrics import Metrics
from stream_cw.gateway.problems import Problem, json_response
from stream_cw.gateway.producing import Place
from stream_cw.gateway.tokens import Clock, Tokens

MAX_EVENTS: Final = 500


class Sink(Protocol):
    """Where events go."""

    async def send(
        self, events: Sequence[tuple[bytes, bytes]], trace: bytes | None = None
    ) -> list[Place]:
        """Produce events in their order; see `Producing.send`."""


class Good(Struct, frozen=True):
    """An event that keeps to the contract, with its bytes as they were sent."""

    index: int
    event: Event
    value: bytes


class Accepted(Struct, frozen=True):
    """An event that was produced."""

    index: int
    event_id: str
    partition: int
    offset: int


class Refused(Struct, frozen=True, omit_defaults=True):
    """An event that breaks the contract; `field` as a path from the event, `$`."""

    index: int
    reason: str
    message: str
    field: str | None = None


class Answer(Struct, frozen=True):
    """What came of the events of a request, in their order."""

    accepted: list[Accepted]
    refused: list[Refused]


class Events:
    """Takes events.

    Parameters
    ----------
    tokens : Tokens
    buckets : Buckets
    sink : Sink
    metrics : Metrics
    clock : Clock
    """

    def __init__(
        self, tokens: Tokens, buckets: Buckets, sink: Sink, metrics: Metrics, clock: Clock
    ) -> None:
        self._tokens = tokens
        self._buckets = buckets
        self._sink = sink
        self._metrics = metrics
        self._clock = clock

    async def post(self, request: Request) -> Response:
        """Answer `POST /v1/events`."""
        grant = bearer(request, self._tokens)
        values = split(await read_body(request))
        self._buckets.take(grant.subject, len(values))
        key = request.headers.get("idempotency-key")
        named = name_events(values, f"{grant.subject} {key}" if key else None)
        good, refused = judge(named, now_ms=int(self._clock() * 1000))
        for one in good:
            check_profile(grant, one.event.profile_id)
        for lost in refused:
            self._metrics.count("events_refused", reason=lost.reason)
        events = [(one.event.profile_id.encode(), one.value) for one in good]
        places = await self._sink.send(events, trace_of_request(request))
        accepted = [
            Accepted(one.index, one.event.event_id, place.partition, place.offset)
            for one, place in zip(good, places, strict=True)
        ]
        return json_response(Answer(accepted, refused), 202 if accepted else 422)


def trace_of_request(request: Request) -> bytes | None:
    """Return the trace that a request belongs to; None where it names none, or more than one."""
    return trace_of((name.decode("latin-1"), value) for name, value in request.headers.raw)


def split(body: bytes) -> list[bytes]:
    """Split a body into its events, each as it was sent.

    Raises
    ------
    Problem
        If it is a list that is empty, too long or broken off.
    """
    if not body.lstrip(b" \t\r\n").startswith(b"["):
        return [body]
    try:
        values = _list.decode(body)
    except _UNREADABLE:
        raise Problem(422, "bad_json", "the body is no JSON list") from None
    if not values:
        raise Problem(422, "empty", "the list has no event")
    if len(values) > MAX_EVENTS:
        raise Problem(413, "too_many_events", f"the limit is {MAX_EVENTS} events in a list")
    return [bytes(value) for value in values]


def name_events(values: Sequence[bytes], key: str | None) -> list[bytes]:
    """Give events without an id one that is the same when the request comes again.

    Parameters
    ----------
    values : sequence of bytes
    key : str or None
        The bearer and the request's idempotency key; without one events are left as they are.
    """
    if key is None:
        return list(values)
    return [_named(value, derived_id(key, index)) for index, value in enumerate(values)]


def derived_id(key: str, index: int) -> str:
    """Make an event's id of an idempotency key and the event's place in the request."""
    digest = blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return f"{digest}-{index}"


def judge(values: Sequence[bytes], *, now_ms: int) -> tuple[list[Good], list[Refused]]:
    """Hold events to the contract, as the worker does.

    Key and partition are the gateway's doing; the time of append is what its clock says.
    """
    good: list[Good] = []
    refused: list[Refused] = []
    for index, value in enumerate(values):
        try:
            event = decode_event(value)
            check_time(event, now_ms)
        except RefusedRecordError as error:
            refused.append(Refused(index, error.reason, error.message, _field(error.message)))
        else:
            good.append(Good(index, event, value))
    return good, refused


class _Id(Struct):
    event_id: Any | UnsetType = UNSET


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_list: Final = msgspec.json.Decoder(list[Raw])
_id: Final = msgspec.json.Decoder(_Id)


def _named(value: bytes, event_id: str) -> bytes:
    try:
        if _id.decode(value).event_id is not UNSET:
            return value
    except _UNREADABLE:
        return value  # no object: the decoder says what is wrong
    head, _, rest = value.partition(b"{")
    comma = b"" if rest.lstrip(b" \t\r\n").startswith(b"}") else b","
    return head + b'{"event_id":"' + event_id.encode() + b'"' + comma + rest


def _field(message: str) -> str | None:
    """Return the path that the decoder named."""
    _, found, path = message.rpartition(" - at `")
    return path.removesuffix("`") if found else None
