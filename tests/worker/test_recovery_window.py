"""Batches that wait for the agent when recovery ends are not lost.

Faust lets the event partitions go on, moves them to what is committed, and then empties its queues.
What was fetched in between, and waits because the rounds before it are slow, would be gone.
"""

import pytest
from oracle import judge
from worker_support import RUN, make_events
from worker_system import PARTITIONS, System

SLOW = """
import asyncio
from stream_cw.worker import rounds, transport

rewind, send_rows = transport.ConsumerThread.rewind, rounds.Rounds._send_rows

async def slow_rewind(self, tps):
    committed = {}
    for tp in sorted(tps):  # one partition is back long before the other
        committed.update(await rewind(self, [tp]))
        await asyncio.sleep(1)
    return committed

async def slow_rows(self, output):
    await asyncio.sleep(0.5)
    return await send_rows(self, output)

transport.ConsumerThread.rewind = slow_rewind
rounds.Rounds._send_rows = slow_rows
"""


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_what_waits_when_recovery_ends_is_worked_on(system: System, tmp_path):
    events = make_events(30, 1_500)
    system.produce(events[:300])
    first = system.start("one")
    system.wait_until_through(first)
    first.stop()
    system.produce(events[300:])
    slow = system.start("two", code=SLOW + RUN, round_records=60)
    system.wait_until_through(slow)
    assert slow.stop()["changelog_read"] > 0, "it recovered"
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert verdict.holds, verdict
