"""What a playback event does to its show: positions, counts, decayed sums."""

from typing import Final, NamedTuple

import numpy as np

from stream_cw.core.columns import (
    FLAGS,
    LAST,
    RATING_SHIFT,
    ROW,
    SEAT,
    SERIES,
    WATCHED,
    Ints,
)
from stream_cw.core.compiled import compiled, loop
from stream_cw.core.decay import HABIT_MS, HALF_LIVES_MS, added, halved, landmarks
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.joined import Bytes
from stream_cw.core.limits import (
    ATTENDED_DEPTH,
    ATTENDED_IDLE_MS,
    SHOW_DEVICES,
    U8,
    U16,
    U32,
)
from stream_cw.core.open_show import (
    DEPTH,
    EPISODE,
    HAS_EPISODE,
    HAS_SEASON,
    HAS_STOPPED,
    IDLE,
    MARK_CREDITS,
    MARK_DURATION,
    MARK_EPISODE,
    MARK_POSITION,
    MARK_SEASON,
    MARK_TS,
    NONE,
    POSITION_TS,
    SEASON,
    SEAT_NUMBERS,
    SEATED,
    SEATS_AT,
    SLOT,
    STARTED,
    WATCHED_TS,
    Open,
    is_last_title,
    mark_here,
    mark_title,
    name_title,
    new_open,
    read_show,
    write_show,
)
from stream_cw.core.show import HOUR_BINS
from stream_cw.core.standing import (
    forget_marks,
    list_episode,
    number_title,
    reach,
    take_listed,
    turn_to,
)
from stream_cw.core.sums import MINUTE, PLAY, is_weekend, local_hour_bin
from stream_cw.core.titles import TITLE, Title

_MINUTE_MS: Final = 60_000
_HALF_LIVES: Final = np.array(HALF_LIVES_MS)
_POSITION, _DURATION, _CREDITS = ROW["position"], ROW["duration"], ROW["credits"]
_FIRST_S, _PLAYS, _AUTOPLAYS, _STARTS = map(
    ROW.__getitem__, ("first_s", "plays", "autoplays", "starts")
)
_SESSIONS, _SESSIONS_AT, _RUN, _LONGEST_GAP, _LAST_GAP_S, _LATELY, _BEGUN = map(
    ROW.__getitem__,
    ("sessions", "sessions_at", "run", "longest_gap", "last_gap_s", "lately", "begun"),
)
_MINUTES, _DECAYED, _HOURS, _WEEKEND, _TYPES = map(
    ROW.__getitem__, ("minutes", "plays_decayed", "hours", "weekend", "types")
)
_HABITS_END: Final = _TYPES + len(DEVICE_TYPES)
_SEAT_SLOT, _SEAT_LAST_S, _SEAT_PLAYS, _SEAT_SESSIONS_AT = range(len(SEAT))


class Watch(NamedTuple):
    """A playback event as its show sees it.

    Attributes
    ----------
    position, ts : int
        In ms.
    came : int
        When the event came, ms: not before `ts`.
    tz_offset_min : int
    device_type, slot : int
        Class and place of the device.
    credit_ms : int
        Watched time that the event proves.
    session : int
        The profile's session counter.
    device_session : int
        The device's session counter, mod 2^16.
    depth : int
        Plays that started by themselves on the device since its last deliberate act.
    idle_ms : int
        Time since then.
    supersedes : bool
        Wins over the last event of the same ms: its device's id is not the smaller one.
    started : bool
        A new playback begins.
    reported : bool
        An open playback goes on.
    pressed : bool
        Somebody pressed play, be it behind a pause; or a new playback began by itself.
    autoplay : bool
    stopped : bool
        The event is a stop.
    first_act : bool
        It is the first act of the device's session.
    """

    position: int
    ts: int
    came: int
    tz_offset_min: int
    device_type: int
    slot: int
    credit_ms: int
    session: int
    device_session: int
    depth: int
    idle_ms: int
    supersedes: bool
    started: bool
    reported: bool
    pressed: bool
    autoplay: bool
    stopped: bool
    first_act: bool


