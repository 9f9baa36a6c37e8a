"""The event loop of processes that talk to brokers: uvloop, under which aiokafka needs a mend.

When a broker is killed its connections are reset. What asyncio writes to a transport that is closed
by that is dropped; uvloop's transports raise RuntimeError, which aiokafka does not expect. Where it
hits the task that looks up who leads what, that task is gone without a word, and whoever waits for
it waits for good: a consumer answers no call any more, and a producer sends nothing.
"""

import asyncio
from functools import wraps
from typing import Any

import uvloop
from aiokafka.conn import AIOKafkaConnection, CloseReason

_send = AIOKafkaConnection.send


@wraps(_send)
def _send_if_open(self: Any, request: Any, expect_response: bool = True) -> Any:
    """Close a connection whose transport is closed: then aiokafka's own refusal comes."""
    if self._writer is not None and self._writer.is_closing():
        self.close(reason=CloseReason.CONNECTION_BROKEN)
    return _send(self, request, expect_response)


AIOKafkaConnection.send = _send_if_open


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make an event loop under which aiokafka gets over the loss of a broker."""
    return uvloop.new_event_loop()
