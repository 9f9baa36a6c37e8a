"""What a playback event counts: sessions, plays, devices and decayed sums, compiled."""

from typing import Final

import numpy as np

from stream_cw.core.columns import LAST, ROW, SEAT, Ints
from stream_cw.core.compiled import compiled
from stream_cw.core.decay import HABIT_MS, HALF_LIVES_MS, added, halved, landmarks
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.limits import SHOW_DEVICES, U8, U16, U32
from stream_cw.core.open_show import SEAT_NUMBERS, SEATED, SEATS_AT
from stream_cw.core.sums import MINUTE, PLAY, is_weekend, local_hour_bin
from stream_cw.core.told import Watch

_MINUTE_MS: Final = 60_000
_HALF_LIVES: Final = np.array(HALF_LIVES_MS)
_PLAYS, _AUTOPLAYS, _STARTS = map(ROW.__getitem__, ("plays", "autoplays", "starts"))
_SESSIONS, _SESSIONS_AT, _RUN, _LONGEST_GAP, _LAST_GAP_S, _LATELY = map(
    ROW.__getitem__, ("sessions", "sessions_at", "run", "longest_gap", "last_gap_s", "lately")
)
_MINUTES, _DECAYED, _HOURS, _WEEKEND, _TYPES = map(
    ROW.__getitem__, ("minutes", "plays_decayed", "hours", "weekend", "types")
)
_HABITS_END: Final = _TYPES + len(DEVICE_TYPES)
_SEAT_SLOT, _SEAT_LAST_S, _SEAT_PLAYS, _SEAT_SESSIONS_AT = range(len(SEAT))


@compiled
def mark_session(numbers: Ints, event: Watch) -> int:
    """Count a session in which a show was watched; tell how many passed since the one before."""
    session = event.session & U16
    if numbers[_SESSIONS] and session == numbers[_SESSIONS_AT]:
        return 0
    gap = (session - numbers[_SESSIONS_AT]) & U16 if numbers[_SESSIONS] else 0
    numbers[_RUN] = min(numbers[_RUN] + 1, U8) if gap == 1 else 1
    numbers[_LONGEST_GAP] = max(numbers[_LONGEST_GAP], min(gap, U8))
    numbers[_LAST_GAP_S] = min(max(0, event.ts - numbers[LAST]) // 1000, U32)
    numbers[_SESSIONS] = min(numbers[_SESSIONS] + 1, U16)
    numbers[_SESSIONS_AT] = session
    hour = local_hour_bin(event.ts, event.tz_offset_min)
    numbers[_LATELY] = numbers[_LATELY] << 4 & U16 | hour
    return int(gap)


@compiled
def advance(numbers: Ints, ts: int) -> None:
    """Halve the sums once for each landmark that the show's newest time passes."""
    last = numbers[LAST]
    if ts <= last:
        return
    for n in range(len(_HALF_LIVES)):
        passed = landmarks(last, ts, _HALF_LIVES[n])
        numbers[_MINUTES + n] = halved(numbers[_MINUTES + n], passed)
        numbers[_DECAYED + n] = halved(numbers[_DECAYED + n], passed)
    passed = landmarks(last, ts, HABIT_MS)
    for row in range(_HOURS, _HABITS_END):
        numbers[row] = halved(numbers[row], passed)
    for seat in range(numbers[SEATED]):
        row = SEATS_AT + seat * SEAT_NUMBERS + _SEAT_PLAYS
        numbers[row] = halved(numbers[row], passed)


@compiled
def count_play(numbers: Ints, event: Watch) -> None:
    """Count a play of a show: also when and on what it was, if somebody chose it."""
    now, ts = numbers[LAST], event.ts
    numbers[_PLAYS] = min(numbers[_PLAYS] + 1, U16)
    numbers[_STARTS] = min(numbers[_STARTS] + event.first_act, U16)
    _add(numbers[_DECAYED:], now, PLAY, ts, U16)
    if event.autoplay:
        numbers[_AUTOPLAYS] = min(numbers[_AUTOPLAYS] + 1, U16)
        return
    hour = _HOURS + local_hour_bin(ts, event.tz_offset_min)
    numbers[hour] = added(numbers[hour], now, PLAY, ts, HABIT_MS, U16)
    kind = _TYPES + event.device_type
    numbers[kind] = added(numbers[kind], now, PLAY, ts, HABIT_MS, U16)
    if is_weekend(ts, event.tz_offset_min):
        numbers[_WEEKEND] = added(numbers[_WEEKEND], now, PLAY, ts, HABIT_MS, U16)


@compiled
def mark_device(numbers: Ints, event: Watch) -> None:
    """Note the play on its device; seats stand from the last play on, of equal ones by slot."""
    place, last_s, plays = numbers[SEATED], 0, 0
    for seat in range(numbers[SEATED]):
        at = SEATS_AT + seat * SEAT_NUMBERS
        if numbers[at + _SEAT_SLOT] == event.slot:
            place, last_s, plays = seat, numbers[at + _SEAT_LAST_S], numbers[at + _SEAT_PLAYS]
    last_s = max(last_s, event.ts // 1000)
    if event.started and not event.autoplay:
        plays = added(plays, numbers[LAST], PLAY, event.ts, HABIT_MS, U16)
    numbers[SEATED] = min(max(numbers[SEATED], place + 1), SHOW_DEVICES)
    while place > 0:
        at = SEATS_AT + (place - 1) * SEAT_NUMBERS
        if (numbers[at + _SEAT_LAST_S], -numbers[at + _SEAT_SLOT]) > (last_s, -event.slot):
            break
        numbers[at + SEAT_NUMBERS : at + 2 * SEAT_NUMBERS] = numbers[at : at + SEAT_NUMBERS]
        place -= 1
    at = SEATS_AT + place * SEAT_NUMBERS
    numbers[at + _SEAT_SLOT], numbers[at + _SEAT_LAST_S] = event.slot, last_s
    numbers[at + _SEAT_PLAYS], numbers[at + _SEAT_SESSIONS_AT] = plays, event.device_session


@compiled
def count_time(numbers: Ints, event: Watch) -> None:
    """Add the watched time that an event proves to a show's minutes."""
    _add(numbers[_MINUTES:], numbers[LAST], _amount(event), event.ts, U32)


@compiled
def add_to_profile(sums: Ints, now: int, event: Watch) -> None:
    """Add to the sums of a profile."""
    _add(sums, now, _amount(event), event.ts, U32)
    if event.started:
        hour = len(_HALF_LIVES) + local_hour_bin(event.ts, event.tz_offset_min)
        sums[hour] = added(sums[hour], now, PLAY, event.ts, HABIT_MS, U16)


@compiled
def _amount(event: Watch) -> int:
    return event.credit_ms * MINUTE // _MINUTE_MS


@compiled
def _add(sums: Ints, now: int, amount: int, ts: int, most: int) -> None:
    """Add an amount to sums of all half-lives."""
    for n in range(len(_HALF_LIVES)):
        sums[n] = added(sums[n], now, amount, ts, _HALF_LIVES[n], most)
