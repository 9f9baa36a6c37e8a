"""What can be asked of a gateway, and how it is answered: the one table behind the document."""

from typing import Final, Literal

from msgspec import Struct

from stream_cw.gateway.components import ID, ROW, VERSION, Json, ref
from stream_cw.gateway.events import MAX_EVENTS
from stream_cw.gateway.settings import MAX_WAIT_MS

JSON: Final = "application/json"

_DEVICE: Final = "/v1/profiles/{profile}/devices/{device}"
_BEARER: Final[Json] = {"bearer": []}
_TICKET: Final[Json] = {"ticket": []}
_ETAG: Final = {
    "ETag": {"description": "The row's version and a mark of it.", "schema": {"type": "string"}}
}
_OF_DEVICE: Final = (401, 403, 422)


def _true(name: str) -> Json:
    return {"type": "object", "required": [name], "properties": {name: {"const": True}}}


class Answer(Struct, frozen=True, kw_only=True):
    """What an operation answers with a status: a body of a media type, or none."""

    about: str
    media_type: str | None = JSON
    schema: Json = {}
    headers: Json = {}


class Operation(Struct, frozen=True, kw_only=True):
    """What can be asked.

    Attributes
    ----------
    method : {'get', 'post'}
    path, id, about : str
    answers : dict
        By status, where it is not a problem.
    problems : tuple of int
        Statuses that come with a problem.
    parameters : tuple of str
        Those of `PARAMETERS` that it takes beside the path's.
    body : dict
        Schema of the JSON that it takes.
    security : tuple of dict
        Any of these proves who asks; none for everybody.
    """

    method: Literal["get", "post"]
    path: str
    id: str
    about: str
    answers: dict[int, Answer]
    problems: tuple[int, ...] = ()
    parameters: tuple[str, ...] = ()
    body: Json = {}
    security: tuple[Json, ...] = (_BEARER,)


PARAMETERS: Final[Json] = {
    "profile": {"in": "path", "required": True, "schema": ref(ID)},
    "device": {"in": "path", "required": True, "schema": ref(ID)},
    "Idempotency-Key": {
        "in": "header",
        "description": "Gives an id to events that have none: the same again for the same request.",
        "schema": {"type": "string"},
    },
    "traceparent": {
        "in": "header",
        "description": "The trace that the events belong to (W3C Trace Context); rows name it.",
        "schema": {"type": "string"},
    },
    "If-None-Match": {
        "in": "header",
        "description": "The ETag of a row that is known already.",
        "schema": {"type": "string"},
    },
    "Last-Event-ID": {
        "in": "header",
        "description": "The `id` of the row that came last; only newer ones follow.",
        "schema": {"type": "string"},
    },
    "wait_ms": {
        "in": "query",
        "description": "How long to wait for the row of this opening.",
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_MS},
    },
    "version": {
        "in": "query",
        "description": "Asks for the row of this version and no other.",
        "schema": {"type": "string", "pattern": VERSION},
    },
}

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/v1/events",
        id="sendEvents",
        about="Send events: the good ones are kept in their order, the others named.",
        parameters=("Idempotency-Key", "traceparent"),
        body={
            "oneOf": [
                ref("EventToSend"),
                {
                    "type": "array",
                    "items": ref("EventToSend"),
                    "minItems": 1,
                    "maxItems": MAX_EVENTS,
                },
            ]
        },
        answers={
            202: Answer(about="At least one event is kept.", schema=ref("Answer")),
            422: Answer(about="None is kept: each is refused.", schema=ref("Answer")),
        },
        problems=(400, 401, 403, 413, 422, 429, 503),
    ),
    Operation(
        method="post",
        path=f"{_DEVICE}/open",
        id="open",
        about="Open the app: the row is computed for this moment.",
        parameters=("wait_ms", "Idempotency-Key", "traceparent"),
        body=ref("Opening"),
        answers={
            200: Answer(about="The row of this opening, or a stale one.", schema=ref("Opened")),
            202: Answer(about="There is no row yet.", schema=ref("Opened")),
        },
        problems=(400, *_OF_DEVICE, 413, 429, 503),
    ),
    Operation(
        method="get",
        path=f"{_DEVICE}/row",
        id="getRow",
        about="The newest row.",
        parameters=("If-None-Match",),
        answers={
            200: Answer(about="The row.", schema=ref(ROW), headers=_ETAG),
            304: Answer(about="It is the one that is known.", media_type=None, headers=_ETAG),
        },
        problems=(*_OF_DEVICE, 404, 503),
    ),
    Operation(
        method="get",
        path=f"{_DEVICE}/rows",
        id="followRows",
        about="The newest row and then every newer one, as server-sent events.",
        parameters=("Last-Event-ID",),
        security=(_BEARER, _TICKET),
        answers={
            200: Answer(
                about="Events: `row` with the row as data and its version as id; `erased`, the row "
                "is gone; `expired`, the token has expired and the stream ends.",
                media_type="text/event-stream",
            )
        },
        problems=(*_OF_DEVICE, 429, 503),
    ),
    Operation(
        method="get",
        path=f"{_DEVICE}/row/why",
        id="getWhy",
        about="Why the newest row is as it is.",
        parameters=("version",),
        answers={200: Answer(about="Its cause and each tile's reason.", schema=ref("Why"))},
        problems=(*_OF_DEVICE, 404, 410, 503),
    ),
    Operation(
        method="post",
        path=f"{_DEVICE}/tickets",
        id="getTicket",
        about="A ticket for one stream of this device, for clients that cannot send headers.",
        answers={201: Answer(about="The ticket.", schema=ref("Ticket"))},
        problems=_OF_DEVICE,
    ),
    Operation(
        method="get",
        path="/healthz",
        id="isAlive",
        about="Whether the process is alive.",
        security=(),
        answers={200: Answer(about="It is.", schema=_true("alive"))},
    ),
    Operation(
        method="get",
        path="/readyz",
        id="isReady",
        about="Whether all rows are known.",
        security=(),
        answers={200: Answer(about="They are.", schema=_true("ready"))},
        problems=(503,),
    ),
    Operation(
        method="get",
        path="/metrics",
        id="getMetrics",
        about="Counts and times, for Prometheus.",
        security=(),
        answers={200: Answer(about="The metrics.", media_type="text/plain")},
    ),
    Operation(
        method="get",
        path="/openapi.json",
        id="getDescription",
        about="This document.",
        security=(),
        answers={200: Answer(about="The document.", schema={"type": "object"})},
    ),
)
