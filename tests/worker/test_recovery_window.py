"""When recovery ends: batches that wait by then are not lost, and a worker may stop meanwhile.

Faust lets the event partitions go on, moves them to what is committed, and then empties its queues.
What was fetched in between, and waits because the rounds before it are slow, would be gone.
"""

import pytest
from oracle import judge
from worker_support import RUN, make_events, wait_until
from worker_system import PARTITIONS, System


def one_has_been(system: System, cut: int) -> dict[str, int]:
    """One worker takes the events before the cut and ends; the others wait."""
    events = make_events(30, 1_000)
    system.produce(events[:cut])
    first = system.start("one")
    system.wait_until_through(first)
    before = first.stop()
    system.produce(events[cut:])
    return before


def two_in_turn(system: System, cut: int, code: str) -> tuple[dict[str, int], dict[str, int]]:
    """One worker takes the events before the cut; another, with more code, recovers and goes on."""
    before = one_has_been(system, cut)
    second = system.start("two", code=code + RUN, round_records=60)
    system.wait_until_through(second)
    return before, second.stop()


SLOW = """
import asyncio
from stream_cw.worker import flight, transport
from stream_cw.worker.waiting import WAITING, Waiting

attach, send_rows = Waiting.attach, flight.Flight._send_rows
drain, seek = transport.Consumer._drain_messages, transport.Consumer.perform_seek
waiting = draining = None

def noted(self, queue):
    global waiting
    waiting = queue
    attach(self, queue)

async def noted_drain(self, fetcher):
    global draining
    draining = asyncio.current_task()
    await drain(self, fetcher)

async def slow_seek(self):
    await seek(self)
    # Recovery's own: the loop that fetches seeks, too, and would wait for itself.
    while asyncio.current_task() is not draining and waiting.qsize() < WAITING:
        await asyncio.sleep(0.01)

async def slow_rows(self, output):
    await asyncio.sleep(0.3)
    return await send_rows(self, output)

Waiting.attach, flight.Flight._send_rows = noted, slow_rows
transport.Consumer._drain_messages, transport.Consumer.perform_seek = noted_drain, slow_seek
"""


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_what_waits_when_recovery_ends_is_worked_on(system: System, tmp_path):
    _, slow = two_in_turn(system, 200, SLOW)
    assert slow["changelog_read"] > 0, "it recovered"
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert verdict.holds, verdict


STOPS = """
import os, signal
from stream_cw.worker import store

stop, take = store.StateStore.stop, store.StateStore.take
come = []

def noted_take(self, message):
    come.append(message)
    os.kill(os.getpid(), signal.SIGTERM)
    take(self, message)

async def late_stop(self):
    await stop(self)
    for message in come:
        take(self, message)
    for recovered in self.table._recover_callbacks:
        await recovered()

store.StateStore.stop, store.StateStore.take = late_stop, noted_take
"""


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_a_worker_that_is_told_to_stop_while_it_recovers_ends_in_order(system: System) -> None:
    system.produce(make_events(30, 200))
    first = system.start("one")
    system.wait_until_through(first)
    first.stop()
    stopped = system.start("two", code=STOPS + RUN)
    assert stopped.wait() == 0, stopped.log()


OVERTAKEN = """
from types import SimpleNamespace
from stream_cw.worker import store

take = store.StateStore.take
put = set()

def overtaken_take(self, message):
    take(self, message)
    recovery = self.app.tables.recovery
    if message.tp not in put:  # behind the first, the last of the generation before
        put.add(message.tp)
        old = SimpleNamespace(
            tp=message.tp,
            offset=recovery.active_highwaters[message.tp],
            generation_id=message.generation_id - 1,
        )
        self.app.tables.changelog_queue.put_nowait(SimpleNamespace(message=old))

store.StateStore.take = overtaken_take
"""


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_what_a_rebalance_overtook_does_not_end_the_recovery_that_follows(system: System, tmp_path):
    first, second = two_in_turn(system, 800, OVERTAKEN)
    assert second["changelog_read"] >= first["changelog_sent"]
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert verdict.holds, verdict


HELD = """
import asyncio
from stream_cw.worker import transport

deliver = transport.Consumer._deliver
begun = None

async def held_deliver(self, tp, message):
    global begun
    if self._is_changelog_tp(tp):
        if begun is None:
            begun = self.app.consumer_generation_id
            print("recovery is held", flush=True)
        while self.app.consumer_generation_id == begun:
            await asyncio.sleep(0.01)
    await deliver(self, tp, message)

transport.Consumer._deliver = held_deliver
"""

LOOKED_AT_LATE = """
earliest = transport.Consumer.earliest_offsets

async def late_earliest(self, *tps):
    found = await earliest(self, *tps)
    if tps and not self._is_changelog_tp(tps[0]):  # asked at the end of a recovery
        await asyncio.sleep(1)
    return found

async def later_deliver(self, tp, message):
    await held_deliver(self, tp, message)
    if self._is_changelog_tp(tp):
        await asyncio.sleep(2)

transport.Consumer.earliest_offsets = late_earliest
transport.Consumer._deliver = later_deliver
"""


@pytest.mark.kafka
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "late", ["", LOOKED_AT_LATE], ids=["at once", "while the next is under way"]
)
def test_a_rebalance_in_the_middle_of_a_recovery_ends_no_worker(
    late: str, system: System, tmp_path
) -> None:
    """Faust takes a recovery that was overtaken for ended: the one that follows counts."""
    one_has_been(system, 800)
    second = system.start("two", code=HELD + late + RUN)
    wait_until(lambda: "recovery is held" in second.log(), "a recovery to be held")
    third = system.start("three")
    wait_until(lambda: system.sharing() == 2, "two workers that share the partitions")
    system.wait_until_through(second, third)
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert verdict.holds, verdict
    assert second.stop()["changelog_read"] > 0
