"""Which logs a system works on, as `topics apply` recorded it on the cluster.

A topic that is deleted and made again has the same name and other offsets. Its id tells the two
apart; a worker's offset guard holds for one id and one count of partitions alone.
"""

import time
from typing import Final

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from msgspec import Struct

from stream_cw.broker.cluster import NO_GROUP, TIMEOUT_S, asked
from stream_cw.broker.connection import Brokers, for_librdkafka
from stream_cw.broker.contract import Topics
from stream_cw.errors import BrokerError, LogMismatchError


class Identity(Struct, frozen=True):
    """What tells a log from another one of the same name.

    Attributes
    ----------
    id : str
        The topic's id, 32 hexadecimal digits.
    partitions : int
    """

    id: str
    partitions: int

    @property
    def epoch(self) -> bytes:
        """The topic's id as its 16 bytes."""
        return bytes.fromhex(self.id)


Identities = dict[str, Identity]
"""By topic name: the events, the rows and the changelog."""

_decoder: Final = msgspec.json.Decoder(Identities)
_encoder: Final = msgspec.json.Encoder(order="sorted")


def read_identities(brokers: Brokers, topics: Topics) -> Identities | None:
    """Read the newest record of an app id from the topic, which must exist; None without one.

    Raises
    ------
    BrokerError
        If the topic cannot be read to its end in time.
    LogMismatchError
        If the record is damaged.
    """
    newest = None
    consumer = Consumer(
        {
            **for_librdkafka(brokers),
            "group.id": topics.app_id,  # the library asks for one; it joins and commits nothing
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
        }
    )
    try:
        # Without it the library looks for the partition's leader only half a second later.
        asked(brokers, lambda: consumer.list_topics(topics.identities, timeout=TIMEOUT_S))
        consumer.assign([TopicPartition(topics.identities, 0, OFFSET_BEGINNING)])
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if error := message.error():
                if error.code() == NO_GROUP:
                    continue
                # The end as a fetch tells it: the embedded broker lists too low an end offset.
                if error.code() == KafkaError._PARTITION_EOF:
                    return _decode(newest, topics)
                raise BrokerError(f"{brokers}: {topics.identities}: {error.str()}")
            if message.key() == topics.app_id.encode():
                newest = message.value()
    finally:
        consumer.close()
    raise BrokerError(f"{brokers}: {topics.identities} not read within {TIMEOUT_S:.0f} s")


def write_identities(brokers: Brokers, topics: Topics, identities: Identities) -> None:
    """Record what an app id works on.

    Raises
    ------
    BrokerError
        If the broker does not acknowledge the record in time.
    """
    failures: list[KafkaError] = []
    producer = Producer(
        {
            **for_librdkafka(brokers),
            "acks": "all",
            "message.timeout.ms": int(TIMEOUT_S * 1000),
        }
    )
    asked(
        brokers,
        lambda: producer.produce(
            topics.identities,
            key=topics.app_id.encode(),
            value=_encoder.encode(identities),
            partition=0,
            on_delivery=lambda error, _: failures.append(error) if error else None,
        ),
    )
    producer.flush()
    if failures:
        raise BrokerError(f"{brokers}: {topics.identities}: {failures[0].str()}")


def _decode(value: bytes | None, topics: Topics) -> Identities | None:
    if value is None:
        return None
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError as error:
        raise LogMismatchError(
            f"{topics.identities}: the record of {topics.app_id} is damaged: {error}"
        ) from None