_WATCH: Final = f"Tuple(({11 * 'i8,'} {7 * 'b1,'}))"


_SUMS: Final = f"UniTuple(i8, {len(HALF_LIVES_MS) + HOUR_BINS})"


@loop(
    f"UniTuple(i8, 2)(u1[::1], u1[::1], u1[::1], {TITLE}, {_WATCH}, {_SUMS}, i8, u1[::1], i8[::1])"
)
def watch(
    packed: Bytes,
    show_id: Bytes,
    name: Bytes,
    title: Title,
    event: Watch,
    sums: tuple[int, ...],
    now: int,
    out: Bytes,
    summed: Ints,
) -> tuple[int, int]:
    """Take a playback event into a packed show, and into the sums of its profile.

    Parameters
    ----------
    packed : ndarray of uint8
        The show and `joined.PADDING` behind it; no bytes for a new one.
    show_id, name : ndarray of uint8
        Ids of the show and of the title.
    title : Title
    event : Watch
    sums : tuple of int
        The profile's minutes, then its hours, as they stand at its now.
    now : int
        The profile's, ms.
    out : ndarray of uint8, shape (open_show.MOST_BYTES,)
        Takes the show.
    summed : ndarray of int64
        Takes the sums with the event in them.

    Returns
    -------
    length : int
        Bytes of the show in `out`.
    gap : int
        How many sessions of the profile have passed since the show was last watched; 0 where it
        was watched in this one, or never.
    """
    show, watched, told = new_open(), Watch(*event), Title(*title)
    if len(packed):
        read_show(packed, show_id, show)
    else:
        _begin(show, name, told, watched)
    gap = _take(show, name, told, watched)
    summed[:] = np.array(sums)
    _sum(summed, now, watched)
    return write_show(show, out), gap


@compiled
def _sum(sums: Ints, now: int, event: Watch) -> None:
    """Add to the sums of a profile. They count an event when it came, though its player rests."""
    _add(sums, now, _amount(event), event.came, U32)
    if event.started:
        hour = len(_HALF_LIVES) + local_hour_bin(event.came, event.tz_offset_min)
        sums[hour] = added(sums[hour], now, PLAY, event.came, HABIT_MS, U16)


@compiled
def _amount(event: Watch) -> int:
    return event.credit_ms * MINUTE // _MINUTE_MS


@compiled
def _begin(show: Open, name: Bytes, title: Title, event: Watch) -> None:
    """Fill a show that nothing has been counted of yet."""
    numbers = show.numbers
    name_title(show, name)
    numbers[FLAGS] = (SERIES if title.series else 0) | 1 << RATING_SHIFT
    numbers[LAST] = numbers[POSITION_TS] = event.ts
    numbers[_FIRST_S] = event.ts // 1000
    numbers[_CREDITS], numbers[_LATELY], numbers[_BEGUN] = U32, U16, event.slot
    numbers[SLOT] = numbers[STARTED] = numbers[MARK_TS] = NONE


