"""A worker that is halted in the middle of a round, and goes on when another has its partitions.

Its last states arrive behind the newer ones of its successor, and behind a tombstone: compaction
would keep them. None of them may come to count, whenever the log is compacted.
"""

import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from changelog import folded, stores
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
from oracle import read_back, records_of, states_wrong
from worker_support import (
    RUN,
    WorkerProcess,
    forget,
    make_events,
    produce,
    wait_until,
)
from worker_system import PARTITIONS, System, a_system

from stream_cw.broker.cluster import connect
from stream_cw.broker.contract import topics_contract
from stream_cw.worker.mark import MARK_KEY

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.timeout(300)]

HALTS = """
import os, signal
from pathlib import Path
from stream_cw.worker import write_behind

append = write_behind.WriteBehind.append
sign = Path(os.environ["STREAM_CW_DATA_DIR"]) / "halt"

async def halted(self, partition, records):
    if sign.exists():
        sign.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)
    return await append(self, partition, records)

write_behind.WriteBehind.append = halted
"""
"""It has made sure that the partition is its own; then time passes, and it sends."""
AT_ONCE = {"segment.ms": "100", "min.compaction.lag.ms": "0", "min.cleanable.dirty.ratio": "0.0"}


@pytest.fixture
def system(own_kafka: Callable, tmp_path: Path) -> Iterator[System]:
    broker = own_kafka(settings={"log.cleaner.backoff.ms": 200})
    with a_system(broker.address, tmp_path) as system:
        yield system


def compact(system: System, write: Callable[[int], None]) -> None:
    """Let the broker compact the changelog now; the topic is afterwards as it was before."""
    before = len(system.changelog())
    usual = topics_contract().topics["changelog"].config
    alter(system, AT_ONCE)
    numbers = count()

    def is_compacted() -> bool:
        write(next(numbers))  # what comes next closes a segment
        return len(system.changelog()) < before

    wait_until(is_compacted, "the changelog is compacted")
    alter(system, {name: str(usual[name]) for name in AT_ONCE})


def alter(system: System, settings: dict[str, str]) -> None:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    topic = ConfigResource(
        ConfigResource.Type.TOPIC, system.topics.changelog, incremental_configs=entries
    )
    client = connect(system.brokers)  # kept: its answers die with it
    client.incremental_alter_configs([topic])[topic].result(20)


def hidden(system: System) -> list[bytes]:
    changelog = folded(records_of(system.brokers, system.topics.changelog, PARTITIONS))
    return [key for partition in changelog.values() for key in partition.hidden]


def is_halted(worker: WorkerProcess) -> bool:
    stat = Path(f"/proc/{worker.process.pid}/stat").read_text()
    return stat.rsplit(")", 1)[1].split()[0] == "T"


def a_zombie_writes(system: System) -> None:
    """Let a worker take over, called two; states of the other lie on top of its, and both ended."""
    events = make_events(20, 800)
    one = system.start("one", code=HALTS + RUN)
    system.produce(events[:200])
    system.wait_until_through(one)
    (one.folder / "data" / "halt").touch()
    system.produce(events[200:260])
    wait_until(lambda: is_halted(one), "the worker halts in the middle of a round")
    two = system.start("two")
    system.produce([e for e in events[260:] if e.profile_id != "profile-3"])
    system.produce([forget(3, 1)])
    system.wait_until_through(two)
    one.send(signal.SIGCONT)
    assert one.wait() == 1, one.log()
    assert "another worker wrote here" in one.log()
    assert two.wait() == 1, two.log()
    assert "another worker wrote here" in two.log()
    assert b"profile-3" in hidden(system), "an older state lies on top of a tombstone"
    assert len(hidden(system)) > 3


def assert_right(system: System, folder: Path, *ended: WorkerProcess) -> None:
    expected = read_back(system.brokers, system.topics, PARTITIONS, folder)
    changelog = folded(records_of(system.brokers, system.topics.changelog, PARTITIONS))
    for partition, found in changelog.items():
        assert not found.hidden
        assert not states_wrong(
            {key: value for other in changelog.values() for key, value in other.states.items()},
            expected,
        )
        at_end = [
            store
            for worker in ended
            for store in stores(worker.folder)
            if (store.partition, store.place) == (partition, found.place)
        ]
        assert at_end
        assert all(store.states == found.states for store in at_end)


REMEMBERS_LITTLE = """
from stream_cw.worker import store

store.MOST_GONE = 0
"""
"""Each tombstone that is read is forgotten again: what remains is the mark."""


@pytest.mark.parametrize("plant", ["", REMEMBERS_LITTLE], ids=["tombstones", "the mark alone"])
def test_what_a_zombie_wrote_does_not_survive_compaction(
    system: System, tmp_path: Path, plant: str
) -> None:
    """Nor does it reach a worker that has nothing but the changelog, before and after."""
    a_zombie_writes(system)
    three = system.start("three", code=plant + RUN)
    wait_until(lambda: not hidden(system), "the newer states are on top again")
    compact(system, lambda n: system.produce(make_events(20, 20, seed=1_000 + n)))
    system.wait_until_through(three)
    three.stop()
    shutil.rmtree(three.folder / "data")
    fresh = system.start("three")
    system.produce(make_events(20, 20, seed=2_000))
    system.wait_until_through(fresh)
    assert fresh.stop()["changelog_read"] > 0
    assert_right(system, tmp_path, fresh)


def test_compaction_may_come_before_the_successor_is_back(system: System, tmp_path: Path) -> None:
    """Then its own store alone has the newer states.

    Each record closes a segment here, so the successor's place is the last of one: a fetch that
    brings nothing but it must not end the recovery.
    """
    a_zombie_writes(system)
    changelog = system.changelog()
    marks = {partition: value for key, value, _, partition, _ in changelog if key == MARK_KEY}
    again = [(MARK_KEY, marks[partition], partition) for partition in range(PARTITIONS)]
    compact(system, lambda _: produce(system.brokers, system.topics.changelog, PARTITIONS, again))
    assert hidden(system) == [], "nothing is left of the newer states but in the store"
    back = system.start("two")
    system.produce(make_events(20, 20, seed=2_000))
    system.wait_until_through(back)
    assert back.stop()["rewritten"] > 3
    assert_right(system, tmp_path, back)
