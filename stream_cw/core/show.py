"""A show within a state: what it holds.

A state keeps its shows packed (`stream_cw.core.packed_show`) and unpacks only the one that an event
touches.
"""

from typing import Final

from msgspec import Struct

from stream_cw.core.limits import U16
from stream_cw.core.show_tail import Bookmark, Nobody

HOUR_BINS: Final = 8

LATELY: Final = 4
"""Sessions whose part of the day is remembered, four bits each; 15 is none."""


class ShowDevice(Struct):
    """What a show knows of one device.

    Attributes
    ----------
    slot : int
        The device's place in the state.
    last_s : int
        Last play there, s.
    plays : int
        Chosen ones, decayed over 30 days, unit 1/64 play.
    sessions_at : int
        The device's session counter at the last watch, mod 2^16.
    """

    slot: int
    last_s: int
    plays: int = 0
    sessions_at: int = 0


class ListedEpisode(Struct):
    """An episode beside the last one of its series; `title` is a 32-bit hash, the rest in ms."""

    title: int
    position_ms: int
    duration_ms: int | None
    ts: int


class Show(Struct, kw_only=True):
    """A series or a film of a profile; every field is defined in `docs/state.md`."""

    series: bool
    title_id: str
    season: int | None = None
    episode: int | None = None
    position_ms: int = 0
    duration_ms: int | None = None
    credits_ms: int | None = None
    position_ts: int
    position_slot: int | None = None
    removed: bool = False
    watched: bool = False
    rating: int = 0
    first_s: int
    last_ts: int
    plays: int = 0
    autoplays: int = 0
    starts: int = 0
    sessions: int = 0
    minutes: list[int]
    plays_decayed: list[int]
    hours: list[int]
    weekend: int = 0
    types: list[int]
    sessions_at: int = 0
    run: int = 0
    last_gap_s: int = 0
    lately: int = U16
    begun_slot: int | None = None
    started_ts: int | None = None
    furthest: tuple[int, int] = (0, 0)
    longest_gap: int = 0
    stopped: bool = False
    removal_ts: int = 0
    watched_ts: int = 0
    nobody: Nobody | None = None
    devices: list[ShowDevice]
    episodes: list[ListedEpisode]


def bookmark_of(show: Show) -> Bookmark:
    """Tell where somebody surely was last: the last title, where that is not known to be other."""
    if show.nobody is not None and show.nobody.bookmark is not None:
        return show.nobody.bookmark
    facts = (show.season, show.episode, show.duration_ms, show.credits_ms)
    return Bookmark(show.title_id, show.position_ms, show.last_ts, *facts)
