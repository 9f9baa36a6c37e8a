"""What a tile offers, told show by show in plain Python: the table of `stream_cw.core.choice`.

It reads the catalog's entries and unpacked shows, never what is packed, and it knows one policy.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from stream_cw.core.catalog import EpisodeEntry, MovieEntry, SeriesEntry
from stream_cw.core.show import ListedEpisode, Show
from stream_cw.core.state import hash32

MINUTE = 60_000
SECOND = 1_000


class Tile(NamedTuple):
    """What is offered; `up_next` is the one after it."""

    title_id: str
    position_ms: int = 0
    up_next: bool = False
    asleep: bool = False


class Viewer(NamedTuple):
    """Who looks: when (ms), where, and how many sessions the profile had."""

    now: int
    country: str | None
    sessions: int


class Episode(NamedTuple):
    """An episode of the catalog, its season, and its place; None: a special."""

    entry: EpisodeEntry
    season: int
    place: int | None

    @property
    def first(self) -> int:
        return self.entry.episode or self.entry.episode_end or 0

    @property
    def last(self) -> int:
        return max(self.entry.episode or 0, self.entry.episode_end or 0)


def is_started(position_ms: int, duration_ms: int | None, *, film: bool) -> bool:
    """Two minutes, or 3 % of a film."""
    if position_ms >= 2 * MINUTE:
        return True
    return (
        film and duration_ms is not None and Fraction(position_ms, duration_ms) >= Fraction(3, 100)
    )


def is_finished(position_ms: int, duration_ms: int | None, credits_ms: int | None) -> bool:
    """The credits; else 95 %, or less than three minutes left."""
    if credits_ms is not None:
        return position_ms >= credits_ms
    if duration_ms is None:
        return False
    left = duration_ms - position_ms
    return left < 3 * MINUTE or Fraction(position_ms, duration_ms) >= Fraction(95, 100)


def is_there(entry: MovieEntry | EpisodeEntry, series: SeriesEntry | None, viewer: Viewer) -> bool:
    """Whether it is released and available, in whole seconds, and in the viewer's country."""

    def said(name: str) -> int | None:
        own = getattr(entry, name)
        return getattr(series, name) if own is None and series is not None else own

    now = viewer.now // SECOND * SECOND
    begins = max(said("released_ts") or 0, said("available_from_ts") or 0)
    ends = said("available_until_ts")
    if now < begins or (ends is not None and now + SECOND > ends):
        return False
    where = entry.countries
    if where is None and series is not None:
        where = series.countries
    return where is None or viewer.country is None or viewer.country in where


class Order:
    """The episodes of a series, as one viewer has them."""

    def __init__(self, series: SeriesEntry, viewer: Viewer) -> None:
        self.series, self.viewer = series, viewer
        self.episodes: list[Episode] = []
        works: list[str] = []
        for season in series.seasons:
            for entry in season.episodes:
                place = None
                if not entry.special:
                    work = f"work {entry.work_id}" if entry.work_id else f"only {entry.id}"
                    works += [work] if work not in works else []
                    place = works.index(work)
                self.episodes.append(Episode(entry, season.season or 0, place))

    def find(self, title_id: str) -> Episode | None:
        return next((e for e in self.episodes if e.entry.id == title_id), None)

    def find_hash(self, title: int) -> Episode | None:
        return next((e for e in self.episodes if hash32(e.entry.id) == title), None)

    def is_there(self, episode: Episode) -> bool:
        return is_there(episode.entry, self.series, self.viewer)

    def language(self, episode: Episode) -> str | None:
        return episode.entry.language or self.series.language

    def behind(self, place: int, like: Episode | None) -> Tile | None:
        """What follows a place: the nearest there is, in the language of another one."""
        there = [
            e for e in self.episodes if e.place is not None and e.place > place and self.is_there(e)
        ]
        if not there:
            return None
        nearest = min(e.place for e in there)
        versions = [e for e in there if e.place == nearest]
        spoken = None if like is None else self.language(like)
        same = [e for e in versions if self.language(e) == spoken]
        return Tile((same or versions)[0].entry.id)

    def reached(self, season: int, number: int, *, begun: bool) -> int:
        """The place of a number, else the last place of a smaller one; -1: before all."""
        regular = [e for e in self.episodes if e.place is not None]
        regular = [e for e in regular if e.season != season or e.first or e.last]
        for e in regular:
            if e.season == season and e.first <= number <= e.last:
                whole = begun or number == e.last
                return e.place if whole else e.place - 1
        mark = (season, number)
        before = [e for e in regular if (e.season, e.first if begun else e.last) <= mark]
        return max([-1, *(e.place for e in before)])


def series_tile(
    show: Show, series: SeriesEntry | None, viewer: Viewer, *, slept: bool
) -> Tile | None:
    """Tell what a series offers that belongs in the row."""
    finished = show.watched or is_finished(show.position_ms, show.duration_ms, show.credits_ms)
    order = Order(series, viewer) if series is not None else None
    if order is not None and not order.episodes:
        order = None
    if slept and not _is_settled(show, order):
        tile = _slept(show, order)
        return None if tile is None else tile._replace(asleep=True)
    itself = Tile(show.title_id, 0 if finished else show.position_ms, up_next=finished)
    if order is None:
        return itself
    last = order.find(show.title_id)
    if last is None and not show.episode:
        return itself
    place = _place(show, order, last)
    furthest = _furthest(show, order, place)
    played = next((e for e in show.episodes if e.ts == show.last_ts), None)
    if show.watched and show.position_ts < show.last_ts and played is not None:
        known = order.find_hash(played.title)
        if (
            known is not None
            and known.place is not None
            and known.place > (-1 if place is None else place)
        ):
            return _left(order, known, played, furthest)
    if finished or last is None or not order.is_there(last):
        return order.behind(furthest if place is None else place, last)
    return _watching(show, order, last, place, furthest)


