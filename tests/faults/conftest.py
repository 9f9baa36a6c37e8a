"""Options of the fault suite: `pytest -m faults -n0 tests/faults --faults-seed 7`."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--faults-seed", type=int, help="repeats the schedule of a run")
    group.addoption("--faults-json", type=Path, help="takes the figures of the long run")
