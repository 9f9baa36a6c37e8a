"""The words that cases are told in: what was watched, where and when, and the row after it.

A case is a script that is read from top to bottom, in the order in which events *arrive*; `at` says
when they happened. The days are those of weeks that begin with Monday the 1st of January 2024, in
UTC: `"Mon 20:00"`, `"week 2 Fri 21:15"`. Lengths and positions are `"20:15"` or `"1:05:00"`.

`s1e2` is an episode of the one series, `show`, and `s1e2-de` its other version; season 0 holds its
specials. Every other name is a
film. A device is of the class that its name begins with: `tv`, `tv-bedroom`.
"""

import re
from typing import Any

from msgspec.structs import replace
from script import SECOND, Catalog, Shown, told

from stream_cw.core.catalog import CatalogEntry, EpisodeEntry, MovieEntry, Season, SeriesEntry
from stream_cw.core.events import (
    DisplayOff,
    Episode,
    Event,
    HomeView,
    MarkWatched,
    Movie,
    Pause,
    Play,
    Progress,
    Remove,
    SessionStart,
    SetRecording,
    Stop,
    UndoRemove,
)

MONDAY = 1_704_067_200_000
DAY = 86_400_000
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EPISODE, FILM = "45:00", "1:40:00"
"""How long titles are where nothing is said."""


# The catalog


def catalog(*entries: CatalogEntry) -> Catalog:
    return Catalog(entries)


def series(*seasons: Season) -> SeriesEntry:
    """The series `show`, in the order in which it is watched."""
    return SeriesEntry(id="show", seasons=list(seasons))


def season(number: int, episodes: int, *, released: str | dict[int, str] | None = None) -> Season:
    """A season: its episodes, or those that `released` names, are there from then on."""
    everything = range(1, episodes + 1)
    times = dict.fromkeys(everything, released) if isinstance(released, str) else released or {}
    return Season(
        season=number,
        episodes=[
            EpisodeEntry(
                id=f"s{number}e{n}",
                episode=n,
                special=number == 0,
                duration_ms=length(EPISODE),
                released_ts=time(times[n]) if n in times else None,
            )
            for n in everything
        ],
    )


def only(kept: Season, *numbers: int) -> Season:
    """Of a season the episodes with these numbers; the others were taken from the catalog."""
    return replace(kept, episodes=[e for e in kept.episodes if e.episode in numbers])


def doubled(whole: Season, first: int) -> Season:
    """A season of which two episodes are one: `s1e1` is the first and the second."""
    episodes = [e for e in whole.episodes if e.episode != first + 1]
    return replace(
        whole,
        episodes=[replace(e, episode_end=first + 1) if e.episode == first else e for e in episodes],
    )


def offered_in(whole: Season, *countries: str, episode: int) -> Season:
    """A season of which one episode is to be had in some countries only."""
    return replace(
        whole,
        episodes=[
            replace(e, countries=list(countries)) if e.episode == episode else e
            for e in whole.episodes
        ],
    )


def dubbed(whole: Season, language: str) -> Season:
    """A season of which each episode has another version, such as `s1e1-de`."""
    episodes = [replace(e, work_id=e.id, language="en") for e in whole.episodes]
    return replace(
        whole,
        episodes=[
            version
            for e in episodes
            for version in (e, replace(e, id=f"{e.id}-{language}", language=language))
        ],
    )


def specials(episodes: int) -> Season:
    return season(0, episodes)


def film(name: str, *, of: str = FILM, work: str | None = None) -> MovieEntry:
    """A film; those of one `work` are versions of it."""
    return MovieEntry(id=name, work_id=work, duration_ms=length(of))


# What members and players do


def watched(
    name: str, *, at: str, to: str, since: str = "0:00", of: str | None = None, on: str = "tv"
) -> list[Event]:
    """Somebody chose a title, watched it without a break and stopped."""
    return _watched(name, at=at, since=since, to=to, of=of, on=on, autoplay=False)


def autoplayed(
    name: str, *, at: str, to: str, since: str = "0:00", of: str | None = None, on: str = "tv"
) -> list[Event]:
    """The player went on by itself with a title, and nobody touched anything."""
    return _watched(name, at=at, since=since, to=to, of=of, on=on, autoplay=True)


def played(
    name: str,
    *,
    at: str,
    since: str = "0:00",
    of: str | None = None,
    on: str = "tv",
    autoplay: bool = False,
) -> list[Event]:
    fields = {"title": title(name, of), "position_ms": length(since), "autoplay": autoplay}
    return [_event(Play, at, on, **fields)]


