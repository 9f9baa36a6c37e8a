"""What a tile offers to play: the last title, another one of its show, or nothing.

=============================  ==============================================================
the last title                 what is offered
=============================  ==============================================================
slept through                  where somebody surely was, as far as that is known; what follows
                               it, if it was finished there or cannot be played
slept through, then marked     what a finished title offers; not where the mark lies before what
                               was played last
unfinished                     itself, at its position
finished                       the next regular episode that can be played; without one the
                               tile goes; the catalog not knowing the show: "the one after it"
gone, or not to be had here    the next one, else the tile goes
a finished special             the one after the furthest regular episode
marked as watched, and lies    the episode that was played last, as if nothing was marked
before what was played last
only looked at                 where the show stood before: the episode left unfinished, or the
                               next one; without either the tile goes
a rewatch given up early       the furthest episode, unfinished, or the one after it, if there
                               is one
a finished film                nothing
a film that cannot be played   nothing
another version of a work      nothing: one that was played later speaks for the work
=============================  ==============================================================

*Next* is by the order of the catalog, over seasons, and behind the last played one, not the first
unwatched. A title that the catalog does not know is placed by its season and episode. An episode
can be played if it is released and available at the time, in the country. Of several versions the
one in the language of the last played is taken. Who has only looked at an episode has not come so
far that it counts as started. A *rewatch* plays an episode that lies before the furthest one; it is
given up early if it got no further than the first episode of all, unfinished, and two sessions of
the profile have passed since.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.columns import FLAGS, LAST, REMOVED, ROW, SERIES, Bools, Ints
from stream_cw.core.compiled import compiled
from stream_cw.core.episodes import (
    AFTER,
    ATTENDED,
    LISTED,
    NEXT,
    NOTHING,
    RESUME,
    choose_attended,
    choose_episode,
    is_settled,
)
from stream_cw.core.joined import Bytes
from stream_cw.core.shelf import hash_of, is_of_series, is_playable, open_shelf
from stream_cw.core.show_tail import BOOKMARK

__all__ = ["AFTER", "ATTENDED", "LISTED", "NEXT", "NOTHING", "RESUME", "Choice", "choose"]

_TAIL = ROW["tail"]


class Choice(NamedTuple):
    """What each of n shows offers.

    Attributes
    ----------
    kinds : ndarray of int64, shape (n,)
        `RESUME`, `AFTER`, `NEXT`, `LISTED`, `NOTHING` or `ATTENDED`.
    offers : ndarray of int64, shape (n,)
        Which offer of its work a `NEXT` or `LISTED` is; 1 for what follows an `ATTENDED` one.
    asleep : ndarray of bool, shape (n,)
        It is offered because somebody slept.
    """

    kinds: Ints
    offers: Ints
    asleep: Bools


@compiled
def choose(
    packed: Bytes,
    lengths: Ints,
    works: Bytes,
    work_lengths: Ints,
    shows: Ints,
    started: Bools,
    finished: Bools,
    policy: NDArray[np.int64],
    now_s: int,
    sessions: int,
    country: int,
    kinds: Ints,
    offers: Ints,
    slept: Bools,
) -> None:
    """Choose what each show offers.

    Parameters
    ----------
    packed, works : ndarray of uint8
        The shows, and what the catalog says of them, each one behind the other.
    lengths, work_lengths : ndarray of int64, shape (n,)
        Bytes of each; 0 where the catalog knows nothing.
    shows : ndarray of int64, shape (columns.ROWS, n)
    started, finished : ndarray of bool, shape (n,)
        Of the last title, by the policy.
    policy : ndarray of int64
        `rules.Policy.numbers`.
    now_s : int
        In seconds.
    sessions : int
        Of the profile.
    country : int
        Where the device is, as `Shelf` has it.
    kinds, offers : ndarray of int64, shape (n,)
        Take what `Choice` says.
    slept : ndarray of bool, shape (n,)
        Nobody saw the newest event; takes `Choice.asleep`.
    """
    kinds[:], offers[:] = RESUME, 0
    versions = np.zeros(len(lengths), np.int64)
    show_at, work_at = 0, 0
    for n in range(len(lengths)):
        show = shows[:, n]
        own = packed[show_at : show_at + lengths[n]]
        shelf = open_shelf(works[work_at : work_at + work_lengths[n]], now_s, country)
        show_at += lengths[n]
        work_at += work_lengths[n]
        series = show[FLAGS] & SERIES != 0
        known = shelf.offers > 0 and is_of_series(shelf) == series
        slept[n] = slept[n] and show[_TAIL] & BOOKMARK and not is_settled(shelf, own, show)
        if slept[n]:
            kinds[n], offers[n] = choose_attended(shelf, own, show, policy)
        elif series and known:
            kinds[n], offers[n] = choose_episode(
                shelf, own, show, policy, started[n], finished[n], sessions
            )
        elif finished[n]:
            kinds[n] = AFTER if series else NOTHING
        if known and not series:
            playable = is_playable(shelf, 0)
            if not playable:
                kinds[n] = NOTHING
            if finished[n] or (started[n] and playable) or show[FLAGS] & REMOVED:
                versions[n] = hash_of(shelf, 0)
    _leave_the_last(shows, versions, kinds)


@compiled
def _leave_the_last(shows: Ints, versions: Ints, kinds: Ints) -> None:
    """Offer of the versions of a work the one that was played last; what has 0 is of none."""
    for n in range(len(versions)):
        if versions[n] == 0:
            continue
        for other in range(len(versions)):
            if versions[other] == versions[n] and (
                shows[LAST, other] > shows[LAST, n]
                or (shows[LAST, other] == shows[LAST, n] and other < n)
            ):
                kinds[n] = NOTHING