def _is_settled(show: Show, order: Order | None) -> bool:
    """Whether a member's mark lies not before what was played last."""
    played = next((e for e in show.episodes if e.ts == show.last_ts), None)
    if not show.watched or order is None or show.position_ts >= show.last_ts or played is None:
        return show.watched
    known = order.find_hash(played.title)
    if known is None or known.place is None:
        return True
    place = _place(show, order, order.find(show.title_id))
    return known.place <= (-1 if place is None else place)


def _watching(
    show: Show, order: Order, last: Episode, place: int | None, furthest: int
) -> Tile | None:
    itself = Tile(show.title_id, show.position_ms)
    if not is_started(show.position_ms, show.duration_ms, film=False):
        return _looked(show, order, last, place, furthest)
    passed = (order.viewer.sessions - show.sessions_at) % 65_536
    if place == 0 and furthest > 0 and passed >= 2:
        return _before_rewatch(show, order, last, furthest) or itself
    return itself


def _place(show: Show, order: Order, last: Episode | None) -> int | None:
    if last is not None:
        return last.place
    special = show.season == 0
    return None if special else order.reached(show.season or 0, show.episode or 0, begun=False)


def _furthest(show: Show, order: Order, place: int | None) -> int:
    own = -1 if place is None else place
    return max(own, order.reached(*show.furthest, begun=True)) if show.furthest[1] else own


def _left(order: Order, episode: Episode, left: ListedEpisode, furthest: int) -> Tile | None:
    """Go on with a listed episode, or behind it."""
    duration = left.duration_ms or episode.entry.duration_ms
    done = is_finished(left.position_ms, duration, episode.entry.credits_ms)
    if done or not order.is_there(episode):
        return order.behind(furthest if episode.place is None else episode.place, episode)
    return Tile(episode.entry.id, left.position_ms)


def _started(order: Order, listed: Iterable[ListedEpisode]) -> list[tuple[Episode, ListedEpisode]]:
    known = [(order.find_hash(left.title), left) for left in listed]
    return [
        (episode, left)
        for episode, left in known
        if episode is not None and is_started(left.position_ms, left.duration_ms, film=False)
    ]


def _looked(
    show: Show, order: Order, last: Episode, place: int | None, furthest: int
) -> Tile | None:
    itself = Tile(show.title_id, show.position_ms)
    if before := _started(order, show.episodes):
        tile = _left(order, *before[0], furthest)
        again = tile is not None and tile.position_ms == 0 and order.find(tile.title_id)
        is_next = again and again.entry.id != before[0][0].entry.id and again.place == place
        return itself if is_next else tile
    if furthest == (-1 if place is None else place):
        return itself
    return order.behind(furthest, last)


def _before_rewatch(show: Show, order: Order, last: Episode, furthest: int) -> Tile | None:
    for episode, left in _started(order, show.episodes):
        if episode.place == furthest:
            return _left(order, episode, left, furthest)
    return order.behind(furthest, last)


def _slept(show: Show, order: Order | None) -> Tile | None:
    """Go on where somebody surely was."""
    mark = show.nobody.bookmark
    own = mark.title_id == show.title_id
    duration = show.duration_ms if own else mark.duration_ms
    done = is_finished(mark.position_ms, duration, show.credits_ms if own else mark.credits_ms)
    known = order.find(mark.title_id) if order is not None else None
    if known is not None and (done or not order.is_there(known)):
        furthest = _furthest(show, order, known.place)
        return order.behind(furthest if known.place is None else known.place, known)
    return Tile(mark.title_id, 0 if done else mark.position_ms, up_next=done)


def film_tiles(
    shows: dict[str, Show], films: dict[str, MovieEntry], viewer: Viewer
) -> dict[str, Tile]:
    """Tell which films stand in a row; of the versions of a work, the one played last speaks."""
    offers: dict[str, Tile] = {}
    speakers: dict[str, tuple[int, str]] = {}
    for show_id, show in shows.items():
        entry = films.get(show_id)
        there = entry is None or is_there(entry, None, viewer)
        seen = (show.furthest[0] << 16) + show.furthest[1]
        again = show.started_ts is None or is_started(
            show.last_ts - show.started_ts, show.duration_ms, film=True
        )
        finished = show.watched or is_finished(show.position_ms, show.duration_ms, show.credits_ms)
        if not again:
            finished |= seen == 2**32 - 1 or is_finished(seen, show.duration_ms, show.credits_ms)
        started = is_started(show.position_ms, show.duration_ms, film=True)
        if started and there and not finished and not show.removed:
            offers[show_id] = Tile(show_id, show.position_ms)
        work = None if entry is None else entry.work_id
        if work is not None and (finished or (started and there) or show.removed):
            speakers[work] = max(speakers.get(work, (0, "")), (show.last_ts, show_id))
    newest = {work: show_id for work, (_, show_id) in speakers.items()}
    return {
        show_id: tile
        for show_id, tile in offers.items()
        if show_id not in films
        or films[show_id].work_id is None
        or newest[films[show_id].work_id] == show_id
    }
