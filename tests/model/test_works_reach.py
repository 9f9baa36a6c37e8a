"""A catalog that is named reaches what is computed: data sets, rows, and their versions."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result
from works_scorer import ByWorks

from stream_cw.cli import build_app
from stream_cw.core.candidates import Candidates
from stream_cw.core.row import View
from stream_cw.core.rows import decode_row, encode_row
from stream_cw.core.state import ProfileState
from stream_cw.history.catalog_file import read_catalog, read_works
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay
from stream_cw.history.simulator import simulate
from stream_cw.history.simulator.catalog import SHOWS
from stream_cw.model.compare import compare
from stream_cw.model.dataset import make_dataset, sample
from stream_cw.model.openings import openings
from stream_cw.model.outcomes import outcome

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated log and its catalog."""
    path = tmp_path_factory.mktemp("simulated")
    with (path / "log.jsonl").open("wb") as log, (path / "catalog.jsonl").open("wb") as catalog:
        simulate(4, 12, 3, log, None, catalog)
    return path


@pytest.fixture(scope="module")
def log(folder: Path) -> EventLog:
    return EventLog(folder / "log.jsonl")


@pytest.fixture(scope="module")
def works(folder: Path) -> dict[str, bytes]:
    return read_works(folder / "catalog.jsonl")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("STREAM_CW_")]:
        monkeypatch.delenv(name)
    return lambda *arguments: CliRunner().invoke(build_app(), list(map(str, arguments)))


class Asked(dict[str, bytes]):
    """Works that remember which were looked up."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def __bool__(self) -> bool:
        return True  # an empty catalog is not asked

    def get(self, key: str, default: bytes = b"") -> bytes:  # type: ignore[override]
        self.ids.add(key)
        return default


class Places(ByWorks):
    """Says how many candidates the catalog knows."""

    def placements(self, _state: ProfileState, _slot: int, found: Candidates) -> dict[str, int]:
        return {"known": sum(map(bool, found.works.parts))}


def test_every_candidate_of_a_data_set_is_looked_up(log: EventLog) -> None:
    wanted = {show for opening in openings(log) for show in sample(opening).show_ids}
    asked = Asked()
    make_dataset([log], works=asked)
    assert wanted
    assert asked.ids >= wanted


def test_a_placement_is_told_the_works(log: EventLog, works: dict[str, bytes]) -> None:
    view = View(scorer=Places(), works=works)
    made = [outcome(opening, view) for opening in openings(log)]
    assert max(each.p.get("known", 0) for each in made) > 1
    assert all(each.p["known"] >= each.tiles for each in made if each.tiles)


def test_a_comparison_tells_two_catalogs_apart(log: EventLog, works: dict[str, bytes]) -> None:
    known, unknown = View(scorer=ByWorks(), works=works), View(scorer=ByWorks())
    assert compare(log, known, unknown).differ.n > 0
    assert compare(log, known, known).differ.n == 0


class TestCommands:
    @pytest.mark.parametrize(
        "command",
        [
            ["dataset", "-o", "{out}"],
            ["train", "-o", "{out}"],
            ["sweep"],
            ["baselines"],
            ["evaluate"],
            ["compare", "--model", "recency", "--model", "shipped"],
            ["report"],
            ["replay", "--offline", "-o", "{out}"],
        ],
        ids=lambda command: command[0],
    )
    def test_each_reads_the_catalog_and_tells_what_is_wrong_with_it(
        self, run: Run, folder: Path, tmp_path: Path, command: list[str]
    ) -> None:
        bad = tmp_path / "bad.jsonl"
        bad.write_bytes(b'{"kind":"movie","id":"a","kids":1}\n')
        name, *others = [part.format(out=tmp_path / "out") for part in command]
        done = run(name, folder / "log.jsonl", *others, "--catalog", bad)
        assert done.exit_code == 1, done.output
        assert f"{bad}, line 1: " in done.stderr
        assert "`$.kids`" in done.stderr
        assert not (tmp_path / "out").exists()

    def test_a_data_set_and_figures_are_made_with_catalogs(
        self, run: Run, folder: Path, tmp_path: Path
    ) -> None:
        named = [folder / "log.jsonl", "--catalog", folder / "catalog.jsonl"]
        assert run("dataset", *named, *named[1:], "-o", tmp_path / "set.npz").exit_code == 0
        assert run("evaluate", *named, "--model", "recency").exit_code == 0

    @pytest.mark.parametrize("version", [None, 0, 7])
    def test_rows_of_a_replay_name_the_version(
        self, run: Run, folder: Path, log: EventLog, tmp_path: Path, version: int | None
    ) -> None:
        out = tmp_path / "rows"
        arguments = [folder / "log.jsonl", "--offline", "-o", out, "--model", "recency"]
        arguments += ["--catalog", folder / "catalog.jsonl"]
        arguments += [] if version is None else ["--catalog-version", version]
        done = run("replay", *arguments)
        assert done.exit_code == 0, done.output
        seen = SHOWS if version is None else version
        view = View(catalog=seen, works=read_catalog(folder / "catalog.jsonl", version).works)
        found = out.read_bytes().splitlines()
        rows = [row for played in replay(log, {}, view=view) for _, row in played.rows]
        assert [line.partition(b'"row":')[2][:-1] for line in found] == [
            b"null" if row is None else encode_row(row) for row in rows
        ]
        assert {decode_row(encode_row(row)).version.catalog for row in rows if row} == {seen}

    @pytest.mark.parametrize(
        "beside",
        [
            ["--offline", "-o", "rows", "--catalog-version", "1"],
            ["--to", "127.0.0.1:9", "--catalog", __file__],
            ["--offline", "-o", "rows", "--catalog", __file__, "--catalog-version", "-1"],
            ["--offline", "-o", "rows", "--catalog", "nowhere.jsonl"],
        ],
        ids=" ".join,
    )
    def test_a_wrong_usage_is_2(self, run: Run, folder: Path, beside: list[str]) -> None:
        assert run("replay", folder / "log.jsonl", *beside).exit_code == 2
