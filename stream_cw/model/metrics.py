"""How good rankings and probabilities are, over sessions.

All figures are the same for any order of the sessions, to the last bit: sums are `math.fsum`, or
run over sorted values.
"""

from collections.abc import Sequence
from math import fsum
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

ABSENT: Final = -1
"""Rank of a target that is not among the tiles."""
BINS: Final = 15
_NDCG_AT: Final = 5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class RankMetrics(Struct, frozen=True, kw_only=True):
    """How high the targets of sessions stood; None where there is no session to tell.

    Attributes
    ----------
    n_sessions : int
    coverage : float or None
        Share of sessions whose target is among the tiles.
    p_at_1, mrr, ndcg_at_5 : float or None
        Means over all sessions; a target that is not among the tiles counts 0.
    mean_rank : float or None
        Mean place of the targets that are among the tiles, 1 is the first.
    """

    n_sessions: int
    coverage: float | None
    p_at_1: float | None
    mrr: float | None
    ndcg_at_5: float | None
    mean_rank: float | None


class Bin(Struct, frozen=True):
    """A part of the sessions with near probabilities: the mean forecast, and what came of it."""

    n: int
    predicted: float
    observed: float


def gains(ranks: Ints) -> Floats:
    """Say what each session adds to P@1, MRR and NDCG@5.

    With one target the ideal DCG is 1, so NDCG is 1 / log2(1 + place) (Järvelin and Kekäläinen,
    *Cumulated gain-based evaluation of IR techniques*, 2002).

    Parameters
    ----------
    ranks : array of int
        Place of each session's target, 0 is the first, `ABSENT` where there is none.

    Returns
    -------
    array of float, (sessions, 3)
    """
    place = np.where(ranks == ABSENT, np.inf, ranks + 1.0)
    ndcg = np.where(place <= _NDCG_AT, 1 / np.log2(1 + place), 0.0)
    return np.column_stack(((ranks == 0).astype(np.float64), 1 / place, ndcg))


def rank_metrics(ranks: Ints) -> RankMetrics:
    """Sum sessions up; `ranks` as in `gains`."""
    there = ranks[ranks != ABSENT]
    p_at_1, mrr, ndcg = (mean(column) for column in gains(ranks).T)
    return RankMetrics(
        n_sessions=len(ranks),
        coverage=len(there) / len(ranks) if len(ranks) else None,
        p_at_1=p_at_1,
        mrr=mrr,
        ndcg_at_5=ndcg,
        mean_rank=mean(there + 1.0),
    )


def mean(values: Floats) -> float | None:
    """Return the mean, None of nothing."""
    return fsum(values.tolist()) / len(values) if len(values) else None


def auc(p: Floats, positive: Bools) -> float | None:
    """Area under the ROC curve: the chance that a positive has more than a negative, ties half.

    It is the Mann-Whitney statistic (Hanley and McNeil, *The meaning and use of the area under a
    ROC curve*, 1982), counted in whole numbers.

    Parameters
    ----------
    p : array of float
    positive : array of bool

    Returns
    -------
    float or None
        None where one of the two classes is missing.
    """
    values, place = np.unique(p, return_inverse=True)
    positives = np.bincount(place[positive], minlength=len(values))
    negatives = np.bincount(place[~positive], minlength=len(values))
    pairs = int(positives.sum()) * int(negatives.sum())
    if not pairs:
        return None
    below = np.cumsum(negatives) - negatives
    return int((positives * (2 * below + negatives)).sum()) / (2 * pairs)


def brier(p: Floats, positive: Bools) -> float | None:
    """Mean squared error of probabilities (Brier, 1950); None of nothing."""
    return mean((p - positive) ** 2)


def reliability(p: Floats, positive: Bools, bins: int = BINS) -> list[Bin]:
    """Compare forecasts with what came of them, in bins of equal counts, least forecast first.

    Sessions with the same probability may fall on both sides of a bin's edge. Which does is of no
    account, so each of them counts as the share of positives among them all.

    Parameters
    ----------
    p : array of float
    positive : array of bool
    bins : int

    Returns
    -------
    list of Bin
        The first ones have one session more where it does not come out even; fewer bins where
        there are fewer sessions.
    """
    values, place, count = np.unique(p, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=positive, minlength=len(values)) / count
    order = np.sort(place)
    return [
        Bin(len(part), float(values[part].mean()), float(share[part].mean()))
        for part in np.array_split(order, bins)
        if len(part)
    ]


def ece(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error over bins, each weighed by its count.

    Naeini et al., *Obtaining well calibrated probabilities using Bayesian binning*, 2015; with bins
    of equal counts (Nguyen and O'Connor, *Posterior calibration and exploratory analysis*, 2015).
    """
    total = sum(part.n for part in bins)
    if not total:
        return None
    return fsum(part.n * abs(part.predicted - part.observed) for part in bins) / total
