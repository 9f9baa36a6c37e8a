"""The whole system on this machine: the embedded broker, its topics, a worker and a gateway."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, ConsumerGroupState, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from stream_cw.broker.connection import for_librdkafka
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics
from stream_cw.demo.child import Child, child
from stream_cw.demo.door import Door
from stream_cw.errors import BrokerError, DeploymentError

PARTITIONS: Final = 4
JOIN_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 5.0


class System:
    """A running system.

    Attributes
    ----------
    broker : Broker
    address : str
        Of the broker.
    worker, gateway : Child
    door : Door
        To the gateway.
    topics : Topics
    """

    def __init__(
        self, broker: Broker, worker: Child, gateway: Child, door: Door, topics: Topics
    ) -> None:
        self.broker = broker
        self.address = broker.address
        self.worker = worker
        self.gateway = gateway
        self.door = door
        self.topics = topics

    def check(self) -> None:
        """Raise BrokerError or DeploymentError if one of its processes has ended by itself."""
        self.broker.check()
        self.worker.check()
        self.gateway.check()

    def wait_joined(self) -> None:
        """Wait until the worker has its partitions.

        Raises
        ------
        BrokerError
            If the broker ends by itself.
        DeploymentError
            If the worker ends by itself, or takes too long.
        """
        client = AdminClient(for_librdkafka(self.address))
        group = self.topics.app_id
        deadline = time.monotonic() + JOIN_SECONDS
        while time.monotonic() < deadline:
            self.check()
            answer = client.describe_consumer_groups([group], request_timeout=_ANSWER_SECONDS)
            with suppress(KafkaException):  # the group's coordinator is not there yet
                if answer[group].result().state is ConsumerGroupState.STABLE:
                    return
            time.sleep(0.2)
        raise DeploymentError(
            f"the worker did not join within {JOIN_SECONDS:.0f} s:\n{self.worker.log_tail()}"
        )

    def lag(self, ends: Mapping[int, int]) -> int:
        """Count the events before these offsets, by partition, that are not committed yet."""
        group = {**for_librdkafka(self.address), "group.id": self.topics.app_id}
        consumer = Consumer(group)  # it only asks, and never joins
        try:
            places = consumer.committed(
                [TopicPartition(self.topics.events, partition) for partition in ends],
                timeout=_ANSWER_SECONDS,
            )
        except KafkaException as error:
            raise BrokerError(f"{self.address}: {error.args[0].str()}") from None
        finally:
            consumer.close()
        return sum(max(0, ends[place.partition] - max(0, place.offset)) for place in places)


StartBroker = Callable[[Path], AbstractContextManager[Broker]]
"""Runs a broker in a folder, as long as its context lasts."""


@contextmanager
def running_system(folder: Path, start_broker: StartBroker = embedded_broker) -> Iterator[System]:
    """Start a broker, make the topics, start a worker and a gateway; all ends with the context.

    Parameters
    ----------
    folder : Path
        Takes states and logs.
    start_broker : callable, optional
        The embedded one if left out.

    Raises
    ------
    BrokerError
        If the broker does not start.
    """
    topics = topic_names()
    with start_broker(folder / "broker") as broker:
        address, door = broker.address, Door()
        apply_topics(address, topics, partitions=PARTITIONS)
        with (
            child("worker", [address, str(folder / "states")], folder) as worker,
            child("gateway", [], folder, door.environment(address, folder)) as gateway,
        ):
            yield System(broker, worker, gateway, door, topics)
