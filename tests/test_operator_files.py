"""Files of an operator: read, refused with a reason, and what worker and replay make of them."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from signed_models import a_payload
from typer.testing import CliRunner, Result

from stream_cw.cli import build_app
from stream_cw.config import Settings
from stream_cw.core.experiments import arm_of
from stream_cw.core.placement import Case, PlacementMap
from stream_cw.core.policies import KODI, PLEX, POLICIES
from stream_cw.core.row import View
from stream_cw.core.rows import Row, decode_row
from stream_cw.core.scoring import Recency, Scorer
from stream_cw.errors import InputError
from stream_cw.history.simulator import simulate
from stream_cw.operator_files import choose_policy, read_experiment, read_placement, with_files
from stream_cw.worker.models import initial_view

DOCUMENTED = Path(__file__).parents[1] / "docs" / "learning.md"
PLACEMENT = """
false_positive = 1
false_negative = 3
page = [620_000, 410_000, 20_000]

[[cases]]
device_types = ["phone", "tablet"]
tenure_below_days = 30
false_positive = 1
false_negative = 5
"""
EXPERIMENT = """
id = "depth"
salt = "2026"

[[arms]]
id = "as-is"

[[arms]]
id = "deep"
weight = 2
model = "{model}"
policy = {{ in_a_row_ms = 14_400_000 }}
placement = {{ slots = 9, false_positive = 9, false_negative = 1 }}
"""


@pytest.fixture
def placement(tmp_path: Path) -> Path:
    path = tmp_path / "placement.toml"
    path.write_text(PLACEMENT)
    return path


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    model = tmp_path / "model.json"
    model.write_bytes(a_payload("backwards", oldest_first=True))
    path = tmp_path / "experiment.toml"
    path.write_text(EXPERIMENT.format(model=model))
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name in [name for name in os.environ if name.startswith("STREAM_CW_")]:
        monkeypatch.delenv(name)
    return lambda *arguments: CliRunner().invoke(build_app(), list(map(str, arguments)))


def nothing(name: str) -> Scorer:
    raise AssertionError(name)


def test_toml_and_json_say_the_same(placement: Path, experiment: Path, tmp_path: Path) -> None:
    found = read_placement(placement)
    assert found == PlacementMap(
        false_negative=3,
        page=(620_000, 410_000, 20_000),
        cases=(
            Case(
                device_types=("phone", "tablet"),
                tenure_below_days=30,
                false_positive=1,
                false_negative=5,
            ),
        ),
    )
    for value, read in (
        (found, read_placement),
        (read_experiment(experiment), read_experiment),
    ):
        again = tmp_path / "again.json"
        again.write_bytes(msgspec.json.encode(value))
        assert read(again) == value


@pytest.mark.parametrize(
    ("kind", "read"), [("placement", read_placement), ("experiment", read_experiment)]
)
def test_the_examples_of_the_documentation_are_read(
    kind: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    told = re.findall(rf"```toml {kind}\n(.*?)```", DOCUMENTED.read_text(), re.DOTALL)
    assert len(told) == 1
    path = tmp_path / "file.toml"
    path.write_text(told[0])
    found = read(path)
    assert len(getattr(found, "arms", ())) == (3 if kind == "experiment" else 0)
    assert len(getattr(found, "cases", ())) == (2 if kind == "placement" else 0)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("map.toml", b"slots = 1", "Expected `int` >= 2 - at `$.slots`"),
        ("map.toml", b"slots = ", "end of document"),
        ("map.toml", b"\xff", "utf-8"),
        ("map.json", b"{", "truncated"),
        ("map.json", b'{"slots":2,"page":[1]}', "found both"),
        ("map.json", b'{"page":["\xff"]}', "$.page[0]"),
        ("map.json", b"slots = 2", "malformed"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_placement(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)


def test_a_policy_is_found_by_its_name_or_read(tmp_path: Path) -> None:
    assert {name: choose_policy(name) for name in POLICIES} == POLICIES
    toml, json = tmp_path / "shorter.toml", tmp_path / "shorter.json"
    toml.write_text('base = "kodi"\nfinished_per_mille = 800\n')
    json.write_text('{"base":"kodi","finished_per_mille":800}')
    wanted = msgspec.structs.replace(KODI, name="shorter", finished_per_mille=800)
    assert choose_policy(str(toml)) == choose_policy(str(json)) == wanted


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("left_ms = 1", "missing required field `finished_per_mille`"),
        ("finished_per_mille = 2000", "Expected `int` <= 1000 - at `$.finished_per_mille`"),
        ('base = "kodi"\nfinished = 1', "unknown field `finished`"),
        ('base = "kodi"\nleft_ms = "a minute"', "Expected `int`, got `str` - at `$.left_ms`"),
        ("base = ", "end of document"),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        choose_policy(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)


def test_a_policy_that_is_not_there_tells_which_are() -> None:
    with pytest.raises(InputError, match=r"policy nowhere: wanted watch-next, .* or a file"):
        choose_policy("nowhere")


def test_a_view_takes_what_is_there(placement: Path, experiment: Path) -> None:
    plain = View()
    assert with_files(plain, None, None, nothing) == plain
    placed = with_files(plain, placement, None, nothing)
    assert msgspec.structs.replace(placed, placement=plain.placement) == plain
    asked: list[str] = []

    def given(name: str) -> Scorer:
        asked.append(name)
        return Recency()

    full = with_files(plain, placement, experiment, given)
    assert full.experiment == read_experiment(experiment)
    assert asked == list(full.scorers) == [full.experiment.arms[1].model]


def test_a_worker_has_what_its_settings_name(placement: Path, experiment: Path) -> None:
    settings = Settings(policy="plex", placement=placement, experiment=experiment)
    view = initial_view(settings)
    assert view.policy == PLEX
    assert view.placement == read_placement(placement)
    assert view.experiment == read_experiment(experiment)
    assert [scorer.ref.id for scorer in view.scorers.values()] == ["backwards"]
    assert initial_view(Settings()).experiment is None


def test_a_worker_with_a_wrong_file_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "map.toml"
    monkeypatch.setenv("STREAM_CW_PLACEMENT", str(path))
    with pytest.raises(FileNotFoundError):
        initial_view(Settings())
    path.write_text("slots = 1")
    with pytest.raises(InputError, match=r"\$\.slots"):
        initial_view(Settings())
    monkeypatch.setenv("STREAM_CW_POLICY", str(path))
    with pytest.raises(InputError, match=r"`finished_per_mille`|`slots`"):
        initial_view(Settings())


def rows(path: Path) -> list[Row]:
    lines = (msgspec.json.decode(line)["row"] for line in path.read_bytes().splitlines())
    return [decode_row(msgspec.json.encode(line)) for line in lines if line]


def test_offline_rows_are_placed_and_named(
    run: Callable[..., Result], placement: Path, experiment: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    with log.open("wb") as file:
        simulate(6, 8, 1, file)

    def made(*options: object) -> list[Row]:
        out = tmp_path / "rows.jsonl"
        result = run("replay", log, "--offline", "--model", "recency", "-o", out, *options)
        assert result.exit_code == 0, result.output
        return rows(out)

    plain, placed = made(), made("--placement", placement)
    assert {row.placement.slot for row in plain} == {0, 1}
    assert {row.placement.slot for row in placed} == {0, 3}
    assert [
        msgspec.structs.replace(row, placement=old.placement)
        for row, old in zip(placed, plain, strict=True)
    ] == plain
    found = read_experiment(experiment)
    armed = made("--experiment", experiment)
    assert {row.arm for row in armed} == {"as-is", "deep"}
    for row, old in zip(armed, plain, strict=True):
        assert row.arm == arm_of(found, row.profile_id).id
        deep = row.arm == "deep"
        assert row.model.id == ("backwards" if deep else "recency")
        assert deep or msgspec.structs.replace(row, arm=None) == old


def test_offline_rows_under_a_policy(run: Callable[..., Result], tmp_path: Path) -> None:
    log, own = tmp_path / "log.jsonl", tmp_path / "own.toml"
    with log.open("wb") as file:
        simulate(3, 8, 1, file)
    own.write_text('base = "stremio"\n')

    def made(*options: object) -> list[Row]:
        out = tmp_path / "rows.jsonl"
        result = run("replay", log, "--offline", "--model", "recency", "-o", out, *options)
        assert result.exit_code == 0, result.output
        return rows(out)

    plain = made()
    assert made("--policy", "watch-next") == plain
    assert made("--policy", own) == made("--policy", "stremio") != plain


def test_an_arm_with_a_model_that_is_not_there_is_one_line(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    path, log = tmp_path / "experiment.json", tmp_path / "log.jsonl"
    path.write_bytes(b'{"id":"x","arms":[{"id":"a","model":"nowhere.json"}]}')
    log.touch()
    result = run("replay", log, "--offline", "-o", tmp_path / "rows", "--experiment", path)
    assert (result.exit_code, result.stderr) == (
        1,
        "stream-cw: nowhere.json: No such file or directory\n",
    )
