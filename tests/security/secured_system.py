"""A system on a secured broker, and what roles do on it."""

from typing import Any

import typer
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr
from secured_kafka import SecuredKafka
from typer.testing import CliRunner

from stream_cw.broker.connection import Connection, for_librdkafka
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.security import SecuritySettings, secured

PREFIX = "held."
ANSWER_SECONDS = 30.0


class SecuredSystem:
    """Topics on a secured broker."""

    def __init__(self, cluster: SecuredKafka, runner: CliRunner, commands: typer.Typer) -> None:
        self.cluster = cluster
        self.topics: Topics = topic_names(PREFIX)
        self._runner = runner
        self._commands = commands

    def call(self, environment: dict[str, str], *arguments: str) -> str:
        """Run a command as somebody, which must succeed; return what it printed."""
        result = self.invoke(environment, *arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def invoke(self, environment: dict[str, str], *arguments: str) -> Any:
        given = {**environment, "STREAM_CW_TOPIC_PREFIX": PREFIX}
        return self._runner.invoke(self._commands, arguments, env=given)

    def connection(self, role: str) -> Connection:
        """How a role connects with its password."""
        return Connection(
            addresses=self.cluster.scram,
            protocol="SASL_SSL",
            ca_file=self.cluster.authority.certificate,
            username=role,
            password=SecretStr(self.cluster.passwords[role]),
        )

    def write(self, role: str, topic: str) -> KafkaError | None:
        """Try to write a record; why it was refused."""
        failures: list[KafkaError | None] = []
        producer = Producer(
            {
                **for_librdkafka(self.connection(role)),
                "message.timeout.ms": int(ANSWER_SECONDS * 1000),
            }
        )
        producer.produce(
            topic, key=b"k", value=b"v", on_delivery=lambda error, _: failures.append(error)
        )
        assert producer.flush(2 * ANSWER_SECONDS) == 0
        return failures[0]

    def read(self, role: str, topic: str) -> KafkaError | None:
        """Try to read a topic to its end; why it was refused."""
        consumer = Consumer(
            {
                **for_librdkafka(self.connection(role)),
                "group.id": "somebody",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            described: KafkaError | None = (
                consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic].error
            )
            if described is not None:
                return described
            consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
            while True:
                message = consumer.poll(ANSWER_SECONDS)
                assert message is not None, "neither a record, nor the end, nor a refusal"
                error: KafkaError | None = message.error()
                if error is None or error.code() == KafkaError._PARTITION_EOF:
                    return None
                if error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                    return error
        finally:
            consumer.close()

    def commit(self, role: str, group: str) -> None:
        """Say for a group that its first event is dealt with, if the broker lets it."""
        admin = AdminClient(for_librdkafka(self.connection(role)))
        places = [TopicPartition(self.topics.events, 0, 1)]
        asked = admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, places)], request_timeout=ANSWER_SECONDS
        )
        asked[group].result()


def settings_of(environment: dict[str, str]) -> dict[str, str]:
    """The settings that an environment gives, as processes of tests are told them."""
    return {name.removeprefix("STREAM_CW_").lower(): text for name, text in environment.items()}


def given(environment: dict[str, str]) -> Connection:
    """The connection that an environment describes."""
    prefix = str(SecuritySettings.model_config["env_prefix"])
    named = {name.removeprefix(prefix).lower(): text for name, text in environment.items()}
    return secured(named.pop("stream_cw_brokers"), **named)
