"""The shipped model: the scenes of the original description, and what it must not carry."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec
from event_strategies import run

from stream_cw.core.events import Episode, Event, HomeView, Play, SessionStart, Stop
from stream_cw.core.features import CODES
from stream_cw.core.learned import Learned
from stream_cw.core.row import RECENCY, View, row
from stream_cw.core.rows import Row
from stream_cw.model.artefact import MAX_ARTEFACT_BYTES
from stream_cw.model.chosen import choose
from stream_cw.model.shipped import shipped

LEARNED = View(scorer=choose("shipped"))
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TYPES = {"phone": "phone", "browser": "computer", "tv": "tv"}


class Life:
    """Events of one profile, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def _common(self, device: str, at: datetime) -> dict:
        return {
            "event_id": f"e{len(self.events)}",
            "profile_id": "p",
            "device_id": device,
            "device_type": TYPES[device],
            "ts": int(at.timestamp() * 1000),
            "tz_offset_min": 0,
        }

    def watch(self, show: str, device: str, at: datetime, episode: int, minutes: int = 25) -> None:
        title = Episode(id=f"{show}-{episode}", series_id=show, season=1, episode=episode)
        self.events.append(SessionStart(**self._common(device, at)))
        self.events.append(Play(**self._common(device, at), title=title, position_ms=0))
        end = self._common(device, at + timedelta(minutes=minutes))
        self.events.append(Stop(**end, title=title, position_ms=minutes * 60_000))

    def row_at(self, device: str, at: datetime, view: View = LEARNED) -> Row:
        opened = [*self.events, HomeView(**self._common(device, at))]
        state, _ = run(opened)
        assert state is not None
        return row(state, "p", device, view)


def shows(made: Row) -> list[str]:
    return [tile.show_id for tile in made.tiles]


def test_each_device_has_its_own_show_on_top():
    """A children's show on the phone, a crime drama in the browser: each on top where it is."""
    life = Life()
    for day in range(14):
        life.watch("children", "phone", MONDAY + timedelta(days=day, hours=17), day + 1)
        life.watch("crime", "browser", MONDAY + timedelta(days=day, hours=21), day + 1, 45)
    at = MONDAY + timedelta(days=14, hours=18)
    phone, browser = life.row_at("phone", at), life.row_at("browser", at)
    assert shows(phone) == ["children", "crime"]
    assert shows(browser) == ["crime", "children"]
    assert phone.tiles[0].reason == "on_this_device"
    assert shows(life.row_at("phone", at, RECENCY)) == ["crime", "children"]


def noons_and_nights() -> Life:
    """Two shows on one device, one at noon and one at ten, on the weekdays of six weeks."""
    life = Life()
    for week in range(6):
        for day in range(5):
            date = MONDAY + timedelta(days=7 * week + day)
            life.watch("noon", "tv", date + timedelta(hours=12), 5 * week + day + 1)
            life.watch("night", "tv", date + timedelta(hours=22), 5 * week + day + 1)
    return life


def test_what_is_watched_at_ten_rises_at_ten():
    """More than it would without the features of the hour."""
    life = noons_and_nights()
    weekday = MONDAY + timedelta(days=6 * 7 + 1)

    def rise(view: View) -> int:
        """How much the night show gains on the other from noon to ten."""
        leads = []
        for hour in (12, 22):
            made = life.row_at("tv", weekday + timedelta(hours=hour), view)
            scores = {tile.show_id: tile.score for tile in made.tiles}
            leads.append(scores["night"] - scores["noon"])
        return leads[1] - leads[0]

    assert rise(LEARNED) > 0
    assert rise(LEARNED) > rise(without_hours())


def without_hours() -> View:
    model, ref = shipped().model, shipped().ref
    tables = model.ranking.tables | dict.fromkeys(("hour_lately", "hour_share"), (0,) * CODES)
    ranking = msgspec.structs.replace(model.ranking, tables=tables)
    return View(scorer=Learned(msgspec.structs.replace(model, ranking=ranking), ref))


def test_it_says_what_it_is():
    artefact = shipped()
    made = Life()
    made.watch("show", "tv", MONDAY, 1)
    named = made.row_at("tv", MONDAY + timedelta(hours=1)).model
    assert named == artefact.ref
    assert named.sha256 == artefact.sha256
    assert artefact.manifest.created_from
    found = {metric.name: metric.value for metric in artefact.manifest.metrics}
    assert found["left out: P@1"] > found["left out: P@1 of recency"] + 30_000


def test_the_card_and_the_recipe_are_of_this_model():
    name = shipped().manifest.id
    root = Path(__file__).parents[2]
    assert f"id `{name}`" in (root / "docs" / "model-card.md").read_text()
    assert f"--name {name} -o stream_cw/model/shipped.json" in (root / "Makefile").read_text()


def test_it_is_small_and_carries_no_words_of_anybody(tmp_path: Path):
    data = files("stream_cw.model").joinpath("shipped.json").read_bytes()
    assert len(data) < MAX_ARTEFACT_BYTES // 4
    assert data.isascii()
