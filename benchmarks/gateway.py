"""What a gateway does on one machine: from an opening to its row, rows delivered, clients held.

    python -m benchmarks.gateway [--clients N] [--seconds S] [--json FILE]

Apache Kafka, a worker with the shipped model and a gateway run as processes of this machine, and so
do the clients: what they all take is taken from one another. So beside rows a second there are rows
a second of the gateway's own CPU time, which depend less on what else runs.

- opening: open-loop arrivals of openings on devices with a history; the time from the request to
  the answer with the row that follows from it.
- delivery: each client has a device of its own, and rows are put on the push topic faster than they
  can be delivered; clients that are behind skip rows.
- the limit: a bare starlette loop that writes the same bytes to as many clients, without Kafka,
  without anything to decide.
- holding: clients that are connected and get nothing but heartbeats.
"""

import argparse
import asyncio
import json
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Producer

from benchmarks.processes import OK, Process, running, until
from benchmarks.streams import frame_of, row_of
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.kafka import kafka_broker
from stream_cw.broker.process import free_port
from stream_cw.broker.topics import apply_topics
from stream_cw.core.partition import partition_for
from stream_cw.gateway.tokens import mint

PARTITIONS = 4
PROFILES = 200
EVENTS = 40
"""Of each profile, before it opens the app."""
OPENINGS_A_SECOND = 25
DEADLINE_MS = 150
SECRET = secrets.token_hex(32)
CLAIMS = {"issuer": "benchmark", "audience": "benchmark"}


def until_read(process: Process, port: int) -> None:
    """Wait until the gateway has read all that was pushed."""
    while True:
        process.check()
        lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text.splitlines()
        if "stream_cw_gateway_rows_behind 0.0" in lines:
            return
        time.sleep(0.5)


def token_for(*profiles: str) -> str:
    return mint(SECRET, profiles=profiles, lifetime_s=3_600, **CLAIMS)


# From an opening to its row


