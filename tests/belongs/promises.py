"""What the row promises, told in the simplest way: as if all had arrived in the order of its time.

Nothing is kept from one question to the next, and nothing is shared with the code under test but
the structs of events. It knows of titles that are all equally long, of a film and of a series whose
episodes are released one by one, and of members who are awake.

Where a rule leaves the choice (looking at an older episode, `Promises.right`), more than one tile
is right.
"""

from typing import NamedTuple

from stream_cw.core.events import Event, MarkWatched, Pause, Play, Remove, Stop, UndoRemove

SECOND, MINUTE, DAY = 1_000, 60_000, 86_400_000
LASTS = 40 * MINUTE
STARTED = 2 * MINUTE
FILM_STARTED = LASTS * 3 // 100
FINISHED = LASTS - 3 * MINUTE
"""Of 40 minutes less than three are left: that comes before 95 %."""
LISTED = 3
"""Episodes that a state remembers beside the last one."""

Offer = tuple[str, int] | None
"""What to play and where; None: no tile."""


class Release(NamedTuple):
    """A title of a show, and from when on it is there."""

    title: str
    ts: int


Shelf = dict[str, list[Release]]
"""The titles of each show, in the order in which they are watched."""


class Story(NamedTuple):
    """What became of a show.

    Attributes
    ----------
    positions : dict of str to int
        Where each title was left, the last one last; of one that was only marked, 0.
    watched : bool
        A member said so of the last title, and did not play it again.
    removed : bool
        A member said so, and nobody played the show again.
    seen : bool
        The last title was once watched to its end.
    """

    positions: dict[str, int]
    watched: bool
    removed: bool
    seen: bool

    @property
    def last(self) -> tuple[str, int]:
        """The last title and where it was left."""
        return list(self.positions.items())[-1]


class Promises:
    """All that has arrived of a profile."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def arrive(self, event: Event) -> None:
        """Take an event; one that was there already changes nothing."""
        self.events.setdefault(event.event_id, event)

    def knows(self, show: str) -> bool:
        return any(isinstance(e, Play) and e.title.show_id == show for e in self.events.values())

    def story(self, show: str) -> Story:
        positions: dict[str, int] = {}
        watched = removed = seen = False
        for event in sorted(self.events.values(), key=lambda event: event.ts):
            match event:
                case Play() | Pause() | Stop() if event.title.show_id == show:
                    title = event.title.id
                    same, play = [title] == list(positions)[-1:], isinstance(event, Play)
                    seen = (seen and same) or event.position_ms > FINISHED
                    watched, removed = watched and same and not play, removed and not play
                    positions.pop(title, None)
                    positions[title] = event.position_ms
                case MarkWatched() if event.title.show_id == show:
                    title = event.title.id
                    positions[title] = positions.pop(title, 0)
                    watched = True
                case Remove() | UndoRemove() if event.show_id == show:
                    removed = isinstance(event, Remove)
        return Story(positions, watched, removed, seen)

    def right(self, show: str, shelf: Shelf) -> set[Offer]:
        """Tell which tiles of a show are right."""
        story = self.story(show)
        if not self.knows(show) or story.removed:
            return {None}
        title, position_ms = story.last
        finished = story.watched or position_ms > FINISHED
        if title == show:
            return _of_a_film(story, position_ms, finished)
        order = [release.title for release in shelf[show]]
        furthest = max(story.positions, key=order.index)
        offer = self._behind(title, shelf[show]) if finished else story.last
        if title == furthest:
            return _of_the_furthest(story, offer)
        onward = self._behind(furthest, shelf[show])
        if position_ms > FINISHED:
            return {offer}
        if position_ms >= STARTED and not finished:
            return {offer, onward or offer}  # watched again, or given up for what is new
        # A look at an older episode, or a word about one, is no place to go on from.
        return {None, offer, onward, *story.positions.items()}

    def _behind(self, title: str, releases: list[Release]) -> Offer:
        """Find the first title behind one that is released by now."""
        now = max(event.ts for event in self.events.values())
        behind = releases[[release.title for release in releases].index(title) + 1 :]
        return next(((release.title, 0) for release in behind if release.ts <= now), None)


def _of_a_film(story: Story, position_ms: int, finished: bool) -> set[Offer]:
    """Keep a film that is started; a look at one that was seen may be no place to go on from."""
    if finished or position_ms < FILM_STARTED:
        return {None}
    return {None, story.last} if story.seen else {story.last}


def _of_the_furthest(story: Story, offer: Offer) -> set[Offer]:
    """Keep a series of which any episode is started, as far as that is remembered."""
    *others, last = story.positions.values()
    if last >= STARTED or (len(others) <= LISTED and max(others, default=0) >= STARTED):
        return {offer}
    return {None, offer} if others or story.watched else {None}
