"""The one film and the one series of the household, as a catalog, and what a row offers of them."""

from household import START
from promises import LASTS, Offer, Release, Shelf

from stream_cw.core.catalog import EpisodeEntry, MovieEntry, Season, SeriesEntry
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.row import View
from stream_cw.core.rows import Row
from stream_cw.core.works import pack_work

SHOWS = ("film", "saga")
POLICY = WATCH_NEXT


def first_shelf() -> Shelf:
    return {
        "film": [Release("film", START)],
        "saga": [Release(f"saga-{n}", START) for n in range(3)],
    }


def offers_of(shown: Row) -> dict[str, Offer]:
    assert not any(tile.up_next for tile in shown.tiles)
    offers = {tile.show_id: (tile.title_id, tile.position_ms) for tile in shown.tiles}
    assert len(offers) == len(shown.tiles)
    return offers


def view_of(shelf: Shelf) -> View:
    episodes = [
        EpisodeEntry(id=title, episode=n, duration_ms=LASTS, released_ts=ts)
        for n, (title, ts) in enumerate(shelf["saga"], 1)
    ]
    episodes.insert(2, EpisodeEntry(id="behind-the-scenes", special=True, duration_ms=LASTS))
    works = {
        "film": pack_work(MovieEntry(id="film", duration_ms=LASTS)),
        "saga": pack_work(SeriesEntry(id="saga", seasons=[Season(season=1, episodes=episodes)])),
    }
    return View(policy=POLICY, works=works, catalog=sum(map(len, shelf.values())))
