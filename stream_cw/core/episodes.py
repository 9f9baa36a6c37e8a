"""Which episode of a series is offered: the rules of `stream_cw.core.choice`, compiled."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.columns import FLAGS, HAS_SEASON, LAST, ROW, SERIES, WATCHED, Ints
from stream_cw.core.compiled import compiled
from stream_cw.core.joined import Bytes
from stream_cw.core.left import (
    Left,
    attended,
    is_only_marked,
    last_name,
    listed,
    listed_count,
)
from stream_cw.core.limits import U16
from stream_cw.core.rules import is_finished, is_started
from stream_cw.core.shelf import (
    BEFORE_ALL,
    NO_PLACE,
    Shelf,
    find_hash,
    find_title,
    is_playable,
    language_of,
    length_of,
    next_behind,
    place_of,
    place_reached,
)

RESUME, AFTER, NEXT, NOTHING, ATTENDED, LISTED = range(6)
"""The last title; the one after it, whatever that is; the offer at a place; no tile; where somebody
surely was; an offer, where it was left."""

_ANY_PLACE: Final = NO_PLACE - 1
_GIVEN_UP_SESSIONS: Final = 2
_SEASON, _EPISODE, _FAR = ROW["season"], ROW["episode"], ROW["furthest"]
_SESSIONS_AT: Final = ROW["sessions_at"]


class Stand(NamedTuple):
    """A title of a series, in its order.

    Attributes
    ----------
    offer : int
        -1: the catalog does not know it.
    place : int
        `NO_PLACE` of a special.
    furthest : int
        The furthest place that was played.
    """

    offer: int
    place: int
    furthest: int


@compiled
def choose_episode(
    shelf: Shelf,
    packed: Bytes,
    show: Ints,
    policy: NDArray[np.int64],
    started: bool,
    finished: bool,
    sessions: int,
) -> tuple[int, int]:
    """Choose what a series offers of which the catalog has episodes.

    Returns
    -------
    kind, offer : int
    """
    last = find_title(shelf, last_name(packed, show))
    if last < 0 and show[_EPISODE] == 0:  # nothing tells where it stands
        return AFTER if finished else RESUME, 0
    stand = _stand(shelf, show, last)
    if is_only_marked(packed, show):
        played = _played_last(packed, show)
        offer = find_hash(shelf, played.title)
        if offer >= 0 and place_of(shelf, offer) > stand.place:
            return _go_on(
                shelf, policy, Stand(offer, place_of(shelf, offer), stand.furthest), played
            )
    if finished or last < 0 or not is_playable(shelf, last):
        return _next(shelf, stand)
    if not started:
        return _choose_after_look(shelf, packed, show, policy, stand)
    passed = (sessions - show[_SESSIONS_AT]) & U16
    if stand.place == 0 and stand.furthest > 0 and passed >= _GIVEN_UP_SESSIONS:
        kind, offer = _go_on_from_furthest(shelf, packed, show, policy, stand)
        if kind != NOTHING:
            return kind, offer
    return RESUME, 0


@compiled
def choose_attended(
    shelf: Shelf, packed: Bytes, show: Ints, policy: NDArray[np.int64]
) -> tuple[int, int]:
    """Choose what a show offers whose newest event nobody saw.

    Returns
    -------
    kind, offer : int
        Of `ATTENDED`, 1 where it is finished and nobody can name what follows.
    """
    there = attended(packed, show)
    finished = is_finished(policy, there.position, there.duration, there.credit)
    if show[FLAGS] & SERIES == 0:
        return NOTHING if finished else ATTENDED, 0
    offer = find_title(shelf, there.name) if shelf.offers > 0 else -1
    if offer >= 0 and (finished or not is_playable(shelf, offer)):
        return _next(shelf, _stand(shelf, show, offer))
    return ATTENDED, int(finished)


@compiled
def is_settled(shelf: Shelf, packed: Bytes, show: Ints) -> bool:
    """Whether a member's mark tells more than who was there: it lies not before the last play."""
    if show[FLAGS] & WATCHED == 0:
        return False
    if show[FLAGS] & SERIES == 0 or shelf.offers == 0 or not is_only_marked(packed, show):
        return True
    offer = find_hash(shelf, _played_last(packed, show).title)
    if offer < 0:
        return True
    marked = _stand(shelf, show, find_title(shelf, last_name(packed, show)))
    return place_of(shelf, offer) <= marked.place


