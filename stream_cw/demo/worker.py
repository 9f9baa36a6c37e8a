"""`python -m stream_cw.demo.worker BROKERS STATES`: a worker that the embedded broker can serve.

An idempotent producer first asks for a producer id. aiokafka knows version 0 of that request, and
Tansu answers it with an unknown error, as it reads the two fields that came with version 3. So the
demo teaches aiokafka version 3; everything else is `stream-cw worker`.
"""

import os
import sys
import threading

from aiokafka.producer import sender
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.transaction import InitProducerIdRequest_v0
from aiokafka.protocol.types import CompactString, Int16, Int32, Int64, Schema, TaggedFields

from stream_cw.broker.contract import DEFAULT_APP_ID
from stream_cw.config import load_settings
from stream_cw.worker.run import run_worker


class _Answer(Response):  # type: ignore[misc]
    API_KEY = 22
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY = 22
    API_VERSION = 3
    RESPONSE_TYPE = _Answer
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        ("transactional_id", CompactString("utf-8")),
        ("transaction_timeout_ms", Int32),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _InitProducerId(Request[InitProducerIdRequest_v0 | _Question]):  # type: ignore[misc]
    API_KEY = 22

    def __init__(self, transactional_id: str | None, transaction_timeout_ms: int) -> None:
        self._asked = (transactional_id, transaction_timeout_ms)

    def build(
        self, version: type[InitProducerIdRequest_v0 | _Question]
    ) -> InitProducerIdRequest_v0 | _Question:
        if version is _Question:
            return version(*self._asked, -1, -1, {})
        return version(*self._asked)


def _end_with_demo() -> None:
    sys.stdin.buffer.read()  # returns when the demo has gone, however it ended
    os._exit(1)  # a stop in order would wait for the broker, which has gone too


if __name__ == "__main__":
    threading.Thread(target=_end_with_demo, daemon=True).start()
    sender.InitProducerIdRequest = _InitProducerId
    brokers, states = sys.argv[1:]
    own = {"topic_prefix": "", "app_id": DEFAULT_APP_ID}  # whatever the environment says
    sys.exit(run_worker(load_settings(**own, brokers=brokers, data_dir=states)))
