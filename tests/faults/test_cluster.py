"""Three brokers of this machine as one cluster: replicas move, one broker is killed at a time."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ElectionType, Producer, TopicCollection
from confluent_kafka.admin import AdminClient
from right import assert_right, wait_until_works_again
from running_log import running_log
from worker_support import log_ends, read_all, wait_until
from worker_system import System, a_system

from stream_cw.broker.cluster import connect, find_topics
from stream_cw.broker.contract import topic_names
from stream_cw.broker.kafka import kafka_cluster, kafka_jars
from stream_cw.broker.process import Broker, wait_ready
from stream_cw.broker.topics import apply_topics

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.timeout(240)]

DEADLINE_S = 60.0


MOVES = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
OF_GROUPS = "__consumer_offsets"

Places = dict[tuple[str, int], tuple[int, list[int]]]
"""By topic and partition: its leader, and where its replicas are."""


@pytest.fixture(scope="module")
def cluster(
    kafka_is_there: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Broker]]:
    """All of its nodes are up at the end of a test."""
    with kafka_cluster(tmp_path_factory.mktemp("cluster")) as brokers:
        yield brokers
        for broker in brokers:
            broker.kill()  # one that stops in order waits for others that are gone


def places(client: AdminClient, topics: list[str]) -> Places:
    described = client.describe_topics(TopicCollection(topics), request_timeout=DEADLINE_S)
    return {
        (name, partition.id): (
            partition.leader.id if partition.leader else -1,
            [node.id for node in partition.replicas],
        )
        for name in topics
        for partition in described[name].result().partitions
    }


def elsewhere(leader: int, replicas: list[int], nodes: set[int]) -> list[int]:
    """Put the node that has no replica in the leader's place; where all have one, the next."""
    others = [node for node in replicas if node != leader]
    free = sorted(nodes - set(replicas))
    return [*free, *others] if free else [*others, leader]


def move(system: System, nodes: set[int], folder: Path) -> None:
    """Have all partitions led elsewhere, those of the workers' group among them."""
    client, topics = connect(system.brokers), system.topics
    names = [topics.events, topics.rows, topics.changelog, OF_GROUPS]
    before = places(client, names)
    wanted = {place: elsewhere(*found, nodes) for place, found in before.items()}
    file = folder / "moves.json"
    moves = [
        {"topic": topic, "partition": partition, "replicas": replicas}
        for (topic, partition), replicas in wanted.items()
    ]
    file.write_text(json.dumps({"version": 1, "partitions": moves}))
    java = shutil.which("java")
    assert java is not None
    told = ["--bootstrap-server", system.brokers, "--reassignment-json-file", str(file)]
    done = subprocess.run(
        [java, "-cp", f"{kafka_jars()}/*", MOVES, *told, "--execute"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def moved() -> bool:
        now = places(client, names)
        return all(now[place][1] == replicas for place, replicas in wanted.items())

    wait_until(moved, "replicas are where they are to be")

    def led() -> bool:
        client.elect_leaders(ElectionType.PREFERRED, None).result()
        now = places(client, names)
        return all(now[place][0] == replicas[0] for place, replicas in wanted.items())

    wait_until(led, "the first replica leads")


def test_replicas_and_leaders_move_while_events_flow(cluster: list[Broker], tmp_path: Path) -> None:
    address = ",".join(broker.address for broker in cluster)
    with a_system(address, tmp_path, replication=2) as system:
        worker = system.start()
        with running_log(system) as end:
            wait_until(lambda: min(system.committed().values()) > 100, "work")
            move(system, {1, 2, 3}, tmp_path)
            wait_until_works_again(system)
            events = end()
        system.wait_until_through(worker)
        stats = worker.stop()
        assert stats["events"] == events
        assert_right(system, tmp_path, worker)


def test_a_cluster_acknowledges_with_two_of_three_and_not_with_one(cluster: list[Broker]) -> None:
    brokers = cluster
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
