"""Version 3 of the request for a producer id, which aiokafka does not know.

An idempotent producer asks for an id first. aiokafka 0.14 knows version 0 of that request; the
embedded broker answers it with an unknown error, as it reads the fields that came with version 3.
With both versions on offer aiokafka takes the newest that the broker knows.
"""

from aiokafka.producer import sender
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.transaction import InitProducerIdRequest_v0
from aiokafka.protocol.types import CompactString, Int16, Int32, Int64, Schema, TaggedFields


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


def offer_version_3() -> None:
    """Make aiokafka's producers of this process offer version 3 beside version 0."""
    sender.InitProducerIdRequest = _InitProducerId
