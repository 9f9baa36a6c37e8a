"""Streams: the newest row at once, every newer one, and nothing twice."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from gateway_support import Stream, bearing, device_path, mark_of, streaming
from served import Record, Served, a_row, given_settings, parts_of, served
from starlette.types import Message
from worker_support import wait_until

from stream_cw.core.rows import Version, encode_row
from stream_cw.gateway.app import Parts, build_app
from stream_cw.gateway.latest import Known
from stream_cw.gateway.streams import frame

HEARTBEAT = {"": ""}
ERASED = {"event": "erased", "id": "", "data": ""}
EXPIRED = {"event": "expired", "data": ""}


@pytest.fixture
def gateway() -> Iterator[Served]:
    with served() as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        yield client


def revision(stream: Stream) -> int:
    return stream.next_row()["version"]["revision"]


def begun(stream: Stream) -> Stream:
    """Pass over what each stream begins with."""
    fields = stream.next()
    assert set(fields) == {"retry"}
    assert 1_000 <= int(fields["retry"]) <= 4_000
    return stream


def wait_for_streams(gateway: Served, count: int) -> None:
    def waiting() -> int:
        return sum(map(len, gateway.parts.subscribers._mailboxes.values()))

    wait_until(lambda: gateway.call(waiting) == count, f"{count} streams wait")


def test_the_newest_row_comes_at_once_and_then_every_newer_one(gateway, client) -> None:
    gateway.put(a_row(1))
    gateway.put(a_row(2))
    with streaming(client, "ann", "tv") as stream:
        assert revision(stream) == 2
        for number in (3, 4, 5):
            gateway.put(a_row(number))
            assert revision(stream) == number


def test_rows_are_the_bytes_of_the_topic(gateway, client) -> None:
    row = a_row(7, arm="blue", session_id="s~1")
    gateway.put(row)
    with streaming(client, "ann", "tv") as stream:
        begun(stream)
        fields = stream.next()
    told = client.get(device_path("ann", "tv") + "/row", headers=bearing("ann"))
    wanted = gateway.call(gateway.parts.latest.get, b"ann/tv").value
    assert fields["data"].encode() == wanted == told.content
    assert fields["id"] == f"7.0.0-{mark_of(wanted)}"


def test_repeated_and_lower_rows_are_not_passed_on(gateway, client) -> None:
    with streaming(client, "ann", "tv") as stream:
        wait_for_streams(gateway, 1)
        for number in (5, 5, 4, 6, 6, 5, 7):
            gateway.put(a_row(number))
        found = [revision(stream)]
        while found[-1] < 7:
            found.append(revision(stream))
        assert found == sorted(set(found))


def test_rows_of_other_devices_and_profiles_do_not_come(gateway, client) -> None:
    with streaming(client, "ann", "tv") as stream:
        wait_for_streams(gateway, 1)
        gateway.put(a_row(1, device="tv2"))
        gateway.put(a_row(1, profile="ann.tv", device="tv"))
        gateway.put(a_row(1, profile="bob"))
        gateway.put(a_row(2))
        row = stream.next_row()
        assert (row["profile_id"], row["device_id"], row["version"]["revision"]) == ("ann", "tv", 2)


@pytest.mark.parametrize("seen", ["2.0.0", "1.9.9"])
def test_a_stream_that_is_resumed_ends_at_the_newest_row(gateway, client, seen: str) -> None:
    for number in (1, 2, 3):
        gateway.put(a_row(number))
    with streaming(client, "ann", "tv", seen) as stream:
        assert revision(stream) == 3


def test_a_stream_that_is_resumed_does_not_repeat_the_row(gateway, client) -> None:
    gateway.put(a_row(3))
    with streaming(client, "ann", "tv", "3.0.0") as stream:
        begun(stream)
        wait_for_streams(gateway, 1)
        gateway.put(a_row(4))
        assert revision(stream) == 4


def test_a_row_of_a_former_life_is_erased_though_the_new_one_has_its_version(
    gateway, client
) -> None:
    gateway.put(a_row(3))
    with streaming(client, "ann", "tv", "3.0.0-00000000") as stream:
        assert begun(stream).next() == ERASED
        assert revision(stream) == 3


def test_a_stream_that_is_resumed_by_its_own_id_does_not_repeat_the_row(gateway, client) -> None:
    gateway.put(a_row(3))
    with streaming(client, "ann", "tv") as stream:
        seen = begun(stream).next()["id"]
    with streaming(client, "ann", "tv", seen) as stream:
        begun(stream)
        wait_for_streams(gateway, 1)
        gateway.put(a_row(4))
        assert revision(stream) == 4


NO_VERSIONS = ["", "none", "3.0.0-", "3.0.0-zz", "1.2", "1.2.3.4", "-1.0.0", "٣.0.0", "9" * 40]


@pytest.mark.parametrize("seen", NO_VERSIONS)
def test_a_last_event_id_that_is_no_version_is_left_alone(gateway, client, seen: str) -> None:
    gateway.put(a_row(3))
    headers = {**bearing("ann"), "last-event-id": seen.encode()}
    with streaming(client, "ann", "tv", headers=headers) as stream:
        assert revision(stream) == 3


def test_an_erased_row_is_told_and_versions_begin_anew(gateway, client) -> None:
    gateway.put(a_row(41))
    with streaming(client, "ann", "tv") as stream:
        assert revision(stream) == 41
        gateway.erase()
        assert stream.next() == ERASED
        gateway.put(a_row(1))
        assert revision(stream) == 1


def test_that_nothing_was_shown_was_erased_is_not_told(gateway, client) -> None:
    with streaming(client, "ann", "tv") as stream:
        begun(stream)
        wait_for_streams(gateway, 1)
        gateway.put(a_row(1))
        assert revision(stream) == 1
        gateway.erase()
        gateway.erase()
        assert stream.next() == ERASED
        gateway.put(a_row(1))
        assert revision(stream) == 1


def test_a_client_that_knows_more_than_the_gateway_is_let_wait_for_it(gateway, client) -> None:
    gateway.put(a_row(3))
    with streaming(client, "ann", "tv", "5.0.0") as stream:
        begun(stream)
        wait_for_streams(gateway, 1)
        gateway.put(a_row(4))
        gateway.put(a_row(5))
        gateway.put(a_row(6))
        assert revision(stream) == 6


@pytest.mark.parametrize("known", [None, 2])
def test_what_the_gateway_never_hears_of_was_of_a_former_life(gateway, client, known) -> None:
    if known is not None:
        gateway.put(a_row(known))
    with streaming(client, "ann", "tv", "5.0.0") as stream:
        begun(stream)
        assert stream.next() == ERASED
        if known is None:
            gateway.put(a_row(1))
        assert revision(stream) == (known or 1)


def test_an_erasure_that_comes_while_the_client_is_let_wait_ends_the_wait(gateway, client) -> None:
    gateway.put(a_row(4))
    with streaming(client, "ann", "tv", "5.0.0") as stream:
        begun(stream)
        wait_for_streams(gateway, 1)
        gateway.erase()
        gateway.put(a_row(1))
        assert stream.next() == ERASED
        assert revision(stream) == 1


def test_a_gateway_that_catches_up_shows_nothing_before_it_has(gateway, client) -> None:
    gateway.progress.caught_up = False
    gateway.put(a_row(1))
    with streaming(client, "ann", "tv", "2.0.0") as stream:
        begun(stream)
        wait_for_streams(gateway, 1)
        answer = client.get(device_path("ann", "tv") + "/row", headers=bearing("ann"))
        assert (answer.status_code, answer.json()["reason"]) == (503, "catching_up")
        for number in (2, 3, 4):
            gateway.put(a_row(number))
        gateway.catch_up()
        assert revision(stream) == 4


def test_a_silent_stream_gets_a_comment() -> None:
    with served(heartbeat=0.2) as gateway, httpx.Client(base_url=gateway.url) as client:
        gateway.put(a_row(1))
        with streaming(client, "ann", "tv") as stream:
            assert revision(stream) == 1
            assert stream.next() == HEARTBEAT
            assert stream.next() == HEARTBEAT
            gateway.put(a_row(2))
            assert revision(stream) == 2


def test_a_stream_ends_when_its_token_does(gateway, client) -> None:
    gateway.put(a_row(1))
    headers = bearing("ann", lifetime_s=1.5)
    with streaming(client, "ann", "tv", headers=headers) as stream:
        assert revision(stream) == 1
        assert stream.next() == EXPIRED
        with pytest.raises(StopIteration):
            stream.next()
    assert gateway.metric("streams_ended_total", end="expired") == 1
    again = client.get(device_path("ann", "tv") + "/rows", headers=headers)
    assert (again.status_code, again.json()["reason"]) == (401, "expired")


def test_a_ticket_opens_one_stream_of_its_device(gateway, client) -> None:
    gateway.put(a_row(1))
    path = device_path("ann", "tv")

    def ticket() -> str:
        answer = client.post(path + "/tickets", headers=bearing("ann"))
        assert answer.status_code == 201
        assert answer.json()["expires_in_s"] == 30
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()["ticket"]

    used = ticket()
    with client.stream("GET", f"{path}/rows", params={"ticket": used}) as response:
        assert response.status_code == 200
        assert revision(Stream(response)) == 1
    for refused, where, reason in (
        (used, "tv", "used"),
        (ticket(), "phone", "other_stream"),
        ("x" * 50, "tv", "malformed"),
        ("", "tv", "malformed"),
    ):
        answer = client.get(device_path("ann", where) + "/rows", params={"ticket": refused})
        assert (answer.status_code, answer.json()["reason"]) == (401, reason)


def test_the_stream_of_a_ticket_ends_with_the_token_behind_it(gateway, client) -> None:
    headers = bearing("ann", lifetime_s=1.5)
    ticket = client.post(device_path("ann", "tv") + "/tickets", headers=headers).json()["ticket"]
    path = device_path("ann", "tv") + "/rows"
    with client.stream("GET", path, params={"ticket": ticket}) as response:
        stream = begun(Stream(response))
        assert stream.next() == EXPIRED


def test_a_client_that_leaves_is_forgotten(gateway, client) -> None:
    with streaming(client, "ann", "tv") as stream:
        begun(stream)
        wait_for_streams(gateway, 1)
    wait_for_streams(gateway, 0)
    wait_until(lambda: gateway.metric("streams_ended_total", end="gone") == 1, "it is counted")


def test_streams_end_in_order_when_the_gateway_does() -> None:
    with httpx.Client() as client:
        with served() as gateway:
            client.base_url = gateway.url
            entered = streaming(client, "ann", "tv")
            stream = begun(entered.__enter__())
        with pytest.raises(StopIteration):
            stream.next()
        entered.__exit__(None, None, None)
        assert gateway.metric("streams_ended_total", end="closed") == 1


def test_a_subject_and_a_gateway_have_so_many_streams() -> None:
    settings = {"max_streams": 3, "streams_per_subject": 2}
    with served(**settings) as gateway, httpx.Client(base_url=gateway.url) as client:
        ann, bob = bearing("ann", subject="a"), bearing("bob", subject="b")
        with (
            streaming(client, "ann", "tv", headers=ann),
            streaming(client, "ann", "phone", headers=ann),
        ):
            refused = client.get(device_path("ann", "pad") + "/rows", headers=ann)
            assert (refused.status_code, refused.json()["reason"]) == (429, "too_many_streams")
            assert int(refused.headers["retry-after"]) > 0
            with streaming(client, "bob", "tv", headers=bob):
                full = client.get(device_path("bob", "phone") + "/rows", headers=bob)
                assert (full.status_code, full.json()["reason"]) == (503, "full")
        wait_for_streams(gateway, 0)
        with streaming(client, "ann", "tv", headers=ann):
            pass


def test_head_of_a_stream_ends(gateway, client) -> None:
    answer = client.head(device_path("ann", "tv") + "/rows", headers=bearing("ann"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_streams_are_kept_by_nobody(gateway, client) -> None:
    with client.stream(
        "GET", device_path("ann", "tv") + "/rows", headers=bearing("ann")
    ) as response:
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        assert "access-control-allow-origin" not in response.headers


def test_what_comes_while_a_stream_begins_is_shown_once() -> None:
    """Between the moment that it listens and the moment that it looks at what is known."""
    came: list[bytes] = []

    async def run(parts: Parts) -> None:
        over = asyncio.Event()

        def push(revision: int | None) -> None:
            value = None if revision is None else encode_row(a_row(revision))
            change = parts.latest.accept(Record(b"ann/tv", value, [], 0, 0))
            if change is not None:
                parts.subscribers.publish(change)

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                for revision in (5, None, 1):
                    push(revision)
            elif b"id: 1.0.0" in message["body"]:
                asyncio.get_running_loop().call_soon(push, 2)
            elif b"id: 2.0.0" in message["body"]:
                over.set()
            if message.get("body", b"").startswith(b"event"):
                came.append(message["body"])

        async def receive() -> Message:
            await over.wait()
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "method": "GET",
            "path": device_path("ann", "tv") + "/rows",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in bearing("ann").items()],
        }
        async with asyncio.timeout(20):
            await build_app(parts)(scope, receive, send)

    with parts_of(given_settings()) as parts:
        asyncio.run(run(parts))
    known = [Known(Version(n, 0, 0), -1, 0, encode_row(a_row(n))) for n in (1, 2)]
    assert came == [frame(one) for one in known]
