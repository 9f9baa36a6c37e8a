"""A system as workers would have left it: profiles with a state, and all of their events done."""

from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from benchmarks.producing import put
from stream_cw.broker.contract import Topics
from stream_cw.broker.topics import verified_topics
from stream_cw.core.codec import encode_state
from stream_cw.core.events import Event, encode_event
from stream_cw.core.partition import partition_for
from stream_cw.core.state import ProfileState, Source
from stream_cw.worker.mark import MARK_KEY, Mark, encode_mark


class Filled(NamedTuple):
    """What was written: the end of each partition of the events; records and bytes of states."""

    ends: list[int]
    records: int
    size: int


def fill(
    brokers: str, topics: Topics, partitions: int, state: ProfileState, events: Iterable[Event]
) -> Filled:
    """Write an event of each profile, commit it, and write a state that saw it to the changelog.

    Parameters
    ----------
    brokers : str
    topics : Topics
        Empty ones.
    partitions : int
    state : ProfileState
        Of all profiles.
    events : iterable of Event
        One of each profile.
    """
    epoch = verified_topics(brokers, topics)[topics.events].epoch
    ends, records, size = [0] * partitions, 0, 0
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 20, "enable.idempotence": True})

    def log(key: bytes, value: bytes, partition: int) -> None:
        nonlocal records, size
        records, size = records + 1, size + len(key) + len(value)
        put(producer, topics.changelog, value, key, partition)

    for event in events:
        key = event.profile_id.encode()
        partition = partition_for(key, partitions)
        put(producer, topics.events, encode_event(event), key, partition)
        source = Source(epoch, partition, ends[partition])
        log(key, encode_state(replace(state, source=source)), partition)
        ends[partition] += 1
    for partition, end in enumerate(ends):
        log(MARK_KEY, encode_mark(Mark(epoch, end - 1)), partition)
    assert producer.flush(600) == 0
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": topics.app_id})
    places = [TopicPartition(topics.events, number, end) for number, end in enumerate(ends)]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()
    return Filled(ends, records, size)
