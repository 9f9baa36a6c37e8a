"""Which shows of a state belong in the row: started and not finished."""

from collections.abc import Mapping, Sequence
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
    ROWS,
    SERIES,
    WATCHED,
    Bools,
    Ints,
    unpack,
)
from stream_cw.core.compiled import compiled, loop
from stream_cw.core.joined import Bytes, Joined, joined, joined_shows, nothing
from stream_cw.core.limits import U32
from stream_cw.core.presence import AWAKE, give_up, places_of, slept_through
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
    devices : ndarray of int64
        Those of the state; see `presence.places_of`.
    """

    ids: list[str]
    packed: Sequence[bytes]
    shows: Ints
    finished: Bools
    works: Joined
    choice: Choice
    devices: Ints


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
    known, devices = _known(works, ids), places_of(state.devices)
    country = None if slot is None else state.devices[slot].country
    shows = np.empty((ROWS, len(ids)), np.int64)
    finished, slept = judged = np.empty((2, len(ids)), np.bool_)
    kinds, offers, places = picked = np.empty((3, len(ids)), np.int64)
    count = _survey(
        packed.data,
        packed.lengths,
        known.data,
        known.lengths,
        devices,
        policy.numbers,
        policy.asleep.numbers if policy.asleep else AWAKE,
        policy.given_up_per_mille,
        state.resume_gaps,
        state.sessions,
        (state.now if now is None else now) // 1000,
        0 if country is None else int.from_bytes(country.encode(), "little"),
        shows,
        judged,
        picked,
    )
    if count == len(ids):
        choice = Choice(kinds, offers, slept)
        return Candidates(ids, packed.parts, shows, finished, known, choice, devices)
    at = places[:count].tolist()
    ids = [ids[n] for n in at]
    return Candidates(
        ids,
        [packed.parts[n] for n in at],
        shows.reshape(-1)[: ROWS * count].reshape(ROWS, count),
        finished[:count],
        _known(works, ids),
        Choice(kinds[:count], offers[:count], slept[:count]),
        devices,
    )


def _known(works: Mapping[str, bytes], ids: list[str]) -> Joined:
    return joined([works.get(show_id, b"") for show_id in ids]) if works else nothing(len(ids))


@loop(
    "i8(u1[::1], i8[::1], u1[::1], i8[::1], i8[:, ::1], i8[::1], i8[::1], i8, UniTuple(i8, 10), "
    "i8, i8, i8, i8[:, ::1], b1[:, ::1], i8[:, ::1])"
)
def _survey(
    packed: Bytes,
    lengths: Ints,
    works: Bytes,
    work_lengths: Ints,
    devices: Ints,
    policy: Ints,
    asleep: Ints,
    per_mille: int,
    gaps: tuple[int, ...],
    sessions: int,
    now_s: int,
    country: int,
    shows: Ints,
    judged: Bools,
    picked: Ints,
) -> int:
    """Read and judge all shows of a state in one go; count those that are kept.

    What is told of these, and which they are, is moved to the front of each array.
    """
    finished, slept = judged[0], judged[1]
    kinds, offers, places = picked[0], picked[1], picked[2]
    kept, started = np.empty(len(places), np.bool_), np.empty(len(places), np.bool_)
    unpack(packed, lengths, shows)
    _judge(shows, policy, kept, started, finished)
    slept_through(shows, devices, asleep, slept)
    gone = np.zeros(len(kept), np.bool_)
    if per_mille > 0:
        give_up(shows, sessions, gaps, per_mille, gone)
    choose(
        packed,
        lengths,
        works,
        work_lengths,
        shows,
        started,
        finished,
        policy,
        now_s,
        sessions,
        country,
        kinds,
        offers,
        slept,
    )
    count = 0
    for n in range(len(kept)):
        if kept[n] and not gone[n] and kinds[n] != NOTHING:
            places[count] = n
            finished[count], slept[count] = finished[n], slept[n]
            kinds[count], offers[count] = kinds[n], offers[n]
            count += 1
    if count < len(kept):
        numbers, at = shows.reshape(-1), 0
        for row in range(shows.shape[0]):
            for n in range(count):
                numbers[at] = shows[row, places[n]]
                at += 1
    return count


@compiled
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
