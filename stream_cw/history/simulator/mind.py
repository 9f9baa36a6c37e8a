"""What a member remembers of shows, and how likely each is next."""

from typing import Final

from msgspec import Struct

from stream_cw.history.simulator import tuning
from stream_cw.history.simulator.catalog import Catalog, Item, Show
from stream_cw.history.simulator.dice import MICRO, Dice, doublings, shares
from stream_cw.history.simulator.member import Device, Member

_NEVER: Final = -1_000_000
_TRIES: Final = 400


class Known:
    """A show that the member has begun, and the place it has in the member's life."""

    def __init__(self, show: Show, ts: int, *, device: str, part: int, appetite: int) -> None:
        self.show = show
        self.items = show.items
        self.device = device
        self.hours = [0] * 8
        self.hours[part] = 1_000
        self.appetite = appetite
        self.weekend_lean = 0
        self.comfort = False
        self.next = 0
        self.position = 0
        self.last_ts = ts
        self.last_session = 0
        self.sessions = 0
        self.run = 0
        self.faded_at: int | None = None

    def item(self, ts: int) -> Item | None:
        """Return what the member would watch next of it, if it is released."""
        if self.next < len(self.items):
            item = self.items[self.next]
            if item.release_ts <= ts:
                return item
        return None

    def at_hour(self, part: int) -> int:
        """Say how usual this part of the day is for the show: per mille, from -600 to 1000."""
        hours = self.hours
        near = hours[part] + (hours[part - 1] + hours[(part + 1) % 8]) * 6 // 10
        return min(near, 1_000) * 16 // 10 - 600

    def watched_at(self, part: int) -> None:
        """Move the habit towards these hours."""
        self.hours = [share * 3 // 4 for share in self.hours]
        self.hours[part] += 250


class Outlook(Struct, frozen=True):
    """How a session may go on, in micro-units that sum to one million."""

    discovery: int
    shows: list[tuple[Known, int]]

    def draw(self, dice: Dice) -> Known | None:
        """Draw a show to return to, or None for something new."""
        left = dice.below(MICRO)
        for known, share in self.shows:
            left -= share
            if left < 0:
                return known
        return None


class _Scene(Struct, frozen=True):
    """When and where shows are weighed; the same for all of them."""

    ts: int
    device: str
    part: int
    weekend: int


class Mind:
    """A member's memory; only what has happened is in it."""

    def __init__(self, member: Member, catalog: Catalog, dice: Dice) -> None:
        self._member = member
        self._habit = member.device_habit
        self._catalog = catalog
        self._dice = dice
        self.known: dict[str, Known] = {}
        self.closed: set[str] = set()
        self.sessions = 0
        self.last_end = 0
        self.last: Known | None = None
        self.just_finished = False

    def outlook(self, device: Device, ts: int, *, without: Known | None = None) -> Outlook:
        """Say how likely each known show is to be chosen now on this device, and something new.

        Parameters
        ----------
        device : Device
        ts : int
            Event time, ms.
        without : Known or None
            A show that is not chosen: the one that was just put away.
        """
        member = self._member
        scene = _Scene(
            ts=ts,
            device=device.id,
            part=member.part(ts),
            weekend=tuning.WEEKEND_HABIT if member.weekend(ts) else -tuning.WEEKEND_HABIT,
        )
        shows = [known for known in self.known.values() if known is not without]
        utilities = [self._utility(known, scene) for known in shows]
        utilities.append(self._novelty(ts))
        parts = shares(utilities)
        return Outlook(parts[-1], [(k, p) for k, p in zip(shows, parts, strict=False) if p])

    def _utility(self, known: Known, scene: _Scene) -> int:
        ts = scene.ts
        days = max(0, ts - known.last_ts) // tuning.DAY
        value = self._standing(known, ts, days)
        if value == _NEVER:
            return _NEVER
        value += known.appetite + scene.weekend * known.weekend_lean
        value += self._member.hour_habit * known.at_hour(scene.part) // 1_000
        value += self._habit if known.device == scene.device else -self._habit
        value -= tuning.SESSIONS_SINCE * doublings(self.sessions - known.last_session) // 100
        value -= tuning.DAYS_SINCE * doublings(days) // 100
        if known is self.last:
            value += tuning.MOMENTUM[gap_class(ts - self.last_end)]
        if known.faded_at is not None:
            days_faded = max(0, ts - known.faded_at) // tuning.DAY
            value -= tuning.FADE * days_faded**2 // 49
        return value

    def _standing(self, known: Known, ts: int, days: int) -> int:
        """Value where the member stands in the show: in a binge, halfway, at its end."""
        item = known.item(ts)
        if item is None:
            if known.next < len(known.items):
                return _NEVER
            if not (known.show.kids or known.comfort):
                return _NEVER
            lost = tuning.REWATCH_KIDS if known.show.kids else tuning.REWATCH
            return -lost if known.show.series else -lost - tuning.REWATCH_FILM
        if not known.show.series:
            return tuning.FILM_BEGUN - tuning.FILM_FADES * doublings(days) // 100
        if known.position == 0 and known.last_ts < item.release_ts:
            return tuning.NEW_EPISODES if ts - item.release_ts < tuning.NEW_FOR else 0
        return tuning.BINGE * min(known.run, tuning.BINGE_DEPTH)

    def _novelty(self, ts: int) -> int:
        if len(self.known) + len(self.closed) > len(self._catalog.shows) // 2:
            return _NEVER
        days = max(0, ts - self.last_end) // tuning.DAY
        value = self._member.discovery + tuning.LONG_AWAY * doublings(days) // 100
        return value + tuning.JUST_FINISHED if self.just_finished else value

    def discover(self, device: Device, ts: int) -> Show:
        """Find a show that the member has not seen and would try here and now."""
        child = self._member.child_at(device, self._dice)
        for _ in range(_TRIES):
            show = self._catalog.popular(self._dice)
            if show.kids == child and self._new(show, ts) and self._member.likes(show, self._dice):
                return show
        unseen = [show for show in self._catalog.shows if self._new(show, ts)]
        return next((show for show in unseen if show.kids == child), unseen[0])

    def _new(self, show: Show, ts: int) -> bool:
        seen = show.id in self.known or show.id in self.closed
        return not seen and show.items[0].release_ts <= ts

    def settle(self, known: Known, begun: int, ts: int) -> None:
        """Take in that a show was watched from one time to another."""
        known.watched_at(self._member.part(begun))
        if known.last_session != self.sessions:
            known.run = known.run + 1 if known.last_session == self.sessions - 1 else 1
            known.last_session = self.sessions
            known.sessions += 1
        known.last_ts = self.last_end = ts
        self.last = known
        self.just_finished = known.item(ts) is None
        if known.next >= len(known.items) and not (known.show.kids or known.comfort):
            self._close(known)

    def forget(self, ts: int) -> None:
        """Give up the shows that were abandoned so long ago that they have no chance left."""
        gone = [
            known
            for known in self.known.values()
            if known.faded_at is not None and ts - known.faded_at > tuning.GONE
        ]
        for known in gone:
            self._close(known)

    def _close(self, known: Known) -> None:
        self.known.pop(known.show.id, None)
        self.closed.add(known.show.id)


def gap_class(gap: int) -> int:
    """Return which of the five classes of gaps since the last session this one is."""
    return sum(gap >= bound for bound in tuning.GAPS)
