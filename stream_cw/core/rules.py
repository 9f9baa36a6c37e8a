"""What belongs in the row: started, not finished, not slept through, not given up.

Policies are data: whole numbers that compiled loops read. The named ones are in
`stream_cw.core.policies`.
"""

from functools import cached_property
from typing import Annotated, Final, Literal

import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import astuple
from numpy.typing import NDArray

from stream_cw.core.compiled import compiled
from stream_cw.core.limits import U32

NO_CREDITS: Final = U32
"""Where the credits begin is not known."""

PerMille = Annotated[int, Meta(ge=0, le=1000)]
Time = Annotated[int, Meta(ge=0)]
MilliLogOdds = Annotated[int, Meta(ge=-100_000, le=100_000)]
Credits = Literal["only", "earlier", "ignored"]

_CREDITS: Final = {"only": 0, "earlier": 1, "ignored": 2}


class Asleep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """How likely nobody was there: a logistic whose terms are thousandths of log-odds.

    Attributes
    ----------
    threshold : int
        From these log-odds on, somebody slept; 0 is an even chance.
    base : int
        Always.
    each_autoplay : int
        For each play that started by itself since the last deliberate act, up to 8.
    each_quarter_hour : int
        Since the last deliberate act, up to 16.
    long_quiet : int
        If it was four hours ago or longer.
    night : int
        If the last event came between 21 and 6 o'clock, local time.
    big_screen : int
        On a TV, console or stick.
    played_out : int
        If the title had run to its very end, behind all credits.
    stopped : int
        If the player was stopped.
    display_off : int
        If the display had gone off.
    """

    threshold: MilliLogOdds = 0
    base: MilliLogOdds = -9200
    each_autoplay: MilliLogOdds = 425
    each_quarter_hour: MilliLogOdds = 175
    long_quiet: MilliLogOdds = 12_000
    night: MilliLogOdds = 1700
    big_screen: MilliLogOdds = -425
    played_out: MilliLogOdds = 5200
    stopped: MilliLogOdds = -300
    display_off: MilliLogOdds = 20_000

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The same for compiled loops, in this order."""
        return _constant(astuple(self))


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """When a title counts as started, as finished, and as no longer wanted.

    Attributes
    ----------
    name : str
        As figures name it.
    started_ms : int or None
        Watched up to here, a title is started; None: no such limit.
    started_per_mille : int or None
        A film also from this share of its length, whichever is earlier; None: no such share.
    episode_per_mille : int or None
        The same for an episode. Where no limit applies, all that was played is started.
    finished_per_mille : int
        Watched up to this share, a title is finished.
    beyond : bool
        Only watched beyond it.
    credits : {'only', 'earlier', 'ignored'}
        Where credits are known, a title is finished when they are reached and by nothing else; or
        also by its share; or they are not looked at.
    left_ms : int
        Less than this left, a title is finished; not where credits decide alone.
    short_ms : int
        A title shorter than this is finished as soon as it is played.
    in_a_row_ms : int or None
        Watched for so long in a row (`binge.watched_in_a_row`), a show gives way to the second
        tile; None: never.
    asleep : Asleep or None
        Weights by which somebody slept; None: whoever plays is awake.
    given_up_per_mille : int
        A show leaves when fewer of the profile's returns than this share took as many sessions as
        have passed; 0 is never.
    """

    name: str
    started_ms: Time | None = None
    started_per_mille: PerMille | None = None
    episode_per_mille: PerMille | None = None
    finished_per_mille: PerMille
    beyond: bool = False
    credits: Credits = "ignored"
    left_ms: Time = 0
    short_ms: Time = 0
    in_a_row_ms: Annotated[int, Meta(ge=1)] | None = None
    asleep: Asleep | None = None
    given_up_per_mille: PerMille = 0

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The limits for compiled loops, in the order of the constants of this module."""
        limits = (self.started_ms, self.started_per_mille, self.episode_per_mille)
        return _constant(
            (
                *(-1 if limit is None else limit for limit in limits),
                self.finished_per_mille,
                self.beyond,
                _CREDITS[self.credits],
                self.left_ms,
                self.short_ms,
            )
        )


def _constant(numbers: tuple[int, ...]) -> NDArray[np.int64]:
    found = np.array(numbers, np.int64)
    found.setflags(write=False)  # one for all rows by a policy
    return found


_STARTED, _OF_FILM, _OF_EPISODE, _FINISHED, _BEYOND, _BY_CREDITS, _LEFT, _SHORT = range(8)


@compiled
def is_started(policy: NDArray[np.int64], series: bool, position: int, duration: int) -> bool:
    """Whether a position is far enough to go on from.

    Parameters
    ----------
    policy : ndarray of int64
        `Policy.numbers`.
    series : bool
    position, duration : int
        In ms; a duration of 0 is unknown.
    """
    share = policy[_OF_EPISODE] if series else policy[_OF_FILM]
    if 0 <= policy[_STARTED] <= position:
        return True
    if share >= 0 and duration > 0:
        return bool(position * 1000 >= duration * share)
    return bool(policy[_STARTED] < 0 and position > 0)


@compiled
def is_finished(policy: NDArray[np.int64], position: int, duration: int, credit: int) -> bool:
    """Whether a title is watched to its end; of unknown length it never is but by its credits.

    Parameters
    ----------
    policy : ndarray of int64
        `Policy.numbers`.
    position, duration, credit : int
        In ms; a duration of 0 is unknown, and so is a credits mark of `NO_CREDITS`.
    """
    if credit != NO_CREDITS and policy[_BY_CREDITS] < _CREDITS_IGNORED:
        if position >= credit:
            return True
        if policy[_BY_CREDITS] == _CREDITS_ONLY:
            return False
    if duration == 0:
        return False
    if duration < policy[_SHORT] or duration - position < policy[_LEFT]:
        return True
    watched, wanted = position * 1000, duration * policy[_FINISHED]
    return bool(watched > wanted if policy[_BEYOND] else watched >= wanted)


_CREDITS_ONLY, _CREDITS_IGNORED = _CREDITS["only"], _CREDITS["ignored"]
