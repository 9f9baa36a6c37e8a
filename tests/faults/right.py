"""What must hold at the end of a test, whatever struck."""

from pathlib import Path

from changelog import Folded, Stored, folded, stores
from oracle import judge, records_of
from verdict import stores_wrong
from worker_support import WorkerProcess, log_ends, wait_until
from worker_system import PARTITIONS, System


def assert_right(system: System, folder: Path, *ended: WorkerProcess) -> None:
    """Rows, states, stores and dead letters are what the replay says."""
    verdict = judge(system.brokers, system.topics, PARTITIONS, folder)
    assert verdict.holds, verdict
    assert not stores_wrong(*left_by(system, *ended))


def left_by(system: System, *ended: WorkerProcess) -> tuple[dict[int, Folded], list[Stored]]:
    """What workers left: the changelog, folded by partition, and their stores."""
    found = [store for worker in ended for store in stores(worker.folder)]
    records = records_of(system.brokers, system.topics.changelog, PARTITIONS)
    return folded(records, found), found


def wait_until_works_again(system: System) -> None:
    """Wait until events that come from now on are dealt with, in each partition."""
    before = log_ends(system.brokers, system.topics.events, PARTITIONS)
    wait_until(
        lambda: all(n > before[p] + 100 for p, n in system.committed().items()), "work again"
    )
