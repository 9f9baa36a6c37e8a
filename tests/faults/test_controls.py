"""Negative controls: a worker that breaks a promise on purpose turns an oracle red.

Each worker has one thing planted; it works under load, is killed, and an honest one takes over. An
oracle that holds all the same would see nothing in a long run either.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import guide_worker
import pytest
from changelog import states_of
from oracle import judge, read_back, states_wrong
from right import left_by
from verdict import count, lost_and_doubled, recording, stores_wrong
from worker_support import RUN, WorkerProcess, log_ends, make_events, stored, wait_until
from worker_system import PARTITIONS, System

from stream_cw.history.log import EventLog

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.timeout(300)]

EVENTS = 2_000
EARLY_COMMIT = """
import asyncio
from stream_cw.worker import flight, write_behind

launch, append = flight.Flight.launch, write_behind.WriteBehind.append

def hasty(self, generation, outputs, **how):
    for output in outputs:
        self._setup.done(output.partition, output.mark.offset + 1)
    launch(self, generation, outputs, **how)

async def slow(self, partition, records):
    await asyncio.sleep(3)
    return await append(self, partition, records)

flight.Flight.launch, write_behind.WriteBehind.append = hasty, slow
"""
EARLY_STORE = """
import asyncio
from stream_cw.worker import flight, write_behind
from stream_cw.worker.mark import MARK_KEY, encode_mark

launch, append = flight.Flight.launch, write_behind.WriteBehind.append

def hasty(self, generation, outputs, **how):
    store = self._setup.store
    for output in outputs:
        place = store.place(output.partition)
        written = {**output.stored, MARK_KEY: encode_mark(output.mark)}
        place = (-1 if place is None else place) + len(written)
        store.write(output.partition, written, place)
    launch(self, generation, outputs, **how)

async def slow(self, partition, records):
    await asyncio.sleep(3)
    return await append(self, partition, records)

flight.Flight.launch, write_behind.WriteBehind.append = hasty, slow
"""
RAISES = """
from stream_cw.worker import rounds

run = rounds.Rounds.run
calls = 0

async def broken(self, first):
    global calls
    calls += 1
    if calls % 5 == 0:
        # As Faust does with what an agent fails on: it is acknowledged.
        self._next[first.partition] = first.records[-1].offset + 1
        self.setup.done(first.partition, first.records[-1].offset + 1)
        return
    await run(self, first)

rounds.Rounds.run = broken
"""
CONCURRENT = """
from functools import partialmethod
from stream_cw.worker import app

app.App.agent = partialmethod(app.App.agent, concurrency=2)
"""
"""Faust's own option: two tasks take the batches of a partition in turns."""
SIDE_BY_SIDE = """
from stream_cw.core.codec import decode_state
from stream_cw.worker import flight

def written(self, partition, key):
    data = self._setup.store.read(partition, key)
    return None if data is None else decode_state(data)

flight.Flight.state = written
"""
"""A round starts on the states that are written, while the rounds before it are still under way."""


def committed(system: System) -> bool:
    return any(offset > 0 for offset in system.committed().values())


def half_committed(system: System) -> bool:
    return sum(max(0, offset) for offset in system.committed().values()) >= EVENTS // 2


def states_written(system: System) -> bool:
    return system.changelog_records() > 0


def rows_written(system: System) -> bool:
    return any(log_ends(system.brokers, system.topics.rows, PARTITIONS).values())


class Control(NamedTuple):
    """What goes red, what is planted in the first worker or set for both, when it is killed."""

    red: set[str]
    plant: str = ""
    guarded: bool = True
    commit_interval: float = 0.2
    is_midway: Callable[[System], bool] = states_written


CONTROLS = {
    "honest": Control(set()),
    "no guard": Control({"doubled", "states", "rows"}, guarded=False, commit_interval=60),
    "committed before the brokers answered": Control(
        {"lost", "states"}, EARLY_COMMIT, is_midway=committed
    ),
    "store written before the changelog": Control({"stores"}, EARLY_STORE, is_midway=rows_written),
    "an agent that raises": Control({"lost", "states"}, RAISES, is_midway=half_committed),
    "concurrency 2 on one partition": Control(
        {"lost", "states"}, CONCURRENT, is_midway=half_committed
    ),
    "rounds side by side": Control(
        {"lost", "states", "rows"}, SIDE_BY_SIDE, is_midway=half_committed
    ),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_what_breaks_a_promise_turns_an_oracle_red(
    system: System, tmp_path: Path, name: str
) -> None:
    control = CONTROLS[name]
    system.produce(make_events(40, EVENTS))
    settings: dict[str, Any] = {"instance": "same"}  # the next one need not wait for a session
    if not control.guarded:
        settings["unsafe_no_guard"] = True
    one = system.start(
        "one",
        code=control.plant + RUN,
        round_records=52,
        commit_interval=control.commit_interval,
        pending_seconds=0,  # else all would be written at once, at the end
        **settings,
    )
    wait_until(lambda: control.is_midway(system), "the first worker is in the middle")
    one.kill()
    two = system.start("two", **settings)
    system.wait_until_through(two)
    two.stop()
    red = red_of(system, tmp_path, one, two)
    assert control.red <= red
    assert bool(red) == bool(control.red)


def test_what_a_kill_undoes_counts_twice_under_fausts_exactly_once(
    system: System, tmp_path: Path
) -> None:
    """Its transactions take back what was sent; what stands in RocksDB stays, and comes again."""
    events = make_events(40, 600)
    settings = {"code": guide_worker.CODE, "instance": "same"}
    one = system.start("one", commit_interval=600, **settings)
    system.produce(events)
    wait_until(lambda: one.log().count(guide_worker.DONE) >= len(events), "all are done")
    one.kill()
    assert not committed(system)
    expected = read_back(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert not states_wrong(stored(one), expected), "it knows how to count"
    again = system.start("one", commit_interval=0.5, **settings)
    system.wait_until_through(again)
    again.kill()
    assert {"doubled", "states"} <= red_of(system, tmp_path, again)


def red_of(system: System, folder: Path, *ended: WorkerProcess) -> set[str]:
    """Name the oracles that do not hold."""
    verdict = judge(system.brokers, system.topics, PARTITIONS, folder)
    changelog, found = left_by(system, *ended)
    counted = count(EventLog(recording(folder)), {})
    lost, doubled = lost_and_doubled(counted.revisions, states_of(changelog))
    oracles = {
        "lost": lost,
        "doubled": doubled,
        "states": verdict.states_wrong,
        "rows": verdict.wrong,
        "last rows": verdict.stale,
        "stores": stores_wrong(changelog, found),
    }
    return {name for name, wrong in oracles.items() if wrong}
