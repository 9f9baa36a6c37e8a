"""The whole way on Apache Kafka: events go in by HTTP, rows of a real worker come out."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from gateway_support import an_event, bearing, device_path, mark_of, streaming, version_name
from worker_support import WorkerProcess, last_values, wait_until
from worker_system import System

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

LONG_MS = 2_000


def opened(
    client: httpx.Client, profile: str, wait_ms: int = LONG_MS, device: str = "tv", **body
) -> httpx.Response:
    return client.post(
        device_path(profile, device) + "/open",
        headers=bearing(profile),
        params={"wait_ms": wait_ms},
        json={"device_type": "tv", **body},
    )


def sent(client: httpx.Client, profile: str, *numbers: int, **fields) -> None:
    body = [an_event(number, profile, **fields) for number in numbers]
    answer = client.post("/v1/events", headers=bearing(profile), json=body)
    assert answer.status_code == 202, answer.text
    assert not answer.json()["refused"]


def newest(client: httpx.Client, profile: str, device: str = "tv") -> httpx.Response:
    return client.get(device_path(profile, device) + "/row", headers=bearing(profile))


def fresh(client: httpx.Client, profile: str, **body) -> dict:
    """Open, and come back with the row of this opening."""
    answer = opened(client, profile, **body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["stale"] is False, told
    assert told["age_ms"] == 0
    return told


@contextmanager
def halted(worker: WorkerProcess) -> Iterator[None]:
    worker.send(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.send(signal.SIGCONT)


def test_events_in_rows_out(shared_system: System, client, profile) -> None:
    sent(client, profile, 1, 2)
    with streaming(client, profile, "tv") as stream:
        row = stream.next_row()
        while len(row["tiles"]) < 2:
            row = stream.next_row()
        assert [tile["show_id"] for tile in row["tiles"]] == ["s2", "s1"]
        told = newest(client, profile)
        assert told.json() == row
        assert told.headers["etag"] == f'"{version_name(row)}-{mark_of(told.content)}"'
        sent(client, profile, 3)
        assert [tile["show_id"] for tile in stream.next_row()["tiles"]] == ["s3", "s2", "s1"]
    wanted = last_values(shared_system.rows())[f"{profile}/tv".encode()]
    assert newest(client, profile).content == wanted


def test_a_row_names_the_trace_of_the_request(shared_system: System, client, profile) -> None:
    opening = {"event": "home_view", "device_type": "tv"}
    bodies = {"/v1/events": an_event(1, profile), device_path(profile, "tv") + "/open": opening}
    traces = [b"00-%032x-%016x-01" % (number, number) for number in (1, 2)]
    for (path, body), trace in zip(bodies.items(), traces, strict=True):
        headers = bearing(profile) | {"traceparent": trace.decode()}
        answer = client.post(path, headers=headers, json=body)
        assert answer.is_success, answer.text
        fresh(client, profile)
    rows = [
        dict(told) for key, _, told, *_ in shared_system.rows() if key == f"{profile}/tv".encode()
    ]
    assert [row["traceparent"] for row in rows if "traceparent" in row] == traces


def test_an_opening_brings_its_own_row_each_time(client, profile) -> None:
    """Also where the row is as it was: it is never held back from a device that asks for it."""
    sent(client, profile, 1)
    causes = []
    for event in ("session_start", "home_view", "home_view"):
        told = fresh(client, profile, event=event)
        cause = {"event_id": told["event"]["event_id"], "type": event, "recorded": True}
        assert told["row"]["cause"] == cause
        causes.append(told["row"])
    assert causes[1]["tiles"] == causes[2]["tiles"]
    assert newest(client, profile).json() == causes[2]


def test_an_opening_that_is_sent_again_is_answered_again(client, profile) -> None:
    sent(client, profile, 1)
    first = fresh(client, profile, event_id="mine")
    again = fresh(client, profile, event_id="mine")
    assert again["row"] == first["row"], "it counts once"
    assert again["event"]["offset"] > first["event"]["offset"]


def test_the_hour_of_an_opening_is_in_its_row(client, profile) -> None:
    sent(client, profile, 1)
    told = fresh(client, profile, session_id="s-81", tz_offset_min=120)
    assert told["row"]["session_id"] == "s-81"


def test_a_retried_event_counts_once(client, profile) -> None:
    before = fresh(client, profile)["row"]["version"]["revision"]
    for _ in range(3):
        sent(client, profile, 1)
    assert fresh(client, profile)["row"]["version"]["revision"] == before + 2


def test_the_row_of_an_erased_profile_is_gone_and_begins_anew(client, profile) -> None:
    for number in range(5):
        sent(client, profile, number)
    fresh(client, profile)
    with streaming(client, profile, "tv") as stream:
        before = stream.next_row()
        forget = {"type": "forget_profile", "event_id": "forget", "profile_id": profile}
        forget |= {"device_id": "tv", "device_type": "tv", "ts": int(time.time() * 1000)}
        answer = client.post("/v1/events", headers=bearing(profile), json=forget)
        assert answer.status_code == 202
        fields = stream.next()
        while fields.get("event") == "row":  # it was on its way
            fields = stream.next()
        assert fields == {"event": "erased", "id": "", "data": ""}
        gone = newest(client, profile)
        assert (gone.status_code, gone.json()["reason"]) == (404, "no_row")
        told = fresh(client, profile)
        assert told["row"]["version"]["revision"] == 1 < before["version"]["revision"]
        assert told["row"]["tiles"] == []
        assert stream.next_row() == told["row"]
    with streaming(client, profile, "tv", version_name(before)) as stream:
        fields = stream.next()
        while "event" not in fields:
            fields = stream.next()
        assert fields["event"] == "erased", "what it had seen is of a former life"
        assert stream.next_row() == told["row"]


def test_why_is_of_the_newest_row(client, profile) -> None:
    sent(client, profile, 1)
    older = fresh(client, profile)["row"]
    sent(client, profile, 2)
    row = fresh(client, profile)["row"]
    path = device_path(profile, "tv") + "/row/why"
    told = client.get(path, headers=bearing(profile)).json()
    assert told["cause"] == row["cause"]
    assert [tile["reason"] for tile in told["tiles"]] == [tile["reason"] for tile in row["tiles"]]
    assert all(tile["words"] for tile in told["tiles"])
    for version, status in ((row, 200), (older, 410)):
        answer = client.get(
            path, headers=bearing(profile), params={"version": version_name(version)}
        )
        assert answer.status_code == status


def test_who_has_the_row_is_told_so(client, profile) -> None:
    fresh(client, profile)
    first = newest(client, profile)
    headers = {**bearing(profile), "if-none-match": first.headers["etag"]}
    path = device_path(profile, "tv") + "/row"
    assert client.get(path, headers=headers).status_code == 304
    fresh(client, profile)
    again = client.get(path, headers=headers)
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("state", ["halted", "never started"])
def test_without_a_worker_what_is_known_is_stale_and_tells_its_age(
    system: System, start_gateway, state: str
) -> None:
    gateway = start_gateway().wait_ready()
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        if state == "never started":
            answer = opened(client, "ann", wait_ms=100)
            assert answer.status_code == 202
            assert answer.json()["row"] is None
            assert answer.json()["stale"] is True
            assert newest(client, "ann").status_code == 404
            return
        worker = system.start()
        wait_until(lambda: system.sharing() == 1, "the worker works")
        before = fresh(client, "ann")
        with halted(worker):
            answer = opened(client, "ann", wait_ms=300, ts=before["row"]["ts"] + 90_000)
            assert answer.status_code == 200
            told = answer.json()
            assert (told["stale"], told["age_ms"]) == (True, 90_000)
            assert told["row"] == before["row"]
        with streaming(client, "ann", "tv", version_name(before["row"])) as stream:
            row = stream.next_row()
        assert row["cause"]["event_id"] == told["event"]["event_id"], "it comes by the stream"
