"""What a tile offers: each line of the table as a case, and any show against a slow chooser."""

from typing import Any, NamedTuple

import pytest
from event_strategies import DAY, MINUTE
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from shows_by_hand import new_show
from slow_choice import SECOND, Tile, Viewer, film_tiles, is_started, series_tile
from state_strategies import NOW, state_of

from stream_cw.core.catalog import CatalogEntry, EpisodeEntry, MovieEntry, Season, SeriesEntry
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.row import ASLEEP, View, row
from stream_cw.core.show import ListedEpisode, Show
from stream_cw.core.show_tail import Bookmark, Nobody
from stream_cw.core.state import DARK, Device, hash32
from stream_cw.core.works import pack_work

POLICY = replace(WATCH_NEXT, given_up_per_mille=0)
LENGTH = 40 * MINUTE
HALF, DONE, LOOK = 20 * MINUTE, 39 * MINUTE, MINUTE
LANGUAGES = (None, "en", "de")
PLACES = (None, "BR", "DE")


def tiles_of(
    shows: dict[str, Show], entries: list[CatalogEntry], viewer: Viewer
) -> dict[str, Tile]:
    device = Device(
        device_id="tv", device_type=0, tz_offset_min=None, session_id=None, session_start=NOW,
        last_ts=NOW, sessions=1, country=viewer.country,
    )  # fmt: skip
    state = state_of(shows, [device], now=viewer.now, sessions=viewer.sessions)
    view = View(policy=POLICY, works={entry.id: pack_work(entry) for entry in entries})
    return {
        tile.show_id: Tile(tile.title_id, tile.position_ms, tile.up_next, tile.reason == ASLEEP)
        for tile in row(state, "p", "tv", view).tiles
    }


# Each line of the table


def left(title: str, position_ms: int, ago: int) -> ListedEpisode:
    return ListedEpisode(hash32(title), position_ms, LENGTH, NOW - ago * DAY)


def watched(title: str, position_ms: int, **fields: Any) -> Show:
    season, episode = int(title[1]), int(title[3])
    plain = new_show(series=True, title_id=title, ts=NOW - DAY)
    known = {"season": season, "episode": episode, "duration_ms": LENGTH, "nobody": None}
    furthest = (season, episode) if season else (0, 0)
    told = {"position_ms": position_ms, "furthest": furthest, "sessions_at": 7, "started_ts": None}
    return replace(plain, **(known | told | fields))


def season(number: int, count: int, **of_last: Any) -> Season:
    made = [
        EpisodeEntry(id=f"s{number}e{n}", episode=n, duration_ms=LENGTH, special=number == 0)
        for n in range(1, count + 1)
    ]
    return Season(season=number, episodes=[*made[:-1], replace(made[-1], **of_last)])


STORY = [season(1, 2), season(0, 1), season(2, 2)]
UNTIL_NOW = {"available_until_ts": NOW}
SOON = {"released_ts": NOW + SECOND}
SLEPT = Nobody(DARK, 0, Bookmark("s1e1", HALF, NOW - 2 * DAY, 1, 1, LENGTH, None))
SLEPT_BEHIND = Nobody(DARK, 0, Bookmark("s1e1", DONE, NOW - 2 * DAY, 1, 1, LENGTH, None))


class Line(NamedTuple):
    """A line of the table: a show, the seasons that the catalog has, and the tile."""

    name: str
    show: Show
    seasons: list[Season] | None
    tile: Tile | None


