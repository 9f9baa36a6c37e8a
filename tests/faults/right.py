"""What must hold at the end of a test, whatever struck."""

from pathlib import Path

from changelog import folded, stores
from oracle import judge, records_of
from verdict import stores_wrong
from worker_support import WorkerProcess
from worker_system import PARTITIONS, System


def assert_right(system: System, folder: Path, *ended: WorkerProcess) -> None:
    """Rows, states, stores and dead letters are what the replay says."""
    verdict = judge(system.brokers, system.topics, PARTITIONS, folder)
    assert verdict.holds, verdict
    found = [store for worker in ended for store in stores(worker.folder)]
    changelog = folded(records_of(system.brokers, system.topics.changelog, PARTITIONS), found)
    assert not stores_wrong(changelog, found)
