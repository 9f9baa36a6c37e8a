"""What a row needs of a film or a series, packed: the catalog as a worker holds it in memory.

A packed work is immutable, little endian and fixed in its layout. A head of 12 bytes, `HEAD`:

    flags       u8   1 series; 2 made for children; 4 that is known; 8 the language is known
    reserved    u8   0
    episodes    u16  how many follow
    added_s     u32  when it entered the catalog; 0: not known
    released_s  u32  first release anywhere; 0: not known; 1: before 1970

and for each regular episode of a series, in the order in which they are watched, 12 bytes,
`EPISODE`:

    season      u16  0: not known
    episode     u16  0: not known; of a double episode the last number that it covers
    from_s      u32  released and available from then on; 0: no limit
    until_s     u32  available until just before; 2^32 - 1: no limit

Times are seconds since 1970. An episode's window is rounded inwards, so that one that is open at a
whole second is open at every millisecond of it. What an episode leaves out is what its series says.
Versions of one work count once, at the place of the first: its numbers, and from when the first of
the versions is there until the last one goes. Specials are left out, and what lies behind the first
65,535 episodes.

Behind these stands what can be played (`stream_cw.core.offers`). Names and genres are not in it.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from stream_cw.core.catalog import (
    CatalogEntry,
    EpisodeEntry,
    SeriesEntry,
    decode_catalog_entry,
)
from stream_cw.core.limits import U16
from stream_cw.core.offers import pack_offers
from stream_cw.core.windows import seconds, window
from stream_cw.errors import RefusedRecordError

HEAD: Final = struct.Struct("<BBHII")
EPISODE: Final = struct.Struct("<HHII")
_EPISODES: Final = struct.Struct("<H")
MENTION: Final = "!"
"""A record without value whose key is this and an entry's id mentions the entry and changes
nothing: the time has come for something that it says."""
SERIES, KIDS, KIDS_KNOWN, LANGUAGE_KNOWN = 1, 2, 4, 8


class WorkEpisode(NamedTuple):
    """An episode of a packed series; see the module for its fields."""

    season: int
    episode: int
    from_s: int
    until_s: int


class Work(NamedTuple):
    """A packed work, unpacked.

    Attributes
    ----------
    series : bool
    kids : bool or None
        None: not known.
    language_known : bool
    added_s, released_s : int
    episodes : list of WorkEpisode
    """

    series: bool
    kids: bool | None
    language_known: bool
    added_s: int
    released_s: int
    episodes: list[WorkEpisode]


def admit_entry(key: bytes | None, value: bytes | None) -> tuple[str, bytes | None]:
    """Judge a record of the catalog topic.

    Parameters
    ----------
    key, value : bytes or None

    Returns
    -------
    id : str
        Of the film or the series.
    work : bytes or None
        As `pack_work` packs it; None: the record takes the entry away.

    Raises
    ------
    RefusedRecordError
        If the value is no catalog entry, or the key is not its id.
    """
    if value is None:
        try:
            return (key or b"").decode(), None
        except UnicodeDecodeError:
            raise RefusedRecordError("key_mismatch", "the record's key is not UTF-8") from None
    entry = decode_catalog_entry(value)
    if key != entry.id.encode():
        raise RefusedRecordError("key_mismatch", "the record's key is not the entry's `id`")
    return entry.id, pack_work(entry)


def pack_work(entry: CatalogEntry) -> bytes:
    """Pack what a row needs of an entry."""
    series = isinstance(entry, SeriesEntry)
    episodes = list(_works(entry))[:U16] if isinstance(entry, SeriesEntry) else []
    flags = (
        (SERIES if series else 0)
        | (KIDS if entry.kids else 0)
        | (KIDS_KNOWN if entry.kids is not None else 0)
        | (LANGUAGE_KNOWN if entry.language is not None else 0)
    )
    added, released = _known(entry.added_ts), _known(entry.released_ts)
    head = HEAD.pack(flags, 0, len(episodes), added, released)
    packed = (EPISODE.pack(*episode) for episode in episodes)
    return b"".join((head, *packed, pack_offers(entry)))


def unpack_work(data: bytes) -> Work:
    """Unpack what `pack_work` packed."""
    flags, _, count, added_s, released_s = HEAD.unpack_from(data)
    packed = data[HEAD.size : HEAD.size + count * EPISODE.size]
    return Work(
        series=bool(flags & SERIES),
        kids=bool(flags & KIDS) if flags & KIDS_KNOWN else None,
        language_known=bool(flags & LANGUAGE_KNOWN),
        added_s=added_s,
        released_s=released_s,
        episodes=[WorkEpisode(*fields) for fields in EPISODE.iter_unpack(packed)],
    )


def offers_at(data: bytes) -> int:
    """Tell where a packed work says what can be played (`stream_cw.core.offers`)."""
    (episodes,) = _EPISODES.unpack_from(data, 2)
    return HEAD.size + int(episodes) * EPISODE.size


def offers_of(data: bytes) -> bytes:
    """Cut out what a packed work says can be played."""
    return data[offers_at(data) :]


def _works(series: SeriesEntry) -> Iterator[WorkEpisode]:
    """Yield the regular episodes, versions of one work as one."""
    found: dict[str | int, WorkEpisode] = {}
    for season in series.seasons:
        for episode in season.episodes:
            if episode.special:
                continue
            seen = _episode(series, season.season or 0, episode)
            work = len(found) if episode.work_id is None else episode.work_id
            first = found.setdefault(work, seen)
            if first is not seen:
                found[work] = first._replace(
                    from_s=min(first.from_s, seen.from_s), until_s=max(first.until_s, seen.until_s)
                )
    yield from found.values()


def _episode(series: SeriesEntry, season: int, episode: EpisodeEntry) -> WorkEpisode:
    last = max(episode.episode or 0, episode.episode_end or 0)
    return WorkEpisode(season, last, *window(episode, series))


def _known(ts: int | None) -> int:
    """Return a time in s that is never 0, or 0 where it is not known."""
    return 0 if ts is None else max(1, seconds(ts // 1000))
