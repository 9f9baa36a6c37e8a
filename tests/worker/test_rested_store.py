"""A store that rested for longer than the changelog keeps tombstones is not to be trusted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import rocksdict
from oracle import judge
from worker_support import WorkerProcess, forget, make_events
from worker_system import PARTITIONS, System

from stream_cw.broker.contract import topics_contract
from stream_cw.worker.store import STORED_AT_KEY

KEPT_MS = int(topics_contract().topics["changelog"].config["delete.retention.ms"])
HOUR_MS = 3_600_000
GONE = b"profile-that-was-forgotten-elsewhere"


@contextmanager
def store_of(worker: WorkerProcess, partition: int) -> Iterator[rocksdict.Rdict]:
    [path] = (worker.folder / "data").rglob(f"*-{partition}.db")
    db = rocksdict.Rdict(str(path), options=rocksdict.Options(raw_mode=True))
    try:
        yield db
    finally:
        db.close()


def rest(worker: WorkerProcess, partition: int, ms: int) -> None:
    """Make a store so much older; it has a state whose tombstone is gone."""
    with store_of(worker, partition) as db:
        db[STORED_AT_KEY] = b"%d" % (int(db[STORED_AT_KEY]) - ms)
        db[GONE] = b"a state"


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_a_store_that_rested_for_too_long_is_rebuilt_from_the_whole_changelog(
    system: System, tmp_path: Path
) -> None:
    system.produce([*make_events(20, 300), forget(3, 1)])
    worker = system.start()
    system.wait_until_through(worker)
    worker.stop()
    rest(worker, 0, KEPT_MS + 1)
    rest(worker, 1, KEPT_MS - HOUR_MS)
    written = [partition for *_, partition, _ in system.changelog()]
    system.produce(make_events(20, 300, seed=2))
    again = system.start()
    system.wait_until_through(again)
    read = again.stop()["changelog_read"] - written.count(0)
    assert written.count(0) > 1
    assert read in {0, 1}, "of partition 1 the one that its store ends with, at most"
    assert "the store of partition 0 rested for too long: it is rebuilt" in again.log()
    assert "the store of partition 1 rested" not in again.log()
    for partition, kept in ((0, False), (1, True)):
        with store_of(again, partition) as db:
            assert (GONE in db) == kept
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert verdict.holds, verdict