def paused(name: str, *, at: str, to: str, of: str | None = None, on: str = "tv") -> list[Event]:
    return [_event(Pause, at, on, title=title(name, of), position_ms=length(to))]


def reported(name: str, *, at: str, to: str, of: str | None = None, on: str = "tv") -> list[Event]:
    """The player told where it is."""
    return [_event(Progress, at, on, title=title(name, of), position_ms=length(to))]


def stopped(name: str, *, at: str, to: str, of: str | None = None, on: str = "tv") -> list[Event]:
    return [_event(Stop, at, on, title=title(name, of), position_ms=length(to))]


def opened(*, at: str, on: str = "tv", country: str | None = None) -> list[Event]:
    """Somebody opened the app and saw its home page."""
    return [_event(kind, at, on, country=country) for kind in (SessionStart, HomeView)]


def recording(*, at: str, switched: str, on: str = "tv") -> list[Event]:
    """Somebody switched recording `"off"`, or `"on"` again."""
    return [_event(SetRecording, at, on, recording=switched == "on")]


def display_off(*, at: str, on: str = "tv") -> list[Event]:
    return [_event(DisplayOff, at, on)]


def removed(show: str, *, at: str, on: str = "tv") -> list[Event]:
    return [_event(Remove, at, on, show_id=show)]


def undone(show: str, *, at: str, on: str = "tv") -> list[Event]:
    """The removal was taken back."""
    return [_event(UndoRemove, at, on, show_id=show)]


def marked(*names: str, at: str, on: str = "tv") -> list[Event]:
    """Somebody marked titles as watched, one after the other."""
    return [
        _event(MarkWatched, at, on, later=n * SECOND, title=title(name))
        for n, name in enumerate(names)
    ]


# The row


def row(*tiles: str, on: str = "tv", pushed: bool = False, recorded: bool = True) -> Shown:
    """What stands in a device's row, the newest first.

    `pushed`: it was sent to the device at once. Not `recorded`: it says that its cause was private.
    """
    return Shown(on, pushed, tiles, recorded)


def resume(name: str, position: str, *, because: str | None = None) -> str:
    """A tile that goes on with a title."""
    return told(name, length(position), because=because)


def start(name: str, *, because: str | None = None) -> str:
    """A tile that begins a title."""
    return told(name, 0, because=because)


def after(name: str) -> str:
    """A tile that means the title behind this one, which nobody can name without a catalog."""
    return told(name, 0, up_next=True)


# Reading the words


def time(text: str) -> int:
    """Milliseconds since 1970 of `"Mon 20:00"`, `"Mon 20:00:15"` or `"week 2 Mon 20:00"`."""
    found = re.fullmatch(r"(?:week (\d+) )?(\w{3}) (\d\d):(\d\d)(?::(\d\d))?", text)
    assert found, f"{text!r} is no time"
    week, day, hours, minutes, seconds = found.groups()
    days = 7 * (int(week or 1) - 1) + DAYS.index(day)
    clock = (int(hours) * 60 + int(minutes)) * 60 + int(seconds or 0)
    return MONDAY + days * DAY + clock * SECOND


def length(text: str) -> int:
    """Milliseconds of `"20:15"` or `"1:05:00"`."""
    seconds = 0
    for part in text.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds * SECOND


def title(name: str, of: str | None = None) -> Movie | Episode:
    numbers = re.fullmatch(r"s(\d+)e(\d+)(?:-\w+)?", name)
    if numbers is None:
        return Movie(id=name, duration_ms=length(of or FILM))
    return Episode(
        id=name,
        series_id="show",
        season=int(numbers[1]),
        episode=int(numbers[2]),
        duration_ms=length(of or EPISODE),
    )


def _watched(
    name: str, *, at: str, since: str, to: str, of: str | None, on: str, autoplay: bool
) -> list[Event]:
    lasted = length(to) - length(since)
    end = {"title": title(name, of), "position_ms": length(to)}
    begun = played(name, at=at, since=since, of=of, on=on, autoplay=autoplay)
    return [*begun, _event(Stop, at, on, later=lasted, **end)]


def _event(kind: type, at: str, on: str, *, later: int = 0, **fields: Any) -> Event:
    return kind(
        event_id="to-be-numbered",
        profile_id="p",
        device_id=on,
        device_type=on.partition("-")[0],
        ts=time(at) + later,
        **fields,
    )
