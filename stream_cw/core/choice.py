"""What a tile offers to play: the last title, or the next one that can be played.

=============================  ==============================================================
the last title                 what is offered
=============================  ==============================================================
slept through                  where somebody surely was, as far as that is known
unfinished                     itself, at its position
finished                       the next regular episode that can be played; without one the
                               tile goes; the catalog not knowing the show: "the one after it"
gone, or not to be had here    the next one, else the tile goes
a finished special             the one after the furthest regular episode
a rewatch given up early       the one after the furthest, if there is one
peeked into, once more         the same
a finished film                nothing
a film that cannot be played   nothing
=============================  ==============================================================

*Next* is by the order of the catalog, over seasons, and behind the last played one, not the first
unwatched. A title that the catalog does not know is placed by its season and episode. An episode
can be played if it is released and available at the time, in the country. Of several versions the
one in the language of the last played is taken. A *rewatch* plays an episode that lies before the
furthest one; it is given up early if it got no further than the first episode of all, unfinished,
and two sessions of the profile have passed since.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.columns import (
    FLAGS,
    ROW,
    SERIES,
    TITLE_LENGTH,
    Bools,
    Ints,
    read_number,
)
from stream_cw.core.compiled import compiled
from stream_cw.core.limits import U16
from stream_cw.core.offers import EVERYWHERE, OFFER_BYTES, SPECIAL
from stream_cw.core.show import FIXED
from stream_cw.core.show_tail import BOOKMARK

RESUME, AFTER, NEXT, NOTHING, ATTENDED = range(5)
"""The last title; the one after it, whatever that is; the offer at a place; no tile; where somebody
surely was."""

_GIVEN_UP_SESSIONS: Final = 2
_FIXED_BYTES: Final = FIXED.size
_HEAD_BYTES, _EPISODE_BYTES = 12, 12
_SEASON, _EPISODE, _FAR = ROW["season"], ROW["episode"], ROW["furthest"]
_SESSIONS_AT, _TAIL = ROW["sessions_at"], ROW["tail"]


class Choice(NamedTuple):
    """What each of n shows offers.

    Attributes
    ----------
    kinds : ndarray of int64, shape (n,)
        `RESUME`, `AFTER`, `NEXT`, `NOTHING` or `ATTENDED`.
    offers : ndarray of int64, shape (n,)
        Which offer of its work a `NEXT` is.
    """

    kinds: Ints
    offers: Ints


def choose(
    packed: list[bytes],
    works: list[bytes],
    shows: Ints,
    started: Bools,
    finished: Bools,
    asleep: Bools,
    *,
    now: int,
    sessions: int,
    country: str | None,
) -> Choice:
    """Choose what each show offers.

    Parameters
    ----------
    packed, works : list of bytes, n of each
        The shows, and what the catalog says of them; empty where it knows nothing.
    shows : ndarray of int64, shape (columns.ROWS, n)
    started, finished : ndarray of bool, shape (n,)
        Of the last title, by the policy.
    asleep : ndarray of bool, shape (n,)
        Nobody saw the newest event.
    now : int
        In ms.
    sessions : int
        Of the profile.
    country : str or None
        Where the device is; None: anywhere.
    """
    film = shows[FLAGS] & SERIES == 0
    kinds = np.where(finished, np.where(film, NOTHING, AFTER), RESUME)
    offers = np.zeros(len(packed), np.int64)
    if any(works):
        letters = 0 if country is None else int.from_bytes(country.encode(), "little")
        _choose(
            np.frombuffer(b"".join(packed), np.uint8),
            np.fromiter(map(len, packed), np.int64, len(packed)),
            np.frombuffer(b"".join(works), np.uint8),
            np.fromiter(map(len, works), np.int64, len(works)),
            shows,
            started,
            finished,
            now // 1000,
            sessions,
            letters,
            kinds,
            offers,
        )
    kinds[asleep & (shows[_TAIL] & BOOKMARK != 0)] = ATTENDED
    return Choice(kinds, offers)


@compiled
def _choose(
    packed: NDArray[np.uint8],
    lengths: Ints,
    data: NDArray[np.uint8],
    work_lengths: Ints,
    shows: Ints,
    started: Bools,
    finished: Bools,
    now_s: int,
    sessions: int,
    country: int,
    kinds: Ints,
    offers: Ints,
) -> None:
    show_at, work_at = 0, 0
    for n in range(len(lengths)):
        if work_lengths[n] > 0:
            work = data[work_at : work_at + work_lengths[n]]
            sets = _HEAD_BYTES + read_number(work, 2, 2) * _EPISODE_BYTES
            first = _after_sets(work, sets) + 2
            count = read_number(work, first - 2, 2)
            if shows[FLAGS, n] & SERIES == 0:
                if not _playable(work, sets, first, now_s, country):
                    kinds[n] = NOTHING
            else:
                name_at = show_at + _FIXED_BYTES
                name = packed[name_at : name_at + shows[TITLE_LENGTH, n]]
                last = _find(work, first, count, name)
                _choose_episode(
                    work,
                    sets,
                    first,
                    count,
                    last,
                    shows[:, n],
                    started[n],
                    finished[n],
                    now_s,
                    sessions,
                    country,
                    kinds[n : n + 1],
                    offers[n : n + 1],
                )
        show_at += lengths[n]
        work_at += work_lengths[n]


@compiled
def _choose_episode(
    work: NDArray[np.uint8],
    sets: int,
    first: int,
    count: int,
    last: int,
    show: Ints,
    started: bool,
    finished: bool,
    now_s: int,
    sessions: int,
    country: int,
    kind: Ints,
    offer: Ints,
) -> None:
    place = read_number(work, first + last * OFFER_BYTES, 2) if last >= 0 else SPECIAL
    language = data_at(work, first, last, 6) if last >= 0 else 0
    there = last >= 0 and _playable(work, sets, first + last * OFFER_BYTES, now_s, country)
    numbered = show[_EPISODE] > 0
    if last < 0 and not numbered:
        return  # nothing tells where it stands
    if last < 0:
        place = _place_of(work, first, count, show[_SEASON], show[_EPISODE])
    furthest = place
    if show[_FAR + 1] > 0:
        far = _place_of(work, first, count, show[_FAR], show[_FAR + 1])
        furthest = far if place == SPECIAL or far > place else place
    given_up = (
        place == 0 and furthest > 0 and (sessions - show[_SESSIONS_AT]) & U16 >= _GIVEN_UP_SESSIONS
    )
    if not finished and there:
        if given_up or not started:
            found = _next(work, sets, first, count, furthest, language, now_s, country)
            if furthest != place and found >= 0:
                kind[0], offer[0] = NEXT, found
        return
    behind = furthest if place == SPECIAL else place
    found = -1
    if behind != SPECIAL:
        found = _next(work, sets, first, count, behind, language, now_s, country)
    kind[0], offer[0] = (NEXT, found) if found >= 0 else (NOTHING, 0)


@compiled
def data_at(work: NDArray[np.uint8], first: int, offer: int, field: int) -> int:
    """Read a byte of an offer."""
    return int(work[first + offer * OFFER_BYTES + field])


@compiled
def _after_sets(work: NDArray[np.uint8], sets: int) -> int:
    at = sets + 1
    for _ in range(work[sets]):
        at += 1 + 2 * int(work[at])
    return at


@compiled
def _find(work: NDArray[np.uint8], first: int, count: int, name: NDArray[np.uint8]) -> int:
    """Find the offer of a title by its id."""
    ids = first + count * OFFER_BYTES
    for offer in range(count):
        at = first + offer * OFFER_BYTES + 24
        if work[at + 3] != len(name):
            continue
        start = ids + read_number(work, at, 3)
        same = True
        for n in range(len(name)):
            if work[start + n] != name[n]:
                same = False
                break
        if same:
            return offer
    return -1


@compiled
def _place_of(work: NDArray[np.uint8], first: int, count: int, season: int, episode: int) -> int:
    """Find the last place at or before a season and episode; -1: before all."""
    found = -1
    for offer in range(count):
        at = first + offer * OFFER_BYTES
        place = read_number(work, at, 2)
        if place == SPECIAL:
            continue
        of_season, number = read_number(work, at + 2, 2), read_number(work, at + 4, 2)
        if of_season < season or (of_season == season and number <= episode):
            found = max(found, place)
    return found


@compiled
def _next(
    work: NDArray[np.uint8],
    sets: int,
    first: int,
    count: int,
    place: int,
    language: int,
    now_s: int,
    country: int,
) -> int:
    """Find the nearest regular offer behind a place that can be played; -1: there is none."""
    found, nearest = -1, SPECIAL - 1
    for offer in range(count):
        at = first + offer * OFFER_BYTES
        there = read_number(work, at, 2)
        if not place < there <= nearest:
            continue
        spoken = work[at + 6] == language and data_at(work, first, found, 6) != language
        if (found < 0 or there < nearest or spoken) and _playable(work, sets, at, now_s, country):
            found, nearest = offer, there
    return found


@compiled
def _playable(work: NDArray[np.uint8], sets: int, at: int, now_s: int, country: int) -> bool:
    """Whether an offer is released, available and offered in the country (0: anywhere)."""
    if not read_number(work, at + 8, 4) <= now_s < read_number(work, at + 12, 4):
        return False
    wanted = work[at + 7]
    if wanted == EVERYWHERE or country == 0:
        return True
    place = sets + 1
    for _ in range(wanted):
        place += 1 + 2 * int(work[place])
    for n in range(work[place]):  # noqa: SIM110 - a loop is what is compiled
        if read_number(work, place + 1 + 2 * n, 2) == country:
            return True
    return False
