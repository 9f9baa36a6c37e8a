"""The whole way on Apache Kafka: events go in by HTTP, rows come out of a real worker."""

import json

import httpx
import pytest
from gateway_support import an_event, bearing, device_path, streaming, version_name
from worker_support import wait_until
from worker_system import System

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


def opened(client: httpx.Client, profile: str, device: str, **given) -> httpx.Response:
    return client.post(
        device_path(profile, device) + "/open",
        headers=bearing(profile),
        params={"wait_ms": 2_000},
        json={"device_type": "tv", **given},
    )


def test_events_in_rows_out(system: System, client: httpx.Client) -> None:
    worker = system.start()
    wait_until(lambda: system.sharing() == 1, "the worker works")
    answer = client.post("/v1/events", headers=bearing("ann"), json=[an_event(1), an_event(2)])
    assert answer.status_code == 202, answer.text
    assert [one["event_id"] for one in answer.json()["accepted"]] == ["e1", "e2"]
    system.wait_until_through(worker)
    row = client.get(device_path("ann", "tv") + "/row", headers=bearing("ann"))
    assert row.status_code == 200, row.text
    assert [tile["show_id"] for tile in row.json()["tiles"]] == ["s2", "s1"]
    assert row.headers["etag"] == f'"{version_name(row.json())}"'
    with streaming(client, "ann", "tv") as stream:
        assert stream.next_row() == row.json()
        answer = opened(client, "ann", "tv")
        assert answer.status_code == 200, answer.text
        assert answer.json()["stale"] is False
        assert answer.json()["row"]["cause"]["event_id"] == answer.json()["event"]["event_id"]
        assert stream.next_row() == answer.json()["row"]
    assert json.loads(answer.text)["age_ms"] == 0
