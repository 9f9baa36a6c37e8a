"""`stream-cw evaluate` and `stream-cw compare`: names of the figures, files, wrong usage."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from signed_models import Signer, a_manifest, a_model, a_payload
from typer.testing import CliRunner, Result

from stream_cw.cli import build_app
from stream_cw.cli.options import written
from stream_cw.core.scoring import Recency
from stream_cw.history.simulator import simulate
from stream_cw.model.artefact import encode_payload
from stream_cw.model.chosen import choose
from stream_cw.model.manifest import LogUse

RANKING = {"n_sessions", "coverage", "p_at_1", "mrr", "ndcg_at_5", "mean_rank"}
COMPARED = {"n_sessions", "model", "recency", "diff"}
PLACING = {"n", "positive", "auc", "auc_discovery", "brier", "ece", "bins", "costs"}

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("logs")
    paths = [folder / "one.jsonl", folder / "two.jsonl"]
    for seed, path in enumerate(paths):
        with path.open("wb") as log:
            simulate(3, 20, seed, log)
    return paths


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.json"
    path.write_bytes(a_payload("backwards", oldest_first=True))
    return path


@pytest.fixture
def run() -> Run:
    runner = CliRunner()
    return lambda *arguments: runner.invoke(build_app(), list(map(str, arguments)))


def figures(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


def test_evaluate_tells_and_writes_all_figures(
    run: Run, logs: list[Path], model: Path, tmp_path: Path
) -> None:
    out, report = tmp_path / "out.json", tmp_path / "out.html"
    result = run("evaluate", *logs, "--model", model, "--json", out, "--report", report)
    assert result.exit_code == 0, result.output
    found = figures(out)
    assert found["scorer"] == {
        "id": "backwards",
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
    }
    for part in (
        found,
        found["slices"]["device_switched"],
        found["slices"]["device_same"],
        *(found["slices"]["hours_since"][name] for name in ("under_2", "2_8", "8_24", "24_72")),
        found["slices"]["hours_since"]["over_72"],
        *(found["slices"]["history"][name] for name in ("under_100", "100_300", "300_1000")),
        found["slices"]["history"]["over_1000"],
        *found["slices"]["device"].values(),
        found["accounts"]["one"],
        found["accounts"]["two"],
    ):
        assert set(part) >= COMPARED
        assert set(part["model"]) == set(part["recency"]) == RANKING
        assert set(part["diff"]) == {"p_at_1", "mrr", "ndcg_at_5"}
        assert all(set(each) == {"value", "low", "high"} for each in part["diff"].values())
        assert part["n_sessions"] == part["model"]["n_sessions"] == part["recency"]["n_sessions"]
    assert set(found["placement"]) == {"combined", "dedicated", "resume_share"}
    assert all(set(placing) == PLACING for placing in found["placement"].values())
    assert found["n_sessions"] == found["sessions"]["continuation"] > 0
    assert found["diff"]["p_at_1"]["high"] < 0
    assert f"{found['recency']['p_at_1']:.3f}" in result.output
    assert report.read_text().startswith("<!doctype html>")
    assert "backwards" in report.read_text()


def test_same_logs_and_model_same_bytes(
    run: Run, logs: list[Path], model: Path, tmp_path: Path
) -> None:
    def written(*arguments: object) -> tuple[str, bytes, bytes]:
        out, report = tmp_path / "out.json", tmp_path / "out.html"
        result = run("evaluate", *arguments, "--model", model, "--json", out, "--report", report)
        return result.output, out.read_bytes(), report.read_bytes()

    assert written(*logs) == written(*reversed(logs))
    assert written(*logs) != written(*logs, "--by", "account")
    assert written(*logs) != written(*logs, "--by", "time")


@pytest.mark.parametrize("packed", [False, True])
def test_it_says_which_logs_the_model_was_fitted_to(
    run: Run, logs: list[Path], tmp_path: Path, packed: bool
) -> None:
    model, out = tmp_path / "fitted.json", tmp_path / "out.json"
    fitted = [LogUse("0" * 64), LogUse(hashlib.sha256(logs[1].read_bytes()).hexdigest())]
    of_model = a_model()
    manifest = msgspec.structs.replace(a_manifest(of_model), logs=tuple(fitted))
    model.write_bytes(encode_payload(manifest, of_model))
    judged = tmp_path / "two.jsonl.gz" if packed else logs[1]
    with written(tmp_path / "two.jsonl.gz") as file:
        file.write(logs[1].read_bytes())
    for given, seen in (([logs[0]], []), ([judged], ["two"]), ([judged, logs[0]], ["two"])):
        result = run("evaluate", *given, "--model", model, "--json", out)
        assert result.exit_code == 0, result.output
        assert figures(out)["in_sample"] == seen
        assert ("In sample: the model was fitted to two." in result.output) == bool(seen)
        assert "does not tell" not in result.output


def test_a_model_that_does_not_say_what_it_was_fitted_to(
    run: Run, logs: list[Path], model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    for name, seen in ((model, None), ("recency", [])):
        result = run("evaluate", logs[0], "--model", name, "--json", out)
        assert figures(out)["in_sample"] == seen
        assert ("does not tell which logs it was fitted to" in result.output) == (seen is None)


def test_a_model_of_one_method_has_no_other(run: Run, logs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run("evaluate", *logs, "--model", "recency", "--json", out).exit_code == 0
    assert set(figures(out)["placement"]) == {"resume_share"}


def test_compare_tells_and_writes_its_figures(
    run: Run, logs: list[Path], model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    result = run("compare", logs[0], "--model", model, "--model", "recency", "--json", out)
    assert result.exit_code == 0, result.output
    found = figures(out)
    assert found["a"]["scorer"]["id"] == "backwards"
    assert found["b"]["scorer"] == {"id": "recency", "sha256": None}
    assert 0 < found["differ"]["n"] < found["rows"]
    assert f"{found['differ']['n']:,}" in result.output
    assert found["diff"]["p_at_1"]["value"] < 0


def test_a_signed_model_is_the_same_model(model: Path, tmp_path: Path) -> None:
    signed = tmp_path / "signed.json"
    signed.write_bytes(Signer().artefact("backwards", oldest_first=True))
    assert choose(str(signed)).ref == choose(str(model)).ref
    assert isinstance(choose("recency"), Recency)


def test_what_is_no_model_is_one_line(run: Run, logs: list[Path], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(b"{}")
    for name, told in ((wrong, "manifest"), (tmp_path / "nowhere", "No such file")):
        result = run("evaluate", logs[0], "--model", name)
        assert result.exit_code == 1
        assert told in result.stderr
        assert len(result.stderr.splitlines()) == 1
    same = run("evaluate", logs[0], logs[0], "--model", "recency")
    assert same.exit_code == 1
    assert "found 1 again" in same.stderr


def test_compare_of_two_policies(run: Run, logs: list[Path], tmp_path: Path) -> None:
    own, out = tmp_path / "own.toml", tmp_path / "out.json"
    own.write_text('base = "plex"\nfinished_per_mille = 700\n')
    sides = ("--policy", own, "--policy", "stremio")
    result = run("compare", logs[0], "--model", "recency", *sides, "--json", out)
    assert result.exit_code == 0, result.output
    found = figures(out)
    assert [found[side]["policy"] for side in "ab"] == ["own", "stremio"]
    assert [found[side]["scorer"]["id"] for side in "ab"] == ["recency", "recency"]
    assert "A: recency, own" in result.output
    assert found["tiles"]["only_b"] > found["tiles"]["only_a"]
    words = " ".join(result.output.split())
    assert f"in those of B alone {found['tiles']['only_b']:,}" in words


@pytest.mark.parametrize(
    ("models", "policies"), [(0, 0), (1, 0), (0, 1), (1, 1), (3, 0), (2, 3), (0, 3)]
)
def test_compare_wants_two_sides(run: Run, logs: list[Path], models: int, policies: int) -> None:
    told = ["--model", "recency"] * models + ["--policy", "plex"] * policies
    assert run("compare", logs[0], *told).exit_code == 2


def test_evaluate_wants_a_known_split(run: Run, logs: list[Path]) -> None:
    assert run("evaluate", logs[0], "--model", "recency", "--by", "mood").exit_code == 2
