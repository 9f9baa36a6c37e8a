"""Where a Faust app by the guide leaves its time: `python -m benchmarks.faust_costs`.

First without Kafka: what `mode` takes to hand one message to a callback that does nothing, as the
drain loop of Faust's consumer does for each message, beside awaiting that callback. Then agents on
Apache Kafka: one that does nothing, one that reads and writes a table, one that sends, one that
does both. Each has as many events; time runs in the agent from the first tenth of them to the last.
What an agent takes beyond the one that does nothing is what its table or its send costs.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, Final

import faust
import msgspec
import typer
from mode import Service
from mode.loop import uvloop  # noqa: F401 - takes the place of asyncio's own loop

from benchmarks.bars import Json, report, shown
from benchmarks.histories import Histories, write
from benchmarks.jobs import PARTITIONS
from benchmarks.peers import BROKER, ROOT, Site
from benchmarks.processes import running
from stream_cw.broker.kafka import kafka_broker

AGENTS: Final = ("nothing", "table", "send", "both")
CALLS: Final = 20_000
VALUE: Final = bytes(300)
SECONDS: Final = 300.0
EACH: Final = 3


async def handed_over() -> tuple[float, float]:
    """Microseconds for a message: by the drain loop's `wait_first`, and by an await."""
    service, suspended = Service(), asyncio.Event()

    async def callback() -> None:
        pass

    async def by_tasks() -> None:
        await service.wait_first(callback(), suspended.wait())

    found = []
    for call in (by_tasks, callback):
        began = time.process_time()
        for _ in range(CALLS):
            await call()
        found.append(1e6 * (time.process_time() - began) / CALLS)
    return found[0], found[1]


def run_agent(kind: str, brokers: str, group: str, topics: tuple[str, str], events: int) -> None:
    """Run an agent that writes down what an event took."""
    folder = Path(os.environ["PEER_FOLDER"])
    app = faust.App(
        group,
        broker=f"kafka://{brokers}",
        datadir=str(folder),
        store="rocksdb://",
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        key_serializer="raw",
        value_serializer="raw",
        producer_linger=0.005,
        web_enabled=False,
    )
    source, target = (app.topic(name, key_type=bytes, value_type=bytes) for name in topics)
    table: Any = {}
    if kind in ("table", "both"):
        table = app.Table("states", key_type=bytes, value_type=bytes, partitions=PARTITIONS)

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def agent(stream: Any) -> None:
        count, began, cpu = 0, 0.0, 0.0
        async for event in stream.events():
            if kind in ("table", "both"):
                table.get(event.key)
                table[event.key] = VALUE
            if kind in ("send", "both"):
                await target.send(key=event.key, value=VALUE)
            count += 1
            if count == events // 10:
                began, cpu = time.monotonic(), time.process_time()
            if count == events:
                took = (1e6 * (time.process_time() - cpu), 1e6 * (time.monotonic() - began))
                found = [value / (events - events // 10) for value in took]
                (folder / "found").write_bytes(msgspec.json.encode(found))

    sys.argv[1:] = ["worker", "--without-web", "--loglevel", "warn"]
    app.main()


def measured(kind: str, brokers: str, folder: Path, profiles: int) -> tuple[float, float]:
    """Microseconds of CPU, and of a clock, that an event takes in an agent."""
    site = Site(brokers, f"agent-{kind}", folder / kind)
    events = write(brokers, site.topics.events, Histories(profiles).events(0, EACH))
    given = [kind, brokers, site.group, site.topics.events, site.topics.rows, str(events)]
    command = [sys.executable, "-m", "benchmarks.faust_costs", "--agent", *given]
    settings: dict[str, object] = {"PEER_FOLDER": folder / kind / "state", "PYTHONPATH": ROOT}
    told, deadline = folder / kind / "state" / "found", time.monotonic() + SECONDS
    with running(command, settings, folder / kind / "run") as process:
        while not told.exists():
            process.check()
            if time.monotonic() > deadline:
                raise SystemExit(f"the agent {kind} was not through after {SECONDS} s")
            time.sleep(0.2)
    cpu, clock = msgspec.json.decode(told.read_bytes(), type=tuple[float, float])
    return cpu, clock


def main(
    profiles: Annotated[int, typer.Option(min=100, help="Three events of each.")] = 5_000,
    json: Json = None,
) -> None:
    """Measure what an event costs in Faust, part by part."""
    by_tasks, awaited = asyncio.run(handed_over())
    found = [
        shown("a message handed over by `wait_first`", by_tasks, "us CPU"),
        shown("a message handed over by an await", awaited, "us CPU"),
    ]
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as name,
        kafka_broker(Path(name) / "kafka", settings=BROKER) as broker,
    ):
        for kind in AGENTS:
            cpu, clock = measured(kind, broker.address, Path(name), profiles)
            found += [
                shown(f"an event in an agent: {kind}", cpu, "us CPU"),
                shown(f"an event in an agent: {kind}", clock, "us"),
            ]
    report(f"What an event costs in Faust, {3 * profiles:,} events", found, json=json)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--agent"]:
        kind_, brokers_, group_, source_, target_, events_ = sys.argv[2:]
        run_agent(kind_, brokers_, group_, (source_, target_), int(events_))
    else:
        typer.run(main)
