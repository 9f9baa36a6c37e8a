"""A broker that asks who is there, and a system on it whose roles have their least rights."""

from collections.abc import Iterator

import pytest
from secured_kafka import SecuredKafka, secured_kafka
from secured_system import PREFIX, SecuredSystem
from typer.testing import CliRunner

from stream_cw.broker.acls import roles
from stream_cw.cli import build_app


@pytest.fixture(scope="module")
def cluster(
    kafka_is_there: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as broker:
        for role in roles():
            broker.add_user(role)
        yield broker


@pytest.fixture(scope="module")
def system(cluster: SecuredKafka) -> SecuredSystem:
    """Rights granted by who may, topics made by the administrator of topics."""
    system = SecuredSystem(cluster, CliRunner(), build_app())
    for role in roles():
        system.call(cluster.as_root(), "topics", "acls", role, "--grant", f"User:{role}")
    system.call(cluster.as_user("admin"), "topics", "apply", "--partitions", "2")
    assert system.topics.events.startswith(PREFIX)
    return system
