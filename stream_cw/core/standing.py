"""Where a show stands: its last title, the episodes listed beside it, and the member's marks."""

from stream_cw.core.events import Episode, Movie
from stream_cw.core.limits import EPISODES, U16, U32
from stream_cw.core.show import ListedEpisode, Show
from stream_cw.core.state import hash32


def turn_to(show: Show, title_id: str) -> None:
    """Make another title the last one, with what is known of it; the one before is listed."""
    known = take_listed(show, hash32(title_id))
    if show.position_ts:  # what the member marked and never played has none
        before = (hash32(show.title_id), show.position_ms, show.duration_ms, show.position_ts)
        list_episode(show, ListedEpisode(*before))
    show.title_id = title_id
    show.position_ms, show.position_ts = (known.position_ms, known.ts) if known else (0, 0)
    show.duration_ms = known.duration_ms if known else None
    show.credits_ms = show.season = show.episode = None


def mark_watched(show: Show, title: Movie | Episode, ts: int) -> None:
    """Take the member's word that a title is finished; it becomes the last one if that is newest.

    No play and no time is counted. Of another title than the last one an older word says nothing,
    but that it came behind still older ones.
    """
    reach(show, title, U32)
    if title.id != show.title_id:
        if ts <= max(show.last_ts, show.watched_ts):
            show.watched = show.watched and ts <= show.watched_ts
            show.watched_ts = max(show.watched_ts, ts)
            return
        turn_to(show, title.id)
        show.duration_ms = title.duration_ms or show.duration_ms
        show.credits_ms = title.credits_ms
        number_title(show, title)
    elif ts < show.watched_ts:
        return
    show.watched, show.watched_ts = True, ts


def forget_marks(show: Show) -> None:
    """Let the marks go that play was pressed after, or another title was reached after."""
    started = show.started_ts or 0
    if show.removal_ts < started:
        show.removed, show.removal_ts = False, 0
    if show.watched_ts < started:
        show.watched, show.watched_ts = False, 0
    elif show.watched_ts and any(listed.ts >= show.watched_ts for listed in show.episodes):
        show.watched = False


def reach(show: Show, title: Movie | Episode, position_ms: int) -> None:
    """Note the furthest regular episode (season 0 holds specials), or how far a film was seen."""
    if isinstance(title, Movie):
        show.furthest = max(show.furthest, (position_ms >> 16, position_ms & U16))
    elif title.episode is not None and title.season != 0:
        show.furthest = max(show.furthest, (title.season or 0, title.episode))


def number_title(show: Show, title: Movie | Episode) -> None:
    """Take over season and episode of the last title, as far as they are told."""
    if isinstance(title, Episode):
        show.series = True
        show.season = show.season if title.season is None else title.season
        show.episode = show.episode if title.episode is None else title.episode


def take_listed(show: Show, title: int) -> ListedEpisode | None:
    """Take an episode out of the listed ones, by its id's hash; None where it is not there."""
    for i, listed in enumerate(show.episodes):
        if listed.title == title:
            return show.episodes.pop(i)
    return None


def list_episode(show: Show, episode: ListedEpisode) -> None:
    """List an episode; of too many the oldest leaves."""
    episodes = [*show.episodes, episode]
    episodes.sort(key=lambda e: (-e.ts, e.title))
    show.episodes = episodes[:EPISODES]
