"""Events a second of a worker that catches up: `python -m benchmarks.catching_up`.

Apache Kafka with 4 partitions runs on this machine, and one process of each system in turn: this
project's worker, the same job in a Faust app as its guide writes it, in Quix Streams, and in a bare
loop of confluent-kafka that keeps nothing, which is the limit. Rounds alternate; each run has fresh
topics with the same log, and begins at offset 0.

Time begins when a tenth of the events have their row on the topic (with full profiles: when those
that fill them have) and ends when the last one has, by the broker's stamps. So the start of a
process, joining a group and compiling count for none. A changelog's bytes are those of its segments
in the broker's folder.

The Faust app gets a tenth of the profiles: it would take minutes for the others' seconds.
"""

import shutil
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from benchmarks.bars import WIDTH, Bar, at_least, tell
from benchmarks.histories import SESSION, Histories, write
from benchmarks.peers import BROKER, OURS, SYSTEMS, Site, log_bytes, working
from benchmarks.progress import Trail, wait_until_through
from stream_cw.broker.kafka import kafka_broker
from stream_cw.broker.process import Broker

SLOW: Final = {"faust": 10}
"""By how much fewer profiles a system has."""
SECONDS: Final = 900.0
FULL_EACH: Final = 20 * SESSION
"""Events of a full profile that are measured."""
BARS: Final = {
    ("full", "faust"): 3.0,
    ("full", "quix"): 1.0,
    ("full", "bare"): 0.75,
    ("trivial", "faust"): 10.0,
    ("trivial", "quix"): 1.5,
}
"""How many times as fast as a peer the worker has to be."""


class Scene(Struct, frozen=True):
    """A job on a log."""

    name: str
    job: str
    histories: Histories


class Run(Struct, frozen=True):
    """What one run came to.

    Attributes
    ----------
    rate : float
        Events a second.
    cpu : float
        Microseconds of CPU time that the process took for an event, its start included.
    changelog : float
        Bytes for an event.
    rows : float
        Rows for an event.
    """

    rate: float
    cpu: float
    changelog: float
    rows: float


def scenes(events: int, profiles: int) -> list[Scene]:
    """List what is measured, for so many events of so many profiles."""
    short = Histories(profiles, events // profiles)
    full = Histories(max(10, profiles // 20), FULL_EACH, full=True)
    return [
        Scene("full job, short histories", "full", short),
        Scene("full job, full profiles", "full", full),
        Scene("trivial job", "trivial", short),
    ]


def run(broker: Broker, folder: Path, system: str, scene: Scene, name: str) -> Run:
    """Let one system catch up."""
    histories = scene.histories
    if system in SLOW:
        histories = replace(histories, profiles=max(1, histories.profiles // SLOW[system]))
    site = Site(broker.address, name, folder / name)
    write(broker.address, site.topics.events, histories)
    with working(system, scene.job, site) as process:
        wait_until_through(site, histories.events, process.check, SECONDS)
        cpu = process.cpu_seconds()
    trail = Trail(site)
    found = Run(
        rate=trail.rate(histories.before or histories.events // 10, histories.events),
        cpu=1e6 * cpu / histories.events,
        changelog=log_bytes(folder / "kafka", site) / histories.events,
        rows=len(trail.rows) / histories.events,
    )
    site.remove()
    shutil.rmtree(site.folder)
    return found


def bars_of(scene: Scene, runs: dict[str, list[Run]]) -> list[Bar]:
    """Compare the worker with its peers, round by round."""
    found: list[Bar] = []
    for system, its in runs.items():
        rates = [one.rate for one in its]
        name = f"{scene.name}: {system}"
        found += [
            Bar(name=name, value=median(rates), unit="events/s"),
            Bar(name=f"{name}, least", value=min(rates), unit="events/s"),
            Bar(name=f"{name}, most", value=max(rates), unit="events/s"),
            Bar(name=f"{name}, process", value=median(o.cpu for o in its), unit="us CPU/event"),
            Bar(name=f"{name}, changelog", value=median(o.changelog for o in its), unit="B/event"),
            Bar(name=f"{name}, rows", value=median(o.rows for o in its), unit="rows/event"),
        ]
    for system, its in runs.items():
        if system != OURS and OURS in runs:
            pairs = zip(runs[OURS], its, strict=True)
            ratio = median(ours.rate / theirs.rate for ours, theirs in pairs)
            name = f"{scene.name}: ours / {system}"
            limit = BARS.get((scene.job, system))
            if limit is None:
                found.append(Bar(name=name, value=ratio, unit="times"))
            else:
                found.append(at_least(name, ratio, limit))
    return found


def main(
    events: Annotated[int, typer.Option(min=300)] = 300_000,
    profiles: Annotated[int, typer.Option(min=10)] = 20_000,
    rounds: Annotated[int, typer.Option(min=1)] = 2,
    only: Annotated[list[str] | None, typer.Option(help="Systems, else all.")] = None,
    job: Annotated[str | None, typer.Option(help="full or trivial, else both.")] = None,
    json: Annotated[Path | None, typer.Option(help="Where the figures go.")] = None,
) -> None:
    """Measure the worker and its peers, and print each bar."""
    console, found = Console(width=WIDTH), []
    systems = [system for system in SYSTEMS if not only or system in only]
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as name,
        kafka_broker(Path(name) / "kafka", settings=BROKER) as broker,
    ):
        for number, scene in enumerate(scenes(events, profiles)):
            if job not in (None, scene.job):
                continue
            runs: dict[str, list[Run]] = {system: [] for system in systems}
            for round_ in range(rounds):
                for system in systems if round_ % 2 == 0 else reversed(systems):
                    one = run(broker, Path(name), system, scene, f"{system}-{number}-{round_}")
                    console.print(f"{scene.name}: {system}: {one.rate:,.0f} events/s")
                    runs[system].append(one)
            found += bars_of(scene, runs)
    tell(found, json)


if __name__ == "__main__":
    typer.run(main)