@compiled
def _take(show: Open, name: Bytes, title: Title, event: Watch) -> int:
    numbers = show.numbers
    gap = _mark_session(numbers, event) if event.started or event.reported else 0
    _advance(numbers, event.ts)
    if _is_newest(show, name, event):
        _move(show, name, title, event)
    else:
        _note_late(show, name, title, event)
    if event.pressed:
        numbers[STARTED] = max(numbers[STARTED], event.ts)
    forget_marks(numbers)
    reach(numbers, title, event.position)
    numbers[LAST] = max(numbers[LAST], event.ts)
    numbers[_FIRST_S] = min(numbers[_FIRST_S], event.ts // 1000)
    _add(numbers[_MINUTES:], numbers[LAST], _amount(event), event.ts, U32)
    if event.started:
        _count_play(numbers, event)
    if event.started or event.reported:
        _mark_device(numbers, event)
    numbers[_STARTS] = min(numbers[_STARTS] + event.first_act, U16)
    return gap


@compiled
def _attended(event: Watch) -> bool:
    """Whether somebody was surely there."""
    return event.depth <= ATTENDED_DEPTH and event.idle_ms <= ATTENDED_IDLE_MS


@compiled
def _is_newest(show: Open, name: Bytes, event: Watch) -> bool:
    """Whether the position is taken; another title must be newer than what the member marked."""
    newest = show.numbers[POSITION_TS]
    if not is_last_title(show, name):
        if event.ts < show.numbers[WATCHED_TS]:
            return False
        newest = show.numbers[LAST]
    return event.ts > newest or (event.ts == newest and event.supersedes)


@compiled
def _mark_session(numbers: Ints, event: Watch) -> int:
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
def _advance(numbers: Ints, ts: int) -> None:
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
def _move(show: Open, name: Bytes, title: Title, event: Watch) -> None:
    numbers = show.numbers
    if numbers[DEPTH] == NONE:
        mark_here(show)
    if not is_last_title(show, name):
        turn_to(show, name, title)
        numbers[FLAGS] &= ~WATCHED
    numbers[_POSITION], numbers[POSITION_TS] = event.position, event.ts
    numbers[SLOT], numbers[HAS_STOPPED] = event.slot, event.stopped
    numbers[DEPTH], numbers[IDLE] = event.depth, min(event.idle_ms // _MINUTE_MS, U16)
    if _attended(event):
        numbers[DEPTH] = numbers[MARK_TS] = NONE
    numbers[_DURATION] = title.duration or numbers[_DURATION]
    numbers[_CREDITS] = numbers[_CREDITS] if title.credits == U32 else title.credits
    number_title(numbers, title)


@compiled
def _note_late(show: Open, name: Bytes, title: Title, event: Watch) -> None:
    """Keep what an event tells that is not the newest: facts of the title, another episode."""
    numbers, same = show.numbers, is_last_title(show, name)
    if same:
        numbers[_DURATION] = numbers[_DURATION] or title.duration
        numbers[_CREDITS] = title.credits if numbers[_CREDITS] == U32 else numbers[_CREDITS]
        if title.season != NONE and not numbers[FLAGS] & HAS_SEASON:
            numbers[FLAGS] |= HAS_SEASON
            numbers[SEASON] = title.season
        if title.episode != NONE and not numbers[FLAGS] & HAS_EPISODE:
            numbers[FLAGS] |= HAS_EPISODE
            numbers[EPISODE] = title.episode
    _attend_late(show, name, title, event)
    if same:
        return
    _, position, duration, ts = take_listed(numbers, title.hash)
    if ts > event.ts:
        list_episode(numbers, (title.hash, position, duration or title.duration, ts))
    else:
        known = (title.hash, event.position, title.duration or duration, event.ts)
        list_episode(numbers, known)


@compiled
def _attend_late(show: Open, name: Bytes, title: Title, event: Watch) -> None:
    """Move the bookmark to where somebody was, if that is newer."""
    numbers = show.numbers
    if numbers[DEPTH] == NONE or not _attended(event) or event.ts < numbers[MARK_TS]:
        return
    numbers[MARK_TS], numbers[MARK_POSITION] = event.ts, event.position
    numbers[MARK_SEASON], numbers[MARK_EPISODE] = title.season, title.episode
    numbers[MARK_DURATION], numbers[MARK_CREDITS] = title.duration, title.credits
    mark_title(show, name)


@compiled
def _add(sums: Ints, now: int, amount: int, ts: int, most: int) -> None:
    """Add an amount to sums of all half-lives."""
    for n in range(len(_HALF_LIVES)):
        sums[n] = added(sums[n], now, amount, ts, _HALF_LIVES[n], most)


@compiled
def _count_play(numbers: Ints, event: Watch) -> None:
    now, ts = numbers[LAST], event.ts
    numbers[_PLAYS] = min(numbers[_PLAYS] + 1, U16)
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
def _mark_device(numbers: Ints, event: Watch) -> None:
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
