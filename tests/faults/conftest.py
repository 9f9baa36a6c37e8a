"""Options of the fault suite: `pytest -m faults -n0 tests/faults --faults-seed 7`; a system."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_system import System, a_system

from stream_cw.broker.process import Broker


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--faults-seed", type=int, help="repeats the schedule of a run")
    group.addoption("--faults-json", type=Path, help="takes the figures of the long run")


@pytest.fixture
def system(kafka: Broker, tmp_path: Path) -> Iterator[System]:
    with a_system(kafka.address, tmp_path) as system:
        yield system
