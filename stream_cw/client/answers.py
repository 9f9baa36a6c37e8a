"""What a gateway answers, and what is raised where it refuses."""

from typing import Final, TypeVar

import httpx
import msgspec
from msgspec import Struct

from stream_cw.core.rows import Cause, ModelRef, Placement, Row
from stream_cw.errors import GatewayError, GatewayUnavailableError, TokenExpiredError

T = TypeVar("T")

PROBLEM: Final = "application/problem+json"


class Accepted(Struct, frozen=True, kw_only=True):
    """An event that Kafka holds: its place in what was sent, and where it stands."""

    index: int
    event_id: str
    partition: int
    offset: int


class Refused(Struct, frozen=True, kw_only=True):
    """An event that breaks the contract: its place in what was sent, and which rule it breaks."""

    index: int
    reason: str
    field: str | None = None
    message: str


class Sent(Struct, frozen=True, kw_only=True):
    """What became of events: those kept, in their order, and those refused."""

    accepted: list[Accepted]
    refused: list[Refused]


class Produced(Struct, frozen=True, kw_only=True):
    """The event of an opening, and where it stands."""

    event_id: str
    partition: int
    offset: int


class Opened(Struct, frozen=True, kw_only=True):
    """The row of an opening.

    Attributes
    ----------
    row : Row or None
        None where the device has none yet; it comes by the stream.
    stale : bool
        The row does not know of this opening yet.
    age_ms : int or None
        How much older than the opening the row is, in event time.
    event : Produced
    """

    row: Row | None
    stale: bool
    age_ms: int | None
    event: Produced


class WhyTile(Struct, frozen=True, kw_only=True):
    """A tile and why it stands there: the reason, and the reason in words."""

    rank: int
    show_id: str
    title_id: str
    score: int
    reason: str
    words: str


class Why(Struct, frozen=True, kw_only=True):
    """Why the newest row is as it is: the event that caused it, and each tile's reason.

    Attributes
    ----------
    version : str
        `revision.catalog.model` of the row.
    ts : int
        Its event time, ms.
    cause : Cause
    model : ModelRef
    arm : str or None
    placement : Placement
    tiles : list of WhyTile
    """

    version: str
    ts: int
    cause: Cause
    model: ModelRef
    arm: str | None
    placement: Placement
    tiles: list[WhyTile]


def decoded(response: httpx.Response, type_: type[T]) -> T:
    """Read the body of an answer.

    Raises
    ------
    GatewayError
        If it is not what was wanted.
    """
    try:
        return msgspec.json.decode(response.content, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GatewayError(response.status_code, "bad_answer", str(error)) from None


def is_problem(response: httpx.Response) -> bool:
    """Tell whether an answer is a refusal in the gateway's own words."""
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0] == PROBLEM


def has_no_row(response: httpx.Response) -> bool:
    """Tell whether an answer says that a device has no row."""
    return response.status_code == httpx.codes.NOT_FOUND and _problem(response).reason == "no_row"


def refusal(response: httpx.Response) -> GatewayError:
    """Make the error that an answer stands for; its body must have been read."""
    status = response.status_code
    problem = _problem(response)
    if status == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
        wait = response.headers.get("retry-after", "")
        return GatewayUnavailableError(
            status, problem.reason, problem.detail, float(wait) if wait.isdecimal() else 0.0
        )
    if status == httpx.codes.UNAUTHORIZED and problem.reason == "expired":
        return TokenExpiredError(status, problem.reason, problem.detail)
    return GatewayError(status, problem.reason, problem.detail)


class _Problem(Struct):
    reason: str
    detail: str = ""


def _problem(response: httpx.Response) -> _Problem:
    if is_problem(response):
        try:
            return msgspec.json.decode(response.content, type=_Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
    return _Problem("not_a_gateway", "the answer is not that of a gateway")