LINES = (
    Line("unfinished", watched("s1e1", HALF), STORY, Tile("s1e1", HALF)),
    Line("finished", watched("s1e1", DONE), STORY, Tile("s1e2")),
    Line("finished, over seasons", watched("s1e2", DONE), STORY, Tile("s2e1")),
    Line("finished, the last one", watched("s2e2", DONE), STORY, None),
    Line("finished, no catalog", watched("s1e1", DONE), None, Tile("s1e1", up_next=True)),
    Line("finished, an empty catalog", watched("s1e1", DONE), [], Tile("s1e1", up_next=True)),
    Line("finished, the next one not out", watched("s1e1", DONE), [season(1, 2, **SOON)], None),
    Line(
        "finished, the next one no more there",
        watched("s1e1", DONE),
        [season(1, 2, **UNTIL_NOW), season(2, 1)],
        Tile("s2e1"),
    ),
    Line("out of order", watched("s1e1", DONE, furthest=(2, 1)), STORY, Tile("s1e2")),
    Line("gone", watched("s1e3", HALF), STORY, Tile("s2e1")),
    Line("gone, and nothing behind it", watched("s3e1", HALF), STORY, None),
    Line("not there", watched("s1e2", HALF), [season(1, 2, **UNTIL_NOW)], None),
    Line("a special, unfinished", watched("s0e1", HALF), STORY, Tile("s0e1", HALF)),
    Line("a special", watched("s0e1", DONE, furthest=(1, 1)), STORY, Tile("s1e2")),
    Line("a special, last of all", watched("s0e1", DONE, furthest=(2, 2)), STORY, None),
    Line("a special that is gone", watched("s0e9", DONE, furthest=(1, 2)), STORY, Tile("s2e1")),
    Line(
        "a double episode",
        watched("s1e1", DONE),
        [season(1, 1, episode_end=2), season(2, 1)],
        Tile("s2e1"),
    ),
    Line(
        "the second half of a double episode, gone",
        watched("s1e2", DONE),
        [season(1, 1, episode_end=2), season(2, 1)],
        Tile("s2e1"),
    ),
    Line(
        "the first half of a double episode, gone",
        watched("s1e1", DONE),
        [season(1, 1, id="both", episode_end=2), season(2, 1)],
        Tile("both"),
    ),
    Line(
        "marked behind what was played",
        watched(
            "s1e1", 0, watched=True, watched_ts=NOW, position_ts=0, episodes=[left("s2e1", HALF, 1)]
        ),
        STORY,
        Tile("s2e1", HALF),
    ),
    Line(
        "marked before what was played",
        watched(
            "s2e1", 0, watched=True, watched_ts=NOW, position_ts=0, episodes=[left("s1e1", HALF, 1)]
        ),
        STORY,
        Tile("s2e2"),
    ),
    Line(
        "a look, one was going on",
        watched("s2e2", LOOK, episodes=[left("s1e1", HALF, 2)]),
        STORY,
        Tile("s1e1", HALF),
    ),
    Line(
        "a look at what is next",
        watched("s1e2", LOOK, episodes=[left("s1e1", DONE, 2)]),
        STORY,
        Tile("s1e2", LOOK),
    ),
    Line(
        "a look back",
        watched("s1e1", LOOK, furthest=(1, 2), episodes=[left("s1e2", DONE, 2)]),
        STORY,
        Tile("s2e1"),
    ),
    Line(
        "a look back, all is watched",
        watched("s1e1", LOOK, furthest=(2, 2), episodes=[left("s2e2", DONE, 2)]),
        STORY,
        None,
    ),
    Line("a rewatch", watched("s1e1", HALF, furthest=(1, 2)), STORY, Tile("s1e1", HALF)),
    Line(
        "a rewatch given up early",
        watched("s1e1", HALF, furthest=(1, 2), sessions_at=5),
        STORY,
        Tile("s2e1"),
    ),
    Line(
        "a rewatch given up early, one was going on",
        watched("s1e1", HALF, furthest=(1, 2), sessions_at=5, episodes=[left("s1e2", HALF, 2)]),
        STORY,
        Tile("s1e2", HALF),
    ),
    Line(
        "a rewatch given up early, nothing follows",
        watched("s1e1", HALF, furthest=(2, 2), sessions_at=5),
        STORY,
        Tile("s1e1", HALF),
    ),
    Line(
        "a rewatch that got further",
        watched("s1e2", HALF, furthest=(2, 1), sessions_at=5),
        STORY,
        Tile("s1e2", HALF),
    ),
    Line(
        "slept through",
        watched("s1e2", DONE, nobody=SLEPT),
        STORY,
        Tile("s1e1", HALF, asleep=True),
    ),
    Line(
        "slept through, behind a finished one",
        watched("s2e1", DONE, nobody=SLEPT_BEHIND),
        STORY,
        Tile("s1e2", asleep=True),
    ),
    Line(
        "slept through, behind a finished one, no catalog",
        watched("s2e1", DONE, nobody=SLEPT_BEHIND),
        None,
        Tile("s1e1", up_next=True, asleep=True),
    ),
    Line(
        "slept through, where it was is not there",
        watched("s2e1", DONE, nobody=SLEPT),
        [season(1, 1, **UNTIL_NOW), season(2, 2)],
        Tile("s2e1", asleep=True),
    ),
    Line(
        "slept through, then marked",
        watched("s1e2", HALF, watched=True, watched_ts=NOW, nobody=SLEPT),
        STORY,
        Tile("s2e1"),
    ),
    Line(
        "slept through, then marked before what was played",
        watched(
            "s1e2",
            0,
            watched=True,
            watched_ts=NOW,
            position_ts=0,
            episodes=[left("s2e1", HALF, 1)],
            nobody=SLEPT,
        ),
        STORY,
        Tile("s1e1", HALF, asleep=True),
    ),
)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_the_table(line: Line) -> None:
    entries = [] if line.seasons is None else [SeriesEntry(id="show", seasons=line.seasons)]
    found = tiles_of({"show": line.show}, entries, Viewer(NOW, None, 7))
    assert found == ({} if line.tile is None else {"show": line.tile})


