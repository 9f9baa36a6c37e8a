"""What the row promises, told in the simplest way: as if all had arrived in the order of its time.

Nothing is kept from one question to the next, and nothing is shared with the code under test but
the structs of events. It knows of titles that are all equally long, of a film and of a series whose
episodes are released one by one, and of members who are awake.

A rewatch may be given up or not: both tiles are right. So are those with and without what a state
need not remember.
"""

from typing import NamedTuple

from stream_cw.core.events import (
    Event,
    MarkWatched,
    Pause,
    Play,
    Remove,
    SetRecording,
    Stop,
    UndoRemove,
)

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


class Told(NamedTuple):
    """An event, and when the position that it tells was reached: a player may rest for long."""

    ts: int
    event: Event


class Story(NamedTuple):
    """What became of a show.

    Attributes
    ----------
    played : dict of str to int
        Where each title was left, the last one last.
    marked : str or None
        A title that a member said was watched, behind all that was played of other ones, and not
        played since.
    removed : bool
        A member said so, and nobody played the show again.
    titles : set of str
        All that were played or marked.
    seen : bool
        Once played to its end, or marked.
    lasted : int
        From when play was last pressed to the newest position.
    """

    played: dict[str, int]
    marked: str | None
    removed: bool
    titles: set[str]
    seen: bool
    lasted: int


class Promises:
    """All that has arrived of a profile and was not private."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.now = 0
        self._ids: set[str] = set()
        self._resting: dict[str, tuple[str, int, int]] = {}
        self._private_from, self._private_until = 0, 0

    def arrive(self, event: Event) -> bool:
        """Take an event, and tell whether it counts; one that was there already does not."""
        if event.event_id in self._ids:
            return False
        self._ids.add(event.event_id)
        self.now = max(self.now, event.ts)
        if isinstance(event, SetRecording):
            if event.recording:
                self._private_until = event.ts
            else:
                self._private_from = event.ts
        elif self._is_private(event.ts):
            return False
        self.told.append(Told(self._reached(event), event))
        return True

    def _is_private(self, ts: int) -> bool:
        if not self._private_from or ts < self._private_from:
            return False
        return self._private_until < self._private_from or ts < self._private_until

    def _reached(self, event: Event) -> int:
        """Tell when a position was reached; who halts where the last report was only rests."""
        if not isinstance(event, Play | Pause | Stop):
            return event.ts
        device, title, position = event.device_id, event.title.id, event.position_ms
        open_title, open_position, since = self._resting.get(device, ("", -1, 0))
        if isinstance(event, Play):
            self._resting[device] = (title, position, event.ts)
            return event.ts
        ts = since if (open_title, open_position) == (title, position) else event.ts
        self._resting[device] = ("", -1, 0) if isinstance(event, Stop) else (title, position, ts)
        return ts

    def knows(self, show: str) -> bool:
        return any(isinstance(e, Play) and e.title.show_id == show for _, e in self.told)

    def story(self, show: str) -> Story:
        played: dict[str, int] = {}
        titles: set[str] = set()
        marked, removed, seen, pressed, newest = None, False, False, 0, 0
        for ts, event in sorted(self.told, key=lambda told: (told.ts, told.event.ts)):
            match event:
                case Play() | Pause() | Stop() if event.title.show_id == show:
                    title, newest = event.title.id, ts
                    if isinstance(event, Play):
                        removed, marked, pressed = False, None, ts
                    marked = marked if marked == title else None
                    played.pop(title, None)
                    played[title] = event.position_ms
                    titles.add(title)
                    seen = seen or event.position_ms > FINISHED
                case MarkWatched() if event.title.show_id == show:
                    marked, seen = event.title.id, True
                    titles.add(marked)
                case Remove() | UndoRemove() if event.show_id == show:
                    removed = isinstance(event, Remove)
        return Story(played, marked, removed, titles, seen, newest - pressed)

    def right(self, show: str, shelf: Shelf) -> set[Offer]:
        """Tell which tiles of a show are right."""
        story = self.story(show)
        if not self.knows(show) or story.removed:
            return {None}
        last, position_ms = list(story.played.items())[-1]
        if last == show:
            return {None if _is_film_gone(story, position_ms) else (last, position_ms)}
        order = [release.title for release in shelf[show]]
        if story.marked is not None and order.index(story.marked) >= order.index(last):
            return {self._behind(story.marked, shelf[show])}
        if story.marked is not None or position_ms > FINISHED:
            return {self._from(last, position_ms, shelf[show])}
        if position_ms < STARTED:
            return self._after_look(story, shelf[show])
        right: set[Offer] = {(last, position_ms)}
        furthest = max(story.titles, key=order.index)
        if last == order[0] and furthest != last:  # given up or not
            onward = self._from(furthest, story.played.get(furthest, LASTS), shelf[show])
            right |= {onward, self._behind(furthest, shelf[show])} - {None}
        return right

    def _after_look(self, story: Story, releases: list[Release]) -> set[Offer]:
        """Go on where the series stood before an episode was only looked at."""
        *others, (last, position_ms) = story.played.items()
        others.reverse()
        memories = [others[:LISTED]]
        if len(story.titles) > len(story.played):  # a mark took the place of the last of them
            fewer, older = others[: LISTED - 1], others[LISTED - 1 :]
            memories += [fewer, *([*fewer, one] for one in older)]
        right: set[Offer] = set()
        for remembered in memories:
            started = [(t, at) for t, at in remembered if at >= STARTED]
            offer = self._from(*started[0], releases) if started else None
            right.add((last, position_ms) if offer == (last, 0) else offer)
        return right

    def _from(self, title: str, position_ms: int, releases: list[Release]) -> Offer:
        if position_ms > FINISHED:
            return self._behind(title, releases)
        return title, position_ms

    def _behind(self, title: str, releases: list[Release]) -> Offer:
        """Find the first title behind one that is released by now."""
        behind = releases[[release.title for release in releases].index(title) + 1 :]
        return next(((release.title, 0) for release in behind if release.ts <= self.now), None)


def _is_film_gone(story: Story, position_ms: int) -> bool:
    """Whether a film is finished, not begun, or was once finished and now only looked at."""
    look = story.seen and story.lasted < FILM_STARTED
    return look or story.marked is not None or not FILM_STARTED <= position_ms <= FINISHED
