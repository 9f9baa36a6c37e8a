"""A worker does not start, or go on, where the log is not the one that it knows, or lost events."""

import signal
from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic
from worker_support import WorkerProcess, end_of, log_ends, make_events, wait_until
from worker_system import PARTITIONS, System

from stream_cw.broker.cluster import connect, find_topics

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def worked(system: System, **settings: Any) -> tuple[WorkerProcess, dict[int, int]]:
    """A worker that has dealt with all events that there are, and what it committed."""
    system.produce(make_events(20, 200))
    worker = system.start(**settings)
    system.wait_until_through(worker)
    return worker, system.committed()


def places(system: System, offsets: Mapping[int, int]) -> list[TopicPartition]:
    return [TopicPartition(system.topics.events, n, offset) for n, offset in offsets.items()]


def commit(system: System, offsets: Mapping[int, int]) -> None:
    group = {"bootstrap.servers": system.brokers, "group.id": system.topics.app_id}
    consumer = Consumer(group)
    try:
        consumer.commit(offsets=places(system, offsets), asynchronous=False)
    finally:
        consumer.close()


def ends(system: System) -> dict[int, int]:
    return log_ends(system.brokers, system.topics.events, PARTITIONS)


def start_log_at(system: System, offsets: Mapping[int, int]) -> None:
    """Let the log lose what lies before, as retention does."""
    client = connect(system.brokers)  # kept: its answers die with it
    asked = client.delete_records(places(system, offsets))
    assert {tp.partition: done.result(30).low_watermark for tp, done in asked.items()} == offsets


def partitions(system: System) -> int:
    """How many the event topic has; 0: there is no such topic."""
    events = system.topics.events
    found = find_topics(connect(system.brokers), system.brokers, [events])
    return found[events].partitions if found else 0


def test_a_commit_beyond_the_end_is_refused(system: System) -> None:
    system.produce(make_events(20, 200))
    commit(system, {0: 1_000})
    message = end_of(system.start())
    wanted = f"committed offset wanted at most {ends(system)[0]}, the log's end, found 1000"
    assert message == f"topic {system.topics.events}, partition 0: {wanted}"


def test_a_log_that_starts_behind_the_commit_is_refused(system: System) -> None:
    system.produce(make_events(20, 200))
    commit(system, {1: 5})
    start_log_at(system, {1: 6})
    message = end_of(system.start())
    assert "partition 1: the log wanted from offset 5 on" in message
    assert message.endswith("found from 6 on: events are lost")


def test_without_a_commit_the_states_say_where_the_log_must_start(system: System) -> None:
    """A group that was away for long has no offsets any more; the states are still there."""
    worker, dealt_with = worked(system)
    worker.stop()
    group = system.topics.app_id
    client = connect(system.brokers)
    client.delete_consumer_groups([group])[group].result(30)
    assert set(system.committed().values()) == {-1001}
    system.produce(make_events(20, 200, seed=2))
    start_log_at(system, {1: dealt_with[1] + 1})
    message = end_of(system.start())
    assert f"partition 1: the log wanted from offset {dealt_with[1]} on" in message
    assert message.endswith(f"found from {dealt_with[1] + 1} on: events are lost")


def test_events_that_go_away_unread_stop_a_running_worker(system: System) -> None:
    worker, _ = worked(system, session_timeout=60)
    worker.send(signal.SIGSTOP)
    try:
        system.produce(make_events(20, 200, seed=2))  # a fetch that is under way may bring some
        fetched = ends(system)
        system.produce(make_events(20, 200, seed=3))
        start_log_at(system, ends(system))
        system.produce(make_events(20, 200, seed=4))
    finally:
        worker.send(signal.SIGCONT)
    assert end_of(worker).endswith("events are lost")
    assert all(offset <= fetched[n] for n, offset in system.committed().items())


def test_another_partition_count_is_refused(system: System) -> None:
    events = system.topics.events
    admin = connect(system.brokers)
    admin.create_partitions([NewPartitions(events, PARTITIONS + 1)])[events].result(30)
    wait_until(lambda: partitions(system) == PARTITIONS + 1, "the new partition is there")
    message = end_of(system.start())
    assert message == f"topic {events}: recorded partitions: wanted 2, found 3"


def test_a_topic_made_anew_is_refused(system: System) -> None:
    events = system.topics.events
    admin = connect(system.brokers)
    admin.delete_topics([events])[events].result(30)
    wait_until(lambda: partitions(system) == 0, "the topic is gone")
    admin.create_topics([NewTopic(events, PARTITIONS)])[events].result(30)
    wait_until(lambda: partitions(system) == PARTITIONS, "the topic is there")
    message = end_of(system.start())
    assert f"topic {events}: recorded id: wanted " in message
