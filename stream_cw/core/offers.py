"""What of a film or a series can be played, packed behind its numbers (`stream_cw.core.works`).

    countries  u8 how many sets; each: u8 how many, two letters each
    offers     u16 how many, 34 bytes each, `OFFER`, in the order in which they are watched
    ids        one after the other, as long as the offers say

Of a film there is one offer, itself. Versions of an episode and specials are offers of their own.
An offer says:

    place      u16  among the regular episodes, versions share it; of a special `SPECIAL`
    season     u16  0: not known
    episode    u16  0: not known
    last       u16  of a double episode the last number that it covers, of others as `episode`
    language   u8   versions in one language share it; 0: not known
    countries  u8   which set; `EVERYWHERE`
    from_s     u32  released and available from then on
    until_s    u32  available until just before
    duration   u32  ms; 0: not known
    credits    u32  ms; 2^32 - 1: not known
    hash       u32  of an episode, of its id; of a film, of its work, 0: the only version
    id_at      u24  where its id begins in the ids
    id_length  u8
"""

import struct
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from stream_cw.core.catalog import CatalogEntry, EpisodeEntry, MovieEntry, SeriesEntry
from stream_cw.core.limits import U16, U32
from stream_cw.core.state import hash32
from stream_cw.core.windows import window

OFFER: Final = struct.Struct("<HHHHBBIIIIII")
OFFER_BYTES: Final = OFFER.size
COUNT: Final = struct.Struct("<H")
SPECIAL: Final = U16
EVERYWHERE: Final = 255
_LETTERS: Final = 2
_SETS: Final = 255
_ID_SHIFT: Final = 24


class Offer(Struct, frozen=True):
    """An offer, unpacked; see the module for its fields."""

    place: int
    season: int
    episode: int
    last: int
    language: int
    countries: tuple[str, ...] | None
    from_s: int
    until_s: int
    duration_ms: int | None
    credits_ms: int | None
    hash: int
    title_id: str


def pack_offers(entry: CatalogEntry) -> bytes:
    """Pack what can be played of an entry."""
    found = list(_of_series(entry)) if isinstance(entry, SeriesEntry) else [_of_film(entry)]
    sets: dict[tuple[str, ...], int] = {}
    packed, ids = [], b""
    for offer in found[:U16]:
        where = EVERYWHERE
        if offer.countries is not None and (offer.countries in sets or len(sets) < _SETS):
            where = sets.setdefault(offer.countries, len(sets))
        name = offer.title_id.encode()
        packed.append(
            OFFER.pack(
                offer.place,
                offer.season,
                offer.episode,
                offer.last,
                offer.language,
                where,
                offer.from_s,
                offer.until_s,
                offer.duration_ms or 0,
                U32 if offer.credits_ms is None else offer.credits_ms,
                offer.hash,
                len(ids) | len(name) << _ID_SHIFT,
            )
        )
        ids += name
    return b"".join((*_pack_sets(sets), COUNT.pack(len(packed)), *packed, ids))


def unpack_offers(data: bytes) -> list[Offer]:
    """Unpack what `pack_offers` packed."""
    sets, first, count = _read_head(data, 0)
    ids = first + count * OFFER.size
    return [_unpacked(fields, sets, data, ids) for fields in OFFER.iter_unpack(data[first:ids])]


def read_offer(data: bytes, number: int, at: int = 0) -> Offer:
    """Unpack one of the offers that are packed at a place of some data."""
    sets, first, count = _read_head(data, at)
    fields = OFFER.unpack_from(data, first + number * OFFER_BYTES)
    return _unpacked(fields, sets, data, first + count * OFFER_BYTES)


def _read_head(data: bytes, at: int) -> tuple[list[tuple[str, ...]], int, int]:
    """Read the sets of countries, where the offers begin, and how many there are."""
    sets, many = [], data[at]
    at += 1
    for _ in range(many):
        end = at + 1 + _LETTERS * data[at]
        letters = data[at + 1 : end].decode()
        sets.append(tuple(letters[n : n + _LETTERS] for n in range(0, len(letters), _LETTERS)))
        at = end
    (count,) = COUNT.unpack_from(data, at)
    return sets, at + COUNT.size, count


def _unpacked(fields: tuple[int, ...], sets: list[tuple[str, ...]], data: bytes, ids: int) -> Offer:
    place, season, episode, last, language, where = fields[:6]
    from_s, until_s, duration, credit, hashed, name = fields[6:]
    start, length = ids + (name & (1 << _ID_SHIFT) - 1), name >> _ID_SHIFT
    return Offer(
        place,
        season,
        episode,
        last,
        language,
        None if where == EVERYWHERE else sets[where],
        from_s,
        until_s,
        duration or None,
        None if credit == U32 else credit,
        hashed,
        data[start : start + length].decode(),
    )


def _pack_sets(sets: dict[tuple[str, ...], int]) -> Iterator[bytes]:
    yield bytes([len(sets)])
    for countries in sets:
        yield bytes([len(countries)]) + "".join(countries).encode()


def _of_film(film: MovieEntry) -> Offer:
    return Offer(
        0,
        0,
        0,
        0,
        0,
        _countries(film.countries),
        *window(film),
        film.duration_ms,
        film.credits_ms,
        0 if film.work_id is None else max(1, hash32(film.work_id)),
        film.id,
    )


def _of_series(series: SeriesEntry) -> Iterator[Offer]:
    places: dict[str | int, int] = {}
    languages: dict[str, int] = {}
    for season in series.seasons:
        for episode in season.episodes:
            place = SPECIAL
            if not episode.special:
                work = episode.work_id or len(places)
                place = places.setdefault(work, len(places))
            tongue = episode.language or series.language
            number = 0 if tongue is None else languages.setdefault(tongue, len(languages) + 1)
            yield _of_episode(series, season.season or 0, episode, place, min(number, 255))


def _of_episode(
    series: SeriesEntry, season: int, episode: EpisodeEntry, place: int, language: int
) -> Offer:
    countries = series.countries if episode.countries is None else episode.countries
    return Offer(
        place,
        season,
        episode.episode or episode.episode_end or 0,
        max(episode.episode or 0, episode.episode_end or 0),
        language,
        _countries(countries),
        *window(episode, series),
        episode.duration_ms,
        episode.credits_ms,
        hash32(episode.id),
        episode.id,
    )


def _countries(found: list[str] | None) -> tuple[str, ...] | None:
    """Sort the countries; 255 of them are all there are."""
    return None if found is None else tuple(sorted(set(found)))[:EVERYWHERE]
