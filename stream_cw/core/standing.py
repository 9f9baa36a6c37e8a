"""Where a show stands: its last title, the episodes listed beside it, and the member's marks.

Compiled, on shows that are laid open (`stream_cw.core.open_show`).
"""

from typing import Final

import numpy as np

from stream_cw.core.columns import (
    FLAGS,
    HAS_EPISODE,
    HAS_SEASON,
    LAST,
    REMOVED,
    ROW,
    SERIES,
    WATCHED,
    Ints,
)
from stream_cw.core.compiled import compiled
from stream_cw.core.joined import Bytes
from stream_cw.core.limits import EPISODES, U16, U32
from stream_cw.core.open_show import (
    EPISODE,
    LISTED,
    LISTED_AT,
    LISTED_NUMBERS,
    NONE,
    POSITION_TS,
    REMOVAL_TS,
    SEASON,
    STARTED,
    WATCHED_TS,
    Open,
    is_last_title,
    name_title,
)
from stream_cw.core.told import Title

_POSITION, _DURATION, _CREDITS = ROW["position"], ROW["duration"], ROW["credits"]
_FURTHEST: Final = ROW["furthest"]
_HASH, _AT, _LENGTH, _TS = range(LISTED_NUMBERS)


@compiled
def turn_to(show: Open, name: Bytes, title: Title) -> None:
    """Make another title the last one, with what is known of it; the one before is listed."""
    numbers = show.numbers
    known = take_listed(numbers, title.hash)
    if numbers[POSITION_TS]:  # what the member marked and never played has none
        before = (title.last_hash, numbers[_POSITION], numbers[_DURATION], numbers[POSITION_TS])
        list_episode(numbers, before)
    name_title(show, name)
    _, numbers[_POSITION], numbers[_DURATION], numbers[POSITION_TS] = known
    numbers[_CREDITS], numbers[SEASON], numbers[EPISODE] = U32, 0, 0
    numbers[FLAGS] &= ~(HAS_SEASON | HAS_EPISODE)


@compiled
def mark_watched(show: Open, name: Bytes, title: Title, ts: int) -> None:
    """Take the member's word that a title is finished; it becomes the last one if that is newest.

    No play and no time is counted. Of another title than the last one an older word says nothing,
    but that it came behind still older ones.
    """
    numbers = show.numbers
    reach(numbers, title, U32)
    if not is_last_title(show, name):
        if ts <= max(numbers[LAST], numbers[WATCHED_TS]):
            if ts > numbers[WATCHED_TS]:
                numbers[FLAGS] &= ~WATCHED
            numbers[WATCHED_TS] = max(numbers[WATCHED_TS], ts)
            return
        turn_to(show, name, title)
        numbers[_DURATION] = title.duration or numbers[_DURATION]
        numbers[_CREDITS] = title.credits
        number_title(numbers, title)
    elif ts < numbers[WATCHED_TS]:
        return
    numbers[FLAGS] |= WATCHED
    numbers[WATCHED_TS] = ts


@compiled
def forget_marks(numbers: Ints) -> None:
    """Let the marks go that play was pressed after, or another title was reached after."""
    started = max(numbers[STARTED], 0)
    if numbers[REMOVAL_TS] < started:
        numbers[FLAGS] &= ~REMOVED
        numbers[REMOVAL_TS] = 0
    if numbers[WATCHED_TS] < started:
        numbers[FLAGS] &= ~WATCHED
        numbers[WATCHED_TS] = 0
    elif numbers[WATCHED_TS]:
        for listed in range(numbers[LISTED]):
            if numbers[LISTED_AT + listed * LISTED_NUMBERS + _TS] >= numbers[WATCHED_TS]:
                numbers[FLAGS] &= ~WATCHED


@compiled
def reach(numbers: Ints, title: Title, position: int) -> None:
    """Note the furthest regular episode (season 0 holds specials), or how far a film was seen."""
    far = numbers[_FURTHEST] << 16 | numbers[_FURTHEST + 1]
    if not title.series:
        far = max(far, position)
    elif title.episode != NONE and title.season != 0:
        far = max(far, max(title.season, 0) << 16 | title.episode)
    numbers[_FURTHEST], numbers[_FURTHEST + 1] = far >> 16, far & U16


@compiled
def number_title(numbers: Ints, title: Title) -> None:
    """Take over season and episode of the last title, as far as they are told."""
    if not title.series:
        return
    numbers[FLAGS] |= SERIES
    if title.season != NONE:
        numbers[FLAGS] |= HAS_SEASON
        numbers[SEASON] = title.season
    if title.episode != NONE:
        numbers[FLAGS] |= HAS_EPISODE
        numbers[EPISODE] = title.episode


@compiled
def take_listed(numbers: Ints, title: int) -> tuple[int, int, int, int]:
    """Take an episode out of the listed ones, by its id's hash; zeros where it is not there."""
    for listed in range(numbers[LISTED]):
        at = LISTED_AT + listed * LISTED_NUMBERS
        if numbers[at + _HASH] == title:
            found = (title, numbers[at + _AT], numbers[at + _LENGTH], numbers[at + _TS])
            end = LISTED_AT + numbers[LISTED] * LISTED_NUMBERS
            numbers[at : end - LISTED_NUMBERS] = numbers[at + LISTED_NUMBERS : end].copy()
            numbers[LISTED] -= 1
            return found
    return 0, 0, 0, 0


@compiled
def list_episode(numbers: Ints, episode: tuple[int, int, int, int]) -> None:
    """List an episode among those from the newest to the oldest; of too many the oldest leaves."""
    title, _, _, ts = episode
    place = numbers[LISTED]
    while place > 0:
        at = LISTED_AT + (place - 1) * LISTED_NUMBERS
        if (numbers[at + _TS], -numbers[at + _HASH]) >= (ts, -title):
            break
        numbers[at + LISTED_NUMBERS : at + 2 * LISTED_NUMBERS] = numbers[at : at + LISTED_NUMBERS]
        place -= 1
    at = LISTED_AT + place * LISTED_NUMBERS
    numbers[at : at + LISTED_NUMBERS] = np.array(episode)
    numbers[LISTED] = min(numbers[LISTED] + 1, EPISODES)
