from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.process import Broker


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with embedded_broker(tmp_path_factory.mktemp("embedded")) as broker:
        yield broker


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each of the brokers: what uses this fixture must hold on both."""
    found: Broker = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def topics(prefix: str) -> Topics:
    return topic_names(prefix)


@pytest.fixture
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
