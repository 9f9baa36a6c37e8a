"""What must hold before a worker may touch the log: the topics, and the offsets within them."""

from collections.abc import Iterable
from functools import partial

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from stream_cw.broker.cluster import TIMEOUT_S, settled
from stream_cw.broker.connection import Brokers, for_librdkafka
from stream_cw.broker.contract import Topics
from stream_cw.broker.identities import Identity
from stream_cw.broker.topics import verified_topics
from stream_cw.errors import BrokerError, LogMismatchError
from stream_cw.worker.mark import Mark


def check_deployment(brokers: Brokers, topics: Topics) -> Identity:
    """Hold topics and committed offsets to what was recorded.

    Returns
    -------
    Identity
        Of the event topic.

    Raises
    ------
    TopicMismatchError, LogMismatchError
        Names the topic, what was wanted and what was found.
    BrokerError
        If no broker answers in time.
    """
    events = verified_topics(brokers, topics)[topics.events]
    consumer = Consumer(
        {
            **for_librdkafka(brokers),
            "group.id": topics.app_id,  # asks what is committed; joins and commits nothing
            "enable.auto.commit": False,
        }
    )
    try:
        partitions = [TopicPartition(topics.events, n) for n in range(events.partitions)]
        for place in settled(lambda: consumer.committed(partitions, timeout=TIMEOUT_S)):
            if place.offset != OFFSET_INVALID:
                start, end = settled(partial(_bounds, consumer, place))
                check_committed(topics.events, place.partition, place.offset, start, end)
    except KafkaException as error:
        # Where the group refuses, the library tells its reader so, and who asks that time ran out.
        told = consumer.poll(0)
        reason = error.args[0] if told is None or told.error() is None else told.error()
        raise BrokerError(f"{brokers}: group {topics.app_id}: {reason.str()}") from None
    finally:
        consumer.close()
    return events


def _bounds(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    start, end = consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
    return start, end


def check_committed(topic: str, partition: int, committed: int, start: int, end: int) -> None:
    """Hold a committed offset to what the log has.

    Raises
    ------
    LogMismatchError
        If it lies beyond the log's end, or the log starts behind it.
    """
    if committed > end:
        raise LogMismatchError(
            f"topic {topic}, partition {partition}: committed offset wanted at most {end}, the "
            f"log's end, found {committed}"
        )
    check_start(topic, partition, committed, start)


def check_marks(
    topic: str, epoch: bytes, found: Iterable[tuple[int, Mark | None, int, int]]
) -> None:
    """Hold the states of partitions to the log that they were made from.

    Parameters
    ----------
    topic : str
    epoch : bytes
    found : iterable of (int, Mark or None, int, int)
        Partition, its mark, and the log's start and end.

    Raises
    ------
    LogMismatchError
        If the states saw another log, or more of it than there is, or if events are gone that they
        did not see.
    """
    for partition, mark, start, end in found:
        where = f"topic {topic}, partition {partition}"
        if mark is None:
            continue
        if mark.epoch != epoch:
            raise LogMismatchError(
                f"{where}: states wanted of log {epoch.hex()}, found of log {mark.epoch.hex()}"
            )
        if mark.offset >= end:
            raise LogMismatchError(
                f"{where}: applied offset wanted below {end}, the log's end, found {mark.offset}"
            )
        check_start(topic, partition, mark.offset + 1, start)


def check_recovered(topic: str, found: Iterable[tuple[int, int | None, int]]) -> None:
    """Hold the states of partitions to the end of the changelog: no round may start on older ones.

    Parameters
    ----------
    topic : str
        The changelog.
    found : iterable of (int, int or None, int)
        Partition, the last offset that its store has, and the changelog's end.

    Raises
    ------
    LogMismatchError
        If the changelog goes on behind what a store has.
    """
    for partition, place, end in found:
        if end > (-1 if place is None else place) + 1:
            raise LogMismatchError(
                f"topic {topic}, partition {partition}: recovery wanted up to offset {end - 1}, "
                f"ended at {place}; the next start reads on"
            )


def check_start(topic: str, partition: int, needed: int, start: int) -> None:
    """Hold the log's start to the first offset that is still needed.

    Raises
    ------
    LogMismatchError
        If the log starts behind it.
    """
    if start > needed:
        raise LogMismatchError(
            f"topic {topic}, partition {partition}: the log wanted from offset {needed} on, the "
            f"first that is not dealt with, found from {start} on: events are lost"
        )
