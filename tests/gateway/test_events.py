"""`POST /v1/events`: the worker's verdicts, and nothing that a body can do to the gateway."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from gateway_support import an_event, bearing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import Answer, Asking
from served import FakeSink, given_settings, parts_of

from stream_cw.core.events import decode_event
from stream_cw.core.partition import partition_for
from stream_cw.core.records import MAX_AHEAD_MS, Record, admit
from stream_cw.errors import RefusedRecordError
from stream_cw.gateway.app import build_app
from stream_cw.gateway.events import MAX_EVENTS, judge, name_events, split
from stream_cw.gateway.limits import MAX_BODY_BYTES

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples" / "viewing-events.v1"
SUBJECT = "an-app"
ANN = bearing("ann", "profile-1", "p", subject=SUBJECT)

Post = Callable[..., Answer]
T = TypeVar("T")


class Gateway:
    """An application that keeps what is produced."""

    def __init__(self, ask: Asking, sink: FakeSink) -> None:
        self.ask = ask
        self.sink = sink

    def post(self, body: object, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", "/v1/events", data, {**ANN, **named})


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    sink = FakeSink()
    # No fixture of a function: the examples of Hypothesis share it.
    settings = given_settings(events_per_second=1e9, events_at_once=10**9)
    with parts_of(settings, sink=sink) as parts:
        ask = Asking(build_app(parts))
        yield Gateway(ask, sink)
        ask.close()


@pytest.fixture
def sent(gateway: Gateway) -> list[tuple[bytes, bytes]]:
    gateway.sink.sent.clear()
    gateway.sink.away = False
    return gateway.sink.sent


def examples(verdict: str) -> list[Path]:
    found = sorted((EXAMPLES / verdict).glob("*.json"))
    assert found
    return found


def test_one_event_is_produced_as_it_was_sent(gateway, sent) -> None:
    body = json.dumps(an_event(1, note="ü"), indent=2, ensure_ascii=False).encode()
    answer = gateway.post(body)
    assert answer.status == 202, answer.body
    assert answer.json() == {
        "accepted": [
            {"index": 0, "event_id": "e1", "partition": partition_for(b"ann", 4), "offset": 0}
        ],
        "refused": [],
    }
    assert sent == [(b"ann", body)]


@pytest.mark.parametrize("good", [True, False])
def test_events_belong_to_the_trace_of_their_request(gateway, sent, *, good: bool) -> None:
    trace = f"00-{1:032x}-{1:016x}-01" + ("" if good else "-more")
    answer = gateway.post([an_event(1), an_event(2)], traceparent=trace)
    assert answer.status == 202
    assert gateway.sink.traces[-1] == (trace.encode() if good else None)


def test_the_good_events_of_a_list_are_kept_in_their_order(gateway, sent) -> None:
    bad = an_event(2) | {"position_ms": "late"}
    answer = gateway.post([an_event(1), bad, an_event(3), 4, an_event(5)])
    assert answer.status == 202
    assert [one["index"] for one in answer.json()["accepted"]] == [0, 2, 4]
    assert [json.loads(value)["event_id"] for _, value in sent] == ["e1", "e3", "e5"]
    first, second = answer.json()["refused"]
    assert (first["index"], first["reason"], first["field"]) == (1, "bad_field", "$.position_ms")
    assert "late" not in first["message"]
    assert (second["index"], second["reason"]) == (3, "bad_field")


def test_nothing_good_is_422(gateway, sent) -> None:
    answer = gateway.post([{}, {"type": "play"}])
    assert answer.status == 422
    assert answer.json()["accepted"] == []
    assert len(answer.json()["refused"]) == 2
    assert not sent


@pytest.mark.parametrize("path", examples("invalid"), ids=lambda path: path.stem)
def test_what_the_worker_refuses_is_refused_for_the_same_reason(gateway, sent, path) -> None:
    value = path.read_bytes()
    with pytest.raises(RefusedRecordError) as refused:
        decode_event(value)
    if value.lstrip().startswith(b"["):
        return  # a list, for the gateway
    for body in (value, b"[" + value + b"]") if value else (value,):
        answer = gateway.post(body)
        assert answer.status == 422
        if "refused" in answer.json():
            assert [one["reason"] for one in answer.json()["refused"]] == [refused.value.reason]
        else:  # it breaks the list that it stands in
            assert body != value
            assert answer.json()["reason"] in {"bad_json", "empty"}
    assert not sent


@pytest.mark.parametrize("path", examples("valid"), ids=lambda path: path.stem)
def test_what_the_worker_takes_is_taken(gateway, sent, path) -> None:
    value = path.read_bytes()
    event = decode_event(value)
    if event.ts > time.time() * 1000:
        value = value.replace(str(event.ts).encode(), b"1700000000000")
        event = decode_event(value)
    headers = bearing(event.profile_id)
    for body in (value, b"[" + value + b"," + value + b"]"):
        answer = gateway.ask("POST", "/v1/events", body, headers)
        assert answer.status == 202, answer.body
    assert [admit(Record(k, v, partition_for(k, 4), 0), 4) for k, v in sent] == [event] * 3


def test_events_from_the_future_are_refused_as_by_the_worker() -> None:
    now = 1_750_000_000_000
    in_time, ahead = (
        json.dumps(an_event(1, ts=now + MAX_AHEAD_MS + more)).encode() for more in (0, 1)
    )
    good, refused = judge([in_time, ahead], now_ms=now)
    assert [one.index for one in good] == [0]
    admit(Record(b"ann", in_time, 0, 0, append_ts=now), 1)
    with pytest.raises(RefusedRecordError) as error:
        admit(Record(b"ann", ahead, 0, 0, append_ts=now), 1)
    assert (refused[0].reason, refused[0].message) == (error.value.reason, error.value.message)


def test_an_event_of_another_profile_is_403_and_nothing_is_kept(gateway, sent) -> None:
    answer = gateway.post([an_event(1), an_event(2, profile="bob"), {}])
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == "other_profile"
    assert "bob" not in answer.body.decode()
    assert not sent


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "no_token"),
        ("Basic YTpi", "no_token"),
        ("Bearer", "no_token"),
        ("Bearer x", "malformed"),
    ],
)
def test_without_a_token_it_is_401(gateway, sent, given, reason) -> None:
    answer = gateway.ask(
        "POST", "/v1/events", json.dumps(an_event(1)).encode(), {"authorization": given}
    )
    assert (answer.status, answer.json()["reason"]) == (401, reason)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert not sent


def test_a_body_may_have_so_many_bytes(gateway, sent) -> None:
    event = json.dumps(an_event(1)).encode()
    assert (
        gateway.post(event + b" " * (MAX_BODY_BYTES - len(event))).json()["refused"][0]["reason"]
        == "too_large"
    )  # for one event; the body is not
    fits = b"[" + event + b" " * (MAX_BODY_BYTES - len(event) - 2) + b"]"
    assert gateway.post(fits).status == 202
    answer = gateway.post(fits + b" ")
    assert (answer.status, answer.json()["reason"]) == (413, "too_large")
    assert len(sent) == 1


def test_a_body_that_is_too_long_is_not_read_to_its_end(gateway) -> None:
    read = 0

    async def ask() -> int:
        nonlocal read
        status = 0

        async def receive() -> dict[str, Any]:
            nonlocal read
            read += 65_536
            return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/events",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in ANN.items()],
        }
        await gateway.ask._app(scope, receive, send)
        return status

    assert gateway.ask._runner.run(ask()) == 413
    assert read <= MAX_BODY_BYTES + 2 * 65_536


def test_a_list_may_have_so_many_events(gateway, sent) -> None:
    assert gateway.post([an_event(n) for n in range(MAX_EVENTS)]).status == 202
    answer = gateway.post([an_event(n) for n in range(MAX_EVENTS + 1)])
    assert (answer.status, answer.json()["reason"]) == (413, "too_many_events")
    answer = gateway.post([])
    assert (answer.status, answer.json()["reason"]) == (422, "empty")
    assert len(sent) == MAX_EVENTS


def test_brokers_that_are_away_are_503_and_a_retry_is_harmless(gateway, sent) -> None:
    gateway.sink.away = True
    answer = gateway.post(an_event(1))
    assert (answer.status, answer.json()["reason"]) == (503, "no_broker")
    assert int(answer.headers["retry-after"]) >= 1
    gateway.sink.away = False
    assert gateway.post(an_event(1)).json()["accepted"][0]["event_id"] == "e1"


def test_an_idempotency_key_names_events_that_have_no_id(gateway, sent) -> None:
    nameless = {name: value for name, value in an_event(1).items() if name != "event_id"}
    body = [nameless, an_event(2), nameless]
    assert [one["reason"] for one in gateway.post(body).json()["refused"]] == ["bad_field"] * 2
    sent.clear()
    first = gateway.post(body, idempotency_key="a key")
    again = gateway.post(body, idempotency_key="a key")
    other = gateway.post(body, idempotency_key="another key")
    theirs = gateway.post(
        body, idempotency_key="a key", authorization=bearing("ann", subject="b")["authorization"]
    )
    answers = (first, again, other, theirs)
    ids = [[one["event_id"] for one in answer.json()["accepted"]] for answer in answers]
    assert ids[0] == ids[1]
    assert len({*ids[0], *ids[2], *ids[3]}) == 7  # a key is its bearer's own
    assert ids[0][1] == "e2"
    assert [json.loads(value)["event_id"] for _, value in sent[:3]] == ids[0]


def test_a_subject_may_send_so_many_events() -> None:
    now = [0.0]
    settings = given_settings(events_per_second=10, events_at_once=500)
    with parts_of(settings, monotonic=lambda: now[0]) as parts:
        gateway = Gateway(Asking(build_app(parts)), parts.sink)
        many = [an_event(n) for n in range(500)]
        assert gateway.post(many).status == 202
        refused = gateway.post(many[:40])
        assert (refused.status, refused.json()["reason"]) == (429, "too_many_events")
        assert refused.headers["retry-after"] == "4"
        other = gateway.post(
            many[:40], authorization=bearing("ann", subject="other")["authorization"]
        )
        assert other.status == 202, "others are not held back"
        now[0] += 4
        assert gateway.post(many[:40]).status == 202
        assert gateway.post(many[:1]).status == 429
        gateway.ask.close()


# Whatever a body holds

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
VALID = [
    json.loads(path.read_text()) | {"profile_id": "ann"}
    for path in sorted((EXAMPLES / "valid").glob("*.json"))
]
FIELDS = [*an_event(1), "session_id", "tz_offset_min", "country", "revision", "ranks", "show_id"]
ODD = (None, True, -1, 0, 2**53, 2**64, 0.5, 1e308, "", "é", "x" * 129, "tv", "play", [], {}, [0])


class Taken:
    """Decisions, read from bytes one after the other; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def number(self, below: int) -> int:
        return (next(self._data, 0) << 8 | next(self._data, 0)) % below

    def one_of(self, these: Sequence[T]) -> T:
        return these[self.number(len(these))]

    def rest(self) -> bytes:
        return bytes(self._data)


