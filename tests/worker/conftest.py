"""A system of topics on Kafka, and workers on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_support import workers
from worker_system import PARTITIONS, System
from works_scorer import CODE

from stream_cw.broker.contract import topic_names
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics


@pytest.fixture
def system(kafka: Broker, prefix: str, tmp_path: Path) -> Iterator[System]:
    topics = topic_names(prefix)
    apply_topics(kafka.address, topics, partitions=PARTITIONS)
    with workers(tmp_path, brokers=kafka.address, topic_prefix=prefix) as start:
        yield System(kafka.address, prefix, topics, start)


@pytest.fixture
def catalogued(kafka: Broker, prefix: str, tmp_path: Path) -> Iterator[System]:
    """A system whose workers order rows by what the catalog says."""
    topics = topic_names(prefix)
    apply_topics(kafka.address, topics, partitions=PARTITIONS)
    with workers(tmp_path, code=CODE, brokers=kafka.address, topic_prefix=prefix) as start:
        yield System(kafka.address, prefix, topics, start)
