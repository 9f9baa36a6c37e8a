"""Faults that a long run cannot place: a worker's disk, its clock, a broker that is silent."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from right import assert_right, wait_until_works_again
from running_log import running_log
from worker_support import RUN, WorkerProcess, end_of, make_events, wait_until
from worker_system import System, a_system

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.timeout(300)]

SAME = {"instance": "same"}
"""A worker of the same name takes the place of one that died: it waits for no session to end."""


def store_of(worker: WorkerProcess, partition: int) -> Path:
    [path] = (worker.folder / "data").rglob(f"*-{partition}.db")
    return path


def spoil(table: Path) -> None:
    """Overwrite states, which stand in the middle; what the store says of itself comes first."""
    content = bytearray(table.read_bytes())
    begin, end = len(content) * 3 // 10, len(content) * 6 // 10
    content[begin:end] = os.urandom(end - begin)
    table.write_bytes(content)


def test_a_damaged_store_is_set_aside_and_rebuilt(system: System, tmp_path: Path) -> None:
    events = make_events(50, 2_000)
    system.produce(events[:1_500])
    worker = system.start(**SAME)
    system.wait_until_through(worker)
    worker.kill()
    [manifest] = store_of(worker, 0).glob("MANIFEST-*")
    os.truncate(manifest, 10)
    system.produce(events[1_500:])
    again = system.start(**SAME)
    system.wait_until_through(again)
    stats = again.stop()
    assert "the store profiles-0.db is set aside as profiles-0.damaged and rebuilt" in again.log()
    assert "the store profiles-1.db is set aside" not in again.log()
    assert stats["changelog_read"] >= 50 // 2
    assert stats["events"] == 500
    assert_right(system, tmp_path, again)


def test_damage_that_shows_late_ends_the_worker_and_the_next_one_rebuilds(
    system: System, tmp_path: Path
) -> None:
    events = make_events(50, 2_000)
    system.produce(events[:1_500])
    worker = system.start()
    system.wait_until_through(worker)
    worker.stop()
    for table in store_of(worker, 0).glob("*.sst"):
        spoil(table)
    system.produce(events[1_500:])
    broken = system.start(**SAME)
    assert end_of(broken).startswith("the store profiles-0.db is damaged, the next start rebuilds")
    again = system.start(**SAME)
    system.wait_until_through(again)
    again.stop()
    assert "the store profiles-0.db is set aside as profiles-0.damaged and rebuilt" in again.log()
    assert_right(system, tmp_path, again)


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
"""
"""A file of the worker may grow so far: its store is soon full, as on a full disk."""


def test_a_full_disk_ends_the_worker_and_loses_nothing(system: System, tmp_path: Path) -> None:
    events = make_events(50, 4_000)
    settings = {"round_records": 100, "pending_seconds": 0, **SAME}
    system.produce(events)
    worker = system.start(code=FULL + RUN, **settings)
    message = end_of(worker)
    assert "File too large" in message
    still_full = system.start(code=FULL + RUN, **settings)
    assert still_full.wait() == 1, "it does not pretend to work"
    again = system.start(**settings)
    system.wait_until_through(again)
    assert 0 < again.stop()["events"] <= len(events)
    assert_right(system, tmp_path, again)


CLOCK = """
import os, time
from pathlib import Path

step = Path(os.environ["STREAM_CW_DATA_DIR"]).parent / "step"
seconds, nanoseconds = time.time, time.time_ns

def away():
    try:
        return int(step.read_text() or 0)
    except OSError:
        return 0

time.time = lambda: seconds() + away()
time.time_ns = lambda: nanoseconds() + away() * 1_000_000_000
"""
"""The wall clock of the worker's own process; those of brokers and producers stay right."""
HOUR, MONTH = 3_600, 31 * 86_400


def test_a_clock_that_steps_changes_nothing(system: System, tmp_path: Path) -> None:
    worker = system.start(code=CLOCK + RUN)
    step = worker.folder / "step"
    with running_log(system) as end:
        for seconds in (HOUR, -HOUR, MONTH, -MONTH, 0):
            step.write_text(str(seconds))
            before = sum(system.committed().values())
            wait_until(
                lambda before=before: sum(system.committed().values()) > before + 400, "work"
            )
        events = end()
    system.wait_until_through(worker)
    stats = worker.stop()
    assert (stats["events"], stats["redelivered"]) == (events, 0)
    assert_right(system, tmp_path, worker)


@contextmanager
def kept_alive(system: System, *names: str) -> Iterator[list[WorkerProcess]]:
    """Workers that are started again when they end."""
    running = [system.start(name) for name in names]
    over = threading.Event()

    def keep() -> None:
        while not over.wait(0.5):
            for at, worker in enumerate(running):
                if worker.process.poll() is not None:
                    running[at] = system.start(names[at])

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield running
    finally:
        over.set()
        thread.join()


def has_had(worker: WorkerProcess, partitions: str) -> bool:
    return f"recovered: partitions {partitions}, " in worker.log()


def test_partitions_that_go_from_worker_to_worker(system: System, tmp_path: Path) -> None:
    one = system.start("one")
    wait_until(lambda: has_had(one, "[0, 1]"), "the first has both")
    with running_log(system) as end:
        wait_until(lambda: sum(system.committed().values()) > 200, "work")
        others = [system.start(name) for name in ("two", "three")]
        wait_until(lambda: any(has_had(w, "[0]") or has_had(w, "[1]") for w in others), "one moved")
        wait_until(lambda: all("recovered: " in w.log() for w in others), "three are in the group")
        one.stop()
        wait_until(lambda: all(has_had(w, "[0]") or has_had(w, "[1]") for w in others), "each one")
        wait_until_works_again(system)  # else one could have had none
        two, three = others
        three.stop()
        wait_until(lambda: has_had(two, "[0, 1]"), "the second has both")
        wait_until_works_again(system)
        events = end()
    system.wait_until_through(two)
    two.stop()
    stats = [worker.stats() for worker in (one, two, three)]
    assert sum(each["events"] for each in stats) == events
    assert all(each["events"] for each in stats), "each had its share"
    assert_right(system, tmp_path, one, two, three)


LONGER_THAN_A_SESSION_S = 10.0


def test_a_broker_that_pauses(own_kafka: Callable, tmp_path: Path) -> None:
    broker = own_kafka()
    with a_system(broker.address, tmp_path) as system:
        with kept_alive(system, "one", "two") as running:
            wait_until(lambda: system.sharing() == 2, "two workers share the partitions")
            with running_log(system) as end:
                wait_until(lambda: sum(system.committed().values()) > 400, "work")
                broker.pause()
                threading.Event().wait(LONGER_THAN_A_SESSION_S)  # the pause is the fault
                broker.resume()
                before = sum(system.committed().values())
                wait_until(lambda: sum(system.committed().values()) > before + 400, "work again")
                end()
            wait_until(system.is_through, "all events committed")
            wait_until(lambda: system.sharing() == 2, "two workers share the partitions again")
        for worker in running:
            worker.send(signal.SIGTERM)  # at once: none takes over what the other had
        for worker in running:
            assert worker.wait() == 0, worker.log()
        assert_right(system, tmp_path, *running)
