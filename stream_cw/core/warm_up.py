"""A first row of nobody's, so that no member waits until the loops are compiled."""

from typing import Final

from msgspec.structs import replace

from stream_cw.core.catalog import EpisodeEntry, Season, SeriesEntry
from stream_cw.core.columns import columns
from stream_cw.core.events import Episode, Pause, Play
from stream_cw.core.joined import joined_shows
from stream_cw.core.row import View, row
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.core.works import pack_work

_PROFILE, _DEVICE = "nobody", "nowhere"
_NOW: Final = 1_600_000_000_000
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
    state: ProfileState | None = None
    for number, (kind, position_ms) in enumerate(((Play, 0), (Pause, 600_000))):
        event = kind(
            event_id=f"event-{number}",
            profile_id=_PROFILE,
            device_id=_DEVICE,
            device_type="other",
            ts=_NOW + position_ms,
            title=_EPISODE,
            position_ms=position_ms,
        )
        state = step(state, event, Source(bytes(16), 0, number)).state
    if state is not None:
        columns(joined_shows(state.shows))  # what a state beyond its limits needs
        for works in ({}, {"series": pack_work(_SERIES)}):
            row(state, _PROFILE, _DEVICE, replace(view, works=works))
