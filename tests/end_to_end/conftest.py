"""Systems and logs that the end-to-end tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import Scene, StartWorker, started

from stream_cw.broker.process import Broker
from stream_cw.history.netflix import import_netflix
from stream_cw.history.simulator import simulate


@pytest.fixture
def scene(kafka: Broker, prefix: str, tmp_path: Path) -> Scene:
    return Scene(kafka, prefix, tmp_path)


@pytest.fixture
def start(scene: Scene, prefix: str) -> Iterator[StartWorker]:
    with started(scene, prefix) as start:
        yield start


@pytest.fixture(scope="session")
def export_log(export_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "export.jsonl"
    with path.open("wb") as out:
        import_netflix(export_path, out, account="test", tz="America/Sao_Paulo")
    return path


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log and its catalog."""
    folder = tmp_path_factory.mktemp("simulated")
    with (folder / "log.jsonl").open("wb") as log, (folder / "catalog.jsonl").open("wb") as catalog:
        simulate(60, 20, 7, log, None, catalog)
    return folder


@pytest.fixture(scope="session")
def simulated_log(simulated: Path) -> Path:
    return simulated / "log.jsonl"


@pytest.fixture(scope="session")
def simulated_catalog(simulated: Path) -> Path:
    return simulated / "catalog.jsonl"
