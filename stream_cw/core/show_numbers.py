"""Raw numbers of the features of shows, before they are coded; -1 is not known.

Compiled loops over the columns of the candidates. `stream_cw.core.features` says what each number
is; the constants below are the rows of its `SHOW_FEATURES`, in that order, which a test holds to.
"""

from typing import Final

import numpy as np

from stream_cw.core.columns import (
    COUNTS,
    FLAGS,
    LAST,
    ROW,
    SEAT,
    SEATS,
    SERIES,
    Bools,
    Ints,
)
from stream_cw.core.compiled import compiled
from stream_cw.core.decay import HALF_LIVES_MS
from stream_cw.core.features import PARTS
from stream_cw.core.joined import Bytes, read_number
from stream_cw.core.limits import U16
from stream_cw.core.show import HOUR_BINS, LATELY

(
    RECENCY_RANK, DEVICE_RANK, CLASS_RANK, LAST_PLACE, BEGUN_HERE, HOUR_LATELY, HOUR_SHARE,
    IS_SERIES, FINISHED, SESSIONS_SINCE, DEVICE_SESSIONS_SINCE, AGE, DEVICE_AGE, BEHIND_FIRST,
    AHEAD_OF_NEXT, POSITION, RUN, SESSIONS, EPISODE, KNOWN_FOR, EPISODES_LEFT, NEW_FOR, PLAYS_1D,
    PLAYS_7D, PLAYS_30D, MINUTES_1D, MINUTES_7D, DEVICE_PLAYS,
) = range(28)  # fmt: skip

_FIRST_S, _POSITION, _SEASON, _EPISODE = map(
    ROW.__getitem__, ("first_s", "position", "season", "episode")
)
_SESSIONS: Final = ROW["sessions"]
_MINUTES, _DECAYED, _HOURS, _SESSIONS_AT, _RUN = map(
    ROW.__getitem__, ("minutes", "plays_decayed", "hours", "sessions_at", "run")
)
_LATELY, _BEGUN = ROW["lately"], ROW["begun"]
_SEAT_NUMBERS: Final = len(SEAT)
_HALF_LIVES: Final = np.array(HALF_LIVES_MS)
_DAY, _WEEK, _MONTH = 0, 1, 2
_MINUTE_MS: Final = 60_000
_HERE, _ALIKE, _OTHER, _GONE = range(4)
_WORK_HEAD, _WORK_EPISODE = 12, 12


