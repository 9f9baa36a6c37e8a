"""Which entries are announced, and when."""

from stream_cw.clients.releases import Releases
from stream_cw.core.catalog import (
    CatalogEntry,
    EpisodeEntry,
    MovieEntry,
    Season,
    SeriesEntry,
    encode_catalog_entry,
)
from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.records import Record

NOW = 1_700_000_000_000
SECOND, HOUR = 1_000, 3_600_000


def entry(told: CatalogEntry, *, appended: int | None = NOW - HOUR) -> Record:
    return Record(told.id.encode(), encode_catalog_entry(told), 0, 0, appended)


def film(*, released: int | None = None, until: int | None = None) -> MovieEntry:
    return MovieEntry(id="film", released_ts=released, available_until_ts=until)


def series(*released: int) -> SeriesEntry:
    episodes = [
        EpisodeEntry(id=f"e{n}", episode=n, released_ts=ts) for n, ts in enumerate(released)
    ]
    return SeriesEntry(id="series", seasons=[Season(season=1, episodes=episodes)])


def echo(name: str, appended: int) -> Record:
    return Record(f"!{name}".encode(), None, 0, 0, appended)


def announced(releases: Releases, *times: int) -> list[list[bytes]]:
    return [releases.due(now) for now in times]


def test_each_time_is_announced_once_when_it_comes() -> None:
    releases = Releases()
    releases.take(entry(series(NOW + 5 * SECOND, NOW + 9 * SECOND)), NOW)
    releases.take(entry(film(until=NOW + 9 * SECOND)), NOW)
    times = (NOW + 5 * SECOND - 1, NOW + 5 * SECOND, NOW + 6 * SECOND, NOW + HOUR)
    first, second, third, last = announced(releases, *times)
    assert (first, second, third) == ([], [b"series"], [])
    assert sorted(last) == [b"film", b"series"]


def test_a_release_within_a_second_is_there_from_the_next_whole_one_on() -> None:
    releases = Releases()
    releases.take(entry(film(released=NOW + 1)), NOW)
    assert announced(releases, NOW + 1, NOW + SECOND) == [[], [b"film"]]


def test_what_the_entry_no_longer_says_is_not_announced() -> None:
    releases = Releases()
    releases.take(entry(series(NOW + SECOND)), NOW)
    releases.take(entry(series(NOW + HOUR), appended=NOW), NOW)
    releases.take(entry(film(released=NOW + SECOND)), NOW)
    releases.take(Record(b"film", None, 0, 1, NOW), NOW)
    assert announced(releases, NOW + 2 * SECOND, NOW + HOUR) == [[], [b"series"]]


def test_a_record_that_is_refused_changes_nothing() -> None:
    releases = Releases()
    releases.take(entry(film(released=NOW + SECOND)), NOW)
    releases.take(Record(b"film", b"no entry", 0, 1, NOW), NOW)
    assert releases.due(NOW + SECOND) == [b"film"]


def test_one_that_starts_announces_what_live_sessions_may_have_missed() -> None:
    releases = Releases()
    releases.take(entry(film(released=NOW - SESSION_GAP_MS)), NOW)
    releases.take(entry(series(NOW - SESSION_GAP_MS + SECOND)), NOW)
    assert releases.due(NOW) == [b"series"]
    told = Releases()
    told.take(entry(series(NOW - SECOND), appended=NOW - SECOND), NOW)
    assert told.due(NOW) == []


def test_a_broker_whose_clock_is_behind_is_told_again_when_it_has_come_so_far() -> None:
    releases = Releases()
    releases.take(entry(film(released=NOW)), NOW - SECOND)
    assert releases.due(NOW) == [b"film"]
    releases.take(echo("film", NOW - 300), NOW + 10)
    assert announced(releases, NOW + 309, NOW + 310) == [[], [b"film"]]
    releases.take(echo("film", NOW + 10), NOW + 320)
    releases.take(echo("another", NOW - HOUR), NOW + 320)
    assert releases.due(NOW + HOUR) == []
