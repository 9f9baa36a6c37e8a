"""The client against a running gateway, on Apache Kafka with a worker."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, pairwise
from typing import Any

import msgspec
import pytest
from gateway_support import GatewayProcess, StartGateway, a_token
from halves import Connect
from test_client_docs import examples
from test_following import ROW
from worker_support import last_values, produce, wait_until
from worker_system import PARTITIONS, System

from stream_cw.broker.contract import Topics
from stream_cw.broker.process import Broker, free_port
from stream_cw.client import Client
from stream_cw.client.backoff import FIRST_S, TRIES
from stream_cw.client.calls import version_text
from stream_cw.client.following import FRESH_S
from stream_cw.core.events import Episode, ForgetProfile, Movie, Stop
from stream_cw.core.partition import partition_for
from stream_cw.core.rows import Row, decode_row, encode_row, row_key
from stream_cw.errors import GatewayError, GatewayUnavailableError, TokenExpiredError

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

DEVICE = "tv-1"
PATIENT_MS = 2_000


def a_stop(profile: str, number: int, **given: Any) -> Stop:
    """A stop in an episode, each of a series of its own."""
    told: dict[str, Any] = {
        "event_id": f"e{number}",
        "profile_id": profile,
        "device_id": DEVICE,
        "device_type": "tv",
        "ts": int(time.time() * 1000) - 3_600_000 + number * 1_000,
        "title": Episode(id=f"t{number}", series_id=f"s{number}", duration_ms=2_700_000),
        "position_ms": 600_000,
    }
    return Stop(**(told | given))


def opened_row(client: Any, profile: str) -> Row:
    """Open until the row is fresh: that of a worker which has just begun may come late."""
    found: list[Row] = []

    def is_fresh() -> bool:
        opened = client.open(profile, DEVICE, "tv", wait_ms=PATIENT_MS)
        found.extend([] if opened.stale else [opened.row])
        return bool(found)

    wait_until(is_fresh, "a fresh row")
    return found[0]


def next_with(rows: Any, title: str) -> list[Row]:
    """Rows up to the one that has a title on top."""
    found: list[Row] = []
    while not found or found[-1].tiles[0].title_id != title:
        row = next(rows)
        assert row is not None
        found += [row] if row.tiles else []
    return found


def test_events_are_kept_or_named_and_a_repeat_counts_once(
    connect: Connect, gateway: GatewayProcess, profile: str
) -> None:
    client = connect(gateway.url, a_token(profile))
    events = [a_stop(profile, 1), a_stop(profile, 2, position_ms=-1), a_stop(profile, 3)]
    sent = client.send(events)
    assert [(one.index, one.event_id) for one in sent.accepted] == [(0, "e1"), (2, "e3")]
    assert [(one.index, one.reason, one.field) for one in sent.refused] == [
        (1, "bad_field", "$.position_ms")
    ]
    before = opened_row(client, profile)
    again = client.send(events[0])
    assert again.accepted[0].offset > sent.accepted[0].offset
    after = client.open(profile, DEVICE, "tv", wait_ms=PATIENT_MS).row
    assert after.version.revision == before.version.revision + 1
    none = client.send([events[1]])
    assert (none.accepted, len(none.refused)) == ([], 1)


def test_an_opening_is_answered_with_its_row(
    connect: Connect, gateway: GatewayProcess, profile: str
) -> None:
    client = connect(gateway.url, a_token(profile))
    client.send(a_stop(profile, 1))
    opened_row(client, profile)
    opened = client.open(
        profile, DEVICE, "tv", wait_ms=PATIENT_MS, event="home_view", session_id="session-7"
    )
    assert (opened.stale, opened.age_ms) == (False, 0)
    cause = (opened.row.cause.event_id, opened.row.cause.type)
    assert cause == (opened.event.event_id, "home_view")
    assert opened.row.session_id == "session-7"
    assert [tile.title_id for tile in opened.row.tiles] == ["t1"]


def test_an_opening_that_no_worker_answers_gives_the_newest_row(
    connect: Connect, idle_gateway: GatewayProcess, idle_topics: Topics, kafka: Broker, profile: str
) -> None:
    client = connect(idle_gateway.url, a_token(profile))
    opened = client.open(profile, DEVICE, "tv", wait_ms=0)
    assert (opened.row, opened.stale, opened.age_ms) == (None, True, None)
    ts = int(time.time() * 1000) - 3_600_000
    row = msgspec.structs.replace(ROW, profile_id=profile, ts=ts)
    key = row_key(profile, DEVICE)
    place = partition_for(profile.encode(), PARTITIONS)
    produce(kafka.address, idle_topics.rows, PARTITIONS, [(key, encode_row(row), place)])
    wait_until(lambda: client.row(profile, DEVICE) is not None, "the row")
    opened = client.open(profile, DEVICE, "tv", wait_ms=0, ts=ts + 60_000)
    assert (opened.row, opened.stale, opened.age_ms) == (row, True, 60_000)


def test_a_row_that_is_known_is_not_sent_again(
    connect: Connect, gateway: GatewayProcess, profile: str
) -> None:
    client = connect(gateway.url, a_token(profile))
    assert client.row(profile, DEVICE) is None
    row = opened_row(client, profile)
    connect.statuses.clear()
    assert [client.row(profile, DEVICE) for _ in range(3)] == [row] * 3
    assert connect.statuses == [200, 304, 304]
    newer = opened_row(client, profile)
    connect.statuses.clear()
    assert client.row(profile, DEVICE) == newer != row
    assert connect.statuses == [200]


def test_why_a_row_is_as_it_is(connect: Connect, gateway: GatewayProcess, profile: str) -> None:
    client = connect(gateway.url, a_token(profile))
    assert client.why(profile, DEVICE) is None
    client.send(a_stop(profile, 1))
    older = opened_row(client, profile)
    row = opened_row(client, profile)
    why = client.why(profile, DEVICE, row.version)
    assert (why.cause, why.ts) == (row.cause, row.ts)
    assert [(t.title_id, t.reason) for t in why.tiles] == [("t1", row.tiles[0].reason)]
    assert why.tiles[0].words
    with pytest.raises(GatewayError) as found:
        client.why(profile, DEVICE, older.version)
    assert (found.value.status, found.value.reason) == (410, "older_row")


def test_a_refusal_says_its_reason(connect: Connect, gateway: GatewayProcess, profile: str) -> None:
    with pytest.raises(GatewayError) as foreign:
        connect(gateway.url, a_token("another")).row(profile, DEVICE)
    assert (foreign.value.status, foreign.value.reason) == (403, "other_profile")
    with pytest.raises(GatewayError) as forged:
        connect(gateway.url, a_token(profile, secret=secrets.token_hex(32))).row(profile, DEVICE)
    assert (forged.value.status, forged.value.reason) == (401, "bad_signature")
    with pytest.raises(TokenExpiredError):
        connect(gateway.url, a_token(profile, lifetime_s=-1)).row(profile, DEVICE)
    with pytest.raises(GatewayError) as elsewhere:
        connect(f"{gateway.url}/elsewhere", a_token(profile)).row(profile, DEVICE)
    assert (elsewhere.value.status, elsewhere.value.reason) == (404, "no_such_path")
    with pytest.raises(GatewayError):
        next(connect(gateway.url, a_token("another")).rows(profile, DEVICE))


def test_ids_of_dots_stay_where_they_are(connect: Connect, gateway: GatewayProcess) -> None:
    client = connect(gateway.url, a_token(".."))
    assert opened_row(client, "..").profile_id == ".."


def test_who_finds_no_gateway_is_told_after_some_tries(connect: Connect) -> None:
    pauses: list[float] = []
    url = f"http://127.0.0.1:{free_port()}"
    client = connect(url, "token", sleep=pauses.append, random=lambda: 1.0)
    with pytest.raises(GatewayUnavailableError) as found:
        client.row("p1", DEVICE)
    assert (found.value.status, found.value.reason) == (None, "unreachable")
    assert pauses == [FIRST_S * 2**n for n in range(TRIES - 1)]


def test_a_call_is_answered_by_a_gateway_that_comes_while_it_is_tried(
    connect: Connect, start_gateway: StartGateway, profile: str
) -> None:
    port = free_port()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        start_gateway(f"late-{port}", port=port).wait_ready()

    client = connect(f"http://127.0.0.1:{port}", a_token(profile), sleep=sleep)
    assert client.send(a_stop(profile, 1)).accepted
    assert len(pauses) == 1


def test_rows_come_as_they_are_made_and_begin_anew_when_erased(
    connect: Connect, gateway: GatewayProcess, profile: str
) -> None:
    client = connect(gateway.url, a_token(profile))
    rows = client.rows(profile, DEVICE)
    client.send(a_stop(profile, 1))
    assert next_with(rows, "t1")
    client.send(a_stop(profile, 2))
    last = next_with(rows, "t2")[-1]
    common = {"device_id": DEVICE, "device_type": "tv", "ts": last.ts + 1}
    client.send(ForgetProfile(event_id="f", profile_id=profile, **common))
    assert next(rows) is None
    client.send(a_stop(profile, 3))
    anew = next_with(rows, "t3")[-1]
    assert anew.version < last.version
    rows.close()


def test_a_row_is_opened_anew_after_fifteen_minutes(
    connect: Connect, gateway: GatewayProcess, profile: str
) -> None:
    seconds = [0.0]
    client = connect(gateway.url, a_token(profile), clock=lambda: seconds[0])
    rows = client.rows(profile, DEVICE)
    client.send(a_stop(profile, 1))
    next_with(rows, "t1")
    seconds[0] = FRESH_S
    assert rows.shown("tv") is None
    seconds[0] = FRESH_S + 1
    opened = rows.shown("tv", session_id="s9")
    assert rows.shown("tv") is None
    row = next(rows)
    while row.cause.event_id != opened.event.event_id:
        row = next(rows)
    assert (row.cause.type, row.session_id) == ("home_view", "s9")
    rows.close()


def test_a_stream_ends_with_its_token(
    connect: Connect, gateway: GatewayProcess, profile: str
) -> None:
    connect(gateway.url, a_token(profile)).send(a_stop(profile, 1))
    rows = connect(gateway.url, a_token(profile, lifetime_s=3)).rows(profile, DEVICE)
    next_with(rows, "t1")
    with pytest.raises(TokenExpiredError) as found:
        next(rows)
    assert found.value.reason == "expired"


def test_a_stream_goes_on_with_fresh_tokens(
    connect: Connect, gateway: GatewayProcess, profile: str
) -> None:
    given: list[str] = []

    def fresh() -> str:
        given.append(a_token(profile, lifetime_s=2))
        return given[-1]

    client = connect(gateway.url, fresh, random=lambda: 0.0)
    rows = client.rows(profile, DEVICE)
    found: list[Row] = []
    with sending(gateway, profile):
        while len(given) < 3:
            found.append(next(rows))
    rows.close()
    assert all(earlier.version < later.version for earlier, later in pairwise(found))


def test_a_gateway_that_ends_and_comes_back_costs_no_row_and_repeats_none(
    connect: Connect,
    gateway: GatewayProcess,
    start_gateway: StartGateway,
    system: System,
    profile: str,
) -> None:
    port = free_port()
    other = start_gateway(f"other-{port}", port=port).wait_ready()
    client = connect(other.url, a_token(profile), random=lambda: 0.0)
    rows = client.rows(profile, DEVICE)
    found: list[Row] = []
    known: list[str | None] = [None]
    with sending(gateway, profile) as sent:
        for end in (GatewayProcess.close, GatewayProcess.stop):
            found += [next(rows) for _ in range(5)]
            end(other)
            other = start_gateway(f"other-{port}", port=port)
            while len(connect.resumed_after) == len(known):
                newest = found[-1].version
                found.append(next(rows))
            known.append(version_text(newest))
    last = f"t{sent[-1]}"
    found += next_with(rows, last) if found[-1].tiles[0].title_id != last else []
    rows.close()
    assert [after and after.partition("-")[0] for after in connect.resumed_after] == known
    assert all(earlier.version < later.version for earlier, later in pairwise(found))
    value = last_values(system.rows())[row_key(profile, DEVICE)]
    assert found[-1] == decode_row(value)


@contextmanager
def sending(gateway: GatewayProcess, profile: str) -> Iterator[list[int]]:
    """Send events one after the other, from another thread, for as long as the block runs."""
    sent: list[int] = []
    over = threading.Event()

    def send() -> None:
        with Client(gateway.url, a_token(profile)) as client:
            for number in count(1):
                if over.wait(0.02):
                    return
                client.send(a_stop(profile, number))
                sent.append(number)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(send)
        try:
            yield sent
        finally:
            over.set()
        running.result(60)


@pytest.mark.parametrize("example", examples(), ids=["sync", "async"])
def test_the_examples_of_the_docs_show_rows(example: str, gateway: GatewayProcess) -> None:
    title = f"film-{secrets.token_hex(4)}"
    with Client(gateway.url, a_token("p1")) as client:
        client.send(a_stop("p1", 1, event_id=title, title=Movie(id=title, duration_ms=5_400_000)))
    environment = {**os.environ, "GATEWAY": gateway.url, "TOKEN": a_token("p1")}
    shown = subprocess.Popen(
        [sys.executable, "-u", "-c", example], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert shown.stdout is not None
        assert any(title in line for line in shown.stdout)
    finally:
        shown.kill()
        shown.communicate(timeout=60)
