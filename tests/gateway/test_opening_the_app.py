"""`POST …/open`: the row that follows from the opening, or the newest one and how old it is."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from gateway_support import bearing, device_path
from served import START, Served, a_row, served

from stream_cw.core.events import HomeView, SessionStart, decode_event
from stream_cw.core.rows import Cause, encode_row
from stream_cw.gateway.producing import Place

PATH = device_path("ann", "tv") + "/open"
BODY = {"device_type": "tv"}


@pytest.fixture
def gateway() -> Iterator[Served]:
    with served() as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=30, headers=bearing("ann")) as client:
        yield client


def answering(gateway: Served, *sources: int) -> None:
    """Let rows follow from what is produced, at so many offsets from it, in this order."""

    def then(key: bytes, place: Place) -> None:
        for number, more in enumerate(sources, start=1):
            row = encode_row(a_row(10 + number, cause=Cause(f"after{more}", "home_view")))
            gateway.take(key + b"/tv", row, place.offset + more)

    gateway.sink.then = lambda key, place: gateway.loop.call_soon(then, key, place)


def test_the_answer_is_the_row_that_follows_from_the_event(gateway, client) -> None:
    gateway.put(a_row(1), source=-1)
    answering(gateway, 0)
    answer = client.post(PATH, json=BODY | {"tz_offset_min": 60, "session_id": "s-81"})
    assert answer.status_code == 200
    told = answer.json()
    assert told["stale"] is False
    assert told["age_ms"] == 0
    assert told["row"]["version"]["revision"] == 11
    [(key, value)] = gateway.sink.sent
    event = decode_event(value)
    assert isinstance(event, SessionStart)
    assert key == b"ann"
    assert told["event"]["event_id"] == event.event_id
    assert (event.tz_offset_min, event.session_id, event.device_type) == (60, "s-81", "tv")
    assert abs(event.ts - time.time() * 1000) < 60_000
    assert gateway.metric("openings_total", outcome="fresh") == 1


def test_the_row_stands_in_the_answer_as_on_the_topic(gateway, client) -> None:
    answering(gateway, 0)
    answer = client.post(PATH, json=BODY)
    assert answer.content.endswith(
        b'"row":' + encode_row(a_row(11, cause=Cause("after0", "home_view"))) + b"}"
    )


def test_rows_of_events_before_it_are_not_its_own(gateway, client) -> None:
    gateway.sink.sent.extend([(b"x", b"")] * 5)
    answering(gateway, -2, -1, 1)
    told = client.post(PATH, json=BODY, params={"wait_ms": 2_000}).json()
    assert told["event"]["offset"] == 5
    assert told["stale"] is False
    assert told["row"]["cause"]["event_id"] == "after1", "one behind it will do"


def test_a_row_that_comes_before_the_acknowledgement_is_not_missed(gateway, client) -> None:
    row = encode_row(a_row(11))
    gateway.sink.then = lambda key, place: gateway.take(key + b"/tv", row, place.offset)
    answer = client.post(PATH, json=BODY, params={"wait_ms": 0})
    assert answer.json()["stale"] is False


def test_without_its_row_in_time_the_newest_one_is_stale_and_has_an_age(gateway, client) -> None:
    gateway.put(a_row(5), source=-1)
    ts = START + 5_000 + 7_000
    for ts_given, age in ((ts, 7_000), (START, 0)):
        answer = client.post(PATH, json=BODY | {"ts": ts_given}, params={"wait_ms": 20})
        assert answer.status_code == 200
        told = answer.json()
        assert (told["stale"], told["age_ms"]) == (True, age)
        assert told["row"]["version"]["revision"] == 5
    assert gateway.metric("openings_total", outcome="stale") == 2


def test_a_newer_row_that_is_not_its_own_is_the_newest_known(gateway, client) -> None:
    gateway.sink.sent.extend([(b"x", b"")] * 5)
    gateway.put(a_row(5), source=1)
    answering(gateway, -1)
    told = client.post(PATH, json=BODY, params={"wait_ms": 200}).json()
    assert told["stale"] is True
    assert told["row"]["version"]["revision"] == 11


def test_without_any_row_it_is_202(gateway, client) -> None:
    answer = client.post(PATH, json=BODY, params={"wait_ms": 10})
    assert answer.status_code == 202
    told = answer.json()
    assert told["row"] is None
    assert told["stale"] is True
    assert len(gateway.sink.sent) == 1
    assert gateway.metric("openings_total", outcome="none") == 1


def test_an_erasure_while_it_waits_does_not_end_the_wait(gateway, client) -> None:
    gateway.put(a_row(5))

    def then(key: bytes, place: Place) -> None:
        gateway.take(key + b"/tv", None)
        gateway.take(key + b"/tv", encode_row(a_row(1)), place.offset)

    gateway.sink.then = lambda key, place: gateway.loop.call_soon(then, key, place)
    told = client.post(PATH, json=BODY, params={"wait_ms": 2_000}).json()
    assert (told["stale"], told["row"]["version"]["revision"]) == (False, 1)


def test_it_may_be_a_view_of_the_home_page_at_a_given_time(gateway, client) -> None:
    answering(gateway, 0)
    client.post(PATH, json=BODY | {"event": "home_view", "ts": START, "country": "NL"})
    event = decode_event(gateway.sink.sent[0][1])
    assert isinstance(event, HomeView)
    assert (event.ts, event.country) == (START, "NL")


def test_a_retry_is_the_same_event(gateway, client) -> None:
    answering(gateway, 0)
    ids = [
        client.post(PATH, json=BODY | given, headers=headers).json()["event"]["event_id"]
        for given, headers in (
            ({"event_id": "mine"}, {}),
            ({"event_id": "mine"}, {"idempotency-key": "k"}),
            ({}, {"idempotency-key": "k"}),
            ({}, {"idempotency-key": "k"}),
            ({}, {}),
            ({}, {}),
        )
    ]
    assert ids[:2] == ["mine", "mine"]
    assert ids[2] == ids[3]
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"{", "bad_json"),
        (b'{"device_type":"\xff"}', "bad_utf8"),
        (b"{}", "bad_field"),
        (b'{"device_type":"toaster"}', "bad_field"),
        (b'{"device_type":"tv","event":"play"}', "bad_field"),
        (b'{"device_type":"tv","tz_offset_min":841}', "bad_field"),
        (b'{"device_type":"tv","session_id":"a b"}', "bad_field"),
        (b'{"device_type":"tv","ts":1700000000}', "bad_field"),
        (b'{"device_type":"tv","ts":4102444800000}', "from_the_future"),
    ],
)
def test_what_breaks_the_contract_is_422(gateway, client, body: bytes, reason: str) -> None:
    answer = client.post(PATH, content=body)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)
    assert not gateway.sink.sent


@pytest.mark.parametrize("wait_ms", ["-1", "2001", "1e3", "", "٣", "9" * 5_000])
def test_a_wait_that_is_none_is_422(client, gateway, wait_ms: str) -> None:
    answer = client.post(PATH, json=BODY, params={"wait_ms": wait_ms})
    assert (answer.status_code, answer.json()["reason"]) == (422, "bad_field")
    assert not gateway.sink.sent


def test_others_are_refused_before_anything_is_produced(gateway, client) -> None:
    for path, headers, status in (
        (PATH, {"authorization": ""}, 401),
        (device_path("bob", "tv") + "/open", {}, 403),
        (device_path("bob", "t v") + "/open", {}, 403),
        (device_path("ann", "t v") + "/open", {}, 422),
        (device_path("ann", "x" * 129) + "/open", {}, 422),
    ):
        answer = client.post(path, json=BODY, headers=headers)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.post(PATH, content=b"x" * 10_000).status_code == 413
    gateway.sink.away = True
    assert client.post(PATH, json=BODY).status_code == 503
    assert not gateway.sink.sent


def test_many_openings_of_one_device_get_each_their_own(gateway) -> None:
    """The row of a later event serves all that wait for an earlier one."""
    found: list[dict[str, Any]] = []

    def then(key: bytes, place: Place) -> None:
        if place.offset % 4 == 3:
            row = encode_row(a_row(place.offset, cause=Cause("all", "home_view")))
            gateway.loop.call_soon(gateway.take, key + b"/tv", row, place.offset)

    gateway.sink.then = then

    def ask() -> None:
        answer = httpx.post(
            gateway.url + PATH,
            headers=bearing("ann"),
            json=BODY,
            params={"wait_ms": 2_000},
            timeout=30,
        )
        found.append(answer.json())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one["stale"] for one in found] == [False] * 4
    assert json.dumps(found).count('"all"') == 4
