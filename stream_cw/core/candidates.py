"""Which shows of a state belong in the row: started and not finished."""

from collections.abc import Mapping
from types import MappingProxyType
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
    works : list of bytes
        What the catalog says of each; empty where it does not know the show.
    """

    ids: list[str]
    packed: list[bytes]
    found: Columns
    finished: Bools
    works: list[bytes]


def candidates(
    state: ProfileState, policy: Policy, works: Mapping[str, bytes] = MappingProxyType({})
) -> Candidates:
    """Pick the shows that were started and are not finished; a finished episode keeps its series.

    Parameters
    ----------
    state : ProfileState
    policy : Policy
    works : mapping of str to bytes, optional
        The catalog: what it says of each show.

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
    if not kept.all():
        places = np.flatnonzero(kept)
        ids, packed = [ids[n] for n in places.tolist()], [packed[n] for n in places.tolist()]
        found, finished = found.take(places), finished[places]
    return Candidates(ids, packed, found, finished, [works.get(show_id, b"") for show_id in ids])


def _has_started_episode(packed: bytes, policy: Policy) -> bool:
    return any(position >= policy.started_ms for position in listed_positions(packed))
