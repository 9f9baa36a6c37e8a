"""Events a second of a worker that catches up: `python -m benchmarks.catching_up`.

Apache Kafka with 4 partitions runs on this machine, and one process of each system in turn: this
project's worker, the same job in a Faust app as its guide writes it, in Quix Streams, and in a bare
loop of confluent-kafka that keeps nothing, which is the limit. Each has topics, a group and a
folder of its own. The log is cut into stretches: all systems in turn go through the first one, each
started on what waits and ended when it has committed all of it, then through the second, and so on.

Time begins when a tenth of a stretch has its rows on the topic and ends when all of it has, by the
broker's stamps. So the start of a process, joining a group and compiling count for none. A
changelog's bytes are those of its segments in the broker's folder, compaction being off.

The Faust app gets a tenth of the profiles: it would take minutes for the others' seconds.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from benchmarks.bars import Check, Figure, Json, at_least, load_before, report, shown
from benchmarks.filling import fill
from benchmarks.histories import SESSION, Histories, filled, write
from benchmarks.jobs import PARTITIONS
from benchmarks.peers import BROKER, OURS, SYSTEMS, Site, log_bytes, working
from benchmarks.progress import Span, Trail, rows_of, wait_until_begun, wait_until_through
from stream_cw.broker.kafka import kafka_broker
from stream_cw.core.events import Event

SLOW: Final = {"faust": 10}
"""By how much fewer profiles a system has."""
SECONDS: Final = 900.0
FULL_SHARE: Final = 60
"""How many in a hundred of the events a full profile has: a step of it costs as much more."""
BARS: Final = {
    ("full", "faust"): 3.0,
    ("full", "quix"): 1.0,
    ("full", "bare"): 0.75,
    ("filled", "faust"): 3.0,
    ("filled", "quix"): 1.0,
    ("filled", "bare"): 0.75,
    ("trivial", "faust"): 10.0,
    ("trivial", "quix"): 1.5,
}
"""How many times as fast as a peer the worker has to be."""


class Scene(Struct, frozen=True):
    """A job on a log, which has so many events of each profile."""

    name: str
    job: str
    histories: Histories
    each: int


def scenes(events: int, profiles: int, full_profiles: int) -> list[Scene]:
    """List what is measured, for so many events of so many profiles."""
    short, full = Histories(profiles), Histories(full_profiles, full=True)
    each = events // profiles
    few = max(1, each * FULL_SHARE // 100 // SESSION) * SESSION
    return [
        Scene("full job, short histories", "full", short, each),
        Scene("full job, full profiles", "filled", full, few),
        Scene("trivial job", "trivial", short, each),
    ]


class Contender:
    """A system in a scene: it goes through the log, stretch by stretch.

    Attributes
    ----------
    spans : list of Span
        What it took for each stretch.
    cpu : list of float
        Microseconds of CPU time that its process took for a row, from the first ones on; of the
        stretches of which most rows came behind the first look.
    """

    def __init__(self, system: str, scene: Scene, stretches: int, brokers: str, home: Path) -> None:
        self.system = system
        histories = scene.histories
        fewer = max(1, histories.profiles // SLOW.get(system, 1))
        self._histories = replace(histories, profiles=fewer)
        self._job = scene.job
        self._cuts = [scene.each * number // stretches for number in range(stretches + 1)]
        self._home = home
        name = f"{system}-{scene.name.replace(', ', '-').replace(' ', '-')}"
        self.site = Site(brokers, name, home / name)
        self._trail = Trail(self.site)
        self._written = 0
        self._starts = 0
        self._logged = 0
        self.spans: list[Span] = []
        self.cpu: list[float] = []

    def fill(self) -> None:
        """Fill the profiles of the worker, where they are to be full; peers' jobs do it."""
        if self.system == OURS and self._histories.full:
            topics, first = self.site.topics, self._histories.events(-1, 0)
            put = fill(self.site.brokers, topics, PARTITIONS, filled(), first)
            self._written = sum(put.ends)
            self._trail.skip(put.ends)
            self._logged = log_bytes(self._home / "kafka", self.site)

    def take(self, number: int) -> Span:
        """Go through a stretch."""
        self._go_through(self._histories.events(*self._cuts[number : number + 2]))
        self.spans.append(self._trail.span())
        return self.spans[-1]

    def _go_through(self, events: Iterable[Event]) -> None:
        site = self.site
        self._written += write(site.brokers, site.topics.events, events)
        self._starts += 1
        before = rows_of(site)
        with working(self.system, self._job, site, f"run-{self._starts}") as process:
            at_first = wait_until_begun(site, before, process.check, SECONDS)
            cpu = process.cpu_seconds()
            wait_until_through(site, self._written, process.check, SECONDS)
            rows = rows_of(site)
            if rows - at_first > at_first - before:
                self.cpu.append(1e6 * (process.cpu_seconds() - cpu) / (rows - at_first))

    def rate(self) -> float:
        """Events a second over all stretches."""
        return sum(span.events for span in self.spans) / sum(span.seconds for span in self.spans)

    def bars(self, scene: str) -> list[Figure]:
        """Tell what it came to."""
        events = self._histories.profiles * self._cuts[-1]
        rates = [rate_of(span) for span in self.spans]
        logged = log_bytes(self._home / "kafka", self.site) - self._logged
        rows = sum(span.rows for span in self.spans)
        figures = [
            ("", self.rate(), "events/s"),
            (", slowest stretch", min(rates), "events/s"),
            (", fastest stretch", max(rates), "events/s"),
            (", changelog", logged / events, "B/event"),
            (", rows", rows / events, "rows/event"),
        ]
        if self.cpu:
            figures.append((", its process", median(self.cpu), "us CPU/row"))
        name = f"{scene}: {self.system}"
        return [shown(name + what, value, unit) for what, value, unit in figures]

    def end(self) -> None:
        """Remove what it left."""
        self.site.remove()
        shutil.rmtree(self.site.folder)


