"""Workers that keep a copy of the others' states, and take over at once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oracle import judge
from worker_support import RUN, WorkerProcess, last_values, make_events, stored, wait_until
from worker_system import PARTITIONS, System

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

TOLD = """
import json, os
from stream_cw.worker import watch

look_after = watch.WatchedConsumer._look_after

async def told(self):
    await look_after(self)
    recovery = self.app.tables.recovery
    standby = [tp.partition for tp in recovery.standby_tps]
    behind = self.manners.metrics._levels["standby_records_behind"]._value.get()
    stats = self.manners.keeper.setup.stats
    print("TOLD", json.dumps([sorted(standby), behind, stats.changelog_read]), flush=True)

watch.WatchedConsumer._look_after = told
watch.WATCH_SECONDS = 0.2
"""
LOSES = """
from stream_cw.worker import transport

deliver = transport.Consumer._deliver
come = 0

async def lose(self, tp, message):
    global come
    if self._is_changelog_tp(tp) and not self.app.tables.recovery.in_recovery:
        come += 1
        if come % 3 == 2:
            print("LOST", flush=True)
            return  # as where Faust empties the queue
    await deliver(self, tp, message)

transport.Consumer._deliver = lose
"""


def told(worker: WorkerProcess) -> Any:
    """Partitions of which it is the standby, how far behind, changelog records that it read."""
    found = [line for line in worker.log().splitlines() if line.startswith("TOLD ")]
    return json.loads(found[-1].removeprefix("TOLD ")) if found else [[], 0, 0]


def wait_until_copied(system: System, *workers: WorkerProcess) -> None:
    wait_until(lambda: system.sharing() == len(workers), "all share the partitions")
    system.wait_until_through(*workers)
    one, two = workers
    # Twice in a row: what was told may be from before the last event.
    lines = [worker.log().count("TOLD ") for worker in workers]
    wait_until(
        lambda: (
            all(w.log().count("TOLD ") > n + 1 for w, n in zip(workers, lines, strict=True))
            and sorted(told(one)[0] + told(two)[0]) == list(range(PARTITIONS))
            and told(one)[1] == told(two)[1] == 0
        ),
        "each has a copy of the other's states",
    )


def test_a_standby_takes_over_with_what_it_has(
    system: System, tmp_path: Path, show_figure: Callable[[str], None]
) -> None:
    events = make_events(60, 3_000)
    one, two = (system.start(n, code=TOLD + RUN, standbys=1) for n in ("one", "two"))
    system.produce(events[:2_000])
    wait_until_copied(system, one, two)
    written, before = system.changelog_records(), told(two)[2]
    one.kill()
    wait_until(lambda: told(two)[0] == [] and system.sharing() == 1, "it has all partitions")
    wait_until(lambda: told(two)[1] == 0, "it is ready")
    read = told(two)[2] - before
    system.produce(events[2_000:])
    system.wait_until_through(two)
    two.stop()
    show_figure(f"a standby took over: read {read} of {written} changelog records")
    assert read <= PARTITIONS < written
    assert stored(two) == folded(system)
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert verdict.holds, verdict


def folded(system: System) -> dict[bytes, bytes]:
    found = last_values(system.changelog())
    return {key: value for key, value in found.items() if not key.startswith(b"!")}


def test_a_standby_that_misses_records_reads_them_again(system: System, tmp_path: Path) -> None:
    # Profile by profile: what is missed, no later record makes good.
    events = sorted(make_events(300, 3_000), key=lambda event: event.profile_id)
    one = system.start("one", code=TOLD + RUN, standbys=1, round_records=60)
    two = system.start("two", code=LOSES + TOLD + RUN, standbys=1, round_records=60)
    wait_until(lambda: system.sharing() == 2, "two share the partitions")
    system.produce(events)
    wait_until_copied(system, one, two)
    one.kill()
    two.kill()
    assert two.log().count("LOST") > 3
    assert stored(one) == stored(two) == folded(system)
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert verdict.holds, verdict
