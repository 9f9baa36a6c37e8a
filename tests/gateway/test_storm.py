"""Five hundred streams, and a gateway that is killed under load and comes back, twice."""

import asyncio
import itertools
import json
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from gateway_support import bearing
from sse_clients import Client, until
from worker_support import last_values, wait_until
from worker_system import System

from stream_cw.broker.process import free_port
from stream_cw.core.events import Episode, Event, Stop

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

PROFILES = [f"profile-{number}" for number in range(250)]
DEVICES = ("tv", "phone")
KILLS = 2
EVENTS_AT_ONCE = 25
EVENTS_A_SECOND = 250


def an_event(number: int) -> Event:
    """A stop of each profile in turn, on either of its devices; each changes the row."""
    turn, at = divmod(number, len(PROFILES))
    return Stop(
        event_id=f"e{number}",
        profile_id=PROFILES[at],
        device_id=DEVICES[turn % 2],
        device_type="tv",
        ts=int(time.time() * 1000),
        title=Episode(id=f"t{turn}", series_id=f"s{turn % 9}", duration_ms=2_700_000),
        position_ms=600_000 + turn,
    )


@contextmanager
def load(system: System):
    """Produce events until the block ends."""
    numbers = itertools.count()
    over = threading.Event()

    def run() -> None:
        while not over.wait(EVENTS_AT_ONCE / EVENTS_A_SECOND):
            system.produce([an_event(next(numbers)) for _ in range(EVENTS_AT_ONCE)])

    system.produce([an_event(next(numbers)) for _ in range(4 * len(PROFILES))])
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_streams_survive_a_gateway_that_is_killed(
    system: System, start_gateway, show_figure
) -> None:
    worker = system.start()
    wait_until(lambda: system.sharing() == 1, "the worker works")
    settings = {"port": free_port(), "streams_per_subject": 1_000}
    gateway = start_gateway("gateway", **settings).wait_ready()
    clients = [
        Client(gateway.port, profile, device, bearing(profile)["authorization"])
        for profile in PROFILES
        for device in DEVICES
    ]

    async def storm() -> dict[bytes, bytes]:
        nonlocal gateway
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.follow()) for client in clients]
            with ExitStack() as loaded:
                await asyncio.to_thread(loaded.enter_context, load(system))
                await until(lambda: all(client.rows for client in clients), "each has a row")
                for number in range(KILLS):
                    gateway.process.kill()
                    gateway = start_gateway(f"after-{number}", **settings)
                    await until(lambda: not any(c.is_connected for c in clients), "all are cut off")
                    before = [len(client.rows) for client in clients]
                    await until(lambda: all(c.is_connected for c in clients), "all are back")
                    await until(
                        lambda before=before: all(
                            len(client.rows) > count
                            for client, count in zip(clients, before, strict=True)
                        ),
                        "each has a newer row",
                    )
            await asyncio.to_thread(system.wait_until_through, worker)
            newest = await asyncio.to_thread(lambda: last_values(system.rows()))
            wanted = {f"{c.profile}/{c.device}".encode(): c for c in clients}
            assert newest.keys() == wanted.keys()
            await until(
                lambda: all(wanted[key].rows[-1][1] == value for key, value in newest.items()),
                "each has the last row",
            )
            for task in tasks:
                task.cancel()
        return newest

    asyncio.run(storm())
    assert_in_order(clients)
    rows = sum(len(client.rows) for client in clients)
    back = sum(client.connections - 1 for client in clients)
    show_figure(
        f"{len(clients)} streams, gateway killed {KILLS} times: {back} came back, {rows} rows, "
        "none of them twice, none older, each ends with the worker's last"
    )


def assert_in_order(clients: list[Client]) -> None:
    for client in clients:
        assert client.connections == KILLS + 1
        assert not client.erased
        assert not client.refused
        versions = [version for version, _ in client.rows]
        assert versions == sorted(set(versions)), "each is newer than the one before"
        for version, value in client.rows:
            row = json.loads(value)
            assert (row["profile_id"], row["device_id"]) == (client.profile, client.device)
            assert row["version"]["revision"] == version.revision
