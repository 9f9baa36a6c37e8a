"""Start, readiness, brokers that go away, several gateways, the end, and what the log says."""

import asyncio
import re
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from confluent_kafka import TopicPartition
from gateway_support import (
    SECRET,
    GatewayProcess,
    a_token,
    an_event,
    bearing,
    device_path,
    gateways,
    streaming,
    version_name,
)
from served import a_row
from typer.testing import CliRunner
from worker_support import last_values, log_ends, produce, read_all, wait_until
from worker_system import PARTITIONS, System

from stream_cw.broker.cluster import connect
from stream_cw.broker.contract import topic_names
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics
from stream_cw.cli import build_app
from stream_cw.core.partition import partition_for
from stream_cw.core.rows import encode_row, row_key
from stream_cw.errors import StreamCwError
from stream_cw.gateway.follow import Following
from stream_cw.gateway.latest import Latest
from stream_cw.gateway.metrics import Metrics
from stream_cw.gateway.subscribers import Subscribers

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


def push(system: System, *rows) -> None:
    """Bring rows onto the push topic, as a worker would."""
    records = []
    for row in rows:
        key = row_key(row.profile_id, row.device_id)
        place = partition_for(row.profile_id.encode(), PARTITIONS)
        records.append((key, encode_row(row), place))
    produce(system.brokers, system.topics.rows, PARTITIONS, records)


def post(gateway: GatewayProcess, number: int) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/v1/events", headers=bearing("ann"), json=an_event(number), timeout=60
    )


# Readiness


def test_a_gateway_is_caught_up_when_it_knows_all_that_the_topic_held(system: System) -> None:
    count = 3_000
    push(system, *(a_row(n % 3 + 1, f"p{n % 1_000}", f"d{n % 7}") for n in range(count)))
    known_at_that_time: set[bytes] = set()

    class Watched(Subscribers):
        def wake(self) -> None:
            known_at_that_time.update(key for key in wanted if latest.get(key) is not None)
            caught_up.set()

    caught_up = asyncio.Event()
    wanted = last_values(system.rows())
    faults: list[BaseException] = []

    async def run() -> None:
        following = Following(
            system.brokers, system.topics.rows, PARTITIONS, latest, Watched(), Metrics(), fail
        )
        assert not await following.is_ready()
        following.start()
        async with asyncio.timeout(60):
            await caught_up.wait()
        assert await following.is_ready()
        assert await following.behind() == 0
        await following.stop()

    fail = faults.append
    with Latest(cache_bytes=8_388_608, keep_s=3_600) as latest:
        asyncio.run(run())
        assert known_at_that_time == set(wanted)
        assert {key: latest.get(key).value for key in wanted} == wanted
    assert not faults


def test_a_topic_whose_records_are_all_gone_is_read_to_its_end(
    system: System, start_gateway
) -> None:
    """Nothing stands where it begins, and it does not begin at 0: as after a week without rows."""
    push(system, *(a_row(1, f"p{number}") for number in range(20)))
    ends = log_ends(system.brokers, system.topics.rows, PARTITIONS)
    assert all(ends.values())
    places = [TopicPartition(system.topics.rows, n, end) for n, end in ends.items()]
    client = connect(system.brokers)  # kept: its answers die with it
    for answer in client.delete_records(places).values():
        answer.result(30)
    gateway = start_gateway().wait_ready()
    push(system, a_row(2, "p1"))
    with httpx.Client(base_url=gateway.url) as reader, streaming(reader, "p1", "tv") as stream:
        assert stream.next_row()["version"]["revision"] == 2


def test_a_topic_that_cannot_be_read_is_a_fault() -> None:
    async def run() -> BaseException:
        fault: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        gone = Following(
            "127.0.0.1:1", "rows", PARTITIONS, latest, Subscribers(), Metrics(), fault.set_result
        )
        gone.start()
        async with asyncio.timeout(60):
            found = await fault
        await gone.stop()
        return found

    with Latest(cache_bytes=8_388_608, keep_s=3_600) as latest:
        assert isinstance(asyncio.run(run()), StreamCwError)


