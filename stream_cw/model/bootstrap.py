"""Intervals for means over sessions that are not independent: whole profiles are drawn anew."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from stream_cw.model.metrics import Floats

SEED: Final = 1
RESAMPLES: Final = 4_000
_LOW, _HIGH = 0.025, 0.975
_AT_ONCE: Final = 2_000_000
"""Draws that are held in memory together."""


class Estimate(Struct, frozen=True):
    """A mean with its 95 % interval; None where there is too little to tell.

    Attributes
    ----------
    value : float or None
        None of no session.
    low, high : float or None
        None with fewer than two clusters: one alone does not say how much another would differ.
    """

    value: float | None
    low: float | None
    high: float | None


def cluster_means(
    values: Floats, clusters: Sequence[str], *, seed: int = SEED, resamples: int = RESAMPLES
) -> list[Estimate]:
    """Estimate the mean of each column over sessions, with `cluster_ratios`.

    A column of differences between two scorers on the same sessions makes it the paired bootstrap.

    Parameters
    ----------
    values : array of float, (sessions, columns)
    clusters : sequence of str, (sessions,)
        Name of each session's cluster: its profile, or its account.
    seed, resamples : int

    Returns
    -------
    list of Estimate
        One for each column; the same for any order of the sessions.
    """
    names, place = np.unique(np.asarray(clusters, dtype=np.str_), return_inverse=True)
    counts = np.bincount(place, minlength=len(names)).astype(np.float64)
    sums = np.column_stack([_sums(column, place) for column in values.T])
    return cluster_ratios(sums, counts, seed=seed, resamples=resamples)


def cluster_ratios(
    sums: Floats, counts: Floats, *, seed: int = SEED, resamples: int = RESAMPLES
) -> list[Estimate]:
    """Estimate ratios of totals, with percentile intervals of a cluster bootstrap.

    Clusters are drawn with replacement, as many as there are, each as a whole (Field and Welsh,
    *Bootstrapping clustered data*, 2007). All columns see the same draws.

    Parameters
    ----------
    sums : array of float, (clusters, columns)
    counts : array of float, (clusters,)
        By what the sum of each column is divided; each is positive.
    seed : int
        Same input and same seed: same output.
    resamples : int

    Returns
    -------
    list of Estimate
        One for each column.
    """
    if not len(counts):
        return [Estimate(None, None, None)] * sums.shape[1]
    means = sums.sum(axis=0) / counts.sum()
    if len(counts) == 1:
        return [Estimate(_rounded(value), None, None) for value in means]
    drawn = _draw(np.column_stack((sums, counts)), seed, resamples)
    low, high = np.quantile(drawn[:, :-1] / drawn[:, -1:], (_LOW, _HIGH), axis=0)
    return [Estimate(*map(_rounded, each)) for each in zip(means, low, high, strict=True)]


def _rounded(value: float) -> float:
    """Round to what a bootstrap can tell, and what is the same on any number of cores."""
    return round(float(value), 6)


def _sums(column: Floats, place: np.ndarray) -> Floats:
    """Sum a column by cluster, the same for any order of the sessions."""
    order = np.lexsort((column, place))
    return np.bincount(place[order], weights=column[order]).astype(np.float64)


def _draw(totals: Floats, seed: int, resamples: int) -> Floats:
    """Draw clusters with replacement; the sum of their totals for each resample."""
    clusters = len(totals)
    dice = np.random.default_rng(seed)
    share = np.full(clusters, 1 / clusters)
    drawn = np.empty((resamples, totals.shape[1]))
    at_once = max(1, _AT_ONCE // clusters)
    for begin in range(0, resamples, at_once):
        part = drawn[begin : begin + at_once]
        part[:] = dice.multinomial(clusters, share, size=len(part)) @ totals
    return drawn
