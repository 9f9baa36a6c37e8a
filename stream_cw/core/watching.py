"""What a playback event does to its show: positions, counts, decayed sums."""

from typing import Final

import numpy as np

from stream_cw.core.columns import (
    FLAGS,
    HAS_EPISODE,
    HAS_SEASON,
    LAST,
    RATING_SHIFT,
    ROW,
    SERIES,
    WATCHED,
    Ints,
)
from stream_cw.core.compiled import compiled, loop
from stream_cw.core.counting import (
    add_to_profile,
    advance,
    count_play,
    count_time,
    mark_device,
    mark_session,
)
from stream_cw.core.decay import HALF_LIVES_MS
from stream_cw.core.joined import Bytes
from stream_cw.core.limits import (
    ATTENDED_DEPTH,
    ATTENDED_IDLE_MS,
    U16,
    U32,
)
from stream_cw.core.open_show import (
    DEPTH,
    EPISODE,
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
    SLOT,
    STARTED,
    WATCHED_TS,
    Open,
    is_last_title,
    mark_here,
    mark_title,
    name_title,
    new_open,
)
from stream_cw.core.show import HOUR_BINS
from stream_cw.core.show_bytes import read_show, write_show
from stream_cw.core.standing import (
    forget_marks,
    list_episode,
    number_title,
    reach,
    take_listed,
    turn_to,
)
from stream_cw.core.told import TITLE, WATCH, Title, Watch

_MINUTE_MS: Final = 60_000
_POSITION, _DURATION, _CREDITS = ROW["position"], ROW["duration"], ROW["credits"]
_FIRST_S, _LATELY, _BEGUN = map(ROW.__getitem__, ("first_s", "lately", "begun"))
_SUMS: Final = f"UniTuple(i8, {len(HALF_LIVES_MS) + HOUR_BINS})"


@loop(
    f"UniTuple(i8, 2)(u1[::1], u1[::1], u1[::1], {TITLE}, {WATCH}, {_SUMS}, i8, u1[::1], i8[::1])"
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
    add_to_profile(summed, now, watched)
    return write_show(show, out), gap


@compiled
def _begin(show: Open, name: Bytes, title: Title, event: Watch) -> None:
    """Fill a show that nothing has been counted of yet: as old as what is told of it."""
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
    gap = mark_session(numbers, event) if event.started or event.reported else 0
    advance(numbers, event.ts)
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
    count_time(numbers, event)
    if event.started:
        count_play(numbers, event)
    if event.started or event.reported:
        mark_device(numbers, event)
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
        numbers[DEPTH] = NONE
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