def rate_of(span: Span) -> float:
    """Events a second of a stretch."""
    return span.events / max(0.001, span.seconds)


def measured(
    scene: Scene, systems: list[str], stretches: int, brokers: str, home: Path
) -> Iterator[str | Figure]:
    """Let systems go through a scene; yield lines on the way, and figures at the end."""
    contenders = [Contender(system, scene, stretches, brokers, home) for system in systems]
    for one in contenders:
        one.fill()
    for number in range(stretches):
        for one in contenders if number % 2 == 0 else reversed(contenders):
            rate = rate_of(one.take(number))
            yield f"{scene.name}, stretch {number + 1}: {one.system}: {rate:,.0f} events/s"
    for one in contenders:
        yield from one.bars(scene.name)
    yield from compared(scene, {one.system: one for one in contenders})
    for one in contenders:
        one.end()


def compared(scene: Scene, contenders: dict[str, Contender]) -> Iterator[Figure]:
    """Compare the worker with its peers."""
    ours = contenders.pop(OURS, None)
    for system, theirs in contenders.items() if ours else ():
        name, ratio = f"{scene.name}: ours / {system}", ours.rate() / theirs.rate()
        limit = BARS.get((scene.job, system))
        if limit is None:
            yield shown(name, ratio, "x")
        else:
            yield at_least(name, ratio, "x", limit)
        ratios = [rate_of(a) / rate_of(b) for a, b in zip(ours.spans, theirs.spans, strict=True)]
        yield shown(f"{name}, least of a stretch", min(ratios), "x")


def main(
    events: Annotated[int, typer.Option(min=300)] = 300_000,
    profiles: Annotated[int, typer.Option(min=10)] = 20_000,
    full_profiles: Annotated[int, typer.Option(min=10, help="With fewer events.")] = 8_000,
    stretches: Annotated[int, typer.Option(min=1, help="Parts of the log.")] = 3,
    only: Annotated[list[str] | None, typer.Option(help="Systems, else all.")] = None,
    job: Annotated[str | None, typer.Option(help="full, filled or trivial, else all.")] = None,
    json: Json = None,
    check: Check = False,
) -> None:
    """Measure the worker and its peers, and print each bar."""
    console = Console()
    systems = [system for system in SYSTEMS if not only or system in only]
    found = [load_before()]
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as name,
        kafka_broker(Path(name) / "kafka", settings=BROKER) as broker,
    ):
        all_scenes = scenes(events, profiles, full_profiles)
        wanted = [scene for scene in all_scenes if job in (None, scene.job)]
        runs = (measured(scene, systems, stretches, broker.address, Path(name)) for scene in wanted)
        for one in chain.from_iterable(runs):
            if isinstance(one, Figure):
                found.append(one)
            else:
                console.print(one)
    report(f"Catching up, {events:,} events", found, json=json, check=check)


if __name__ == "__main__":
    typer.run(main)
