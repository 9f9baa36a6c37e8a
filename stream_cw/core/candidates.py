"""Which shows of a state belong in the row: started and not finished."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from stream_cw.core.choice import NOTHING, Choice, choose
from stream_cw.core.columns import (
    FLAGS,
    FURTHEST,
    FURTHEST_LENGTH,
    REMOVED,
    ROW,
    SERIES,
    WATCHED,
    Bools,
    Ints,
    columns,
)
from stream_cw.core.compiled import loop
from stream_cw.core.joined import Joined, joined, joined_shows, nothing
from stream_cw.core.limits import U32
from stream_cw.core.presence import given_up, slept_through
from stream_cw.core.rules import Policy, is_finished, is_started
from stream_cw.core.state import ProfileState

_POSITION, _DURATION, _CREDITS = ROW["position"], ROW["duration"], ROW["credits"]
_FURTHEST, _STARTED_AGO = ROW["furthest"], ROW["started_ago"]


class Candidates(NamedTuple):
    """The n shows that belong in a row, in the order of the state.

    Attributes
    ----------
    ids : list of str
    packed : list of bytes
    shows : ndarray of int64, shape (columns.ROWS, n)
        The same shows as columns.
    finished : ndarray of bool, shape (n,)
        The last title is finished; of these only series are here.
    works : Joined
        What the catalog says of each; empty where it does not know the show.
    choice : Choice
        What each offers to play.
    """

    ids: list[str]
    packed: list[bytes]
    shows: Ints
    finished: Bools
    works: Joined
    choice: Choice


def candidates(
    state: ProfileState,
    policy: Policy,
    works: Mapping[str, bytes] = MappingProxyType({}),
    slot: int | None = None,
    now: int | None = None,
) -> Candidates:
    """Pick the shows that were started and are not finished; a finished episode keeps its series.

    A film that was once finished stays so until it is played for as long as counts as started.

    Parameters
    ----------
    state : ProfileState
    policy : Policy
    works : mapping of str to bytes, optional
        The catalog: what it says of each show.
    slot : int, optional
        The device, whose country decides what can be played.
    now : int, optional
        When it must be playable, ms; the state's now where nothing is said.

    Returns
    -------
    Candidates
    """
    ids, packed = state.shows.ids(), joined_shows(state.shows)
    shows = columns(packed)
    limits = policy.numbers
    kept, started, finished = np.empty((3, len(ids)), np.bool_)
    _judge(shows, limits, kept, started, finished)
    asleep = slept_through(shows, state.devices, policy.asleep)
    if policy.given_up_per_mille:
        kept &= ~given_up(shows, state, policy.given_up_per_mille)
    known = _known(works, ids)
    choice = choose(
        packed,
        known,
        shows,
        started,
        finished,
        asleep,
        policy=limits,
        now=state.now if now is None else now,
        sessions=state.sessions,
        country=None if slot is None else state.devices[slot].country,
    )
    kept &= choice.kinds != NOTHING
    (places,) = kept.nonzero()
    if len(places) == len(ids):
        return Candidates(ids, packed.parts, shows, finished, known, choice)
    at = places.tolist()
    ids = [ids[n] for n in at]
    return Candidates(
        ids,
        [packed.parts[n] for n in at],
        shows.take(places, axis=1),
        finished[places],
        _known(works, ids),
        Choice(choice.kinds[places], choice.offers[places], choice.asleep[places]),
    )


def _known(works: Mapping[str, bytes], ids: list[str]) -> Joined:
    return joined([works.get(show_id, b"") for show_id in ids]) if works else nothing(len(ids))


@loop("void(i8[:, ::1], i8[::1], b1[::1], b1[::1], b1[::1])")
def _judge(
    shows: Ints,
    policy: Ints,
    kept: Bools,
    started: Bools,
    finished: Bools,
) -> None:
    for n in range(len(kept)):
        flags = shows[FLAGS, n]
        series = flags & SERIES != 0
        position, duration = shows[_POSITION, n], shows[_DURATION, n]
        started[n] = is_started(policy, series, position, duration)
        reached, length = shows[FURTHEST, n], shows[FURTHEST_LENGTH, n]
        begun = started[n] or (series and is_started(policy, True, reached, length))
        credit = shows[_CREDITS, n]
        finished[n] = flags & WATCHED != 0 or is_finished(policy, position, duration, credit)
        if not series and not finished[n]:
            seen = shows[_FURTHEST, n] << 16 | shows[_FURTHEST + 1, n]
            again = is_started(policy, False, shows[_STARTED_AGO, n], duration)
            finished[n] = not again and (seen == U32 or is_finished(policy, seen, duration, credit))
        kept[n] = (begun or finished[n]) and flags & REMOVED == 0
