"""Packed works against the catalog told in words; and which records of the topic are taken."""

import struct
from math import ceil

import pytest
from catalog_strategies import entries, series
from hypothesis import example, given

from stream_cw.core.catalog import (
    CatalogEntry,
    EpisodeEntry,
    MovieEntry,
    Season,
    SeriesEntry,
    encode_catalog_entry,
)
from stream_cw.core.offers import pack_offers
from stream_cw.core.windows import NO_END
from stream_cw.core.works import (
    EPISODE,
    HEAD,
    Work,
    WorkEpisode,
    admit_entry,
    offers_of,
    pack_work,
    unpack_work,
)
from stream_cw.errors import RefusedRecordError

SECOND = 1_000


def known(ts: int | None) -> int:
    """Whole seconds, and never 0 where it is known."""
    if ts is None:
        return 0
    return int(ts / SECOND) if ts >= SECOND else 1


def window(show: SeriesEntry, episode: EpisodeEntry) -> tuple[int, int]:
    """From when until when, s."""
    merged = {
        name: getattr(show, name) if getattr(episode, name) is None else getattr(episode, name)
        for name in ("released_ts", "available_from_ts", "available_until_ts")
    }
    begins = max(merged["released_ts"] or 0, merged["available_from_ts"] or 0, 0)
    ends = merged["available_until_ts"]
    return ceil(begins / SECOND), NO_END if ends is None else int(ends / SECOND)


def works_of(show: SeriesEntry) -> list[WorkEpisode]:
    """Told in words: regular ones, each work once, at the place of its first version."""
    regular = [(s, e) for s in show.seasons for e in s.episodes if not e.special]
    made, seen = [], set()
    for season, first in regular:
        versions = [e for _, e in regular if e.work_id == first.work_id]
        if first.work_id is None:
            versions = [first]
        elif first.work_id in seen:
            continue
        seen.add(first.work_id)
        windows = [window(show, version) for version in versions]
        number = first.episode_end or 0
        if first.episode is not None and first.episode > number:
            number = first.episode
        begin, end = min(w[0] for w in windows), max(w[1] for w in windows)
        made.append(WorkEpisode(season.season or 0, number, begin, end))
    return made


def told(entry: CatalogEntry) -> Work:
    return Work(
        series=isinstance(entry, SeriesEntry),
        kids=entry.kids,
        language_known=entry.language is not None,
        added_s=known(entry.added_ts),
        released_s=known(entry.released_ts),
        episodes=works_of(entry) if isinstance(entry, SeriesEntry) else [],
    )


@given(entries)
@example(MovieEntry(id="f", released_ts=-1))
@example(MovieEntry(id="f", released_ts=0))
@example(MovieEntry(id="f", released_ts=4_102_444_800_000))
def test_what_is_packed_is_what_the_entry_says(entry: CatalogEntry) -> None:
    packed = pack_work(entry)
    assert unpack_work(packed) == told(entry)
    assert packed[12 + 12 * len(told(entry).episodes) :] == pack_offers(entry) == offers_of(packed)


@given(series)
def test_an_episode_is_never_open_outside_its_own_window(entry: SeriesEntry) -> None:
    """Of each episode that has no other version."""
    alone = SeriesEntry(
        id="s",
        released_ts=entry.released_ts,
        seasons=[
            Season(episodes=[_alone(e) for e in season.episodes if not e.special])
            for season in entry.seasons
        ],
    )
    regular = [e for season in alone.seasons for e in season.episodes]
    for episode, packed in zip(regular, unpack_work(pack_work(alone)).episodes, strict=True):
        released = episode.released_ts if episode.released_ts is not None else alone.released_ts
        begins = max(released or 0, episode.available_from_ts or 0)
        assert packed.from_s * SECOND >= begins
        assert packed.from_s * SECOND < begins + SECOND or packed.from_s == 0
        if episode.available_until_ts is None:
            assert packed.until_s == NO_END
        else:
            assert 0 <= episode.available_until_ts - packed.until_s * SECOND < SECOND


