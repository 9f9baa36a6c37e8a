"""Two workers under load, each ended and started again: how long does a partition wait for rows?"""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct
from oracle import judge, records_of
from running_log import running_log
from worker_support import RUN, WorkerProcess, wait_until
from worker_system import PARTITIONS, System

from stream_cw.core.rows import SOURCE_OFFSET

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

NAMES = ("one", "two")
SESSION_S = 40.0
HEARTBEAT_S = 2.0
SLACK_S = SESSION_S / 2
"""Who waits for a session to end waits for longer; a busy machine does not."""
TOLD = """
from stream_cw.worker import metrics

level = metrics.Metrics.level

def told(self, name, value):
    level(self, name, value)
    if name == "hand_over_seconds":
        print("HAND_OVER", value, flush=True)

metrics.Metrics.level = told
"""


class Kind(Struct):
    """A way to restart: whether workers have a name in the group, and how many standbys."""

    static: bool = False
    standbys: int = 0


KINDS = {"plain": Kind(), "with standbys": Kind(standbys=1), "static": Kind(static=True)}


class Roll:
    """Workers that are ended and started again, one after another."""

    def __init__(self, system: System, kind: Kind) -> None:
        self._system = system
        self._kind = kind
        self.running = {name: self._start(name) for name in NAMES}
        wait_until(lambda: system.sharing() == len(NAMES), "two share the partitions")

    def _start(self, name: str) -> WorkerProcess:
        return self._system.start(
            name,
            code=TOLD + RUN,
            session_timeout=SESSION_S,
            heartbeat_interval=HEARTBEAT_S,
            standbys=self._kind.standbys,
            instance=name if self._kind.static else None,
        )

    def hand_overs(self, name: str) -> list[float]:
        """What a worker's metric said, one after another, over all its processes."""
        lines = self.running[name].log().splitlines()
        return [float(line.split()[1]) for line in lines if line.startswith("HAND_OVER ")]

    def restart(self, name: str) -> tuple[float, float]:
        """Restart a worker, and wait until all partitions go on.

        Returns how long its process took to end, and how long until it worked again, s.
        """
        [other] = set(NAMES) - {name}
        known, known_of_other = len(self.hand_overs(name)), len(self.hand_overs(other))
        began = time.monotonic()
        self.running[name].send(signal.SIGTERM)
        assert self.running[name].wait() == 0, self.running[name].log()
        ended = time.monotonic()
        if not self._kind.static:
            wait_until(lambda: len(self.hand_overs(other)) > known_of_other, "the other has all")
        self.running[name] = self._start(name)
        wait_until(lambda: len(self.hand_overs(name)) > known, "it works again")
        back = time.monotonic()
        wait_until(lambda: self._system.sharing() == len(NAMES), "two share the partitions again")
        before = self._system.committed()

        def all_go_on() -> bool:
            now = self._system.committed()
            return all(now[partition] > offset + 50 for partition, offset in before.items())

        wait_until(all_go_on, "all partitions go on")
        return ended - began, back - began


def longest_wait(system: System) -> float:
    """Longest time from an event's append until its partition had a row that has seen it, s.

    An event may bring no row of its own: one that shows a later event counts.
    """
    stamps: list[dict[int, int]] = [{} for _ in range(PARTITIONS)]
    for event in records_of(system.brokers, system.topics.events, PARTITIONS):
        stamps[event.partition][event.offset] = event.append_ts or 0
    seen = [-1] * PARTITIONS
    longest = 0
    for row in records_of(system.brokers, system.topics.rows, PARTITIONS):
        assert row.append_ts is not None
        offset = int(dict(row.headers)[SOURCE_OFFSET])
        for late in range(seen[row.partition] + 1, offset + 1):
            longest = max(longest, row.append_ts - stamps[row.partition][late])
        seen[row.partition] = max(seen[row.partition], offset)
    assert min(seen) > 0, "each partition has rows"
    return longest / 1000


@pytest.mark.parametrize("name", KINDS)
def test_a_rolling_restart_keeps_no_partition_waiting_for_longer_than_a_hand_over(
    system: System, tmp_path: Path, name: str, show_figure: Callable[[str], None]
) -> None:
    kind = KINDS[name]
    roll = Roll(system, kind)
    with running_log(system) as end:
        wait_until(lambda: min(system.committed().values()) > 100, "both work")
        known = {worker: len(roll.hand_overs(worker)) for worker in NAMES}
        stops, backs = zip(*(roll.restart(worker) for worker in NAMES), strict=True)
        end()
    system.wait_until_through(*roll.running.values())
    told = {worker: roll.hand_overs(worker)[known[worker] :] for worker in NAMES}
    for worker in roll.running.values():
        worker.stop()
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    waited = longest_wait(system)
    hand_over = max(seconds for found in told.values() for seconds in found)
    show_figure(
        f"rolling restart, {name}: a row waited at most {waited:.1f} s; longest hand-over "
        f"{hand_over:.1f} s, process back after {max(backs):.1f} s; {verdict.figures()}"
    )
    assert verdict.holds, verdict
    if kind.static:
        # It keeps its partitions while it is away, and the other one is left alone.
        assert {worker: len(found) for worker, found in told.items()} == dict.fromkeys(NAMES, 1)
        assert waited < max(backs) + SLACK_S
    else:
        assert waited < max(stops) + HEARTBEAT_S + hand_over + SLACK_S