def test_foreign_records_are_passed_over_and_counted(system: System, start_gateway) -> None:
    gateway = start_gateway().wait_ready()
    key = row_key("ann", "tv")
    place = partition_for(b"ann", PARTITIONS)
    bad = [(key, b"no row", place), (key, encode_row(a_row(9, "bob")), place), (key, b"{}", place)]
    produce(system.brokers, system.topics.rows, PARTITIONS, bad)
    push(system, a_row(1))

    def newest() -> httpx.Response:
        return httpx.get(gateway.url + device_path("ann", "tv") + "/row", headers=bearing("ann"))

    wait_until(lambda: newest().status_code == 200, "the row behind them")
    assert newest().json()["version"]["revision"] == 1
    told = httpx.get(f"{gateway.url}/metrics").text
    assert "stream_cw_gateway_rows_refused_total 3.0" in told
    assert "stream_cw_gateway_rows_taken_total 1.0" in told


# Brokers


@pytest.mark.parametrize("how", ["halted", "killed"])
def test_brokers_that_are_away(own_kafka, prefix: str, tmp_path: Path, how: str) -> None:
    broker = own_kafka()
    topics = topic_names(prefix)
    apply_topics(broker.address, topics, partitions=PARTITIONS)
    common = {"brokers": broker.address, "topic_prefix": prefix, "produce_timeout": 1.0}
    with gateways(tmp_path, **common) as start:
        gateway = start().wait_ready()
        assert post(gateway, 1).status_code == 202
        with httpx.Client(base_url=gateway.url) as client, streaming(client, "ann", "tv") as live:
            broker.pause() if how == "halted" else broker.kill()
            answer = post(gateway, 2)
            assert (answer.status_code, answer.json()["reason"]) == (503, "no_broker")
            assert int(answer.headers["retry-after"]) >= 1
            assert httpx.get(f"{gateway.url}/healthz").status_code == 200
            wait_until(lambda: not gateway.is_ready(), "it says that it hears nothing")
            broker.resume() if how == "halted" else broker.start()
            wait_until(lambda: post(gateway, 2).status_code == 202, "the retry is taken")
            gateway.wait_ready()
            system = System(broker.address, prefix, topics, lambda: None)
            push(system, a_row(1))
            assert live.next_row()["version"]["revision"] == 1, "streams outlive their brokers"
        assert post(gateway, 3).status_code == 202
        keys = [value for _, value, *_ in read_all(broker.address, topics.events, PARTITIONS)]
        ids = [re.search(rb'"event_id":"(e\d+)"', value)[1] for value in keys]
        assert ids[0] == b"e1"
        assert ids[-1] == b"e3"
        assert set(ids[1:-1]) == {b"e2"}, "perhaps twice: the worker takes it once"
        gateway.stop()


# Several gateways


def test_gateways_side_by_side(system: System, start_gateway) -> None:
    secret = {"ticket_secret": "t" * 40}
    one, two = start_gateway("one", **secret), start_gateway("two", **secret)
    other = start_gateway("other")
    for gateway in (one, two, other):
        gateway.wait_ready()
    with ExitStack() as stack:
        streams = []
        for gateway in (one, two, other):
            client = stack.enter_context(httpx.Client(base_url=gateway.url))
            streams.append(stack.enter_context(streaming(client, "ann", "tv")))
        for revision in (1, 2, 3):
            push(system, a_row(revision))
            rows = [stream.next_row() for stream in streams]
            assert [row["version"]["revision"] for row in rows] == [revision] * 3
    assert post(one, 1).status_code == post(two, 2).status_code == 202
    path = device_path("ann", "tv")
    ticket = httpx.post(f"{one.url}{path}/tickets", headers=bearing("ann")).json()["ticket"]
    for gateway, status in ((other, 401), (two, 200), (two, 401)):
        url = f"{gateway.url}{path}/rows"
        with httpx.stream("GET", url, params={"ticket": ticket}) as answer:
            assert answer.status_code == status


def test_a_client_goes_on_at_another_gateway(system: System, start_gateway) -> None:
    one, two = start_gateway("one").wait_ready(), start_gateway("two").wait_ready()
    push(system, a_row(1), a_row(2))
    with httpx.Client(base_url=one.url) as client, streaming(client, "ann", "tv") as stream:
        row = stream.next_row()
        while row["version"]["revision"] < 2:
            row = stream.next_row()
        one.process.kill()
        push(system, a_row(3))
        with pytest.raises(httpx.TransportError):
            stream.next()
    seen = version_name(row)
    with httpx.Client(base_url=two.url) as client, streaming(client, "ann", "tv", seen) as stream:
        assert stream.next_row()["version"]["revision"] == 3


# Start and end


