"""A connection that was reset refuses requests, as aiokafka's clients expect it.

A stub in the place of a broker, since it has to be one loop's turn that a request comes in between.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection, CloseReason, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from stream_cw.broker.event_loop import new_event_loop

DEADLINE_SECONDS = 20
VERSIONS = struct.pack(">hihhh", 0, 1, 18, 0, 0)
"""No error; one request is known: this one, in its first version."""


@contextmanager
def stub_broker() -> Iterator[tuple[int, Callable[[], None]]]:
    """Answer one question for versions; then reset the connection when told to."""
    reset = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            size = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))[0]
            correlation = connection.recv(size, socket.MSG_WAITALL)[4:8]
            answer = correlation + VERSIONS
            connection.sendall(struct.pack(">i", len(answer)) + answer)
            reset.wait(DEADLINE_SECONDS)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(DEADLINE_SECONDS)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1], reset.set
        finally:
            reset.set()
            thread.join()


async def ask_right_after_the_reset(
    port: int, reset: Callable[[], None]
) -> tuple[bool, Exception | None, list[CloseReason]]:
    loop = asyncio.get_running_loop()
    closed: list[CloseReason] = []
    conn: Any = await create_conn(
        "127.0.0.1", port, on_close=lambda _, reason: closed.append(reason)
    )
    asked: asyncio.Future[tuple[bool, Any]] = loop.create_future()

    def ask() -> None:
        seems_open = conn.connected()
        try:
            conn.send(ApiVersionRequest()).close()
        except Exception as error:  # noqa: BLE001 - what it is is what the test asks
            asked.set_result((seems_open, error))
        else:
            asked.set_result((seems_open, None))

    lost = conn._protocol.connection_lost

    def then_ask(error: Exception | None) -> None:
        lost(error)
        loop.call_soon(ask)

    conn._protocol.connection_lost = then_ask
    reset()
    seems_open, refusal = await asyncio.wait_for(asked, DEADLINE_SECONDS)
    await conn.close()
    return seems_open, refusal, closed


def ask_once() -> tuple[bool, Exception | None, list[CloseReason]]:
    with stub_broker() as (port, reset), asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(ask_right_after_the_reset(port, reset))


def test_a_request_on_a_connection_that_was_reset_is_refused_and_closes_it() -> None:
    seems_open, refusal, closed = ask_once()
    assert seems_open, "else aiokafka would have opened another one"
    assert isinstance(refusal, KafkaConnectionError)
    assert closed == [CloseReason.CONNECTION_BROKEN]


def test_aiokafka_still_needs_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AIOKafkaConnection, "send", AIOKafkaConnection.send.__wrapped__)
    _, refusal, _ = ask_once()
    assert isinstance(refusal, RuntimeError)
    assert not isinstance(refusal, KafkaConnectionError)