def _alone(episode: EpisodeEntry) -> EpisodeEntry:
    return EpisodeEntry(
        id=episode.id,
        released_ts=episode.released_ts,
        available_from_ts=episode.available_from_ts,
        available_until_ts=episode.available_until_ts,
    )


def test_the_layout_is_the_documented_one() -> None:
    """Written out by hand: compiled code reads these bytes."""
    assert (HEAD.format, EPISODE.format) == ("<BBHII", "<HHII")
    day = 1_700_000_000
    show = SeriesEntry(
        id="s",
        kids=False,
        language="en",
        added_ts=day * SECOND,
        released_ts=-1 * SECOND,
        available_until_ts=(day + 9) * SECOND,
        seasons=[
            Season(
                season=3,
                episodes=[
                    EpisodeEntry(id="a", episode=1, episode_end=2, available_from_ts=day * SECOND),
                    EpisodeEntry(id="x", special=True, episode=99),
                ],
            ),
            Season(episodes=[EpisodeEntry(id="b", released_ts=day * SECOND + 1)]),
        ],
    )
    wanted = struct.pack("<BBHII", 1 | 4 | 8, 0, 2, day, 1)
    wanted += struct.pack("<HHII", 3, 2, day, day + 9)
    wanted += struct.pack("<HHII", 0, 0, day + 1, day + 9)
    assert pack_work(show).removesuffix(pack_offers(show)) == wanted
    film = MovieEntry(id="f", kids=True)
    wanted = struct.pack("<BBHII", 2 | 4, 0, 0, 0, 0)
    assert pack_work(film).removesuffix(pack_offers(film)) == wanted


def test_an_episode_goes_before_its_series_in_what_it_says() -> None:
    show = SeriesEntry(
        id="s",
        released_ts=2_000_000 * SECOND,
        available_from_ts=1_000_000_000 * SECOND,
        seasons=[
            Season(
                episodes=[
                    EpisodeEntry(id="a"),
                    EpisodeEntry(id="b", available_from_ts=1_500_000_000 * SECOND),
                    EpisodeEntry(id="c", released_ts=1_600_000_000 * SECOND),
                ]
            )
        ],
    )
    found = [episode.from_s for episode in unpack_work(pack_work(show)).episodes]
    assert found == [1_000_000_000, 1_500_000_000, 1_600_000_000]


def test_more_episodes_than_can_be_counted_are_cut() -> None:
    many = [EpisodeEntry(id="e", episode=n % 60_000) for n in range(65_540)]
    found = unpack_work(pack_work(SeriesEntry(id="s", seasons=[Season(episodes=many)])))
    assert len(found.episodes) == 65_535
    assert found.episodes[-1].episode == 65_534 % 60_000


class TestAdmitEntry:
    FILM = MovieEntry(id="film", kids=True)

    def test_an_entry_under_its_id_is_packed(self) -> None:
        assert admit_entry(b"film", encode_catalog_entry(self.FILM)) == (
            "film",
            pack_work(self.FILM),
        )

    def test_no_value_takes_away(self) -> None:
        assert admit_entry(b"film", None) == ("film", None)

    @pytest.mark.parametrize(
        ("key", "value", "reason"),
        [
            (b"other", encode_catalog_entry(FILM), "key_mismatch"),
            (None, encode_catalog_entry(FILM), "key_mismatch"),
            (b"film", b"", "empty"),
            (b"film", b"{", "bad_json"),
            (b"film", b'{"kind":"movie","id":"film","kids":1}', "bad_field"),
            (b"\xff", None, "key_mismatch"),
        ],
    )
    def test_what_breaks_the_contract_is_refused(
        self, key: bytes | None, value: bytes, reason: str
    ) -> None:
        with pytest.raises(RefusedRecordError) as refused:
            admit_entry(key, value)
        assert refused.value.reason == reason
