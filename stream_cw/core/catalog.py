"""The catalog, as it stands on `cw.catalog.v1`: one film, or one series with all its episodes.

The record's key is the entry's id, and a record without value takes the entry away. Everything but
ids and the kind is optional: what is absent is not known, and what an episode leaves out about its
availability is what its series says. Unknown fields are ignored.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from stream_cw.core.decoding import decode_json
from stream_cw.core.events import Country, Duration, Id, Millis, Ordinal, Timestamp
from stream_cw.errors import RefusedRecordError

MAX_CATALOG_BYTES: Final = 1_000_000
"""Longest entry: it fits Kafka's default limit of 1,048,588 bytes with its key and headers.

A series of 2,000 episodes with every field but countries of their own has about 640 kB.
"""

ReleaseTime = Annotated[int, Meta(ge=-2_840_140_800_000, le=4_102_444_800_000)]
"""Time in ms since 1970, from 1880 (before the first film) to 2100."""
Name = Annotated[str, Meta(min_length=1, max_length=300)]
Language = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}\Z")]
"""A BCP 47 tag, such as `pt-BR`."""
Countries = Annotated[list[Country], Meta(max_length=300)]


class _Offer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What films, series and episodes have in common: what it is called, when and where it is on.

    Attributes
    ----------
    id : str
        The film, the series or the episode, as events name it.
    name : str or None
    work_id : str or None
        The same for all versions of one work (cuts, dubs, resolutions); None: the only version.
    language : str or None
        Language of this version, BCP 47.
    released_ts : int or None
        First release anywhere, ms.
    available_from_ts, available_until_ts : int or None
        When it can be played here, ms: from the one, until just before the other. None: no limit.
    countries : list of str or None
        Where it can be played, ISO 3166-1 alpha-2. None: everywhere.
    """

    id: Id
    name: Name | None = None
    work_id: Id | None = None
    language: Language | None = None
    released_ts: ReleaseTime | None = None
    available_from_ts: Timestamp | None = None
    available_until_ts: Timestamp | None = None
    countries: Countries | None = None


class _Entry(_Offer, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What films and series have in common: the kinds of works that they are.

    Attributes
    ----------
    genres : list of str or None
        Ids of genres, the most telling first.
    kids : bool or None
        Made for children.
    added_ts : int or None
        When it entered the catalog, ms.
    """

    genres: Annotated[list[Id], Meta(max_length=32)] | None = None
    kids: bool | None = None
    added_ts: Timestamp | None = None


class MovieEntry(_Entry, frozen=True, kw_only=True, omit_defaults=True, tag="movie"):
    """A film, or anything that stands alone.

    Attributes
    ----------
    duration_ms : int or None
    credits_ms : int or None
        Where the closing credits start.
    """

    duration_ms: Duration | None = None
    credits_ms: Millis | None = None


class EpisodeEntry(_Offer, frozen=True, kw_only=True, omit_defaults=True):
    """An episode, at its place in the order in which a season is watched.

    Attributes
    ----------
    episode : int or None
        Its number in the season, as members see it.
    episode_end : int or None
        Last number that a double episode covers.
    special : bool
        Outside the story: not the next one for somebody who comes from a regular episode.
    duration_ms : int or None
    credits_ms : int or None
        Where the closing credits start.
    """

    episode: Ordinal | None = None
    episode_end: Ordinal | None = None
    special: bool = False
    duration_ms: Duration | None = None
    credits_ms: Millis | None = None


class Season(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A season, at its place in the order; versions of one episode stand next to each other."""

    season: Ordinal | None = None
    name: Name | None = None
    episodes: list[EpisodeEntry] = []


class SeriesEntry(_Entry, frozen=True, kw_only=True, omit_defaults=True, tag="series"):
    """A series and its seasons, in the order in which they are watched."""

    seasons: list[Season] = []


CatalogEntry = MovieEntry | SeriesEntry

_decoder: Final[msgspec.json.Decoder[CatalogEntry]] = msgspec.json.Decoder(CatalogEntry)
_encoder: Final = msgspec.json.Encoder()


def decode_catalog_entry(value: bytes | None) -> CatalogEntry:
    """Decode one film or series.

    Raises
    ------
    RefusedRecordError
        If the value is not a catalog entry, or has more than `MAX_CATALOG_BYTES`; a record without
        value, which takes an entry away, is refused as empty.
    """
    return decode_json(_decoder, value, MAX_CATALOG_BYTES)


def encode_catalog_entry(entry: CatalogEntry) -> bytes:
    """Encode one film or series as JSON; fields at their default are left out.

    Raises
    ------
    RefusedRecordError
        If it would have more than `MAX_CATALOG_BYTES`.
    """
    value = _encoder.encode(entry)
    if len(value) > MAX_CATALOG_BYTES:
        raise RefusedRecordError(
            "too_large", f"the entry has {len(value)} bytes, the limit is {MAX_CATALOG_BYTES}"
        )
    return value