def made(data: bytes) -> bytes:
    """Make a body of bytes, as a fuzzer does: drawing whole events would take most of the time."""
    taken = Taken(data)
    kind = taken.number(4)
    if kind == 0:
        return taken.rest()
    if kind == 1:
        event = json.dumps(taken.one_of(VALID)).encode()
        at, gone = taken.number(len(event)), taken.number(8)
        highest = taken.one_of((0x7F, 0xFF))
        put = bytes(byte & highest for byte in taken.rest()[: taken.number(6)])
        return event[:at] + put + event[at + gone :]
    several = [_spoilt(taken) for _ in range(taken.number(6))]
    return json.dumps(_spoilt(taken) if kind == 2 else several).encode()


def _spoilt(taken: Taken) -> object:
    event = dict(taken.one_of(VALID))
    for _ in range(taken.number(3)):
        field = taken.one_of([*event, *FIELDS])
        match taken.number(3):
            case 0:
                event[field] = taken.one_of(ODD)
            case 1:
                event.pop(field, None)
            case _:
                event[field] = event.get(taken.one_of(FIELDS))
    return event if taken.number(8) else taken.one_of(ODD)


BODIES = st.binary(min_size=24, max_size=64).map(made)
KEYS = st.none() | st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), min_size=1)


@pytest.mark.timeout(600)
@settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
@given(body=BODIES, key=KEYS)
def test_no_body_makes_the_gateway_fail(gateway: Gateway, body: bytes, key: str | None) -> None:
    gateway.sink.sent.clear()
    headers = {} if key is None else {"idempotency_key": key}
    answer = gateway.post(body, **headers)
    assert answer.status in {202, 403, 413, 422}, answer
    told = answer.json()
    if answer.status in {403, 413} or "reason" in told:
        assert answer.headers["content-type"] == "application/problem+json"
        assert not gateway.sink.sent
        return
    as_read = key and f"{SUBJECT} {key.encode().decode('latin-1')}"  # as headers are
    values = name_events(split(body), as_read)
    verdicts = [_verdict(value) for value in values]
    assert [one["index"] for one in told["accepted"]] == [
        index for index, reason in enumerate(verdicts) if reason is None
    ]
    assert {one["index"]: one["reason"] for one in told["refused"]} == {
        index: reason for index, reason in enumerate(verdicts) if reason is not None
    }
    assert [value for _, value in gateway.sink.sent] == [
        value for value, reason in zip(values, verdicts, strict=True) if reason is None
    ]


def _verdict(value: bytes) -> str | None:
    """What the worker says of a record with this value, appended now."""
    try:
        event = decode_event(value)
        key = event.profile_id.encode()
        record = Record(key, value, partition_for(key, 4), 0, append_ts=int(time.time() * 1000))
        admit(record, 4)
    except RefusedRecordError as error:
        return error.reason
    return None


@given(values=st.lists(st.binary(max_size=60) | JSON.map(lambda v: json.dumps(v).encode())))
def test_naming_changes_nothing_but_what_has_no_id(values: list[bytes]) -> None:
    for value, named in zip(values, name_events(values, "key"), strict=True):
        if named != value:
            before, after = json.loads(value), json.loads(named)
            assert "event_id" not in before
            assert after.pop("event_id")
            assert str(after) == str(before)
