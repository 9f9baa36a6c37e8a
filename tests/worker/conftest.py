"""A system of topics on Kafka, and workers on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_system import System, a_system
from works_scorer import CODE

from stream_cw.broker.process import Broker


@pytest.fixture
def system(kafka: Broker, tmp_path: Path) -> Iterator[System]:
    with a_system(kafka.address, tmp_path) as system:
        yield system


@pytest.fixture
def catalogued(kafka: Broker, tmp_path: Path) -> Iterator[System]:
    """A system whose workers order rows by what the catalog says."""
    with a_system(kafka.address, tmp_path, code=CODE) as system:
        yield system
