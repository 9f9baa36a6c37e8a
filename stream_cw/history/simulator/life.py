"""A profile's life: when it opens the app, on which device, and what it then does."""

from collections.abc import Iterator
from typing import Final

from stream_cw.core.events import (
    Browse,
    HomeView,
    MarkWatched,
    Origin,
    Rating,
    Remove,
    RowSeen,
    Scroll,
    SessionStart,
    Skip,
    UndoRemove,
)
from stream_cw.history.simulator import tuning
from stream_cw.history.simulator.catalog import Catalog
from stream_cw.history.simulator.dice import dice_for
from stream_cw.history.simulator.emit import Recorder, Seat
from stream_cw.history.simulator.member import Device, Member
from stream_cw.history.simulator.mind import Known, Mind, Outlook
from stream_cw.history.simulator.truth import AbandonedTruth, SessionTruth, Truth
from stream_cw.history.simulator.tuning import DAY, HOUR, MINUTE
from stream_cw.history.simulator.watching import Viewer

_VISIBLE: Final = 6
"""Tiles of the row that fit on a screen."""


class Life:
    """One profile from the first day to the last.

    Attributes
    ----------
    recorder : Recorder
        The profile's events.
    truth : list of (int, Truth)
        The truth about them, each with its time.
    """

    def __init__(self, member: Member, catalog: Catalog, seed: int) -> None:
        self.member = member
        self.truth: list[tuple[int, Truth]] = []
        self.recorder = Recorder(member, dice_for(seed, "network", member.number))
        self._calendar = dice_for(seed, "calendar", member.number)
        self._dice = dice_for(seed, "life", member.number)
        self._mind = Mind(member, catalog, self._dice)
        self._viewer = Viewer(member, self._dice, self.truth)
        self._device: Device | None = None
        self._sessions = 0

    def live(self, start_ts: int, days: int) -> None:
        """Live through the days; what happens stands in `recorder` and `truth`."""
        free_at = start_ts
        for ts in self._openings(start_ts, days):
            if ts + 2 * HOUR < free_at:
                continue
            free_at = self._session(max(ts, free_at)) + tuning.SESSION_GAP
            while self._dice.chance(tuning.COME_BACK):
                again = free_at + self._dice.below(80 * MINUTE)
                free_at = self._session(again) + tuning.SESSION_GAP

    def _openings(self, start_ts: int, days: int) -> Iterator[int]:
        """Draw the times at which the member would open the app, in order."""
        dice, member = self._calendar, self.member
        away_until = 0
        for day in range(days):
            midnight = start_ts + day * DAY - member.tz_offset_min * MINUTE % DAY
            if dice.chance(tuning.AWAY):
                away_until = midnight + dice.between(3, 7) * DAY
            weekend = member.weekend(midnight + 12 * HOUR)
            hours = member.weekend_hours if weekend else member.working_hours
            times = [
                midnight + dice.pick(hours) * 3 * HOUR + dice.below(3 * HOUR)
                for _ in range(4)
                if dice.chance(member.per_day * (1.3 if weekend else 1.0) / 4)
            ]
            yield from (ts for ts in sorted(times) if ts >= max(away_until, start_ts))

    def _session(self, ts: int) -> int:
        """Open the app, and return when the session is over."""
        device = self.member.takes(ts, self._device, self._dice)
        self._device = device
        seat, event_id = self._open(device, ts)
        if self._dice.chance(tuning.GLANCE):
            self._tell(seat, ts, event_id)
            return self._look_around(seat, ts + 3_000)
        self._mind.forget(ts)
        outlook = self._mind.outlook(device, ts)
        chosen = outlook.draw(self._dice)
        begun = self._arrive(seat, ts)
        if chosen is None:
            begun = self._look_around(seat, begun)
        self._mind.sessions += 1
        known, end = self._watch(seat, chosen, begun)
        self._tell(seat, ts, event_id, outlook, known, returned=chosen is not None)
        if self.member.shared and self._dice.chance(tuning.MEANWHILE):
            self._meanwhile(device, begun, end, known)
        while self._dice.chance(tuning.SECOND_SHOW):
            begun = end + self._dice.between(20_000, 6 * MINUTE)
            chosen = self._mind.outlook(device, begun, without=known).draw(self._dice)
            known, end = self._watch(seat, chosen, begun)
        return end

    def _open(self, device: Device, ts: int) -> tuple[Seat, str]:
        self._sessions += 1
        portable = device.type in ("phone", "tablet")
        if portable and ts >= device.offline_until and self._dice.chance(tuning.OFFLINE):
            device.offline_until = ts + self._dice.between(2 * HOUR, 14 * HOUR)
        seat = Seat(self.recorder, self.member, device, f"s{self._sessions}")
        return seat, seat.happens(SessionStart, ts)

    def _tell(
        self,
        seat: Seat,
        ts: int,
        event_id: str,
        outlook: Outlook | None = None,
        target: Known | None = None,
        *,
        returned: bool | None = None,
    ) -> None:
        shows = {} if outlook is None else {k.show.id: share for k, share in outlook.shows}
        session = SessionTruth(
            profile_id=self.member.profile_id,
            device_id=seat.device.id,
            ts=ts,
            event_id=event_id,
            scored=outlook is not None,
            discovery=None if outlook is None else outlook.discovery,
            shows=shows,
            target=None if target is None else target.show.id,
            returned=returned,
        )
        self.truth.append((ts, session))

    def _arrive(self, seat: Seat, ts: int) -> int:
        """See the home page, and perhaps put the row in order."""
        dice = self._dice
        ts += dice.between(800, 3_000)
        seat.happens(HomeView, ts)
        online = ts >= seat.device.offline_until
        if online and dice.chance(tuning.ROW_SEEN):
            ts += dice.between(300, 2_000)
            visible = min(_VISIBLE, self._ahead(0))
            seat.happens(RowSeen, ts, revision=0, ranks=list(range(visible)))
        faded = [known for known in self._mind.known.values() if known.faded_at is not None]
        if faded and dice.chance(tuning.TIDY_UP):
            ts = self._tidy_up(seat, faded[dice.below(len(faded))], ts)
        return ts + dice.between(1_500, 25_000)

    def _tidy_up(self, seat: Seat, known: Known, ts: int) -> int:
        ts += self._dice.between(1_500, 9_000)
        item = known.item(ts)
        if item is not None and self._dice.chance(20):
            seat.happens(MarkWatched, ts, title=item.title)
            return ts
        seat.happens(Remove, ts, show_id=known.show.id)
        if self._dice.chance(15):
            ts += self._dice.between(1_000, 8_000)
            seat.happens(UndoRemove, ts, show_id=known.show.id)
        return ts

    def _ahead(self, last_ts: int) -> int:
        """Count the shows that a row by recency holds before one last watched then."""
        known = self._mind.known.values()
        return sum(k.last_ts > last_ts and k.item(k.last_ts) is not None for k in known)

    def _look_around(self, seat: Seat, ts: int) -> int:
        """Browse before something new, or before leaving."""
        dice, mind = self._dice, self._mind
        for _ in range(dice.between(1, 2)):
            ts += dice.between(4_000, 30_000)
            seat.happens(Browse if dice.chance(60) else Scroll, ts)
        if mind.last is not None and dice.chance(15):
            ts += dice.between(1_000, 6_000)
            seat.happens(Skip, ts, show_id=mind.last.show.id)
        if dice.chance(15):
            show = mind.discover(seat.device, ts)
            ts = self._viewer.trailer(seat, show, ts + 2_000)
        if dice.chance(10):
            show = mind.discover(seat.device, ts)
            mind.closed.add(show.id)
            ts = mind.last_end = self._viewer.sample(seat, show, ts + 3_000)
        return ts + dice.between(3_000, 40_000)

    def _watch(self, seat: Seat, chosen: Known | None, ts: int) -> tuple[Known, int]:
        """Watch what was chosen, or something new; return it, and when that ends."""
        dice, mind = self._dice, self._mind
        known = self._discover(seat.device, ts) if chosen is None else chosen
        first = known.sessions == 0
        origin = self._origin(seat, known, ts, new=chosen is None)
        end = self._viewer.watch(seat, known, ts, self._budget(seat.device), origin)
        mind.settle(known, ts, end)
        fades = tuning.ABANDON_FIRST if first else tuning.ABANDON
        if not known.show.series:
            fades = tuning.FILM_ABANDON
        if known.faded_at is None and known.item(end) is not None and dice.chance(fades):
            known.faded_at = end
            told = AbandonedTruth(profile_id=self.member.profile_id, ts=end, show_id=known.show.id)
            self.truth.append((end, told))
        if mind.just_finished and dice.chance(tuning.RATES):
            rating = (-1, 1, 2)[dice.pick((20, 50, 30))]
            seat.happens(Rating, end + 4_000, show_id=known.show.id, rating=rating)
        return known, end

    def _discover(self, device: Device, ts: int) -> Known:
        """Begin something new; this device and these hours often become its own."""
        dice, member = self._dice, self.member
        show = self._mind.discover(device, ts)
        own = device
        if not dice.chance(tuning.OWN_DEVICE):
            own = member.devices[dice.below(len(member.devices))]
        known = Known(
            show,
            ts,
            device=own.id,
            part=member.part(ts),
            appetite=dice.bell(tuning.APPETITE_SPREAD),
        )
        known.weekend_lean = dice.pick((1, 2, 1)) - 1
        known.comfort = dice.chance(tuning.COMFORT)
        self._mind.known[show.id] = known
        return known

    def _origin(self, seat: Seat, known: Known, ts: int, *, new: bool) -> Origin:
        """Say where the play was started from: what stands far back in the row is searched for."""
        dice = self._dice
        if ts < seat.device.offline_until:
            return Origin(surface="other")
        if new:
            return Origin(surface=("browse", "search", "deeplink")[dice.pick((70, 25, 5))])
        rank = self._ahead(known.last_ts)
        if rank < 4 * _VISIBLE and dice.chance(92 - 5 * rank):
            return Origin(surface="row", revision=0, rank=rank)
        return Origin(surface="search" if dice.chance(70) else "browse")

    def _budget(self, device: Device) -> int:
        """Draw how much time the member has, ms."""
        dice = self._dice
        span = tuning.SESSION
        if self.member.persona == "kids" or device.type == "phone":
            span = tuning.KIDS_SESSION
        elif dice.chance(self.member.long_sessions):
            span = tuning.LONG_SESSION
        return dice.between(span[0] * MINUTE, span[1] * MINUTE)

    def _meanwhile(self, busy: Device, begun: int, end: int, other: Known) -> None:
        """Let somebody else watch on a second device while the session goes on."""
        devices = [device for device in self.member.devices if device is not busy]
        shows = [known for known in self._mind.known.values() if known is not other]
        ts = begun + (end - begun) // 3
        shows = [known for known in shows if known.item(ts) is not None and known.last_ts < begun]
        if not devices or not shows or end - begun < 30 * MINUTE:
            return
        device = devices[self._dice.below(len(devices))]
        theirs = [known for known in shows if known.device == device.id] or shows
        known = theirs[self._dice.below(len(theirs))]
        seat, event_id = self._open(device, ts)
        self._tell(seat, ts, event_id, target=known)
        origin = self._origin(seat, known, ts + 5_000, new=False)
        budget = (end - ts) // 2
        known.last_ts = self._viewer.watch(seat, known, ts + 5_000, budget, origin)
