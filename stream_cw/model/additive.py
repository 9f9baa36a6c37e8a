"""Fitting additive models with pairs: binned features, one weight a bin, folded into tables.

A bin gathers neighbouring codes until they weigh their part, half by all candidates and half by the
targets; what follows a heavy code begins a new one. Weights are found by L-BFGS with an L2 penalty,
rounded to micro-units and folded back to one weight for each code; from there on all is whole
numbers, in training as in serving. That nothing is known of a title weighs nothing, and a feature
of which nothing is ever known, such as those of a catalog where there is none, has no table.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from stream_cw.core.features import CODES, FEATURE_NAMES, TITLE_FEATURES, UNKNOWN
from stream_cw.core.model import MICRO, Additive, Pair
from stream_cw.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_ITERATIONS: Final = 300
_OF_TITLES: Final = frozenset(feature.name for feature in TITLE_FEATURES)


class Examples(NamedTuple):
    """Sessions to learn from, n of them with m candidates.

    Attributes
    ----------
    codes : uint8, shape (features, m)
        All features of each candidate, as `FEATURE_NAMES` has them.
    bounds : int64, shape (n + 1,)
        The candidates of session i are bounds[i] to bounds[i + 1] - 1; each has at least one.
    target : int64, shape (n,)
        Which of the session's candidates was chosen; -1: none of them.
    continued : bool, shape (n,)
        The session is a continuation, by the log.
    weight : float64, shape (n,)
    group : int64, shape (n,)
        What is left out together: a profile.
    household : int64, shape (n,)
        What title priors leave out together; -1: they are not fitted to the session at all.
    shows : uint64, shape (m,)
        Hashes of the candidates' ids.
    """

    codes: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    target: NDArray[np.int64]
    continued: NDArray[np.bool_]
    weight: Floats
    group: NDArray[np.int64]
    household: NDArray[np.int64]
    shows: NDArray[np.uint64]

    @property
    def session_of(self) -> NDArray[np.intp]:
        """Which session each candidate is of, shape (m,)."""
        return np.repeat(np.arange(len(self.target)), np.diff(self.bounds))

    def where(self, kept: NDArray[np.bool_]) -> "Examples":
        """Keep some of the sessions."""
        sizes = np.diff(self.bounds)
        candidates = np.repeat(kept, sizes)
        return Examples(
            self.codes[:, candidates],
            np.concatenate([[0], np.cumsum(sizes[kept])]),
            self.target[kept],
            self.continued[kept],
            self.weight[kept],
            self.group[kept],
            self.household[kept],
            self.shows[candidates],
        )


class Shape(NamedTuple):
    """What an additive model is made of.

    Attributes
    ----------
    features : tuple of str
    pairs : tuple of (str, str)
    bins, pair_bins : int
        Bins of a feature alone and in a pair, beside the one of `UNKNOWN`.
    penalty : float
        Weight of the squares, against one session's.
    """

    features: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    bins: int = 8
    pair_bins: int = 5
    penalty: float = 10.0


class _Design(NamedTuple):
    """How codes become columns: bins of each feature and pair, one column for each."""

    shape: Shape
    bins: dict[str, Ints]
    pair_bins: dict[str, Ints]

    @property
    def columns(self) -> int:
        mains = sum(1 + int(self.bins[name].max()) for name in self.shape.features)
        return mains + sum(self._pair_size(pair) for pair in self.shape.pairs)

    def _pair_size(self, pair: tuple[str, str]) -> int:
        return int((1 + self.pair_bins[pair[0]].max()) * (1 + self.pair_bins[pair[1]].max()))

    def matrix(self, codes: NDArray[np.uint8]) -> Any:
        """One row for each candidate, a one in the column of each of its bins that weighs."""
        columns, ones, base = [], [], 0
        for name in self.shape.features:
            bins = self.bins[name]
            columns.append(bins[codes[FEATURE_NAMES.index(name)]] + base)
            ones.append(_weighs((name,), codes))
            base += 1 + int(bins.max())
        for pair in self.shape.pairs:
            first, second = (self.pair_bins[name] for name in pair)
            a, b = (codes[FEATURE_NAMES.index(name)] for name in pair)
            columns.append(first[a] * (1 + second.max()) + second[b] + base)
            ones.append(_weighs(pair, codes))
            base += self._pair_size(pair)
        indices = np.stack(columns, axis=1)
        count, width = indices.shape
        values = np.stack(ones, axis=1).astype(np.float64).ravel()
        return sparse.csr_matrix(
            (values, indices.ravel(), np.arange(0, indices.size + 1, width)), shape=(count, base)
        )

    def fold(self, weights: Floats) -> Additive:
        """Fold weights of columns into tables of micro-units."""
        micro = np.round(weights * MICRO).astype(np.int64)
        tables, base = {}, 0
        for name in self.shape.features:
            bins = self.bins[name]
            tables[name] = tuple(micro[base + bins].tolist())
            base += 1 + int(bins.max())
        pairs = []
        for pair in self.shape.pairs:
            size = self._pair_size(pair)
            first, second = (tuple(self.pair_bins[name].tolist()) for name in pair)
            pairs.append(Pair(*pair, first, second, tuple(micro[base : base + size].tolist())))
            base += size
        return Additive(tables, tuple(pairs))


def _weighs(names: Sequence[str], codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    known = np.ones(codes.shape[1], bool)
    for name in _OF_TITLES.intersection(names):
        known &= codes[FEATURE_NAMES.index(name)] != UNKNOWN
    return known


def _weighty_bins(codes: NDArray[np.uint8], chosen: NDArray[np.uint8], bins: int) -> Ints:
    """Gather codes until they weigh their part; `UNKNOWN` has a bin of its own."""
    mass = np.bincount(codes, minlength=CODES) / len(codes)
    mass += np.bincount(chosen, minlength=CODES) / max(1, len(chosen))
    mass[UNKNOWN] = 0
    enough, last = mass.sum() / bins, int(np.flatnonzero(mass).max(initial=0))
    numbered = np.zeros(CODES, np.int64)
    number, gathered = 0, 0.0
    for code in range(UNKNOWN):
        numbered[code] = number
        gathered += mass[code]
        if gathered >= enough and code < last:
            number, gathered = number + 1, 0.0
    numbered[UNKNOWN] = number + 1
    return numbered


def _design(shape: Shape, examples: Examples) -> _Design:
    shape = _told_of(shape, examples)
    placed = examples.target >= 0
    chosen = examples.codes[:, (examples.bounds[:-1] + examples.target)[placed]]

    def cut(names: Sequence[str], bins: int) -> dict[str, Ints]:
        at = {name: FEATURE_NAMES.index(name) for name in names}
        return {name: _weighty_bins(examples.codes[n], chosen[n], bins) for name, n in at.items()}

    paired = sorted({name for pair in shape.pairs for name in pair})
    return _Design(shape, cut(shape.features, shape.bins), cut(paired, shape.pair_bins))


def _told_of(shape: Shape, examples: Examples) -> Shape:
    """Leave out what nothing is known of: it would only stand for the other half of its pairs."""
    unknown = (examples.codes == UNKNOWN).all(axis=1)
    untold = {name for name, never in zip(FEATURE_NAMES, unknown, strict=True) if never}
    return shape._replace(
        features=tuple(name for name in shape.features if name not in untold),
        pairs=tuple(pair for pair in shape.pairs if not untold & set(pair)),
    )


def fit_choice(shape: Shape, examples: Examples) -> Additive:
    """Fit utilities by a softmax over each session's candidates (conditional logit; McFadden 1974).

    Parameters
    ----------
    shape : Shape
    examples : Examples
        Only continuations whose target is among their candidates are looked at.

    Returns
    -------
    Additive

    Raises
    ------
    InputError
        If there is none.
    """
    examples = examples.where(examples.continued & (examples.target >= 0))
    if not len(examples.target):
        raise InputError(
            "a ranking wants continuations whose target is in the row to learn from, whichever "
            "profile is left out; found none"
        )
    design = _design(shape, examples)
    matrix = design.matrix(examples.codes)
    session, starts = examples.session_of, examples.bounds[:-1]
    chosen = starts + examples.target

    def loss(weights: Floats) -> tuple[float, Floats]:
        utility = matrix @ weights
        top = np.maximum.reduceat(utility, starts)
        odds = np.exp(utility - top[session])
        total = np.add.reduceat(odds, starts)
        likelihood = (examples.weight * (utility[chosen] - top - np.log(total))).sum()
        slope = odds / total[session] * examples.weight[session]
        slope[chosen] -= examples.weight
        return (
            shape.penalty / 2 * float(weights @ weights) - float(likelihood),
            matrix.T @ slope + shape.penalty * weights,
        )

    return design.fold(_minimum(loss, design.columns))


def fit_chance(shape: Shape, examples: Examples) -> Additive:
    """Fit the log-odds of each candidate so that together they tell what a session goes on with.

    Candidates compete as risks do (Prentice et al., *The analysis of failure times in the presence
    of competing risks*, 1978): a candidate of chance p has the hazard h = -ln(1 - p), the session
    goes on with none of them with probability exp(-sum of h), which is the product of all 1 - p,
    and else with each in proportion to its hazard. Fitted each on its own the chances of a session
    would not add up: what speaks for one would not speak against the others.

    Parameters
    ----------
    shape : Shape
    examples : Examples
        Those without a target among their candidates too.

    Returns
    -------
    Additive
    """
    design = _design(shape, examples)
    matrix = design.matrix(examples.codes)
    session, starts = examples.session_of, examples.bounds[:-1]
    weight, placed = examples.weight, examples.target >= 0
    chosen = (starts + examples.target)[placed]

    def loss(weights: Floats) -> tuple[float, Floats]:
        log_odds = matrix @ weights
        hazard = np.logaddexp(0, log_odds)
        total = np.add.reduceat(hazard, starts)
        left, gone_on = np.exp(-total), -np.expm1(-total)
        likelihood = (weight * np.where(placed, np.log(gone_on / total), -total)).sum()
        likelihood += (weight[placed] * np.log(hazard[chosen])).sum()
        slope = (weight * np.where(placed, left / gone_on - 1 / total, -1))[session]
        slope[chosen] += weight[placed] / hazard[chosen]
        slope *= 0.5 * (1 + np.tanh(log_odds / 2))
        return (
            shape.penalty / 2 * float(weights @ weights) - float(likelihood),
            shape.penalty * weights - matrix.T @ slope,
        )

    return design.fold(_minimum(loss, design.columns))


def _minimum(loss: Any, size: int) -> Floats:
    found = minimize(
        loss,
        np.zeros(size),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_ITERATIONS, "maxfun": 2 * MAX_ITERATIONS},
    )
    weights: Floats = found.x
    return weights
