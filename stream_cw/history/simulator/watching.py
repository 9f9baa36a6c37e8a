"""A member watches: plays and stops, chains of episodes, pauses, sleep."""

from msgspec import Struct

from stream_cw.core.events import DisplayOff, Origin, Pause, Play, Progress, Stop, Supplemental
from stream_cw.history.simulator import tuning
from stream_cw.history.simulator.catalog import Item, Show
from stream_cw.history.simulator.dice import Dice
from stream_cw.history.simulator.emit import Seat
from stream_cw.history.simulator.member import Member
from stream_cw.history.simulator.mind import Known
from stream_cw.history.simulator.truth import FinishedTruth, PlaybackTruth, Truth
from stream_cw.history.simulator.tuning import MINUTE

_SECOND = 1_000
_LEAST_LEFT = 2 * MINUTE
"""Nobody leaves a title this close to its credits."""
_LEAST_PLAY = 70 * _SECOND
"""A show that was chosen is watched at least this long: what counts as a target is a minute."""


class Start(Struct, frozen=True):
    """How a playback came to be started."""

    origin: Origin | None
    autoplay: bool = False


class Viewer:
    """Turns the choice of a show into playbacks on a seat; the truth is told beside."""

    def __init__(self, member: Member, dice: Dice, truth: list[tuple[int, Truth]]) -> None:
        self._member = member
        self._dice = dice
        self._truth = truth

    def watch(self, seat: Seat, known: Known, ts: int, budget: int, origin: Origin) -> int:
        """Watch a show.

        Parameters
        ----------
        seat : Seat
        known : Known
            The show; where the member stands in it moves on.
        ts, budget : int
            When it begins, and for how long the member has time, ms.
        origin : Origin

        Returns
        -------
        int
            When the last playback stopped.
        """
        dice = self._dice
        awake = self._awake_for(ts, budget)
        if not known.show.series and dice.chance(tuning.FILM_TO_THE_END):
            budget += known.show.items[0].duration_ms
        start = Start(origin)
        self._choose_episode(known, ts)
        while True:
            item = known.item(ts)
            if item is None:
                return ts
            left = item.credits_ms - known.position
            if awake is not None and awake < left:
                return self._fall_asleep(seat, known, item, ts, awake, start)
            if budget < left - _LEAST_LEFT:
                end = known.position + max(budget, _LEAST_PLAY)
                ts = self._play(seat, item, ts, known.position, end, start)
                known.position = end
                return ts
            end = item.credits_ms + dice.between(1, 15) * _SECOND
            if not dice.chance(tuning.STOP_AT_CREDITS):
                end = item.duration_ms
            ts = self._play(seat, item, ts, known.position, min(end, item.duration_ms), start)
            self._finish(known, item, ts)
            budget -= left
            awake = None if awake is None else awake - left
            if budget < 4 * MINUTE:
                return ts
            autoplay = self._member.autoplay and dice.chance(85)
            ts += dice.between(5_000, 12_000) if autoplay else dice.between(9_000, 50_000)
            start = Start(Origin(surface="autoplay" if autoplay else "other"), autoplay)

    def sample(self, seat: Seat, show: Show, ts: int) -> int:
        """Try a show for less than a minute and turn away from it."""
        item = show.items[0]
        end = self._dice.between(8, 50) * _SECOND
        return self._play(seat, item, ts, 0, end, Start(Origin(surface="browse")))

    def trailer(self, seat: Seat, show: Show, ts: int) -> int:
        """Let a trailer run that nobody asked for."""
        length = self._dice.between(20, 90) * _SECOND
        title = Supplemental(
            id=f"{show.id}.trailer",
            series_id=show.id if show.series else None,
            duration_ms=length,
        )
        end = self._dice.between(3_000, length)
        origin = Origin(surface="browse")
        seat.happens(Play, ts, title=title, position_ms=0, autoplay=True, origin=origin)
        seat.happens(Stop, ts + end, title=title, position_ms=end)
        return ts + end

    def _choose_episode(self, known: Known, ts: int) -> None:
        """Start again where everything was seen; children go back to what they know."""
        again = known.show.kids and self._dice.chance(tuning.KIDS_REPEAT) and known.position == 0
        if again and known.next > 0:
            known.next = self._dice.below(known.next)
        if known.item(ts) is None:
            known.next = self._dice.below(known.next) if known.show.kids else 0
            known.position = 0

    def _awake_for(self, ts: int, budget: int) -> int | None:
        """Draw after how long the member falls asleep; None: stays awake."""
        if budget < tuning.HOUR:
            return None
        if not self._dice.chance(tuning.ASLEEP[self._member.part(ts + budget)]):
            return None
        return self._dice.between(budget // 2, budget)

    def _fall_asleep(
        self, seat: Seat, known: Known, item: Item, ts: int, awake: int, start: Start
    ) -> int:
        """Play on to nobody: to the end of the title, then what follows, until the player asks."""
        dice = self._dice
        asleep_at = known.position + max(awake, _LEAST_PLAY)
        begun = known.position
        attended = (known.next, asleep_at)
        if seat.device.type == "tv" and dice.chance(tuning.DISPLAY_OFF):
            seat.happens(DisplayOff, ts + asleep_at - begun + dice.between(1, 8) * MINUTE)
        ts = self._play(seat, item, ts, begun, item.duration_ms, start, asleep_at)
        known.next, known.position = known.next + 1, 0
        chain = Start(Origin(surface="autoplay"), autoplay=True)
        for _ in range(dice.between(1, tuning.STILL_THERE)):
            following = known.item(ts)
            if following is None or not self._member.autoplay:
                break
            ts += dice.between(5_000, 12_000)
            ts = self._play(seat, following, ts, 0, following.duration_ms, chain, 0)
            known.next += 1
        if dice.chance(tuning.GO_BACK):
            known.next, known.position = attended
        return ts

    def _finish(self, known: Known, item: Item, ts: int) -> None:
        known.next, known.position = known.next + 1, 0
        over = known.item(ts) is None
        self._truth.append(
            (
                ts,
                FinishedTruth(
                    profile_id=self._member.profile_id,
                    ts=ts,
                    show_id=known.show.id,
                    title_id=item.title.id,
                    show_finished=over,
                ),
            )
        )

    def _play(
        self,
        seat: Seat,
        item: Item,
        ts: int,
        begin: int,
        end: int,
        start: Start,
        asleep_at: int | None = None,
    ) -> int:
        """Play a title from one position to another and stop; return when."""
        title = item.title
        event_id = seat.happens(
            Play,
            ts,
            title=title,
            position_ms=begin,
            autoplay=start.autoplay,
            origin=start.origin,
        )
        self._truth.append(
            (
                ts,
                PlaybackTruth(
                    profile_id=self._member.profile_id,
                    device_id=seat.device.id,
                    ts=ts,
                    event_id=event_id,
                    show_id=title.show_id,
                    title_id=title.id,
                    attended=asleep_at is None,
                    asleep_from_ms=asleep_at,
                ),
            )
        )
        clock = ts - begin
        paused_at = None
        if asleep_at is None and end - begin > 5 * MINUTE and self._dice.chance(tuning.PAUSED):
            paused_at = self._dice.between(begin + 2 * MINUTE, end - MINUTE)
        for position in _reports(begin, end, paused_at):
            if position == paused_at:
                seat.happens(Pause, clock + position, title=title, position_ms=position)
                clock += self._dice.between(20 * _SECOND, 12 * MINUTE)
                seat.happens(Play, clock + position, title=title, position_ms=position)
            else:
                seat.happens(Progress, clock + position, title=title, position_ms=position)
        seat.happens(Stop, clock + end, title=title, position_ms=end)
        return clock + end


def _reports(begin: int, end: int, paused_at: int | None) -> list[int]:
    """Positions at which a playback is reported between its start and its end."""
    every = tuning.PROGRESS_EVERY
    marks = list(range(begin + every, end - MINUTE, every))
    if paused_at is not None and paused_at not in marks:
        marks.append(paused_at)
        marks.sort()
    return marks
