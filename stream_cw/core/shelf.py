"""Searches among the offers of a packed work (`stream_cw.core.offers`), compiled.

An offer is named by its number, -1 is none. Its place is that among the regular episodes; -1 stands
before them all.
"""

from typing import NamedTuple

from stream_cw.core.compiled import compiled
from stream_cw.core.joined import Bytes, read_number
from stream_cw.core.offers import EVERYWHERE, OFFER_BYTES, SPECIAL

_HEAD_BYTES, _EPISODE_BYTES, _EPISODES_AT, _COUNT_BYTES = 12, 12, 2, 2
_PLACE, _SEASON, _EPISODE, _LAST = (0, 2), (2, 2), (4, 2), (6, 2)
_FROM, _UNTIL, _DURATION, _CREDITS, _HASH = (10, 4), (14, 4), (18, 4), (22, 4), (26, 4)
_ID_AT, _ID_LENGTH, _LANGUAGE, _COUNTRIES = (30, 3), (33, 1), (8, 1), (9, 1)
BEFORE_ALL, NO_PLACE = -1, -2


class Shelf(NamedTuple):
    """A packed work, and who looks at it.

    Attributes
    ----------
    work : ndarray of uint8
    sets, first, offers : int
        Where the sets of countries and the offers begin, and how many offers there are.
    now_s, country : int
        When; the two letters of where as a number, 0: anywhere.
    """

    work: Bytes
    sets: int
    first: int
    offers: int
    now_s: int
    country: int


@compiled
def open_shelf(work: Bytes, now_s: int, country: int) -> Shelf:
    """Find where the offers of a work stand; of an empty one there are none."""
    if len(work) == 0:
        return Shelf(work, 0, 0, 0, now_s, country)
    sets = _HEAD_BYTES + read_number(work, _EPISODES_AT, 2) * _EPISODE_BYTES
    at = sets + 1
    for _ in range(work[sets]):
        at += 1 + 2 * int(work[at])
    return Shelf(work, sets, at + _COUNT_BYTES, read_number(work, at, 2), now_s, country)


@compiled
def _read(shelf: Shelf, offer: int, field: tuple[int, int]) -> int:
    return read_number(shelf.work, shelf.first + offer * OFFER_BYTES + field[0], field[1])


@compiled
def is_of_series(shelf: Shelf) -> bool:
    """Whether the work is a series."""
    return bool(shelf.work[0] & 1)


@compiled
def place_of(shelf: Shelf, offer: int) -> int:
    """Tell the place of an offer; `NO_PLACE` of a special."""
    place = _read(shelf, offer, _PLACE)
    return NO_PLACE if place == SPECIAL else place


@compiled
def language_of(shelf: Shelf, offer: int) -> int:
    """Tell the language of an offer; of none, 0."""
    return _read(shelf, offer, _LANGUAGE) if offer >= 0 else 0


@compiled
def length_of(shelf: Shelf, offer: int) -> tuple[int, int]:
    """Tell duration and credits of an offer."""
    return _read(shelf, offer, _DURATION), _read(shelf, offer, _CREDITS)


@compiled
def hash_of(shelf: Shelf, offer: int) -> int:
    """Tell the hash of an episode's id, or of a film's work."""
    return _read(shelf, offer, _HASH)


@compiled
def find_title(shelf: Shelf, name: Bytes) -> int:
    """Find the offer of a title by its id."""
    ids = shelf.first + shelf.offers * OFFER_BYTES
    for offer in range(shelf.offers):
        if _read(shelf, offer, _ID_LENGTH) != len(name):
            continue
        start = ids + _read(shelf, offer, _ID_AT)
        same = True
        for n in range(len(name) - 1, -1, -1):  # ids of a series differ at their ends
            if shelf.work[start + n] != name[n]:
                same = False
                break
        if same:
            return offer
    return -1


@compiled
def find_hash(shelf: Shelf, wanted: int) -> int:
    """Find the offer of an episode by its id's hash."""
    for offer in range(shelf.offers):
        if _read(shelf, offer, _HASH) == wanted:
            return offer
    return -1


@compiled
def place_reached(shelf: Shelf, season: int, episode: int, begun: bool) -> int:
    """Find the place of a season and episode, else the last one before.

    Parameters
    ----------
    shelf : Shelf
    season, episode : int
    begun : bool
        A double episode is reached with its first number, not only with its last.
    """
    found = BEFORE_ALL
    for offer in range(shelf.offers):
        place, of_season = place_of(shelf, offer), _read(shelf, offer, _SEASON)
        number = _read(shelf, offer, _EPISODE if begun else _LAST)
        if place < 0 or (number == 0 and of_season == season):
            continue
        if of_season == season and _read(shelf, offer, _EPISODE) <= episode <= _read(
            shelf, offer, _LAST
        ):
            return place if begun or episode == number else place - 1
        if of_season < season or (of_season == season and number <= episode):
            found = max(found, place)
    return found


@compiled
def next_behind(shelf: Shelf, place: int, language: int) -> int:
    """Find the nearest regular offer behind a place that can be played."""
    found, nearest = -1, SPECIAL - 1
    for offer in range(shelf.offers):
        there = place_of(shelf, offer)
        if not place < there <= nearest:
            continue
        spoken = language_of(shelf, offer) == language != language_of(shelf, found)
        if (found < 0 or there < nearest or spoken) and is_playable(shelf, offer):
            found, nearest = offer, there
    return found


@compiled
def is_playable(shelf: Shelf, offer: int) -> bool:
    """Whether an offer is released, available and to be had where somebody looks."""
    if not _read(shelf, offer, _FROM) <= shelf.now_s < _read(shelf, offer, _UNTIL):
        return False
    wanted = _read(shelf, offer, _COUNTRIES)
    if wanted == EVERYWHERE or shelf.country == 0:
        return True
    at = shelf.sets + 1
    for _ in range(wanted):
        at += 1 + 2 * int(shelf.work[at])
    for n in range(shelf.work[at]):
        if read_number(shelf.work, at + 1 + 2 * n, 2) == shelf.country:
            return True
    return False
