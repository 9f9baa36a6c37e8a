"""`stream-cw train`: what a model says of where it comes from."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from stream_cw.cli import build_app
from stream_cw.errors import InputError
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import simulate
from stream_cw.model.artefact import Artefact, decode_payload
from stream_cw.model.dataset import DataSet, make_dataset
from stream_cw.model.manifest import MOST_LOGS
from stream_cw.model.produce import produce

Train = Callable[..., Artefact]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("train") / "sim.jsonl"
    with path.open("wb") as out:
        simulate(6, 20, 1, out)
    return path


@pytest.fixture(scope="module")
def data(log: Path) -> DataSet:
    return make_dataset([EventLog(log)])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tmp_path / "model.json"


@pytest.fixture
def train(model: Path) -> Train:
    def run(*arguments: object) -> Artefact:
        invoke("train", *arguments, "-o", model)
        return decode_payload(model.read_bytes())

    return run


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(build_app(), list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result


def evaluated(model: Path, *arguments: object) -> tuple[Any, str]:
    figures = model.with_name("figures.json")
    result = invoke("evaluate", *arguments, "--model", model, "--json", figures)
    return msgspec.json.decode(figures.read_bytes()), result.output


def hash_of(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_a_model_names_its_logs_and_catalogs_and_evaluate_tells_them_again(
    log: Path, tmp_path: Path, model: Path, train: Train
) -> None:
    other, catalog = tmp_path / "other.jsonl", tmp_path / "catalog.jsonl"
    with other.open("wb") as file, catalog.open("wb") as entries:
        simulate(3, 20, 2, file, None, entries)
    made = train(log, "--simulated", other, "--share", "0.2", "--catalog", catalog)
    assert [use.sha256 for use in made.manifest.logs] == [hash_of(log), hash_of(other)]
    assert made.manifest.catalogs == (hash_of(catalog),)
    told = "\n".join(use.sha256 for use in made.manifest.logs)
    assert made.manifest.data_hash == sha256(told.encode()).hexdigest()
    for judged, seen in (([log], ["sim"]), ([other], ["other"]), ([log, other], ["other", "sim"])):
        found, output = evaluated(model, *judged)
        assert found["scorer"]["sha256"] == made.sha256
        assert found["in_sample"] == seen
        assert f"In sample: the model was fitted to {', '.join(seen)}." in output


def test_more_logs_than_a_manifest_names_are_refused(data: DataSet) -> None:
    many = data._replace(log_hashes=np.array(["ab" * 32] * (MOST_LOGS + 1)))
    with pytest.raises(InputError, match="5,000 logs at most, found 5,001"):
        produce(many, None, 0.0, "many")