@compiled
def _stand(shelf: Shelf, show: Ints, offer: int) -> Stand:
    place = NO_PLACE
    if offer >= 0:
        place = place_of(shelf, offer)
    elif show[_SEASON] > 0 or not show[FLAGS] & HAS_SEASON:
        place = place_reached(shelf, show[_SEASON], show[_EPISODE], False)
    furthest = max(place, BEFORE_ALL)
    if show[_FAR + 1] > 0:
        furthest = max(furthest, place_reached(shelf, show[_FAR], show[_FAR + 1], True))
    return Stand(offer, place, furthest)


@compiled
def _next(shelf: Shelf, stand: Stand) -> tuple[int, int]:
    """Offer what follows a title: of a special, what follows the furthest regular episode."""
    behind = stand.furthest if stand.place == NO_PLACE else stand.place
    found = next_behind(shelf, behind, language_of(shelf, stand.offer))
    return (NEXT, found) if found >= 0 else (NOTHING, 0)


@compiled
def _go_on(shelf: Shelf, policy: NDArray[np.int64], stand: Stand, left: Left) -> tuple[int, int]:
    """Offer a listed episode where it was left, or what follows it."""
    duration, credit = length_of(shelf, stand.offer)
    finished = is_finished(policy, left.position, left.duration or duration, credit)
    if finished or not is_playable(shelf, stand.offer):
        return _next(shelf, stand)
    return LISTED, stand.offer


@compiled
def _played_last(packed: Bytes, show: Ints) -> Left:
    for number in range(listed_count(show)):
        left = listed(packed, show, number)
        if left.ts == show[LAST]:
            return left
    return Left(0, 0, 0, 0)


@compiled
def _choose_after_look(
    shelf: Shelf,
    packed: Bytes,
    show: Ints,
    policy: NDArray[np.int64],
    stand: Stand,
) -> tuple[int, int]:
    """Offer where a series stood before somebody looked at an episode."""
    offer, left = _begun(shelf, packed, show, policy, _ANY_PLACE)
    if offer >= 0:
        before = Stand(offer, place_of(shelf, offer), stand.furthest)
        kind, found = _go_on(shelf, policy, before, left)
        if kind == NEXT and place_of(shelf, found) == stand.place:
            return RESUME, 0
        return kind, found
    if stand.furthest == max(stand.place, BEFORE_ALL):
        return RESUME, 0
    return _next(shelf, Stand(stand.offer, NO_PLACE, stand.furthest))


@compiled
def _go_on_from_furthest(
    shelf: Shelf,
    packed: Bytes,
    show: Ints,
    policy: NDArray[np.int64],
    stand: Stand,
) -> tuple[int, int]:
    offer, left = _begun(shelf, packed, show, policy, stand.furthest)
    if offer >= 0:
        return _go_on(shelf, policy, Stand(offer, stand.furthest, stand.furthest), left)
    return _next(shelf, Stand(stand.offer, NO_PLACE, stand.furthest))


@compiled
def _begun(
    shelf: Shelf, packed: Bytes, show: Ints, policy: NDArray[np.int64], place: int
) -> tuple[int, Left]:
    """Find the newest listed episode that was started, at a place; of none the offer is -1."""
    for number in range(listed_count(show)):
        left = listed(packed, show, number)
        offer = find_hash(shelf, left.title)
        if (
            offer >= 0
            and place in (_ANY_PLACE, place_of(shelf, offer))
            and is_started(policy, True, left.position, left.duration)
        ):
            return offer, left
    return -1, Left(0, 0, 0, 0)