def history(url: str, profile: str, rng: random.Random) -> None:
    now = int(time.time() * 1000) - 86_400_000
    events = []
    for number in range(EVENTS // 2):
        show = rng.randrange(12)
        common = {
            "profile_id": profile,
            "device_id": "tv",
            "device_type": "tv",
            "title": {
                "kind": "episode",
                "id": f"t{show}-{number}",
                "series_id": f"s{show}",
                "duration_ms": 2_700_000,
            },
        }
        ts = now + number * 3_000_000
        events += [
            {**common, "type": "play", "event_id": f"p{number}", "ts": ts, "position_ms": 0},
            {
                **common,
                "type": "stop",
                "event_id": f"s{number}",
                "ts": ts + 1_500_000,
                "position_ms": 1_500_000,
            },
        ]
    answer = httpx.post(
        f"{url}/v1/events",
        json=events,
        headers={"authorization": f"Bearer {token_for(profile)}"},
        timeout=60,
    )
    answer.raise_for_status()


async def openings(url: str, profiles: list[str], seconds: float) -> list[tuple[float, bool]]:
    """Open at random moments; tell how long each took, and whether it got its row."""
    rng = random.Random(3)  # noqa: S311
    found: list[tuple[float, bool]] = []
    async with httpx.AsyncClient(base_url=url, timeout=30) as client, asyncio.TaskGroup() as group:

        async def one(profile: str) -> None:
            began = time.perf_counter()
            answer = await client.post(
                f"/v1/profiles/{profile}/devices/tv/open",
                headers={"authorization": f"Bearer {token_for(profile)}"},
                params={"wait_ms": 2_000},
                json={"device_type": "tv"},
            )
            fresh = answer.status_code == OK and not answer.json()["stale"]
            found.append((1000 * (time.perf_counter() - began), fresh))

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            group.create_task(one(rng.choice(profiles)))
            await asyncio.sleep(rng.expovariate(OPENINGS_A_SECOND))
    return found


def measure_openings(url: str, worker: Process, seconds: float) -> dict[str, Any]:
    profiles = [f"profile-{number}" for number in range(PROFILES)]
    rng = random.Random(1)  # noqa: S311
    for profile in profiles:
        history(url, profile, rng)
    asyncio.run(openings(url, profiles, 5.0))  # until the worker is there, and warm
    worker.check()
    found = asyncio.run(openings(url, profiles, seconds))
    times = sorted(ms for ms, _ in found)
    cuts = statistics.quantiles(times, n=100)
    in_time = sum(fresh and ms < DEADLINE_MS for ms, fresh in found)
    return {
        "openings": len(found),
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "p99_ms": round(cuts[98], 1),
        "fresh": sum(fresh for _, fresh in found),
        "fresh_within_150_ms": in_time,
    }


# Rows delivered, clients held


Reading = subprocess.Popen[bytes]


@contextmanager
def readers(port: int, clients: int, seconds: float, folder: Path) -> Iterator[Reading]:
    """Clients in a process of their own; it tells when all are connected, and what they got."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = folder / "tokens.json"
    tokens.write_text(json.dumps([token_for(f"p{number}") for number in range(clients)]))
    command = [sys.executable, "-m", "benchmarks.streams", str(port), str(tokens), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def told(process: Reading) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit("the readers ended")
    answer: dict[str, Any] = json.loads(line)
    return answer


@contextmanager
def pushing(brokers: str, topics: Topics, clients: int) -> Iterator[None]:
    """Put rows on the push topic, from a process of its own, as fast as Kafka takes them."""
    program = [sys.executable, "-m", "benchmarks.gateway"]
    process = subprocess.Popen([*program, "--push", brokers, topics.rows, str(clients)])  # noqa: S603
    try:
        yield
    finally:
        process.kill()
        process.wait()


def push(brokers: str, topic: str, clients: int) -> None:
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 5, "log_level": 0})
    revision = 0
    while True:
        revision += 1
        for number in range(clients):
            profile = f"p{number}"
            value = row_of(profile, revision)
            place = partition_for(profile.encode(), PARTITIONS)
            while True:
                try:
                    producer.produce(topic, key=f"{profile}/tv", value=value, partition=place)
                    break
                except BufferError:
                    producer.poll(0.05)
        producer.poll(0)


def measure(process: Process, reading: Reading) -> dict[str, Any]:
    """Measure a server from the moment that its clients are connected until they end."""
    started = told(reading)
    cpu, began = process.cpu_seconds(), time.monotonic()
    ended = told(reading)
    cpu, seconds = process.cpu_seconds() - cpu, time.monotonic() - began
    rows = ended["rows"]
    return {
        "clients": started["connected"],
        "rows_a_second": round(rows / seconds),
        "rows_a_cpu_second": round(rows / cpu) if cpu else None,
        "cpu_share": round(cpu / seconds, 2),
        "resident_mb": round(process.resident() / 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--held", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--push", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.push:
        push(given.push[0], given.push[1], int(given.push[2]))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        figures = run(stack, folder, given.clients, given.held, given.seconds)
    for name, found in figures.items():
        print(name, json.dumps(found))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


def run(
    stack: ExitStack, folder: Path, clients: int, held: int, seconds: float
) -> dict[str, dict[str, Any]]:
    broker = stack.enter_context(kafka_broker(folder / "kafka"))
    topics = topic_names()
    apply_topics(broker.address, topics, partitions=PARTITIONS)
    port = free_port()
    settings: dict[str, object] = {
        "STREAM_CW_BROKERS": broker.address,
        "STREAM_CW_DATA_DIR": folder / "data",
        "STREAM_CW_GATEWAY_PORT": port,
        "STREAM_CW_GATEWAY_SECRET": SECRET,
        "STREAM_CW_GATEWAY_ISSUER": CLAIMS["issuer"],
        "STREAM_CW_GATEWAY_AUDIENCE": CLAIMS["audience"],
        "STREAM_CW_GATEWAY_MAX_STREAMS": 100_000,
    }
    program = [sys.executable, "-m", "stream_cw.cli"]
    gateway = stack.enter_context(running([*program, "gateway"], settings, folder / "gateway"))
    until(gateway, f"http://127.0.0.1:{port}/readyz")
    figures: dict[str, dict[str, Any]] = {}
    with running([*program, "worker"], settings, folder / "worker") as worker:
        figures["opening"] = measure_openings(f"http://127.0.0.1:{port}", worker, seconds)
    with (
        readers(port, clients, seconds, folder / "readers") as reading,
        pushing(broker.address, topics, clients),
    ):
        figures["delivery"] = measure(gateway, reading)
    until_read(gateway, port)
    before = gateway.resident()
    with readers(port, held, seconds, folder / "held") as reading:
        figures["holding"] = measure(gateway, reading)
    figures["holding"]["kb_a_client"] = round((gateway.resident() - before) / held / 1e3, 1)
    bare_port = free_port()
    command = [sys.executable, "-m", "benchmarks.streams", "bare", str(bare_port)]
    with running(command, {}, folder / "bare") as bare:
        until(bare, f"http://127.0.0.1:{bare_port}/healthz")
        with readers(bare_port, clients, seconds, folder / "bare-readers") as reading:
            figures["the limit: a bare loop"] = measure(bare, reading)
    figures["row"] = {"bytes": len(frame_of("p0", 1))}
    return figures


if __name__ == "__main__":
    main()
