"""`stream-cw train`: what a model says of where it comes from."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import BEGIN, judged
from typer.testing import CliRunner, Result

from stream_cw.cli import build_app
from stream_cw.core.rows import ModelRef
from stream_cw.errors import InputError
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import simulate
from stream_cw.model.artefact import Artefact, decode_payload
from stream_cw.model.by import By
from stream_cw.model.cut import until
from stream_cw.model.dataset import ABSENT, DataSet, make_dataset
from stream_cw.model.evaluate import evaluate
from stream_cw.model.manifest import MOST_LOGS, LogUse
from stream_cw.model.produce import produce

REF = ModelRef("any", None)
OF_SESSIONS = ("session", "target", "sessions", "kind", "gap_ms", "switched", "history")
OF_SESSIONS += ("profile", "account")

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
    for given_logs, seen in (
        ([log], ["sim"]),
        ([other], ["other"]),
        ([log, other], ["other", "sim"]),
    ):
        found, output = evaluated(model, *given_logs)
        assert found["scorer"]["sha256"] == made.sha256
        assert found["in_sample"] == seen
        assert f"In sample: the model was fitted to {', '.join(seen)}." in output


def test_more_logs_than_a_manifest_names_are_refused(data: DataSet) -> None:
    count = MOST_LOGS + 1
    many = data._replace(log_hashes=np.array(["ab" * 32] * count), before_ts=np.full(count, ABSENT))
    with pytest.raises(InputError, match="5,000 logs at most, found 5,001"):
        produce(many, None, 0.0, "many")


# --- the earlier part of the time ----------------------------------------------------------------


def test_the_first_part_of_each_account_s_time_is_kept(tmp_path: Path) -> None:
    paths = [tmp_path / "long.jsonl", tmp_path / "short.jsonl"]
    for days, path in zip((40, 15), paths, strict=True):
        with path.open("wb") as out:
            simulate(3, days, days, out)
    data = make_dataset([EventLog(path) for path in paths])
    made = until(data, 0.8)
    assert list(data.before_ts) == [-1, -1]
    for account in (0, 1):
        ts, known = (getattr(data, name)[data.account == account] for name in ("ts", "known_ts"))
        end = ts.max() - 0.2 * (ts.max() - ts.min())
        assert abs(made.before_ts[account] - end) <= 1
        kept = known < made.before_ts[account]
        assert list(made.known_ts[made.account == account]) == list(known[kept])
        assert 0.5 < kept.mean() < 0.95
    assert list(made.sessions) == [s for s in data.sessions if s in set(made.sessions)]
    for place, session in enumerate(made.sessions):  # each with what it had
        before = int(np.flatnonzero(data.sessions == session)[0])
        for name in ("session", "target", "kind", "ts", "gap_ms", "switched", "history", "profile"):
            assert np.array_equal(getattr(made, name)[place], getattr(data, name)[before])
        for name in ("show", "shows"):
            mine = getattr(made, name)[made.bounds[place] : made.bounds[place + 1]]
            all_of = getattr(data, name)[data.bounds[before] : data.bounds[before + 1]]
            assert np.array_equal(mine, all_of)
    assert made.bounds[-1] == len(made.show) == len(made.shows) < len(data.show)


@pytest.mark.parametrize("share", [0.8, 0.799_999, 0.5])
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_nothing_that_is_judged_by_time_was_learned_from(share: float, minutes: list[int]) -> None:
    ts = BEGIN + 60_000 * np.array(sorted(minutes), np.int64) + np.arange(len(minutes)) % 7
    count = len(ts)
    some = until(
        make_dataset([])._replace(
            **dict.fromkeys(OF_SESSIONS, np.zeros(count, np.int64)),
            bounds=np.zeros(count + 1, np.int64),
            before_ts=np.array([ABSENT]),
            ts=ts,
            known_ts=ts + 60_000,
        ),
        share,
    )
    sessions = [judged(0, 0, ts=at, known_ts=at + 60_000) for at in ts.tolist()]
    late = evaluate(sessions, REF, By.time, {"a": int(some.before_ts[0])})
    assert late.in_sample == []
    assert len(some.ts) + late.n_sessions <= len(ts)


def test_a_model_of_the_first_part_is_out_of_sample_in_the_last(
    log: Path, model: Path, train: Train, data: DataSet
) -> None:
    made = train(log, "--until", "0.8")
    (use,) = made.manifest.logs
    assert use == LogUse(hash_of(log), int(until(data, 0.8).before_ts[0]))
    assert made.manifest.created_ts < use.before_ts
    for by, seen in (("time", []), ("profile", ["sim"])):
        found, output = evaluated(model, log, "--by", by)
        assert found["in_sample"] == seen
        assert ("In sample" in output) == bool(seen)
    train(log)
    assert evaluated(model, log, "--by", "time")[0]["in_sample"] == ["sim"]


def test_too_early_a_part_is_told_in_a_line(log: Path, model: Path) -> None:
    done = CliRunner().invoke(build_app(), ["train", str(log), "--until", "0", "-o", str(model)])
    assert done.exit_code == 1
    assert "2 profiles or more, to leave each out in turn; found 0" in done.stderr
    assert not model.exists()
