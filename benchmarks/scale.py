"""How far a worker goes: `python -m benchmarks.scale`.

Apache Kafka with 8 partitions runs on this machine, and

- 1, 2 and 4 workers go through a log of 20,000 profiles together: they share the machine's cores
  with the broker, so that more workers than cores tell how little is lost, not how much is won;
- one worker, with an empty directory, takes over 20,000 or 1,000,000 profiles whose states (of 15
  events) are in the changelog, and goes through events of them at random: few, many, many, few.

A rate is that of the worker's own count of events, from a tenth of the log to its end. Memory is
the most that the worker's process held; disk is its directory at the end. Of two runs of a kind the
figures are the mean, and of memory and disk the most.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Annotated, Final

import typer

from benchmarks.bars import Check, Figure, Json, at_least, below, report, shown
from benchmarks.filling import fill
from benchmarks.histories import Histories, write
from benchmarks.peers import Site
from benchmarks.progress import WARM_UP
from benchmarks.take_over import PARTITIONS, Worker, worker
from stream_cw.broker.kafka import kafka_broker
from stream_cw.core.events import Event
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step

WORKERS: Final = (1, 2, 4)
FEW: Final = 20_000
HISTORY: Final = 15
"""Events behind each state."""
LOOK_SECONDS: Final = 0.2
MB: Final = 1_000_000
MOST_MB: Final = 400
LEAST_RATIO: Final = 0.8


def started(site: Site, stack: ExitStack, name: str = "one") -> Worker:
    """Start a worker that lives as long as the stack."""
    folder = site.folder / name
    return stack.enter_context(worker(site.brokers, folder, STREAM_CW_TOPIC_PREFIX=site.prefix))


class Most:
    """The most memory that a process was seen to hold, bytes."""

    def __init__(self, of: Worker) -> None:
        self._process = of.process
        self.bytes = 0

    def look(self) -> None:
        """Look once more."""
        self.bytes = max(self.bytes, self._process.resident())


def rate(workers: list[Worker], events: int, most: Most | None = None) -> float:
    """Wait until workers have taken so many events; tell how many a second that were."""
    began, at = 0.0, 0.0
    while True:
        done = sum(one.told().get("events_total", 0.0) for one in workers)
        now = time.monotonic()
        if most is not None:
            most.look()
        if not began and done >= WARM_UP * events:
            began, at = now, done
        if done >= events:
            return (events - at) / (now - began)
        for one in workers:
            one.process.check()
        time.sleep(LOOK_SECONDS)


def shared(brokers: str, root: Path, number: int, events: int) -> float:
    """Let so many workers go through a log; tell their rate together."""
    site = _site(brokers, f"shared-{number}", root)
    with ExitStack() as stack:
        workers = [started(site, stack, f"worker-{n}") for n in range(number)]
        while sum(_partitions(one) for one in workers) != PARTITIONS:
            time.sleep(LOOK_SECONDS)
        written = write(brokers, site.topics.events, Histories(FEW).events(0, events // FEW))
        return rate(workers, written)


def _site(brokers: str, name: str, root: Path) -> Site:
    return Site(brokers, name, root / name, partitions=PARTITIONS)


def _partitions(one: Worker) -> int:
    one.process.check()
    return sum(name.startswith("lag_records") for name in one.told())


@cache
def first_state() -> ProfileState:
    """Make the state that profiles begin with."""
    state: ProfileState | None = None
    for number in range(HISTORY):
        state = step(state, Histories(1).nth(0, number), Source(bytes(16), 0, number)).state
    assert state is not None
    return state


def at_random(profiles: int, events: int) -> Iterator[Event]:
    """Go on with profiles as chance has it, each in its own order."""
    rng, histories, numbers = random.Random(5), Histories(profiles), dict[int, int]()  # noqa: S311
    for _ in range(events):
        profile = rng.randrange(profiles)
        number = numbers[profile] = numbers.get(profile, HISTORY - 1) + 1
        yield histories.nth(profile, number)


def held(brokers: str, root: Path, profiles: int, events: int, run: int) -> dict[str, float]:
    """Let one worker take over so many profiles and go on with them; tell what it took."""
    site = _site(brokers, f"held-{profiles}-{run}", root)
    histories = Histories(profiles)
    firsts = (histories.nth(profile, HISTORY - 1) for profile in range(profiles))
    filled = fill(brokers, site.topics, PARTITIONS, first_state(), firsts)
    with ExitStack() as stack:
        one = started(site, stack)
        most = Most(one)
        while not (told := one.told()):
            one.process.check()
            most.look()
            time.sleep(LOOK_SECONDS)
        written = write(brokers, site.topics.events, at_random(profiles, events))
        reached = rate([one], written, most)
        disk = sum(file.stat().st_size for file in site.folder.rglob("*") if file.is_file())
    return {
        "state": filled.size / filled.records,
        "recovered": filled.records / told["hand_over_seconds"],
        "rate": reached,
        "memory": most.bytes / MB,
        "disk": disk / profiles,
    }


def figures_of(profiles: int, runs: list[dict[str, float]]) -> list[Figure]:
    """Tell what a number of profiles took."""
    name = f"{profiles:,} profiles"
    return [
        shown(f"{name}: recovery", mean(run["recovered"] for run in runs), "profiles/s"),
        shown(f"{name}: then", rate_of(runs), "events/s"),
        shown(f"{name}: then, slowest run", min(run["rate"] for run in runs), "events/s"),
        shown(f"{name}: then, fastest run", max(run["rate"] for run in runs), "events/s"),
        shown(f"{name}: a record of the changelog", runs[0]["state"], "B"),
        shown(f"{name}: disk for one", max(run["disk"] for run in runs), "B"),
    ]


def rate_of(runs: list[dict[str, float]]) -> float:
    """Average the rates of runs."""
    return mean(run["rate"] for run in runs)


def memory_of(runs: list[dict[str, float]]) -> float:
    """Tell the most memory of runs."""
    return max(run["memory"] for run in runs)


def main(
    profiles: Annotated[int, typer.Option(min=1_000, help="Of one worker.")] = 1_000_000,
    events: Annotated[int, typer.Option(min=20_000, help="Of each run.")] = 200_000,
    json: Json = None,
    check: Check = False,
) -> None:
    """Measure how far a worker goes, and print each bar."""
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as name,
        kafka_broker(Path(name) / "kafka") as broker,
    ):
        root = Path(name)
        for number in WORKERS:
            reached = shared(broker.address, root, number, events)
            figures.append(shown(f"workers that share 8 partitions: {number}", reached, "events/s"))
        few = [held(broker.address, root, FEW, events, 1)]
        many = [held(broker.address, root, profiles, events, run) for run in (1, 2)]
        few.append(held(broker.address, root, FEW, events, 2))
    figures += [*figures_of(FEW, few), *figures_of(profiles, many)]
    figures += [
        shown(f"{FEW:,} profiles: memory", memory_of(few), "MB"),
        below(f"{profiles:,} profiles: memory", memory_of(many), "MB", MOST_MB),
        at_least("many / few profiles: events/s", rate_of(many) / rate_of(few), "x", LEAST_RATIO),
    ]
    report(f"Scale: {events:,} events of each run", figures, json=json, check=check)


if __name__ == "__main__":
    typer.run(main)
