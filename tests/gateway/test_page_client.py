"""The client for browsers by itself: what gateways, tokens and time may do to it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_support import GatewayProcess, StartGateway, a_token, gateways
from page_support import LONGEST_MS, Followed, wait_taken
from playwright.sync_api import Browser, Page, Route
from worker_support import wait_until
from worker_system import PARTITIONS, System

from stream_cw.core.partition import partition_for

pytestmark = pytest.mark.chromium


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(LONGEST_MS)
        yield page


@pytest.fixture
def followed(page: Page, page_system: System, page_gateway: GatewayProcess) -> Followed:
    return Followed(page, page_system, page_gateway)


@pytest.fixture
def start_gateway(page_system: System, tmp_path: Path) -> Iterator[StartGateway]:
    with gateways(tmp_path, brokers=page_system.brokers) as start:
        yield start


def produce(system: System, *events: dict[str, Any]) -> None:
    """Put events on the topic without a gateway, and wait until they are taken."""
    records: list[tuple[bytes | None, bytes | None, int]] = []
    for event in events:
        key = event["profile_id"].encode()
        records.append((key, json.dumps(event).encode(), partition_for(key, PARTITIONS)))
    system.produce(records)
    wait_taken(system)


def numbers(versions: list[str]) -> list[tuple[int, ...]]:
    return [tuple(map(int, version.split("."))) for version in versions]


def test_it_fills_in_what_events_leave_out_and_names_what_is_refused(followed: Followed) -> None:
    followed.follow(a_token(followed.profile))
    began = time.time() * 1000
    title = {"kind": "movie", "id": "heat", "duration_ms": 9_000_000}
    answer = followed.send(
        {"type": "stop", "title": title, "position_ms": 2_000_000}, {"type": "stop", "title": title}
    )
    assert [one["index"] for one in answer["accepted"]] == [0]
    assert [one["index"] for one in answer["refused"]] == [1]
    assert followed.send({"type": "stop"})["accepted"] == []
    followed.wait_shows("heat")
    (event,) = followed.events()
    assert event["event_id"] == answer["accepted"][0]["event_id"]
    assert (event["device_id"], event["device_type"], event["session_id"]) == ("tv", "tv", "s-1")
    assert began <= event["ts"] <= time.time() * 1000
    assert event["tz_offset_min"] == followed.page.evaluate("-new Date().getTimezoneOffset()")


def test_a_gateway_that_is_killed_costs_no_row_and_repeats_none(
    page: Page, page_system: System, start_gateway: StartGateway
) -> None:
    gateway = start_gateway("first").wait_ready()
    followed = Followed(page, page_system, gateway)
    followed.follow(a_token(followed.profile))
    followed.open()
    followed.send(followed.stop_of("one", 1))
    followed.wait_shows("one")
    gateway.process.kill()
    wait_until(lambda: "waiting" in followed.states(), "it waits for a gateway")
    produce(page_system, followed.stop_of("two", 2))
    start_gateway("second", port=gateway.port).wait_ready()
    followed.wait_shows("two", "one")
    assert followed.states().count("live") == 2
    versions = numbers(followed.versions())
    assert versions == sorted(set(versions))


def test_a_row_that_was_erased_meanwhile_goes_and_begins_anew(
    page: Page, page_system: System, start_gateway: StartGateway
) -> None:
    gateway = start_gateway("first").wait_ready()
    followed = Followed(page, page_system, gateway)
    followed.follow(a_token(followed.profile))
    followed.open()
    followed.send(followed.stop_of("one", 1))
    followed.wait_shows("one")
    gateway.process.kill()
    gone = {"type": "forget_profile", "event_id": "gone"}
    produce(page_system, {**followed.stop_of("one", 2), **gone})
    second = start_gateway("second", port=gateway.port).wait_ready()
    wait_until(lambda: followed.versions()[-1] == "erased", "the row goes")

    followed.send(followed.stop_of("two", 3))
    followed.wait_shows("two")
    second.process.kill()
    again = {**followed.stop_of("two", 4), **gone, "event_id": "gone-again"}
    late = int(time.time() * 1000)
    produce(page_system, again, followed.stop_of("three", 5, ts=late))
    start_gateway("third", port=gateway.port).wait_ready()
    followed.wait_shows("three")  # its version is not above that of the row before


def test_a_token_that_runs_out_is_asked_for_again(followed: Followed) -> None:
    lifetime_s = 4
    given: list[str] = []

    def fresh() -> str:
        given.append(a_token(followed.profile, lifetime_s=lifetime_s))
        return given[-1]

    followed.page.expose_function("fresh", fresh)
    followed.follow()
    followed.open()
    wait_until(lambda: followed.states().count("live") >= 3, "two tokens ran out")
    followed.send(followed.stop_of("one", 1))
    followed.wait_shows("one")
    assert "expired" not in followed.states()
    assert len(set(given)) > 3
    versions = numbers(followed.versions())
    assert versions == sorted(set(versions))


def test_an_answer_that_is_lost_counts_no_event_twice(followed: Followed) -> None:
    followed.follow(a_token(followed.profile))
    tries: list[str] = []

    def lose_the_first(route: Route) -> None:
        tries.append(route.request.post_data or "")
        if len(tries) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    followed.page.route("**/v1/events", lose_the_first)
    title = {"kind": "movie", "id": "heat", "duration_ms": 9_000_000}
    answer = followed.send({"type": "stop", "title": title, "position_ms": 2_000_000})
    assert len(answer["accepted"]) == 1
    assert tries[0] == tries[1]
    wait_taken(followed.system)
    followed.send({"type": "home_view"})
    wait_until(lambda: followed.versions()[-1:] == ["2.0.0"], "two events count")


def test_a_row_that_was_open_for_long_is_opened_again_when_it_is_seen(followed: Followed) -> None:
    followed.page.clock.install(time=time.time() - 20 * 60)
    followed.follow(a_token(followed.profile))
    followed.open()

    def seen_again() -> list[str]:
        followed.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        followed.send({"type": "browse"})
        wait_taken(followed.system)
        return [event["type"] for event in followed.events()]

    followed.page.clock.fast_forward("14:00")
    assert seen_again() == ["session_start", "browse"]
    followed.page.clock.fast_forward("02:00")
    wait_until(lambda: "home_view" in seen_again(), "it is opened again")
    assert seen_again().count("home_view") == 1
