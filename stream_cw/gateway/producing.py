"""Events on their way to Kafka: acknowledged by all replicas, or nobody knows."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)
from msgspec import Struct

from stream_cw.broker.connection import Brokers, for_aiokafka
from stream_cw.broker.producer_id import offer_version_3
from stream_cw.core.partition import partition_for
from stream_cw.core.trace import TRACEPARENT
from stream_cw.errors import BrokerError
from stream_cw.gateway.metrics import Metrics

STOP_SECONDS: Final = 5.0
_LOST: Final = (OutOfOrderSequenceNumber, ProducerFenced, InvalidProducerEpoch, UnknownProducerId)
"""After one of these an idempotent producer acknowledges nothing more."""


class Place(Struct, frozen=True):
    """Where an event stands in the log."""

    partition: int
    offset: int


class Producing:
    """Produces events, those of a profile in their order.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    partitions : int
        How many the topic has.
    timeout_s : float
        How long brokers may take to acknowledge.
    metrics : Metrics
    fail : callable
        Ends the process: nothing can be produced any more.
    """

    def __init__(
        self,
        brokers: Brokers,
        topic: str,
        partitions: int,
        timeout_s: float,
        metrics: Metrics,
        fail: Callable[[BaseException], None],
    ) -> None:
        offer_version_3()
        self.partitions = partitions
        self._topic = topic
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._fail = fail
        self._producer = AIOKafkaProducer(
            **for_aiokafka(brokers),
            enable_idempotence=True,
            acks="all",
            request_timeout_ms=int(timeout_s * 1000),
        )

    async def start(self) -> None:
        """Connect.

        Raises
        ------
        BrokerError
            If no broker answers.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._producer.start()
        except (KafkaError, TimeoutError) as error:
            await self.stop()
            raise BrokerError(f"no broker took a producer: {type(error).__name__}") from None

    async def stop(self) -> None:
        """See what is on its way through, for a moment, and disconnect."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._producer.stop()
        except TimeoutError:
            pass  # the brokers are away: who sent these events was told that nobody knows

    async def send(
        self, events: Sequence[tuple[bytes, bytes]], trace: bytes | None = None
    ) -> list[Place]:
        """Produce events, each a profile's id and the event, in their order.

        Parameters
        ----------
        events : sequence of (bytes, bytes)
        trace : bytes, optional
            The `traceparent` that their records are to name.

        Returns
        -------
        list of Place
            When all of them are acknowledged.

        Raises
        ------
        BrokerError
            If the brokers do not acknowledge in time; some may be kept then, or be kept later.
        """
        if not events:
            return []
        began = time.monotonic()
        headers = [] if trace is None else [(TRACEPARENT, trace)]
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                for key, value in events:
                    partition = partition_for(key, self.partitions)
                    sent.append(
                        await self._producer.send(
                            self._topic,
                            key=key,
                            value=value,
                            partition=partition,
                            headers=headers,
                        )
                    )
                answers = await asyncio.gather(*sent)
        except (KafkaError, TimeoutError) as error:
            if isinstance(error, _LOST) or type(error) is KafkaError:
                self._fail(error)
            raise BrokerError(f"not acknowledged: {type(error).__name__}") from None
        finally:
            for future in sent:  # what comes of them now nobody asks
                if not future.cancel() and not future.cancelled():
                    future.exception()
        self._metrics.observe("produce_seconds", time.monotonic() - began)
        self._metrics.count("events_accepted", len(answers))
        return [Place(answer.partition, answer.offset) for answer in answers]