def test_a_work_of_the_other_kind_says_nothing() -> None:
    """A film that the catalog takes for a series, and the other way round."""
    film = replace(new_show(series=False, title_id="film", ts=NOW - DAY), position_ms=HALF)
    shows = {"film": film, "show": watched("s1e1", DONE)}
    entries = [
        SeriesEntry(id="film", seasons=[season(1, 1, **UNTIL_NOW)]),
        MovieEntry(id="show", **UNTIL_NOW),
    ]
    wanted = {"film": Tile("film", HALF), "show": Tile("s1e1", up_next=True)}
    assert tiles_of(shows, entries, Viewer(NOW, None, 7)) == wanted


@pytest.mark.parametrize(("minutes", "offered"), [(9, False), (10, True), (30, True), (31, False)])
def test_a_release_shows_by_the_clock_of_the_catalog(minutes: int, offered: bool) -> None:
    """The profile's clock stands still; the catalog's goes before, for as long as a session."""
    story = SeriesEntry(id="show", seasons=[season(1, 2, released_ts=NOW + 10 * MINUTE)])
    device = Device(
        device_id="tv", device_type=0, tz_offset_min=None, session_id=None, session_start=NOW,
        last_ts=NOW, sessions=1,
    )  # fmt: skip
    state = state_of({"show": watched("s1e1", DONE)}, [device], now=NOW)
    view = View(policy=POLICY, works={"show": pack_work(story)}, catalog_ts=NOW + minutes * MINUTE)
    assert [tile.title_id for tile in row(state, "p", "tv", view).tiles] == ["s1e2"] * offered


# Any show, any catalog

