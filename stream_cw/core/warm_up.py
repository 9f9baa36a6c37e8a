"""A first row of nobody's, so that no member waits until the loops are compiled."""

from typing import Any, Final

from msgspec.structs import replace

from stream_cw.core.catalog import EpisodeEntry, Season, SeriesEntry
from stream_cw.core.events import Episode, Event, Pause, Play, Rating
from stream_cw.core.retention import trimmed
from stream_cw.core.row import View, row
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.core.works import pack_work

_PROFILE, _DEVICE = "nobody", "nowhere"
_NOW: Final = 1_600_000_000_000
_SEEN_MS: Final = 600_000
_EPISODE: Final = Episode(id="episode", series_id="series", season=1, episode=1)
_SERIES: Final = SeriesEntry(
    id="series", seasons=[Season(season=1, episodes=[EpisodeEntry(id="episode", episode=1)])]
)


def warm_up(view: View) -> None:
    """Build rows by a view, with a catalog and without: compiles what rows by it need.

    Parameters
    ----------
    view : View
    """
    told: dict[str, Any] = {"profile_id": _PROFILE, "device_id": _DEVICE, "device_type": "other"}
    seen = {**told, "title": _EPISODE}
    events: tuple[Event, ...] = (
        Play(event_id="play", ts=_NOW, position_ms=0, **seen),
        Pause(event_id="pause", ts=_NOW + _SEEN_MS, position_ms=_SEEN_MS, **seen),
        Rating(event_id="rating", ts=_NOW + _SEEN_MS, show_id="series", rating=1, **told),
    )
    state: ProfileState | None = None
    for number, event in enumerate(events):
        state = step(state, event, Source(bytes(16), 0, number)).state
    if state is not None:
        trimmed(state.shows, 0)  # what a state beyond its limits needs
        for works in ({}, {"series": pack_work(_SERIES)}):
            row(state, _PROFILE, _DEVICE, replace(view, works=works))