def test_it_ends_in_order_with_streams_open(system: System, start_gateway) -> None:
    gateway = start_gateway().wait_ready()
    with httpx.Client(base_url=gateway.url) as client, streaming(client, "ann", "tv") as stream:
        assert set(stream.next()) == {"retry"}
        gateway.process.send_signal(signal.SIGTERM)
        with pytest.raises(StopIteration):
            stream.next()
    assert gateway.process.wait(30) == 0, gateway.log()
    assert "Traceback" not in gateway.log()
    assert not list(gateway.folder.glob("stream-cw-gateway-*")), "its store is gone"


def refused(gateway: GatewayProcess) -> str:
    """What a gateway says that does not start."""
    assert gateway.process.wait(60) == 1, gateway.log()
    assert gateway.log().count("ERROR") == 1
    assert "Traceback" not in gateway.log()
    return gateway.log()


def test_it_does_not_start_without_its_topics(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    with gateways(tmp_path, brokers=kafka.address, topic_prefix=prefix) as start:
        assert prefix in refused(start())


def test_it_does_not_start_where_another_listens(system: System, start_gateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}: Address already in use" in refused(start_gateway(port=port))


def test_it_does_not_start_without_a_broker(tmp_path: Path) -> None:
    with gateways(tmp_path, brokers="127.0.0.1:1") as start:
        assert "127.0.0.1:1" in refused(start())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"secret": "short"}, "STREAM_CW_GATEWAY_SECRET"),
        ({"secret": ""}, "STREAM_CW_GATEWAY_SECRET"),
        ({"ticket_secret": "short"}, "STREAM_CW_GATEWAY_TICKET_SECRET"),
        ({"algorithm": "EdDSA", "secret": ""}, "STREAM_CW_GATEWAY_KEYS"),
    ],
)
def test_it_does_not_start_on_a_key_that_is_none(system: System, start_gateway, given, named):
    line = refused(start_gateway(**given))
    assert named in line
    assert "short" not in line


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"issuer": ""}, "STREAM_CW_GATEWAY_ISSUER"),
        ({"audience": ""}, "STREAM_CW_GATEWAY_AUDIENCE"),
        ({"algorithm": "none"}, "STREAM_CW_GATEWAY_ALGORITHM"),
        ({"port": "http"}, "STREAM_CW_GATEWAY_PORT"),
        ({"brokers": ""}, "STREAM_CW_BROKERS"),
    ],
)
def test_the_command_names_the_setting_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    settings = {"issuer": "i", "audience": "a", "secret": SECRET, **given}
    for name, value in settings.items():
        stem = "STREAM_CW_" if name == "brokers" else "STREAM_CW_GATEWAY_"
        monkeypatch.setenv(f"{stem}{name.upper()}", value)
    result = CliRunner().invoke(build_app(), ["gateway"])
    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert named in line
    assert SECRET not in line


# The log


def test_tokens_and_profiles_stay_out_of_the_log(system: System, start_gateway) -> None:
    gateway = start_gateway(log_level="DEBUG").wait_ready()
    profile, device = "profile-of-a-member", "device-of-a-member"
    path = device_path(profile, device)
    token = a_token(profile)
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        for given in (headers, {"authorization": f"Bearer {token}x"}, {}):
            event = an_event(1, profile, device)
            for body in (event, [event, {**event, "ts": profile}], {}):
                client.post("/v1/events", headers=given, json=body)
            client.post(
                f"{path}/open", headers=given, json={"device_type": "tv"}, params={"wait_ms": 0}
            )
            client.get(f"{path}/row", headers=given)
            client.get(f"{path}/row/why", headers=given)
            client.get(f"{path}/nothing", headers=given)
        ticket = client.post(f"{path}/tickets", headers=headers).json()["ticket"]
        for _ in range(2):
            with client.stream("GET", f"{path}/rows", params={"ticket": ticket}):
                pass
    produce(
        system.brokers,
        system.topics.rows,
        PARTITIONS,
        [(f"{profile}/{device}".encode(), b"no row", 0)],
    )
    wait_until(lambda: "passed over" in gateway.log(), "it logs something at all")
    gateway.stop()
    log = gateway.log()
    for secret in (token, token.split(".")[1], ticket, profile, device, SECRET):
        assert secret not in log


def test_a_request_that_is_no_http_stays_out_of_the_log(system: System, start_gateway) -> None:
    gateway = start_gateway(log_level="DEBUG").wait_ready()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as client:
        client.sendall(b"secret-of-a-member /\r\n\r\n")
        assert client.recv(4_096).startswith(b"HTTP/1.1 400 ")
    gateway.stop()
    assert "secret-of-a-member" not in gateway.log()
