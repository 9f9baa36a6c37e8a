"""Which shows of a state belong in the row: started and not finished."""

from typing import NamedTuple

import numpy as np

from stream_cw.core.columns import REMOVED, SERIES, WATCHED, Bools, Columns, columns
from stream_cw.core.rules import Policy, is_finished, is_started
from stream_cw.core.show import listed_positions
from stream_cw.core.state import ProfileState


class Candidates(NamedTuple):
    """The shows that belong in a row.

    Attributes
    ----------
    ids : list of str
    packed : list of bytes
    found : Columns
        The same shows as columns.
    finished : ndarray of bool
        The last title is finished; of these only series are here.
    """

    ids: list[str]
    packed: list[bytes]
    found: Columns
    finished: Bools


def candidates(state: ProfileState, policy: Policy) -> Candidates:
    """Pick the shows that were started and are not finished; a finished episode keeps its series.

    Parameters
    ----------
    state : ProfileState
    policy : Policy

    Returns
    -------
    Candidates
        In the order of the state.
    """
    ids, packed = list(state.shows), list(state.shows.values())
    found = columns(packed)
    shows = found.shows
    series = (shows["flags"] & SERIES) != 0
    position, duration = shows["position"].astype(np.int64), shows["duration"].astype(np.int64)
    started = is_started(policy, series=series, position=position, duration=duration)
    for n in np.flatnonzero(series & ~started).tolist():
        started[n] = _has_started_episode(packed[n], policy)
    finished = ((shows["flags"] & WATCHED) != 0) | is_finished(
        policy, position=position, duration=duration, credit=shows["credits"].astype(np.int64)
    )
    kept = started & (series | ~finished) & ((shows["flags"] & REMOVED) == 0)
    if kept.all():
        return Candidates(ids, packed, found, finished)
    places = np.flatnonzero(kept)
    return Candidates(
        [ids[n] for n in places.tolist()],
        [packed[n] for n in places.tolist()],
        found.take(places),
        finished[places],
    )


def _has_started_episode(packed: bytes, policy: Policy) -> bool:
    return any(position >= policy.started_ms for position in listed_positions(packed))
