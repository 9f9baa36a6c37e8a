"""Rankers judged alike, on profiles left out in turn."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from stream_cw.model.baselines import OURS, RECENCY, Ranker
from stream_cw.model.bootstrap import Estimate, cluster_means
from stream_cw.model.dataset import DataSet
from stream_cw.model.heldout import target_places, turns
from stream_cw.model.metrics import ABSENT, Ints, RankMetrics, gains, rank_metrics
from stream_cw.model.training import CONTINUATION, added_to, examples_of


class Standing(NamedTuple):
    """What a ranker came to over all continuations.

    Attributes
    ----------
    name : str
    metrics : RankMetrics
    above_recency, above_ours : Estimate
        P@1 minus that of recency, and of the model that is served; 95 % intervals of the paired
        bootstrap, whole profiles drawn.
    """

    name: str
    metrics: RankMetrics
    above_recency: Estimate
    above_ours: Estimate


def standings(
    rankers: Sequence[Ranker],
    data: DataSet,
    added: DataSet | None,
    share: float,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Standing]:
    """Judge rankers, each fitted on the same sessions.

    Parameters
    ----------
    rankers : sequence of Ranker
        Recency and ours among them.
    data : DataSet
        Of two profiles or more; each is left out in turn.
    added : DataSet or None
        More to fit on, never judged.
    share : float
        Weight of the added sessions together, as a part of the weight of `data`.
    progress : callable, optional
        Called with how many fits are done, and how many there are to do.

    Returns
    -------
    list of Standing
        In the order of the rankers.
    """
    places = _places(rankers, data, added, share, progress)
    clusters = [str(profile) for profile in data.profile[data.kind == CONTINUATION]]

    def above(name: str, other: str) -> Estimate:
        return cluster_means(gains(places[name]) - gains(places[other]), clusters)[0]

    return [
        Standing(name, rank_metrics(found), above(name, RECENCY), above(name, OURS))
        for name, found in places.items()
    ]


def _places(
    rankers: Sequence[Ranker],
    data: DataSet,
    added: DataSet | None,
    share: float,
    progress: Callable[[int, int], None],
) -> dict[str, Ints]:
    """Find each continuation's target; where there is no candidate it is absent."""
    judged = examples_of(data)
    more = None if added is None else added_to(data, added, share)
    with_candidates = np.flatnonzero(np.diff(data.bounds) > 0)
    found = {ranker.name: np.full(len(data.kind), ABSENT) for ranker in rankers}
    fits, done = len(rankers) * len(np.unique(judged.group)), 0
    for left_out, unseen, seen in turns(judged, more):
        for ranker in rankers:
            places = target_places(ranker.fit(seen)(unseen), unseen)
            found[ranker.name][with_candidates[left_out]] = places
            done += 1
            progress(done, fits)
    continued = data.kind == CONTINUATION
    return {name: places[continued] for name, places in found.items()}
