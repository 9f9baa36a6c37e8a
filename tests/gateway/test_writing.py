"""What is written waits for the client, and is given up where it reads nothing."""

import asyncio
from typing import Any

import pytest

from stream_cw.gateway.writing import BODY, CutOff, Writer


class Connection:
    """A server whose client reads when it is told to."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.waiting = 0
        self.aborted = False
        self.room = asyncio.Event()
        self.room.set()

    async def send(self, message: Any) -> None:
        await self.room.wait()
        assert message["type"] == BODY
        if message["body"]:
            self.taken.append(message["body"])
            self.waiting += len(message["body"])
            self.room.clear()

    def read(self, count: int) -> None:
        self.waiting -= count
        if not self.waiting:
            self.room.set()

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.aborted = True


def test_a_piece_is_written_when_it_was_read() -> None:
    async def run() -> None:
        connection = Connection()
        writer = Writer(connection.send, connection, cut_off=20)
        writing = asyncio.create_task(writer.write(b"piece"))
        await asyncio.sleep(0.05)
        assert connection.taken == [b"piece"]
        assert not writing.done(), "what comes next would be taken before there is room for it"
        connection.read(5)
        await asyncio.wait_for(writing, 20)

    asyncio.run(run())


def test_a_client_that_reads_nothing_is_cut_off_and_one_that_reads_a_little_is_not() -> None:
    async def run() -> None:
        connection = Connection()
        writer = Writer(connection.send, connection, cut_off=0.1)
        writing = asyncio.create_task(writer.write(b"p" * 8))
        for _ in range(7):
            await asyncio.sleep(0.06)  # less than the limit, and in all far more
            connection.read(1)
        assert not writing.done()
        with pytest.raises(CutOff):
            await asyncio.wait_for(writing, 20)
        assert connection.aborted

    asyncio.run(run())