times = st.none() | st.integers(-3, 3).map(lambda n: NOW + n * SECOND // 2)
countries = st.none() | st.lists(st.sampled_from(["BR", "DE", "PT"]), max_size=2, unique=True)
positions = st.sampled_from([0, LOOK, 2 * MINUTE, HALF, LENGTH - 3 * MINUTE, DONE])
lengths = st.sampled_from([None, LENGTH, LENGTH])
credit = st.sampled_from([None, None, 30 * MINUTE])
booleans = st.booleans()
one_in_three, one_in_four, one_in_five, one_in_ten = (
    st.integers(0, count - 1).map(lambda n: n == 0) for count in (3, 4, 5, 10)
)
languages = st.sampled_from(LANGUAGES)
orders = st.sampled_from([(1,), (1, 2), (1, 0, 2), (None, 2), (2, 1)])
counts = st.integers(0, 3)
numbers = st.sampled_from([None, 0, 1, 1, 2, 3])
episode_ids = st.permutations([f"e{n}" for n in range(5)])
ages_of_others = st.lists(st.integers(0, 3), max_size=3)
farthest = st.sampled_from([(0, 0), (1, 1), (1, 3), (2, 1), (2, 3)])
sessions = st.integers(4, 7)
works_of_films = st.sampled_from([None, "w1", "w2"])
ages_of_films = st.permutations(range(4))
farthest_of_films = st.sampled_from([0, DONE, 2**32 - 1])
begun = st.sampled_from([None, LOOK, HALF])


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    if draw(booleans):
        return {}
    return {
        "released_ts": draw(times),
        "available_from_ts": draw(times),
        "available_until_ts": draw(times),
        "countries": draw(countries),
    }


spans = windows()


@st.composite
def series(draw: st.DrawFn) -> SeriesEntry:
    """Up to three seasons; ids are `e0` and so on, some are versions of one work."""
    seasons, made = [], 0
    for number in draw(orders):
        episodes = []
        for n in range(1, draw(counts) + 1):
            single = EpisodeEntry(
                id=f"e{made}",
                episode=None if draw(one_in_four) else n,
                episode_end=n + 1 if draw(one_in_three) else None,
                special=number == 0 or draw(one_in_ten),
                work_id=f"w{made // 2}" if draw(one_in_three) else None,
                language=draw(languages),
                duration_ms=draw(lengths),
                credits_ms=draw(credit),
                **draw(spans),
            )
            episodes.append(single)
            made += 1
        seasons.append(Season(season=number, episodes=episodes))
    return SeriesEntry(id="show", seasons=seasons, language=draw(languages), **draw(spans))


@st.composite
def series_shows(draw: st.DrawFn) -> Show:
    title, *others = draw(episode_ids)
    marked = draw(one_in_three)
    ages = sorted(draw(ages_of_others))
    bookmark = None
    if draw(booleans):
        bookmark = Bookmark(
            title if draw(booleans) else others[0], draw(positions), NOW - 3 * DAY, 1, 1,
            draw(lengths), draw(credit),
        )  # fmt: skip
        if bookmark.title_id == title:  # the facts of the last title are kept once
            bookmark = None
    return watched(
        "s1e1",
        draw(positions),
        title_id=title,
        season=draw(numbers),
        episode=draw(numbers),
        duration_ms=draw(lengths),
        credits_ms=draw(credit),
        furthest=draw(farthest),
        sessions_at=draw(sessions),
        watched=marked,
        watched_ts=NOW if marked else 0,
        position_ts=0 if marked and draw(booleans) else NOW - DAY,
        episodes=[
            ListedEpisode(hash32(name), draw(positions), draw(lengths), NOW - DAY - age * DAY)
            for name, age in zip(others, ages, strict=False)
        ],
        nobody=Nobody(DARK, 0, bookmark) if draw(booleans) else None,
    )


viewers = st.builds(
    Viewer, st.just(NOW), st.sampled_from(PLACES), st.integers(7, 8)
)  # the first s1e1 of `watched` says sessions 7


@given(series_shows(), series(), viewers, st.booleans())
@settings(max_examples=600, deadline=None)
def test_any_series(show: Show, entry: SeriesEntry, viewer: Viewer, known: bool) -> None:
    slept = show.nobody is not None and show.nobody.bookmark is not None
    wanted = series_tile(show, entry if known else None, viewer, slept=slept)
    begun = show.watched or any(
        is_started(position, None, film=False)
        for position in (show.position_ms, *(e.position_ms for e in show.episodes))
    )
    note(f"slept: {slept}, offered: {wanted is not None and begun}")
    if begun:
        found = tiles_of({"show": show}, [entry] if known else [], viewer)
        assert found == ({} if wanted is None else {"show": wanted})


@st.composite
def films(draw: st.DrawFn) -> tuple[dict[str, Show], dict[str, MovieEntry]]:
    names = [f"film-{n}" for n in range(4)]
    entries = {
        name: MovieEntry(id=name, work_id=draw(works_of_films), **draw(spans))
        for name in names
        if not draw(one_in_five)
    }
    shows = {}
    for name, age in zip(names, draw(ages_of_films), strict=True):
        furthest = draw(farthest_of_films)
        last = NOW - DAY - age * DAY
        shows[name] = replace(
            new_show(series=False, title_id=name, ts=last),
            position_ms=draw(positions),
            duration_ms=draw(lengths),
            credits_ms=draw(credit),
            removed=draw(one_in_four),
            watched=(marked := draw(one_in_four)),
            watched_ts=NOW if marked else 0,
            furthest=divmod(furthest, 65_536),
            started_ts=None if (ago := draw(begun)) is None else last - ago,
            nobody=None,
        )
    return shows, entries


@given(films(), viewers)
@settings(max_examples=300, deadline=None)
def test_any_films_and_their_versions(
    told: tuple[dict[str, Show], dict[str, MovieEntry]], viewer: Viewer
) -> None:
    shows, entries = told
    assert tiles_of(shows, list(entries.values()), viewer) == film_tiles(shows, entries, viewer)
