"""What a stream's events mean, and when it is connected anew: without any waiting."""

import httpx
import msgspec
import pytest
from httpx_sse import ServerSentEvent

from stream_cw.client.backoff import FIRST_S, MOST_S, PATIENCE_S, TRIES, Backoff, Tries
from stream_cw.client.calls import version_text
from stream_cw.client.following import FRESH_S, Following, ended
from stream_cw.core.rows import Cause, ModelRef, Placement, Row, Version, encode_row
from stream_cw.errors import GatewayError, GatewayUnavailableError, TokenExpiredError

URL = "http://gateway/v1/profiles/p1/devices/tv-1"
ROW = Row(
    profile_id="p1",
    device_id="tv-1",
    session_id=None,
    version=Version(1, 0, 0),
    ts=1_700_000_000_000,
    cause=Cause("e1", "play"),
    model=ModelRef("recency", None),
    placement=Placement(500_000, 0, "rule"),
    arm=None,
    tiles=[],
)
OK = httpx.Response(200)
EXPIRED = ServerSentEvent("expired")
ERASED = ServerSentEvent("erased")


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def following(now: Now) -> Following:
    return Following(URL, renewable=True, random=lambda: 1.0, clock=now)


def row_event(*version: int) -> ServerSentEvent:
    row = msgspec.structs.replace(ROW, version=Version(*version))
    return ServerSentEvent("row", encode_row(row).decode(), version_text(row.version))


def taken(following: Following, *events: ServerSentEvent) -> list[tuple[int, int, int] | None]:
    return [
        msgspec.structs.astuple(row.version) if row else None
        for event in events
        for row in following.take(event)
    ]


def asked_after(following: Following) -> str | None:
    headers: dict[str, str] = following.arguments("jwt")["headers"]
    assert headers["Authorization"] == "Bearer jwt"
    return headers.get("Last-Event-ID")


def test_only_what_is_newer_is_taken_in_the_order_of_versions(following: Following) -> None:
    events = [(2, 0, 1), (2, 0, 1), (1, 9, 9), (2, 0, 2), (2, 1, 0), (10, 0, 0), (9, 0, 0)]
    newer = [(2, 0, 1), (2, 0, 2), (2, 1, 0), (10, 0, 0)]
    assert taken(following, *(row_event(*version) for version in events)) == newer


def test_a_connection_asks_for_what_is_newer_than_the_row_taken_last(following: Following) -> None:
    assert asked_after(following) is None
    assert taken(following, row_event(3, 1, 0), row_event(2, 0, 0)) == [(3, 1, 0)]
    assert asked_after(following) == "3.1.0"


def test_versions_begin_anew_after_an_erasure(following: Following) -> None:
    events = [row_event(7, 0, 0), ERASED, ERASED, row_event(1, 0, 0)]
    assert taken(following, *events[:3]) == [(7, 0, 0), None]
    assert asked_after(following) is None
    assert taken(following, *events[3:]) == [(1, 0, 0)]


def test_what_a_newer_gateway_says_is_passed_over(following: Following) -> None:
    assert taken(following, ServerSentEvent("weather", "fair", "1"), ServerSentEvent()) == []
    assert asked_after(following) is None


def test_a_row_that_is_none_is_an_error(following: Following) -> None:
    with pytest.raises(GatewayError) as found:
        taken(following, ServerSentEvent("row", '{"profile_id": 3}', "1.0.0"))
    assert found.value.reason == "bad_answer"


def test_pauses_double_up_to_a_bound_and_begin_anew_when_a_row_comes(following: Following) -> None:
    pauses = [following.pause(ended()) for _ in range(10)]
    assert pauses[:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert pauses[-1] == MOST_S
    following.connected(OK)
    assert following.pause(ended()) == MOST_S
    following.connected(OK)
    assert taken(following, row_event(1, 0, 0))
    assert following.pause(ended()) == FIRST_S


def test_pauses_begin_anew_after_a_connection_that_held(following: Following, now: Now) -> None:
    while following.pause(ended()) < MOST_S:
        pass
    following.connected(OK)
    now.seconds += MOST_S + 1
    assert following.pause(ended()) == FIRST_S


def test_a_stream_may_say_how_long_to_stay_away(following: Following) -> None:
    assert taken(following, ServerSentEvent(retry=2500)) == []
    assert following.pause(ended()) == 2.5 + FIRST_S


def test_clients_draw_different_pauses_from_the_same_bound() -> None:
    assert Backoff(lambda: 0.25).pause() == 0.25 * FIRST_S
    assert Backoff(lambda: 0.25).pause(at_least_s=3) == 3 + 0.25 * FIRST_S


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_gateway_that_says_later_is_asked_later(status: int, following: Following) -> None:
    answer = httpx.Response(status, headers={"retry-after": "7"})
    with pytest.raises(GatewayUnavailableError) as found:
        following.connected(answer)
    assert found.value.status == status
    assert following.pause(found.value) == 7 + FIRST_S


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_ends_the_stream(status: int, following: Following) -> None:
    answer = httpx.Response(
        status,
        json={"status": status, "reason": "some_word", "detail": "in words"},
        headers={"content-type": "application/problem+json"},
    )
    with pytest.raises(GatewayError) as found:
        following.connected(answer)
    assert (found.value.status, found.value.reason) == (status, "some_word")
    with pytest.raises(GatewayError) as ended_with:
        following.pause(found.value)
    assert ended_with.value is found.value


@pytest.mark.parametrize("renewable", [True, False])
def test_a_token_that_expires_is_renewed_once_or_ends_the_stream(renewable: bool, now: Now) -> None:
    following = Following(URL, renewable=renewable, random=lambda: 1.0, clock=now)
    following.connected(OK)
    with pytest.raises(TokenExpiredError) as found:
        taken(following, EXPIRED)
    if renewable:
        assert following.pause(found.value) == FIRST_S
    with pytest.raises(TokenExpiredError):
        following.pause(found.value)  # and was not taken when it was asked for again


def test_an_opening_holds_for_fifteen_minutes(following: Following, now: Now) -> None:
    now.seconds += FRESH_S
    assert not following.wants_opening()
    now.seconds += 1
    assert following.wants_opening()
    following.connected(OK)
    assert following.wants_opening()
    following.was_opened()
    assert not following.wants_opening()


def test_a_call_is_tried_a_few_times_and_not_beyond_patience() -> None:
    tries = Tries(lambda: 1.0)
    failure = GatewayUnavailableError(503, "kafka", "no answer")
    pauses = [tries.pause(failure) for _ in range(TRIES - 1)]
    assert pauses == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    with pytest.raises(GatewayUnavailableError):
        tries.pause(failure)
    with pytest.raises(GatewayUnavailableError):
        Tries(lambda: 1.0).pause(GatewayUnavailableError(429, "much", "", PATIENCE_S + 1))
