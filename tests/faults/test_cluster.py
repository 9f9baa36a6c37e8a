"""Three brokers of this machine as one cluster: one of them may be killed at a time."""

from pathlib import Path

import pytest
from confluent_kafka import Producer
from worker_support import log_ends, read_all

from stream_cw.broker.cluster import connect, find_topics
from stream_cw.broker.contract import topic_names
from stream_cw.broker.kafka import kafka_cluster
from stream_cw.broker.process import wait_ready
from stream_cw.broker.topics import apply_topics

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.timeout(240)]

DEADLINE_S = 60.0


def test_a_cluster_acknowledges_with_two_of_three_and_not_with_one(
    needs_kafka: None, tmp_path: Path
) -> None:
    with kafka_cluster(tmp_path) as brokers:
        address = ",".join(broker.address for broker in brokers)
        events = topic_names().events
        apply_topics(address, topic_names(), partitions=2, replication=3)
        found = find_topics(connect(address), address, [events])[events]
        assert (found.replication, found.settings["min.insync.replicas"]) == (3, "2")
        producer = Producer({"bootstrap.servers": address, "acks": "all", "log_level": 0})
        producer.produce(events, b"all are up", partition=0)
        assert producer.flush(DEADLINE_S) == 0
        brokers[0].kill()
        producer.produce(events, b"two are up", partition=0)
        assert producer.flush(DEADLINE_S) == 0
        brokers[1].kill()
        producer.produce(events, b"one is up", partition=0)
        assert producer.flush(3.0) == 1, "it may not acknowledge what it alone has"
        for broker in brokers[:2]:
            broker.launch()
        for broker in brokers:
            wait_ready(broker.address, DEADLINE_S, broker.check, 3)
        assert producer.flush(DEADLINE_S) == 0
        values = [value for _, value, *_ in read_all(address, events, 2)]
        assert values[:2] == [b"all are up", b"two are up"]
        assert set(values[2:]) == {b"one is up"}
        assert sum(log_ends(address, events, 2).values()) == len(values)
