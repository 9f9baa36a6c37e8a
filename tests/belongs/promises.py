"""What the row promises, told in the simplest way: from all that has arrived, and in any order.

Nothing is kept from one question to the next, and nothing is shared with the code under test but
the structs of events. It knows of titles that are all equally long, of series whose episodes are
released one by one, and of members who are awake.

Where a rule leaves the choice (going back in a series, `right` below), more than one tile is right.
"""

from collections.abc import Iterable
from typing import NamedTuple

from stream_cw.core.events import (
    Event,
    MarkWatched,
    Pause,
    Play,
    Progress,
    Remove,
    Stop,
    UndoRemove,
)

SECOND, MINUTE, DAY = 1_000, 60_000, 86_400_000
LASTS = 40 * MINUTE
STARTED = 2 * MINUTE
FILM_STARTED = LASTS * 3 // 100
FINISHED = LASTS - 3 * MINUTE
"""Of 40 minutes less than three are left: that comes before 95 %."""

Offer = tuple[str, int] | None
"""What to play and where; None: no tile."""


class Release(NamedTuple):
    """A title of a show, and from when on it is there."""

    title: str
    ts: int


Shelf = dict[str, list[Release]]
"""The titles of each show, in the order in which they are watched."""


class Place(NamedTuple):
    """Where a show stands: at a position, or marked as watched."""

    ts: int
    title: str
    position_ms: int
    finished: bool


class Promises:
    """All that has arrived of a profile."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: dict[str, Event] = {}
        for event in events:
            self.arrive(event)

    def arrive(self, event: Event) -> None:
        """Take an event; one that was there already changes nothing."""
        self.events.setdefault(event.event_id, event)

    def knows(self, show: str) -> bool:
        return bool(self._reports(show))

    def last(self, show: str) -> Place:
        """Tell where a show stands: its newest report, or a newer word that a title is watched."""
        begun = self._begun(show)
        marks = [m for m in self._of(MarkWatched) if m.title.show_id == show]
        kept = {m.title.id for m in marks if m.ts >= begun}
        places = [Place(m.ts, m.title.id, 0, True) for m in marks]
        for report in self._reports(show):
            at, name = report.position_ms, report.title.id
            places.append(Place(report.ts, name, at, at > FINISHED or name in kept))
        return max(places)

    def is_removed(self, show: str) -> bool:
        """The newest word counts, until a play is newer."""
        words = [w for w in self._of(Remove, UndoRemove) if w.show_id == show]
        newest = max(words, key=lambda word: word.ts, default=None)
        return isinstance(newest, Remove) and newest.ts > self._begun(show)

    def right(self, show: str, shelf: Shelf) -> set[Offer]:
        """Tell which tiles of a show are right."""
        if not self.knows(show) or self.is_removed(show):
            return {None}
        last, releases = self.last(show), shelf[show]
        offer = self._following(last.title, releases) if last.finished else _resumed(last)
        if last.title == show:
            return {offer} if last.finished or last.position_ms >= FILM_STARTED else {None}
        order = [release.title for release in releases]
        reached = max(self._titles(show), key=order.index)
        if last.title == reached:
            return self._once_started(show, last, offer)
        if last.position_ms > FINISHED:
            return {offer}
        onward = self._following(reached, releases)
        if last.position_ms >= STARTED and not last.finished:
            return {offer, onward or offer}  # watched again, or given up for what is new
        # A look at an older episode, or a word about one, is no place to go on from.
        return {None, offer, onward, *self._positions(show).items()}

    def _once_started(self, show: str, last: Place, offer: Offer) -> set[Offer]:
        """Keep a series of which any episode is started; a state lists three beside the last."""
        others = self._titles(show) - {last.title}
        positions = self._positions(show)
        if last.position_ms >= STARTED or (len(others) <= 3 and max(positions.values()) >= STARTED):
            return {offer}
        return {None, offer} if others or last.finished else {None}

    def _positions(self, show: str) -> dict[str, int]:
        """Tell where the newest report of each title is."""
        reports = sorted(self._reports(show), key=lambda report: report.ts)
        return {report.title.id: report.position_ms for report in reports}

    def _following(self, title: str, releases: list[Release]) -> Offer:
        """Find the first title behind one that is released by now."""
        now = max(event.ts for event in self.events.values())
        behind = releases[[release.title for release in releases].index(title) + 1 :]
        return next(((release.title, 0) for release in behind if release.ts <= now), None)

    def _titles(self, show: str) -> set[str]:
        marks = {m.title.id for m in self._of(MarkWatched) if m.title.show_id == show}
        return marks | {report.title.id for report in self._reports(show)}

    def _begun(self, show: str) -> int:
        return max((r.ts for r in self._reports(show) if isinstance(r, Play)), default=0)

    def _reports(self, show: str) -> list:
        return [r for r in self._of(Play, Pause, Stop, Progress) if r.title.show_id == show]

    def _of(self, *kinds: type) -> list:
        return [event for event in self.events.values() if isinstance(event, kinds)]


def _resumed(last: Place) -> Offer:
    return last.title, last.position_ms
