"""How much of what waits a round takes, and when more may wait."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from rounds_scene import Scene, breathe, scene, settled

from stream_cw.worker.batches import Batch
from stream_cw.worker.waiting import WAITING


def attached(s: Scene) -> "asyncio.Queue[Any]":
    queue: asyncio.Queue[Any] = asyncio.Queue()
    s.rounds.waiting.attach(queue)
    return queue


def batch(records: int = 1, size: int = 1) -> Batch:
    return Batch(1, 0, [object()] * records, size)


def put(queue: "asyncio.Queue[Any]", number: int, **of: int) -> None:
    for _ in range(number):
        queue.put_nowait(SimpleNamespace(value=batch(**of)))


@pytest.mark.parametrize(("of", "taken"), [({"records": 10}, 10), ({"size": 200_000}, 5)])
def test_a_round_takes_what_waits_up_to_the_most_records_and_bytes(
    of: dict[str, int], taken: int
) -> None:
    async def play(s: Scene) -> None:
        queue = attached(s)
        put(queue, 3, **of)
        assert len(list(s.rounds.waiting.gather(batch(**of)))) == 4
        put(queue, 12, **of)
        assert len(list(s.rounds.waiting.gather(batch(**of)))) == taken
        assert len(s.rounds.waiting) == queue.qsize() == 13 - taken

    scene(play)


@pytest.mark.parametrize("how", ["the first", "another"])
def test_who_fetches_waits_while_too_many_batches_do(how: str) -> None:
    async def play(s: Scene) -> None:
        queue = attached(s)
        put(queue, WAITING - 1)
        await asyncio.wait_for(s.rounds.wait_for_room(), 10)
        put(queue, 2)
        waiting = asyncio.create_task(s.rounds.wait_for_room())
        await breathe()
        assert not waiting.done()
        gathered = s.rounds.waiting.gather(queue.get_nowait().value)
        next(gathered)
        await breathe()
        assert not waiting.done(), "there are as many as may wait"
        if how == "the first":
            next(s.rounds.waiting.gather(queue.get_nowait().value))
        else:
            next(gathered)
        await breathe()
        assert waiting.done()

    scene(play)


def test_who_fetches_does_not_wait_where_no_round_may_start() -> None:
    async def play(s: Scene) -> None:
        queue = attached(s)
        put(queue, WAITING)
        waiting = asyncio.create_task(s.rounds.wait_for_room())
        await breathe()
        assert not waiting.done()
        assert s.rounds.is_busy()
        await settled(s)
        await asyncio.wait_for(waiting, 10)
        await asyncio.wait_for(s.rounds.wait_for_room(), 10)

    scene(play)
