"""What titles are called decides nothing: the same rows, apart from names.

New names are as long as the old ones: of a state at its limit of bytes, long ids push out more.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from random_models import TITLE_NAMES, a_random_model

from stream_cw.core.catalog import decode_catalog_entry
from stream_cw.core.features import CODES
from stream_cw.core.learned import Learned
from stream_cw.core.model import MICRO, Additive, faults
from stream_cw.core.priors import Priors, title_hash
from stream_cw.core.records import Record
from stream_cw.core.row import View
from stream_cw.core.rows import ModelRef, Row, encode_row
from stream_cw.core.scoring import Scorer
from stream_cw.core.state import hash64
from stream_cw.core.works import pack_work
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay
from stream_cw.history.simulator import simulate
from stream_cw.model.chosen import choose

REF = ModelRef("random", "ab" * 32)
WEIGHTS = tuple(7919 * code * code % MICRO for code in range(CODES))


class Simulated(NamedTuple):
    """A simulated log and the lines of its catalog."""

    records: list[Record]
    catalog: list[bytes]

    @property
    def names(self) -> set[str]:
        """All ids of titles and series in the log."""
        events = [msgspec.json.decode(record.value or b"") for record in self.records]
        titles = [event.get("title", {}) for event in events]
        return {title[name] for title in titles for name in ("id", "series_id") if title.get(name)}

    @property
    def to_be_played(self) -> set[str]:
        """All ids that a tile may name: those of the catalog, too."""
        entries = [msgspec.json.decode(line) for line in self.catalog]
        seasons = [season for entry in entries for season in entry.get("seasons", [])]
        return self.names | {episode["id"] for season in seasons for episode in season["episodes"]}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    folder: Path = tmp_path_factory.mktemp("renamed")
    with (folder / "sim.jsonl").open("wb") as out, (folder / "catalog").open("wb") as catalog:
        simulate(1, 90, 11, out, None, catalog)
    records = list(EventLog(folder / "sim.jsonl"))
    return Simulated(records, (folder / "catalog").read_bytes().splitlines())


def shifted(name: str) -> str:
    """Another first letter: all names keep their order."""
    return chr(ord(name[0]) + 1) + name[1:]


def mixed(name: str) -> str:
    """Another name: their order changes."""
    return blake2b(name.encode()).hexdigest()[: len(name)]


def renamed(value: bytes, called: Callable[[str], str]) -> bytes:
    """Give all titles of an event, or of an entry of the catalog, other names."""

    def change(part: Any, *names: str) -> None:
        for name in part.keys() & set(names):
            part[name] = called(part[name])

    told = msgspec.json.decode(value)
    if "event_id" in told:
        change(told, "show_id")
        change(told.get("title", {}), "id", "series_id")
    else:
        change(told, "id", "work_id")
        for season in told.get("seasons", []):
            for episode in season["episodes"]:
                change(episode, "id", "work_id")
    return msgspec.json.encode(told)


def works_of(lines: Iterable[bytes]) -> dict[str, bytes]:
    return {entry.id: pack_work(entry) for entry in map(decode_catalog_entry, lines)}


def rows_of(records: Iterable[Record], scorer: Scorer, works: Mapping[str, bytes]) -> list[Row]:
    view = View(scorer=scorer, model=5, works=works)
    return [made for each in replay(records, {}, view=view) for _, made in each.rows if made]


def knowing(names: Iterable[str], called: Callable[[str], str] = str) -> Learned:
    """The same random model, which knows two titles of three by these names."""
    told = {name: hash64("codes of " + name) for name in names}
    codes = {
        title_hash(hash64(called(name))): tuple(number // 127**n % 127 for n in range(3))
        for name, number in told.items()
        if number % 3
    }
    model = msgspec.structs.replace(a_random_model(11), priors=Priors(codes))  # type: ignore[arg-type]
    tables = model.ranking.tables | dict.fromkeys(TITLE_NAMES, WEIGHTS)
    model = msgspec.structs.replace(model, ranking=Additive(tables, model.ranking.pairs))
    assert faults(model) == []
    return Learned(model, REF)


MODELS: dict[str, Callable[[Iterable[str], Callable[[str], str]], Scorer]] = {
    "random": lambda _names, _called: knowing(()),
    "random, knows titles": knowing,
    "shipped": lambda _names, _called: choose("shipped"),
}


class Told:
    """The simulated log and catalog under any names; what was made of them once serves again."""

    def __init__(self, simulated: Simulated) -> None:
        self.simulated = simulated
        self._rows: dict[tuple[str, bool, str], list[Row]] = {}
        self._works: dict[str, dict[str, bytes]] = {}

    def rows(self, model: str, cataloged: bool, called: Callable[[str], str] = str) -> list[Row]:
        key = model, cataloged, called.__name__
        if key not in self._rows:
            records = (
                msgspec.structs.replace(record, value=renamed(record.value or b"", called))
                for record in self.simulated.records
            )
            scorer = MODELS[model](self.simulated.names, called)
            self._rows[key] = rows_of(records, scorer, self._catalog(called) if cataloged else {})
        return self._rows[key]

    def _catalog(self, called: Callable[[str], str]) -> dict[str, bytes]:
        if called.__name__ not in self._works:
            lines = (renamed(line, called) for line in self.simulated.catalog)
            self._works[called.__name__] = works_of(lines)
        return self._works[called.__name__]


@pytest.fixture(scope="module")
def told(simulated: Simulated) -> Told:
    return Told(simulated)


@pytest.mark.parametrize("called", [shifted, mixed])
@pytest.mark.parametrize("cataloged", [False, True], ids=["no catalog", "catalog"])
@pytest.mark.parametrize("model", MODELS)
def test_all_titles_renamed_give_the_same_rows_apart_from_names(
    told: Told, model: str, cataloged: bool, called: Callable[[str], str]
) -> None:
    names = told.simulated.to_be_played
    old = {called(name): name for name in names}
    assert len(old) == len(names)
    before, after = told.rows(model, cataloged), told.rows(model, cataloged, called)
    assert len(before) == len(after) > 100
    for mine, theirs in zip(before, after, strict=True):
        tiles = [
            msgspec.structs.replace(tile, show_id=old[tile.show_id], title_id=old[tile.title_id])
            for tile in theirs.tiles
        ]
        assert encode_row(msgspec.structs.replace(theirs, tiles=tiles)) == encode_row(mine)


def test_the_rows_depend_on_names_and_catalog_and_have_equal_scores(told: Told) -> None:
    """Else nothing would have been found."""
    plain = [made.tiles for made in told.rows("random", cataloged=False)]
    assert plain != [made.tiles for made in told.rows("random, knows titles", cataloged=False)]
    assert plain != [made.tiles for made in told.rows("random", cataloged=True)]
    by_shipped = told.rows("shipped", cataloged=True)
    assert any(len({tile.score for tile in made.tiles}) < len(made.tiles) for made in by_shipped)
