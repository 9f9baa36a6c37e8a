"""Titles and playback events as compiled loops take them."""

from typing import Final, NamedTuple

from stream_cw.core.events import Episode, Movie
from stream_cw.core.limits import U32
from stream_cw.core.open_show import NONE
from stream_cw.core.state import hash32


class Title(NamedTuple):
    """A film or an episode, as loops take it; `NONE` is not known.

    Attributes
    ----------
    hash, last_hash : int
        32-bit hashes of its id, and of that of the show's last title.
    season, episode : int
    duration, credits : int
        In ms; 0 and `U32` are not known.
    series : bool
        It is an episode.
    """

    hash: int
    last_hash: int
    season: int
    episode: int
    duration: int
    credits: int
    series: bool


TITLE: Final = "Tuple((i8, i8, i8, i8, i8, i8, b1))"
"""Type of a title, in the notation of `compiled.loop`."""
NO_TITLE: Final = Title(0, 0, NONE, NONE, 0, U32, False)


class Watch(NamedTuple):
    """A playback event as its show sees it.

    Attributes
    ----------
    position, ts : int
        In ms.
    tz_offset_min : int
    device_type, slot : int
        Class and place of the device.
    credit_ms : int
        Watched time that the event proves.
    session : int
        The profile's session counter.
    device_session : int
        The device's session counter, mod 2^16.
    depth : int
        Plays that started by themselves on the device since its last deliberate act.
    idle_ms : int
        Time since then.
    supersedes : bool
        Wins over the last event of the same ms: its device's id is not the smaller one.
    started : bool
        A new playback begins.
    reported : bool
        An open playback goes on.
    pressed : bool
        Somebody pressed play, be it behind a pause; or a new playback began by itself.
    autoplay : bool
    stopped : bool
        The event is a stop.
    first_act : bool
        It is the first act of the device's session.
    """

    position: int
    ts: int
    tz_offset_min: int
    device_type: int
    slot: int
    credit_ms: int
    session: int
    device_session: int
    depth: int
    idle_ms: int
    supersedes: bool
    started: bool
    reported: bool
    pressed: bool
    autoplay: bool
    stopped: bool
    first_act: bool


WATCH: Final = f"Tuple(({10 * 'i8,'} {7 * 'b1,'}))"
"""Type of an event, in the notation of `compiled.loop`."""


def title_of(title: Movie | Episode, last: str) -> Title:
    """Lay a title out for compiled loops.

    Parameters
    ----------
    title : Movie or Episode
    last : str
        Id of its show's last title.
    """
    hashed = hash32(title.id)
    season, episode = NONE, NONE
    if isinstance(title, Episode):
        season = NONE if title.season is None else title.season
        episode = NONE if title.episode is None else title.episode
    return Title(
        hashed,
        hashed if last == title.id else hash32(last),
        season,
        episode,
        title.duration_ms or 0,
        U32 if title.credits_ms is None else title.credits_ms,
        isinstance(title, Episode),
    )
