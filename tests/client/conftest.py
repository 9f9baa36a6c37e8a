"""A gateway with a worker behind it, and each test once for either half of the client."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from gateway_support import GatewayProcess, StartGateway, gateways
from halves import Connect, WaitingClient, WatchedClient
from worker_support import workers
from worker_system import PARTITIONS, System

from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics

PREFIX = "client."
IDLE_PREFIX = "client-idle."


@pytest.fixture(scope="module")
def system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Topics with a worker, for all tests of a file: each has profiles of its own."""
    topics = topic_names(PREFIX)
    apply_topics(kafka.address, topics, partitions=PARTITIONS)
    folder = tmp_path_factory.mktemp("workers")
    with workers(folder, brokers=kafka.address, topic_prefix=PREFIX) as start:
        start()
        yield System(kafka.address, PREFIX, topics, start)


@pytest.fixture(scope="module")
def start_gateway(
    system: System, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartGateway]:
    folder = tmp_path_factory.mktemp("gateways")
    with gateways(folder, brokers=system.brokers, topic_prefix=system.prefix) as start:
        yield start


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> GatewayProcess:
    return start_gateway().wait_ready()


@pytest.fixture(scope="module")
def idle_topics(kafka: Broker) -> Topics:
    """Topics without a worker."""
    topics = topic_names(IDLE_PREFIX)
    apply_topics(kafka.address, topics, partitions=PARTITIONS)
    return topics


@pytest.fixture(scope="module")
def idle_gateway(idle_topics: Topics, start_gateway: StartGateway) -> GatewayProcess:
    return start_gateway("idle", topic_prefix=IDLE_PREFIX).wait_ready()


@pytest.fixture(params=[WatchedClient, WaitingClient], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    with closing(Connect(request.param)) as connect:
        yield connect


@pytest.fixture
def profile(request: pytest.FixtureRequest) -> str:
    """A profile of the test's own."""
    return request.node.name.translate(str.maketrans("[", "-", "]"))[:128]
