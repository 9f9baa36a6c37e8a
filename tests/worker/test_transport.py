"""When the consumer gives up: a hand-over past its deadline, and records that wait in vain."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from mode import Service
from msgspec.structs import replace
from worker_support import RUN, WorkerProcess, end_of, make_events, wait_until
from worker_system import System

from stream_cw.errors import DeploymentError
from stream_cw.worker import transport, watch
from stream_cw.worker.app import App
from stream_cw.worker.lease import Lease
from stream_cw.worker.manners import Manners
from stream_cw.worker.metrics import Metrics
from stream_cw.worker.stats import Stats
from stream_cw.worker.watch import WATCH_SECONDS

STALL_SECONDS = 60.0


async def at_once() -> None:
    """What a keeper does that has nothing in flight."""


async def never(*_: object) -> None:
    await asyncio.Event().wait()


class Keeper:
    lease = Lease(6.0, time.monotonic)
    settle = staticmethod(at_once)
    wait_for_room = staticmethod(never)

    def is_open(self) -> bool:
        return False

    def is_busy(self) -> bool:
        return False

    def check_changelog(self, ends: Mapping[int, int]) -> None:
        del ends


class Consumer(transport.Consumer):
    """Without a broker: it has no partitions, and stands where the test says."""

    commits = staticmethod(at_once)
    stands: tuple[bool, object] = (False, None)

    def _new_consumer_thread(self) -> Any:
        return Service()

    async def _commit_done(self) -> None:
        await self.commits()

    def assignment(self) -> set[TP]:
        return set()

    async def _standing(self, ends: Mapping[TP, int]) -> tuple[bool, object]:
        del ends
        return self.stands


def failures_of(play: Callable[[Consumer, Keeper], Awaitable[None]]) -> list[str]:
    """Let a consumer be played with; what it failed on."""
    failures: list[BaseException] = []

    async def main() -> None:
        app = App("scene", broker="kafka://127.0.0.1:1", store="memory://", web_enabled=False)
        keeper = Keeper()
        app.manners = Manners(
            keeper=keeper,
            fetch_wait=0.05,
            settle_timeout=0.2,
            stall_timeout=STALL_SECONDS,
            metrics=Metrics(Stats()),
            fail=failures.append,
        )
        app.transport.Consumer = Consumer
        await play(app.consumer, keeper)

    asyncio.run(main())
    assert all(type(error) is DeploymentError for error in failures)
    return [str(error) for error in failures]


TOO_LATE = ["the rounds in flight took more than 0.2 s to end; their offsets are not committed"]


def test_a_hand_over_past_its_deadline_ends_the_process_with_nothing_committed() -> None:
    async def play(consumer: Consumer, keeper: Keeper) -> None:
        keeper.settle = never
        consumer.commits = forbidden
        await consumer.hand_over()

    assert failures_of(play) == TOO_LATE


async def forbidden() -> None:
    raise AssertionError("the rounds in flight are not through")


def test_the_deadline_of_a_hand_over_holds_for_its_commit_too() -> None:
    async def play(consumer: Consumer, keeper: Keeper) -> None:
        consumer.commits = never
        await consumer.hand_over()

    assert failures_of(play) == TOO_LATE


def test_a_hand_over_in_time_commits_and_ends_nothing() -> None:
    committed = []

    async def commit() -> None:
        committed.append(True)

    async def play(consumer: Consumer, keeper: Keeper) -> None:
        consumer.commits = commit
        await consumer.hand_over()

    assert failures_of(play) == []
    assert committed == [True]


@pytest.mark.parametrize(
    ("stands", "fails"),
    [
        ([(True, 1)] * 3, True),
        ([(True, 1), (True, 2), (True, 3)], False),
        ([(True, 1), (False, 1), (True, 1)], False),
        ([(False, 1)] * 3, False),
    ],
    ids=["stands still", "moves", "nothing waited in between", "nothing waits"],
)
def test_records_that_wait_while_nothing_moves_end_the_process(
    monkeypatch: pytest.MonkeyPatch, stands: list[tuple[bool, object]], *, fails: bool
) -> None:
    now = 1_000.0
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: now))

    async def play(consumer: Consumer, keeper: Keeper) -> None:
        nonlocal now
        for consumer.stands in stands:
            await consumer._check_progress({})
            now += STALL_SECONDS / 2 + 1

    found = failures_of(play)
    assert found == (["records wait, and no offset moved for 60 s"] if fails else [])


def test_brokers_that_do_not_answer_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(consumer: Consumer, keeper: Keeper) -> None:
        consumer.app.manners = replace(consumer.app.manners, stall_timeout=0.1)
        monkeypatch.setattr(consumer, "_check_group", lambda: None)
        monkeypatch.setattr(consumer, "assignment", lambda: {TP("events", 0)})
        monkeypatch.setattr(consumer, "highwaters", never)
        await consumer._look_after()

    assert failures_of(play) == ["no broker answered for 0 s"]


def test_a_consumer_is_alive_as_long_as_it_looks_after_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: now))

    async def play(consumer: Consumer, keeper: Keeper) -> None:
        nonlocal now
        monkeypatch.setattr(consumer, "_check_group", lambda: None)
        monkeypatch.setattr(consumer, "_check_changelog", lambda _: None)
        monkeypatch.setattr(consumer, "_check_standbys", lambda _: None)
        for seconds, alive in ((0, True), (STALL_SECONDS, True), (2 * WATCH_SECONDS, False)):
            now += seconds
            assert consumer.is_alive() is alive
        await consumer._look_after()
        assert consumer.is_alive()

    assert failures_of(play) == []


HANGS = """
import asyncio
from stream_cw.worker import flight

async def hang(self, output):
    print("a round hangs", flush=True)
    await asyncio.Event().wait()

flight.Flight._send_rows = hang
"""


def hung(system: System, **settings: object) -> WorkerProcess:
    """A worker with a round that never ends."""
    system.produce(make_events(5, 50))
    worker = system.start(code=HANGS + RUN, **settings)
    wait_until(lambda: "a round hangs" in worker.log(), "a round is under way")
    return worker


@pytest.mark.kafka
def test_a_worker_in_which_nothing_moves_ends_itself(system: System) -> None:
    worker = hung(system, stall_timeout=1)
    assert end_of(worker) == "records wait, and no offset moved for 1 s"
    assert set(system.committed().values()) == {-1001}


@pytest.mark.kafka
def test_a_worker_that_its_group_refuses_ends_itself(system: System) -> None:
    worker = system.start(session_timeout=2, heartbeat_interval=0.5)  # brokers want 6 s and more
    wanted = "the brokers do not let this worker into its group: InvalidSessionTimeoutError"
    assert end_of(worker) == wanted


@pytest.mark.kafka
def test_sigterm_does_not_wait_for_a_round_that_never_ends(system: System) -> None:
    worker = hung(system, rebalance_timeout=2)
    worker.send(signal.SIGTERM)
    assert "took more than 1.4 s to end; their offsets are not committed" in end_of(worker)
    assert set(system.committed().values()) == {-1001}