@compiled
def times(shows: Ints, finished: Bools, now: int, sessions: int, out: Ints) -> None:
    """Tell when and how far each show was watched, and how it stands among the others.

    Parameters
    ----------
    shows : ndarray of int64, shape (columns.ROWS, n)
    finished : ndarray of bool, shape (n,)
    now : int
        In ms.
    sessions : int
        Of the profile.
    out : ndarray of int64, shape (rows, n)
        Takes the numbers.
    """
    last = shows[LAST]
    count = len(last)
    latest = last[0]
    for n in range(1, count):
        latest = max(latest, last[n])
    for n in range(count):
        later, before = 0, -1
        for m in range(count):
            if last[m] > last[n]:
                later += 1
            elif m != n and (last[m] < last[n] or m > n):
                before = max(before, last[m])
        out[RECENCY_RANK, n] = later
        out[AHEAD_OF_NEXT, n] = -1 if before < 0 else (last[n] - before) // _MINUTE_MS
        out[AGE, n] = (now - last[n]) // _MINUTE_MS
        out[BEHIND_FIRST, n] = (latest - last[n]) // _MINUTE_MS
        out[KNOWN_FOR, n] = max(now // 1000 - shows[_FIRST_S, n], 0) // 60
        out[SESSIONS_SINCE, n] = (sessions - shows[_SESSIONS_AT, n]) & U16
        out[POSITION, n] = shows[_POSITION, n] // _MINUTE_MS
        out[FINISHED, n] = finished[n]
        out[RUN, n] = shows[_RUN, n]
        out[SESSIONS, n] = shows[_SESSIONS, n]
        out[EPISODE, n] = shows[_EPISODE, n]
        out[IS_SERIES, n] = shows[FLAGS, n] & SERIES


@compiled
def devices(shows: Ints, now: int, slot: int, sessions: int, types: Ints, out: Ints) -> None:
    """Tell what each show has to do with the device, and with devices of its class.

    Parameters
    ----------
    shows : ndarray of int64, shape (columns.ROWS, n)
    now : int
        In ms.
    slot, sessions : int
        The device's place in the state; how many sessions it had.
    types : ndarray of int64
        Class of the device in each slot.
    out : ndarray of int64, shape (rows, n)
        Takes the numbers.
    """
    count = shows.shape[1]
    here, alike = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for n in range(count):
        plays_here = 0
        out[DEVICE_SESSIONS_SINCE, n] = -1
        for seat in range(shows[COUNTS, n] & 3):
            row = SEATS + seat * _SEAT_NUMBERS
            other, last_s = shows[row, n], shows[row + 1, n]
            if other == slot:
                here[n], plays_here = last_s, shows[row + 2, n]
                out[DEVICE_SESSIONS_SINCE, n] = (sessions - shows[row + 3, n]) & U16
            if other < len(types) and types[other] == types[slot]:
                alike[n] = max(alike[n], last_s)
        passed = _passed(now, shows[LAST, n], _MONTH)
        out[DEVICE_PLAYS, n] = plays_here >> passed
        out[DEVICE_AGE, n] = (now // 1000 - here[n]) // 60 if here[n] > 0 else -1
        begun = shows[_BEGUN, n]
        out[BEGUN_HERE, n] = begun == slot if begun < len(types) else -1
        out[LAST_PLACE, n] = _place(shows[COUNTS, n] >> 4, slot, types)
    for n in range(count):
        later, later_alike = 0, 0
        for m in range(count):
            later += here[m] > here[n]
            later_alike += alike[m] > alike[n]
        out[DEVICE_RANK, n] = later if here[n] > 0 else -1
        out[CLASS_RANK, n] = later_alike if alike[n] > 0 else -1


@compiled
def _place(at: int, slot: int, types: Ints) -> int:
    if at == slot:
        return _HERE
    if at >= len(types):
        return _GONE
    return _ALIKE if types[at] == types[slot] else _OTHER


@compiled
def _passed(now: int, last: int, which: int) -> int:
    """Count the halvings from a show's last play on; a shift by 64 bits would do nothing."""
    half_life = _HALF_LIVES[which]
    return int(min(now // half_life - last // half_life, 63))


@compiled
def habits(shows: Ints, now: int, hour: int, out: Ints) -> None:
    """Tell how much each show was watched lately, and how much of it in this part of the day.

    Parameters
    ----------
    shows : ndarray of int64, shape (columns.ROWS, n)
    now : int
        In ms.
    hour : int
        Local part of the day.
    out : ndarray of int64, shape (rows, n)
        Takes the numbers.
    """
    before, after = (hour - 1) % HOUR_BINS, (hour + 1) % HOUR_BINS
    for n in range(shows.shape[1]):
        last = shows[LAST, n]
        days, weeks = _passed(now, last, _DAY), _passed(now, last, _WEEK)
        out[PLAYS_1D, n] = shows[_DECAYED + _DAY, n] >> days
        out[PLAYS_7D, n] = shows[_DECAYED + _WEEK, n] >> weeks
        out[PLAYS_30D, n] = shows[_DECAYED + _MONTH, n] >> _passed(now, last, _MONTH)
        out[MINUTES_1D, n] = shows[_MINUTES + _DAY, n] >> days
        out[MINUTES_7D, n] = shows[_MINUTES + _WEEK, n] >> weeks
        total = 0
        for part in range(HOUR_BINS):
            total += shows[_HOURS + part, n]
        beside = shows[_HOURS + before, n] + shows[_HOURS + after, n]
        near = 10 * shows[_HOURS + hour, n] + 6 * beside
        out[HOUR_SHARE, n] = near * PARTS // (10 * total) if total else -1
        out[HOUR_LATELY, n] = _lately(shows[_LATELY, n], hour, before, after)


@compiled
def _lately(sessions: int, hour: int, before: int, after: int) -> int:
    near, total = 0, 0
    for n in range(LATELY):
        part = sessions >> 4 * n & 15
        if part < HOUR_BINS:
            weight = 3**n * 4 ** (LATELY - 1 - n)
            total += 10 * weight
            if part == hour:
                near += 10 * weight
            elif part in (before, after):
                near += 6 * weight
    return near * PARTS // total if total else -1


@compiled
def catalog(data: Bytes, lengths: Ints, shows: Ints, now: int, out: Ints) -> None:
    """Tell what the catalog says of each show.

    Parameters
    ----------
    data : ndarray of uint8
        The works (`stream_cw.core.works`), one behind the other.
    lengths : ndarray of int64, shape (n,)
        Bytes of each; 0 where the catalog does not know the show.
    shows : ndarray of int64, shape (columns.ROWS, n)
    now : int
        In ms.
    out : ndarray of int64, shape (rows, n)
        Takes the numbers.
    """
    at, now_s = 0, now // 1000
    for n in range(len(lengths)):
        if lengths[n] == 0:
            out[EPISODES_LEFT, n] = out[NEW_FOR, n] = -1
            continue
        end = at + _WORK_HEAD + read_number(data, at + 2, 2) * _WORK_EPISODE
        _episodes(data[at + _WORK_HEAD : end], shows[:, n], now_s, out[:, n])
        at += lengths[n]


@compiled
def _episodes(data: Bytes, show: Ints, now_s: int, out: Ints) -> None:
    season, episode, last_s = show[_SEASON], show[_EPISODE], show[LAST] // 1000
    left, new_for = -1, -1
    for at in range(0, len(data), _WORK_EPISODE):
        if left < 0:
            same_season = read_number(data, at, 2) == season
            if same_season and read_number(data, at + 2, 2) >= episode > 0:
                left = 0
            continue
        from_s, until_s = read_number(data, at + 4, 4), read_number(data, at + 8, 4)
        if from_s <= now_s < until_s:
            if left == 0 and from_s > last_s:
                new_for = (now_s - from_s) // 60
            left += 1
    out[EPISODES_LEFT], out[NEW_FOR] = left, new_for
