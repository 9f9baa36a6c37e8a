"""Reading a topic without a consumer group: the clients only look, and commit nothing."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    Message,
    TopicPartition,
)

from stream_cw.broker.cluster import NO_GROUP
from stream_cw.broker.connection import Brokers, for_librdkafka
from stream_cw.core.records import Record
from stream_cw.errors import BrokerError

TICK_SECONDS: Final = 0.2
"""So often a reader that finds nothing gets a word in."""
_BATCH: Final = 1000


def read(
    brokers: Brokers, topic: str, partitions: int, *, from_beginning: bool, to_end: bool = False
) -> Iterator[list[Record]]:
    """Yield the records of a topic as they come, in the order of each partition.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    partitions : int
        How many it has.
    from_beginning : bool
        From the first record that is kept, else only what comes from now on.
    to_end : bool, default False
        Stop at the end that the topic had when its partitions were first heard of.

    Yields
    ------
    list of Record
        Empty where nothing came for `TICK_SECONDS`.

    Raises
    ------
    BrokerError
        If the topic can no longer be read.
    """
    start = OFFSET_BEGINNING if from_beginning else OFFSET_END
    consumer = Consumer(
        {
            **for_librdkafka(brokers),
            "group.id": "stream-cw-client",  # the library wants one; nothing is committed to it
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.message.max.bytes": 10_000_000,
        }
    )
    with closing(consumer):
        consumer.assign([TopicPartition(topic, p, start) for p in range(partitions)])
        ends: dict[int, int] = {}
        unfinished = set(range(partitions))
        while unfinished or not to_end:
            records = []
            for message in consumer.consume(_BATCH, TICK_SECONDS):
                error = message.error()
                if error is not None and error.code() == NO_GROUP:
                    continue
                partition, offset = message.partition(), message.offset()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise BrokerError(f"topic {topic} cannot be read: {error.str()}")
                if error is None and (not to_end or partition in unfinished):
                    records.append(_record(message))
                if to_end and partition not in ends:
                    ends[partition] = _end(consumer, topic, partition)
                if to_end and (error is not None or offset + 1 == ends[partition]):
                    unfinished.discard(partition)
            yield records


def _end(consumer: Consumer, topic: str, partition: int) -> int:
    # As the fetch told it: when asked for its ends, the embedded broker gives the last batch's
    # first offset and one.
    end: int = consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)[1]
    return end


def _record(message: Message) -> Record:
    kind, time_ms = message.timestamp()
    append_ts = time_ms if kind == TIMESTAMP_LOG_APPEND_TIME else None
    return Record(
        message.key(),
        message.value(),
        message.partition(),
        message.offset(),
        append_ts,
        tuple(message.headers() or ()),
    )
