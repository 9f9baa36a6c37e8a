"""How long a row takes under load, beside a peer: `python -m benchmarks.latency`.

Apache Kafka with 4 partitions, a worker and the members (`benchmarks.load`, which says what is
measured from when to when) run as processes of this machine and share its cores. 2,000 profiles;
first as many events as the system takes, which tells its saturation, then each rate for 20 s behind
5 s that are not measured. The job with the shipped model at 200 and 2,000 events a second and at
90 % of saturation, the trivial job at 5,000. Quix Streams does the same beside. Histories grow with
each phase, and with them what an event costs, so saturation is sought anew before its 90 %.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console

from benchmarks.bars import Check, Figure, Json, below, load_before, report, shown
from benchmarks.load import Found, Phase
from benchmarks.peers import BROKER, OURS, ROOT, SYSTEMS, Site, working
from stream_cw.broker.kafka import kafka_broker

PHASES: Final = {
    "full": [
        Phase(name="saturation", warm_up=10),
        Phase(name="200/s", rate=200),
        Phase(name="2,000/s", rate=2_000),
        Phase(name="saturation of grown histories"),
        Phase(name="90 % of saturation", share=0.9),
    ],
    "trivial": [Phase(name="saturation", warm_up=10), Phase(name="5,000/s", rate=5_000)],
}
LIMITS: Final = {
    ("full", "200/s"): (8, 25),
    ("full", "2,000/s"): (15, 60),
    ("full", "90 % of saturation"): (None, 500),
    ("trivial", "5,000/s"): (None, 80),
}
"""Median and 99th percentile of the worker, ms."""


def measured(brokers: str, folder: Path, system: str, job: str, seconds: float) -> Iterator[Found]:
    """Run one system under load; yield what came of each phase."""
    phases = [msgspec.structs.replace(phase, seconds=seconds) for phase in PHASES[job]]
    site = Site(brokers, f"{system}-{job}", folder / f"{system}-{job}")
    topics = site.topics
    plan = msgspec.json.encode(phases).decode()
    command = [sys.executable, "-m", "benchmarks.load", brokers, topics.events, topics.rows, plan]
    with (
        working(system, job, site) as process,
        subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as load,  # noqa: S603
    ):
        try:
            assert load.stdout is not None
            for line in load.stdout:
                yield msgspec.json.decode(line, type=Found)
                process.check()
        finally:
            load.kill()
    if load.returncode != 0:
        raise SystemExit("the load did not come to its end")
    site.remove()


def bars_of(system: str, job: str, found: Found) -> list[Figure]:
    """Tell what came of a phase; the worker's has limits."""
    name = f"{job} job, {found.name}: {system}"
    if found.p99 == 0:
        return [shown(name, found.rate, "events/s")]
    bars = [shown(f"{name}, rate", found.rate, "events/s")]
    limits = LIMITS[job, found.name] if system == OURS else (None, None)
    for what, value, limit in zip(("p50", "p99"), (found.p50, found.p99), limits, strict=True):
        told = f"{name}, {what}"
        bars.append(shown(told, value, "ms") if limit is None else below(told, value, "ms", limit))
    others = {
        "most": found.most,
        "at a consumer, p50": found.arrival_p50,
        "at a consumer, p99": found.arrival_p99,
        "sent late, p99": found.late_p99,
    }
    bars += [shown(f"{name}, {what}", ms, "ms") for what, ms in others.items()]
    return [*bars, shown(f"{name}, rows", found.rows, "rows/event")]


def main(
    only: Annotated[
        list[str] | None, typer.Option(help="Systems; ours and quix if left out.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="full or trivial, else both.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Measured at each rate.")] = 20.0,
    json: Json = None,
    check: Check = False,
) -> None:
    """Measure how long rows take, and print each bar."""
    console, found = Console(), [load_before()]
    systems = [system for system in SYSTEMS if system in (only or (OURS, "quix"))]
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as name,
        kafka_broker(Path(name) / "kafka", settings=BROKER) as broker,
    ):
        for kind in [kind for kind in PHASES if job in (None, kind)]:
            for system in systems:
                for one in measured(broker.address, Path(name), system, kind, seconds):
                    console.print(
                        f"{kind} job, {one.name}: {system}: {one.rate:,.0f} events/s, "
                        f"p50 {one.p50:.1f} ms, p99 {one.p99:.1f} ms"
                    )
                    found += bars_of(system, kind, one)
    report(f"From due to the row, {seconds:g} s at each rate", found, json=json, check=check)


if __name__ == "__main__":
    typer.run(main)
