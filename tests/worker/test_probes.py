"""What operators ask a running worker, and what it tells them."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from worker_support import make_events, wait_until
from worker_system import PARTITIONS, System

from stream_cw.core.partition import partition_for
from stream_cw.core.row import View
from stream_cw.errors import SettingsError
from stream_cw.gateway.server import listen
from stream_cw.worker.metrics import PREFIX, Metrics
from stream_cw.worker.probes import Standing, answering
from stream_cw.worker.stats import Stats

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"


def values(text: str) -> dict[str, float]:
    found = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name.removeprefix(PREFIX): float(value) for name, value in found}


def played(
    play: Callable[[httpx.AsyncClient], Awaitable[None]], standing: Standing, metrics: Metrics
) -> None:
    async def main() -> None:
        async with (
            answering("127.0.0.1:0", standing, metrics) as (host, port),
            httpx.AsyncClient(base_url=f"http://{host}:{port}") as client,
        ):
            await play(client)

    asyncio.run(main())


@pytest.mark.parametrize("well", [True, False])
def test_alive_and_ready_are_told_apart(*, well: bool) -> None:
    async def play(client: httpx.AsyncClient) -> None:
        alive, ready = await client.get("/healthz"), await client.get("/readyz")
        assert (alive.status_code, alive.json()) == ((200 if well else 503), {"alive": well})
        assert (ready.status_code, ready.json()) == ((503 if well else 200), {"ready": not well})
        assert (await client.get("/nothing")).status_code == 404

    played(play, Standing(lambda: well, lambda: not well, View), Metrics(Stats()))


def test_counts_are_those_of_the_moment() -> None:
    stats = Stats(events=3)
    metrics = Metrics(stats)

    async def play(client: httpx.AsyncClient) -> None:
        told = values((await client.get("/metrics")).text)
        assert told["events_total"] == 3
        assert told["ready"] == 1
        assert told['model{id="recency",sha256=""}'] == 1
        stats.events = 5
        metrics.lag({0: 7, 3: 9})
        metrics.lag({3: 8})
        told = values((await client.get("/metrics")).text)
        assert told["events_total"] == 5
        assert {name: n for name, n in told.items() if "lag" in name} == {
            'lag_records{partition="3"}': 8
        }

    played(play, Standing(lambda: True, lambda: True, View), metrics)


def test_an_address_that_is_taken_is_a_wrong_setting() -> None:
    async def main(address: str) -> None:
        standing = Standing(lambda: True, lambda: True, View)
        async with answering(address, standing, Metrics(Stats())):
            pass

    with closing(listen("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsError, match=f"STREAM_CW_PROBES: {address}: "):
            asyncio.run(main(address))


def test_the_page_for_operators_explains_each_metric() -> None:
    metrics = Metrics(Stats())
    metrics.lag({0: 0})
    metrics.refused("bad_json")
    told = re.findall(
        rf"^# HELP {PREFIX}(\S+)(?<!_created) (.*)$", metrics.text().decode(), re.MULTILINE
    )
    section = DOCS.read_text().partition("\n## Metrics of a worker\n")[2].partition("\n## ")[0]
    assert told == re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", section, re.MULTILINE)


@pytest.mark.kafka
def test_a_worker_on_kafka_tells_how_it_is(system: System) -> None:
    events = make_events(7, 300)
    system.produce(events)
    worker = system.start(probes="127.0.0.1:0", log_format="json")

    def address() -> str | None:
        found = re.search(r"probes are answered at (\S+), port (\d+)", worker.log())
        return f"http://{found[1]}:{found[2]}" if found else None

    wait_until(lambda: address() is not None, "probes")
    at = str(address())
    system.wait_until_through(worker)
    system.produce([(b"somebody", b"{", partition_for(b"somebody", PARTITIONS))])
    system.wait_until_through(worker)

    def told() -> dict[str, float]:
        return values(httpx.get(f"{at}/metrics").text)

    wait_until(lambda: told().get('lag_records{partition="1"}') == 0, "a look at the lag")
    assert httpx.get(f"{at}/healthz").json() == {"alive": True}
    assert httpx.get(f"{at}/readyz").json() == {"ready": True}
    found, text = told(), httpx.get(f"{at}/metrics").text
    assert found["ready"] == 1
    assert found['refusals_total{reason="bad_json"}'] == 1
    assert found["event_to_row_seconds_count"] == found["rows_total"] > 0
    assert found["event_to_row_seconds_sum"] >= 0
    assert found["round_records_sum"] == 301
    assert found["recovery_records_left"] == 0
    stats = worker.stop()
    log = [json.loads(line) for line in worker.log().splitlines()]
    assert log[-1]["counts"] == stats
    assert not any(event.profile_id in text + worker.log() for event in events)
    assert {name: found[f"{name}_total"] for name in stats} == stats
    assert found["changelog_bytes_total"] > found["state_bytes_sum"] > 0
