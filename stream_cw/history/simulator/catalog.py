"""The simulated service's catalog: films and series, with new seasons as time goes on."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate, groupby
from typing import Final

from msgspec import Struct

from stream_cw.core.catalog import (
    CatalogEntry,
    EpisodeEntry,
    MovieEntry,
    Season,
    SeriesEntry,
)
from stream_cw.core.events import Episode, Movie
from stream_cw.history.simulator.dice import Dice, dice_for
from stream_cw.history.simulator.tuning import DAY, MINUTE

SHOWS: Final = 1_000
HORIZON_DAYS: Final = 1_500
"""Releases are planned this far, whatever is simulated: a longer run continues a shorter one."""
GENRES: Final = ("drama", "crime", "comedy", "scifi", "documentary", "reality", "romance", "anime")
KIDS_GENRES: Final = ("cartoon", "learning", "adventure")
LANGUAGES: Final = ("en", "en", "en", "en", "en", "es", "pt", "ko", "ja", "de", "hi")


class Item(Struct, frozen=True):
    """One title that can be played, when it is released and how long it is, in ms."""

    title: Movie | Episode
    release_ts: int
    duration_ms: int
    credits_ms: int
    """Where the credits begin; the catalog may not say so, the members see it."""


class Show(Struct, frozen=True):
    """A series or a film with its items in their order."""

    id: str
    kind: str
    genres: tuple[str, ...]
    kids: bool
    language: str
    popularity: int
    items: tuple[Item, ...]

    @property
    def series(self) -> bool:
        """Whether it is a series."""
        return self.kind == "series"


class Catalog:
    """All shows; those to be released later included."""

    def __init__(self, shows: tuple[Show, ...]) -> None:
        self.shows = shows

    @cached_property
    def _ladder(self) -> list[int]:
        return list(accumulate(show.popularity for show in self.shows))

    def popular(self, dice: Dice) -> Show:
        """Draw a show in proportion to its popularity."""
        return self.shows[bisect_right(self._ladder, dice.below(self._ladder[-1]))]


def make_catalog(seed: int, start_ts: int) -> Catalog:
    """Make the catalog of a seed; it does not depend on how long is simulated."""
    dice = dice_for(seed, "catalog")
    ranks = list(range(SHOWS))
    for last in range(SHOWS - 1, 0, -1):
        other = dice.below(last + 1)
        ranks[last], ranks[other] = ranks[other], ranks[last]
    return Catalog(
        tuple(_show(dice_for(seed, "show", n), n, ranks[n], start_ts) for n in range(SHOWS))
    )


def _show(dice: Dice, number: int, rank: int, start_ts: int) -> Show:
    kids = dice.chance(22)
    series = dice.chance(88 if kids else 72)
    later = dice.chance(20)
    days = dice.between(1, 1_000) if later else -dice.between(20, 1_500)
    added = start_ts + days * DAY
    show_id = f"series-{number:04d}" if series else f"film-{number:04d}"
    genres = KIDS_GENRES if kids else GENRES
    first = dice.below(len(genres))
    second = dice.below(len(genres))
    return Show(
        id=show_id,
        kind="series" if series else "movie",
        genres=tuple(dict.fromkeys((genres[first], genres[second]))),
        kids=kids,
        language=LANGUAGES[dice.below(len(LANGUAGES))],
        popularity=10_000_000 // (rank + 30),
        items=tuple(
            _episodes(dice, show_id, kids, added, start_ts)
            if series
            else _film(dice, show_id, kids, added)
        ),
    )


def _film(dice: Dice, show_id: str, kids: bool, added: int) -> Iterator[Item]:
    duration = (dice.between(70, 95) if kids else dice.between(84, 150)) * MINUTE
    ends = duration - dice.between(3, 8) * MINUTE
    told = ends if dice.chance(90) else None
    title = Movie(id=show_id, duration_ms=duration, credits_ms=told)
    yield Item(title, added, duration, ends)


def _episodes(dice: Dice, show_id: str, kids: bool, added: int, start_ts: int) -> Iterator[Item]:
    length = (
        dice.between(11, 25)
        if kids
        else (dice.between(22, 30), dice.between(42, 58))[dice.below(2)]
    )
    per_season = dice.between(10, 22) if kids else dice.between(6, 13)
    weekly = dice.chance(30)
    told_credits = dice.chance(90)
    most = dice.between(1, 3) if dice.chance(45) else dice.between(2, 8)
    season, release = 1, added
    while season <= most and release < start_ts + HORIZON_DAYS * DAY:
        for number in range(1, per_season + 1):
            duration = (length * 60 + dice.between(-120, 150)) * 1_000
            ends = duration - dice.between(25, 80) * 1_000
            title = Episode(
                id=f"{show_id}.s{season:02d}e{number:02d}",
                series_id=show_id,
                season=season,
                episode=number,
                duration_ms=duration,
                credits_ms=ends if told_credits else None,
            )
            yield Item(title, release + (number - 1) * 7 * DAY * weekly, duration, ends)
        season += 1
        release += dice.between(200, 420) * DAY


def catalog_entry(show: Show) -> CatalogEntry:
    """Say what the catalog topic says of a show."""
    first = show.items[0]
    if isinstance(first.title, Movie):
        return MovieEntry(
            id=show.id,
            name=_name(show),
            language=show.language,
            genres=list(show.genres),
            kids=show.kids,
            added_ts=first.release_ts,
            released_ts=first.release_ts,
            available_from_ts=first.release_ts,
            duration_ms=first.duration_ms,
            credits_ms=first.title.credits_ms,
        )
    return SeriesEntry(
        id=show.id,
        name=_name(show),
        language=show.language,
        genres=list(show.genres),
        kids=show.kids,
        added_ts=first.release_ts,
        released_ts=first.release_ts,
        seasons=[
            Season(season=season, episodes=[_episode_entry(item) for item in items])
            for season, items in groupby(show.items, key=_season)
        ],
    )


def _name(show: Show) -> str:
    return f"{show.genres[0].capitalize()} {show.id.replace('-', ' ')}"


def _season(item: Item) -> int | None:
    return item.title.season if isinstance(item.title, Episode) else None


def _episode_entry(item: Item) -> EpisodeEntry:
    return EpisodeEntry(
        id=item.title.id,
        episode=item.title.episode if isinstance(item.title, Episode) else None,
        released_ts=item.release_ts,
        available_from_ts=item.release_ts,
        duration_ms=item.duration_ms,
        credits_ms=item.title.credits_ms,
    )
