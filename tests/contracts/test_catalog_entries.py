"""Catalog entries: a long series fits, one that is too long is told before it is sent."""

import pytest
from contract_cases import CATALOG

from stream_cw.core.catalog import (
    MAX_CATALOG_BYTES,
    EpisodeEntry,
    Season,
    SeriesEntry,
    decode_catalog_entry,
    encode_catalog_entry,
)
from stream_cw.errors import RefusedRecordError

KAFKA_RECORD_LIMIT = 1_048_588


def series(seasons: int, episodes: int) -> SeriesEntry:
    """Build a series whose episodes have every field but countries, with ids of 20 characters."""
    return SeriesEntry(
        id="s" * 20,
        seasons=[
            Season(
                season=season,
                name=f"Season {season}",
                episodes=[_episode(season, episode) for episode in range(1, episodes + 1)],
            )
            for season in range(1, seasons + 1)
        ],
    )


def _episode(season: int, episode: int) -> EpisodeEntry:
    return EpisodeEntry(
        id=f"{'e' * 12}-{season:03d}-{episode:03d}",
        name="The one with a name of forty characters.",
        work_id=f"{'w' * 12}-{season:03d}-{episode:03d}",
        language="pt-BR",
        released_ts=1_512_086_400_000,
        available_from_ts=1_512_086_400_000,
        available_until_ts=1_893_456_000_000,
        episode=episode,
        episode_end=episode + 1,
        special=True,
        duration_ms=3_060_000,
        credits_ms=2_980_000,
    )


def test_a_series_of_two_thousand_full_episodes_passes() -> None:
    entry = series(seasons=20, episodes=100)
    value = encode_catalog_entry(entry)
    assert len(value) > 500_000
    assert decode_catalog_entry(value) == entry
    assert CATALOG.schema_accepts(value)


def test_a_series_that_does_not_fit_is_told_by_writer_and_reader() -> None:
    entry = series(seasons=40, episodes=100)
    with pytest.raises(RefusedRecordError, match="the limit is 1000000") as refused:
        encode_catalog_entry(entry)
    assert refused.value.reason == "too_large"


def test_the_longest_entry_fits_a_record_with_the_longest_key() -> None:
    assert MAX_CATALOG_BYTES + 128 + 1_024 < KAFKA_RECORD_LIMIT


def test_what_is_absent_is_not_known_and_not_written() -> None:
    value = b'{"kind":"series","id":"dark","seasons":[{"episodes":[{"id":"e1"}]}]}'
    entry = decode_catalog_entry(value)
    assert isinstance(entry, SeriesEntry)
    assert entry.kids is None
    assert entry.seasons[0].episodes[0].available_from_ts is None
    assert encode_catalog_entry(entry) == value
