"""`topics apply` and `topics check`, on Apache Kafka and on the embedded broker alike."""

import time
from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from stream_cw.broker import cluster
from stream_cw.broker.cluster import find_topics
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.identities import Identity
from stream_cw.broker.mismatch import Mismatch
from stream_cw.broker.process import HOST, Broker, free_port
from stream_cw.broker.topics import apply_topics, check_topics, recorded, verified_topics
from stream_cw.errors import BrokerError, LogMismatchError, TopicMismatchError


def set_config(admin: AdminClient, topic: str, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result()


def names_of(topics: Topics) -> set[str]:
    return {getattr(topics, name) for name in topics.__struct_fields__} - {topics.app_id}


def differences(broker: Broker, topics: Topics) -> set[tuple[str, str, str, str]]:
    return {(m.topic, m.what, m.wanted, m.found) for m in check_topics(broker.address, topics)}


def until(condition: Callable[[], bool]) -> None:
    """Wait for what a broker was told: it learns of a change a moment after it was accepted."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the broker never learned of it"
        time.sleep(0.05)


def delete(admin: AdminClient, broker: Broker, name: str) -> None:
    admin.delete_topics([name])[name].result()
    until(lambda: not find_topics(admin, broker.address, [name]))


def create(admin: AdminClient, broker: Broker, name: str, partitions: int) -> None:
    admin.create_topics([NewTopic(name, num_partitions=partitions)])[name].result()
    until(lambda: bool(find_topics(admin, broker.address, [name])))


def test_apply_creates_all_and_then_nothing(broker: Broker, topics: Topics) -> None:
    made = apply_topics(broker.address, topics, partitions=4)
    assert {m.topic for m in made if m.what == "topic"} == names_of(topics)
    assert apply_topics(broker.address, topics) == []
    assert check_topics(broker.address, topics) == []
    identities = recorded(broker.address, topics)
    assert identities == verified_topics(broker.address, topics)
    assert identities is not None
    assert set(identities) == {topics.events, topics.rows, topics.changelog}
    assert {identity.partitions for identity in identities.values()} == {4}
    assert len({identity.epoch for identity in identities.values()}) == 3
    assert all(len(identity.epoch) == 16 for identity in identities.values())


def test_settings_reach_the_broker(broker: Broker, topics: Topics, admin: AdminClient) -> None:
    apply_topics(broker.address, topics, partitions=1)
    found = find_topics(admin, broker.address, [topics.events, topics.changelog])
    assert found[topics.events].settings["message.timestamp.type"] == "LogAppendTime"
    assert found[topics.events].settings["retention.ms"] == "2592000000"
    assert found[topics.changelog].settings["cleanup.policy"] == "compact"
    assert found[topics.changelog].settings["min.cleanable.dirty.ratio"] == "0.1"


def test_systems_do_not_meet(broker: Broker, topics: Topics) -> None:
    apply_topics(broker.address, topics, partitions=1)
    other = topic_names("other-" + topics.app_id)
    assert {m.what for m in check_topics(broker.address, other)} >= {"topic"}
    assert recorded(broker.address, other) is None


def test_app_ids_share_topics_but_not_records(broker: Broker, prefix: str) -> None:
    one, two = topic_names(prefix, "one"), topic_names(prefix, "two")
    apply_topics(broker.address, one, partitions=2)
    assert recorded(broker.address, two) is None
    apply_topics(broker.address, two, partitions=2)
    first, second = recorded(broker.address, one), recorded(broker.address, two)
    assert first is not None
    assert second is not None
    assert first[one.events] == second[two.events]
    assert first[one.changelog] != second[two.changelog]


def test_missing_topic(broker: Broker, topics: Topics, admin: AdminClient) -> None:
    apply_topics(broker.address, topics, partitions=1)
    delete(admin, broker, topics.models)
    assert differences(broker, topics) == {(topics.models, "topic", "a topic", "missing")}
    with pytest.raises(TopicMismatchError, match=f"{topics.models}: topic: wanted a topic, found"):
        verified_topics(broker.address, topics)
    assert [m.topic for m in apply_topics(broker.address, topics)] == [topics.models]
    assert check_topics(broker.address, topics) == []


def test_other_setting(broker: Broker, topics: Topics, admin: AdminClient) -> None:
    apply_topics(broker.address, topics, partitions=1)
    set_config(admin, topics.rows, "retention.ms", "1000")
    set_config(admin, topics.dead_letters, "cleanup.policy", "compact")
    wanted = {
        (topics.rows, "retention.ms", "604800000", "1000"),
        (topics.dead_letters, "cleanup.policy", "compact,delete", "compact"),
    }
    until(lambda: differences(broker, topics) == wanted)
    with pytest.raises(TopicMismatchError, match=r"retention\.ms: wanted 604800000, found 1000"):
        verified_topics(broker.address, topics)
    assert {m.what for m in apply_topics(broker.address, topics)} == {
        "retention.ms",
        "cleanup.policy",
    }
    assert check_topics(broker.address, topics) == []


def test_other_partition_count(broker: Broker, topics: Topics, admin: AdminClient) -> None:
    create(admin, broker, topics.rows, 3)
    with pytest.raises(TopicMismatchError, match=f"{topics.rows}: partitions: wanted 4, found 3"):
        apply_topics(broker.address, topics, partitions=4)
    found = find_topics(admin, broker.address, [topics.events, topics.rows])
    assert set(found) == {topics.rows}, "a refusal must change nothing"
    apply_topics(broker.address, topics, partitions=3)
    assert Mismatch("shape", topics.events, "partitions", "5", "3") in check_topics(
        broker.address, topics, partitions=5
    )


def test_no_record(broker: Broker, topics: Topics, admin: AdminClient) -> None:
    apply_topics(broker.address, topics, partitions=1)
    delete(admin, broker, topics.identities)
    create(admin, broker, topics.identities, 1)
    with pytest.raises(TopicMismatchError, match=f"record of {topics.app_id}: wanted a record"):
        verified_topics(broker.address, topics)
    assert {m.kind for m in apply_topics(broker.address, topics, partitions=1)} >= {"record"}
    assert set(verified_topics(broker.address, topics)) == {
        topics.events,
        topics.rows,
        topics.changelog,
    }


@pytest.mark.parametrize("role", ["events", "rows", "changelog"])
def test_log_made_again(broker: Broker, topics: Topics, admin: AdminClient, role: str) -> None:
    apply_topics(broker.address, topics, partitions=2)
    before = recorded(broker.address, topics)
    assert before is not None
    name = getattr(topics, role)
    delete(admin, broker, name)
    create(admin, broker, name, 2)
    message = f"topic {name}: recorded id: wanted {before[name].id}, found "
    for attempt in (verified_topics, apply_topics):
        with pytest.raises(LogMismatchError, match=message):
            attempt(broker.address, topics)
    assert recorded(broker.address, topics) == before
    apply_topics(broker.address, topics, new_log=True)
    after = verified_topics(broker.address, topics)
    assert {n for n in after if after[n] != before[n]} == {name}


def test_recorded_log_is_gone(broker: Broker, topics: Topics, admin: AdminClient) -> None:
    """A log that is gone is not silently replaced by an empty one."""
    apply_topics(broker.address, topics, partitions=1)
    delete(admin, broker, topics.events)
    with pytest.raises(LogMismatchError, match="found missing"):
        apply_topics(broker.address, topics)
    assert topics.events not in find_topics(admin, broker.address, [topics.events])


@pytest.mark.kafka
def test_partitions_added(kafka: Broker, topics: Topics) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.address, "log_level": 0})
    apply_topics(kafka.address, topics, partitions=2)
    admin.create_partitions([NewPartitions(topics.events, 3)])[topics.events].result()
    until(lambda: bool(check_topics(kafka.address, topics)))
    message = f"topic {topics.events}: recorded partitions: wanted 2, found 3"
    for attempt in (verified_topics, apply_topics):
        with pytest.raises(LogMismatchError, match=message):
            attempt(kafka.address, topics)


@pytest.mark.kafka
def test_other_replication(kafka: Broker, topics: Topics) -> None:
    apply_topics(kafka.address, topics, partitions=1)
    with pytest.raises(TopicMismatchError, match="replication: wanted 3, found 1"):
        apply_topics(kafka.address, topics, replication=3)


def test_damaged_record(broker: Broker, topics: Topics) -> None:
    apply_topics(broker.address, topics, partitions=1)
    producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
    producer.produce(topics.identities, key=topics.app_id.encode(), value=b'{"x": 1}', partition=0)
    assert producer.flush(10) == 0
    with pytest.raises(LogMismatchError, match=f"record of {topics.app_id} is damaged"):
        verified_topics(broker.address, topics)


def test_no_broker(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_S", 0.5)
    address = f"{HOST}:{free_port()}"
    with pytest.raises(BrokerError, match=address):
        check_topics(address, topics)


def test_epoch_is_the_id_as_bytes() -> None:
    assert Identity("00" * 15 + "ff", 1).epoch == bytes(15) + b"\xff"
