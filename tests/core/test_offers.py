"""Packed offers against the catalog told in words, and their layout by hand."""

import struct
from math import ceil

from catalog_strategies import entries, series
from hypothesis import given
from hypothesis import strategies as st

from stream_cw.core.catalog import CatalogEntry, EpisodeEntry, MovieEntry, Season, SeriesEntry
from stream_cw.core.limits import U16, U32
from stream_cw.core.offers import OFFER, SPECIAL, Offer, pack_offers, read_offer, unpack_offers
from stream_cw.core.state import hash32

SECOND = 1_000
DAY_S = 1_700_000_000
LAST_S = 2**32 - 1


def film_told(film: MovieEntry) -> Offer:
    begins = max(film.released_ts or 0, film.available_from_ts or 0)
    ends = film.available_until_ts
    work = 0 if film.work_id is None else hash32(film.work_id)
    return Offer(
        place=0,
        season=0,
        episode=0,
        last=0,
        language=0,
        countries=None if film.countries is None else tuple(sorted(film.countries)),
        from_s=ceil(begins / SECOND),
        until_s=LAST_S if ends is None else ends // SECOND,
        duration_ms=film.duration_ms,
        credits_ms=film.credits_ms,
        hash=work,
        title_id=film.id,
    )


def offers_told(show: SeriesEntry) -> list[Offer]:
    """Tell the offers of a series: works stand where their first version stands."""
    told = [(season.season or 0, e) for season in show.seasons for e in season.episodes]
    works: list[str | int] = []
    tongues: list[str] = []
    offers = []
    for number, (season, e) in enumerate(told):
        work = number if e.work_id is None else e.work_id
        if not e.special and work not in works:
            works.append(work)
        tongue = e.language or show.language
        if tongue is not None and tongue not in tongues:
            tongues.append(tongue)
        merged = {
            name: getattr(show, name) if getattr(e, name) is None else getattr(e, name)
            for name in ("released_ts", "available_from_ts", "available_until_ts", "countries")
        }
        begins = max(merged["released_ts"] or 0, merged["available_from_ts"] or 0)
        ends, where = merged["available_until_ts"], merged["countries"]
        offers.append(
            Offer(
                place=SPECIAL if e.special else works.index(work),
                season=season,
                episode=e.episode or e.episode_end or 0,
                last=max(e.episode or 0, e.episode_end or 0),
                language=0 if tongue is None else tongues.index(tongue) + 1,
                countries=None if where is None else tuple(sorted(where)),
                from_s=ceil(begins / SECOND),
                until_s=LAST_S if ends is None else ends // SECOND,
                duration_ms=e.duration_ms,
                credits_ms=e.credits_ms,
                hash=hash32(e.id),
                title_id=e.id,
            )
        )
    return offers


@given(entries)
def test_what_is_packed_is_what_the_entry_says(entry: CatalogEntry) -> None:
    told = offers_told(entry) if isinstance(entry, SeriesEntry) else [film_told(entry)]
    assert unpack_offers(pack_offers(entry)) == told


@given(series, st.data())
def test_one_offer_is_read_without_the_others(entry: SeriesEntry, data: st.DataObject) -> None:
    packed = pack_offers(entry)
    offers = unpack_offers(packed)
    if offers:
        number = data.draw(st.integers(0, len(offers) - 1))
        assert read_offer(packed, number) == offers[number]


def test_the_layout_is_the_documented_one() -> None:
    """Written out by hand: compiled code reads these bytes."""
    assert OFFER.format == "<HHHHBBIIIIII"
    show = SeriesEntry(
        id="s",
        language="en",
        countries=["DE"],
        available_until_ts=(DAY_S + 9) * SECOND + 999,
        seasons=[
            Season(
                season=3,
                episodes=[
                    EpisodeEntry(
                        id="aa", episode=1, episode_end=2, available_from_ts=DAY_S * SECOND + 1
                    ),
                    EpisodeEntry(id="x", special=True, episode=9, countries=["PT", "BR", "BR"]),
                ],
            ),
            Season(episodes=[EpisodeEntry(id="b", language="de", duration_ms=7, credits_ms=0)]),
        ],
    )
    wanted = struct.pack("<BB2sB4sH", 2, 1, b"DE", 2, b"BRPT", 3)
    wanted += struct.pack(
        "<HHHHBBIIIIII", 0, 3, 1, 2, 1, 0, DAY_S + 1, DAY_S + 9, 0, U32, hash32("aa"), 2 << 24
    )
    wanted += struct.pack(
        "<HHHHBBIIIIII", U16, 3, 9, 9, 1, 1, 0, DAY_S + 9, 0, U32, hash32("x"), 2 | 1 << 24
    )
    wanted += struct.pack(
        "<HHHHBBIIIIII", 1, 0, 0, 0, 2, 0, 0, DAY_S + 9, 7, 0, hash32("b"), 3 | 1 << 24
    )
    assert pack_offers(show) == wanted + b"aaxb"


def test_a_film_of_no_other_version_has_no_work() -> None:
    packed = pack_offers(MovieEntry(id="f", work_id="w", countries=[]))
    (found,) = unpack_offers(packed)
    assert (found.hash, found.countries) == (hash32("w"), ())
    assert read_offer(pack_offers(MovieEntry(id="f")), 0).hash == 0


def test_more_sets_of_countries_than_can_be_named_are_everywhere() -> None:
    letters = [f"{a}{b}" for a in "ABCDEFGHIJKL" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    episodes = [
        EpisodeEntry(id=f"e{n}", countries=[letter]) for n, letter in enumerate(letters[:300])
    ]
    found = unpack_offers(pack_offers(SeriesEntry(id="s", seasons=[Season(episodes=episodes)])))
    assert found[254].countries == (letters[254],)
    assert found[255].countries is None
