"""The learned scorer: a model's tables, compiled to arrays that are gathered and added."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.candidates import Candidates
from stream_cw.core.columns import Ints
from stream_cw.core.features import (
    CODES,
    FEATURE_NAMES,
    SESSION_FEATURES,
    SHOW_FEATURES,
    TITLE_FEATURES,
    session_codes,
    show_codes,
)
from stream_cw.core.model import LEAVES, QUESTIONS, Additive, Curve, Model, Trees
from stream_cw.core.priors import CompiledPriors, Priors
from stream_cw.core.rows import ModelRef
from stream_cw.core.scene import scene
from stream_cw.core.scoring import RECENTLY_WATCHED, Ranking
from stream_cw.core.state import ProfileState

Codes = NDArray[np.integer[Any]]

_MILLI: Final = 1000
_ALONE: Final = 100_000
"""Margin of a tile that has no second, thousandths: beyond any other."""
_SHOW: Final = len(SHOW_FEATURES)
_TITLE: Final = _SHOW + len(SESSION_FEATURES)
_REASONS: Final = {feature.name: feature.reason for feature in (*SHOW_FEATURES, *TITLE_FEATURES)}
_NO_PRIORS: Final = CompiledPriors(Priors())


class CompiledAdditive:
    """An additive model as flat tables.

    One gather reads every feature's weight and both bins of every pair; a second one reads the
    pairs' weights.
    """

    def __init__(self, additive: Additive) -> None:
        at = {name: place for place, name in enumerate(FEATURE_NAMES)}
        self.mains = sorted(additive.tables, key=lambda name: (_reason(name), at[name]))
        pairs = additive.pairs
        widths = [1 + max(pair.second_bins) for pair in pairs]
        bases = np.cumsum([0, *(len(pair.weights) for pair in pairs)])
        tables = [additive.tables[name] for name in self.mains]
        tables += [
            tuple(int(base) + bin_ * width for bin_ in pair.first_bins)
            for pair, width, base in zip(pairs, widths, bases[:-1], strict=True)
        ]
        tables += [pair.second_bins for pair in pairs]
        names = [*self.mains, *(p.first for p in pairs), *(p.second for p in pairs)]
        self._rows = np.array([at[name] for name in names], np.intp)
        self._offsets = (np.arange(len(names)) * CODES)[:, None]
        self._tables = np.array(tables, np.int64).reshape(-1)
        self._pair_weights = np.array([w for pair in pairs for w in pair.weights], np.int64)
        self._mains, self._pairs = len(self.mains), len(pairs)

    def terms(self, codes: Codes) -> tuple[Ints, Ints]:
        """Look up the weights of the single features, and of the pairs, for each candidate."""
        read = self._tables[codes[self._rows] + self._offsets]
        mains = read[: self._mains]
        middle = self._mains + self._pairs
        return mains, self._pair_weights[read[self._mains : middle] + read[middle:]]

    def score(self, codes: Codes) -> Ints:
        """Add the terms of each candidate, micro-units."""
        mains, pairs = self.terms(codes)
        total: Ints = np.add.reduce(mains) + np.add.reduce(pairs)
        return total


def _reason(name: str) -> str:
    return _REASONS.get(name, "")


class CompiledCurve:
    """A step function as an array."""

    def __init__(self, curve: Curve) -> None:
        self._low, self._width = curve.low, curve.width
        self._values = np.array(curve.values, np.int64)

    def read(self, at: Any) -> Any:
        """Read the value at whole numbers, an array or a single one."""
        steps = (at - self._low) // self._width
        return self._values[np.clip(steps, 0, len(self._values) - 1)]


class CompiledTrees:
    """Trees as arrays: all are walked at once."""

    def __init__(self, trees: Trees) -> None:
        self._columns = np.array(trees.columns, np.intp)
        self._limits = np.array(trees.limits, np.int64)
        self._leaves = np.array(trees.leaves, np.int64)
        count = len(trees.leaves) // LEAVES
        self._roots = np.arange(count) * QUESTIONS
        self._first_leaves = np.arange(count) * LEAVES
        self._base = trees.base

    def score(self, row: Ints) -> int:
        """Add the leaves that a row falls into, micro-units of log-odds."""
        place = np.zeros(len(self._roots), np.int64)
        for _ in range(3):
            question = self._roots + place
            right = row[self._columns[question]] > self._limits[question]
            place = 2 * place + 1 + right
        return self._base + int(self._leaves[self._first_leaves + place - QUESTIONS].sum())


class Learned:
    """A scorer that ranks and places by a model.

    Parameters
    ----------
    model : Model
        Without `faults`.
    ref : ModelRef
    """

    def __init__(self, model: Model, ref: ModelRef) -> None:
        self.ref = ref
        self._ranking = CompiledAdditive(model.ranking)
        self._interest = CompiledAdditive(model.interest)
        self._priors = CompiledPriors(model.priors)
        self._hazard, self._combined = CompiledCurve(model.hazard), CompiledCurve(model.combined)
        self._trees, self._dedicated = (
            CompiledTrees(model.placement),
            CompiledCurve(model.dedicated),
        )
        reasons = [_reason(name) for name in self._ranking.mains]
        self._groups = np.flatnonzero(
            [n == 0 or reasons[n] != reasons[n - 1] for n in range(len(reasons))]
        )
        self._reasons = [reasons[n] for n in self._groups]

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:
        """Rank by utility, place by the trees; see `scoring.Scorer`."""
        codes, session = feature_codes(state, slot, found, self._priors)
        mains, pairs = self._ranking.terms(codes)
        utility = np.add.reduce(mains) + np.add.reduce(pairs)
        log_odds = self._trees.score(placement_row(session, utility))
        p = int(self._dedicated.read(log_odds))
        return Ranking(utility.tolist(), self._why(mains), p, "dedicated")

    def placements(self, state: ProfileState, slot: int, found: Candidates) -> dict[str, int]:
        """Estimate the likelihood of continuation both ways, micro-units."""
        codes, session = feature_codes(state, slot, found, self._priors)
        row = placement_row(session, self._ranking.score(codes))
        hazards = self._hazard.read(self._interest.score(codes))
        return {
            "combined": int(self._combined.read(int(hazards.sum()))),
            "dedicated": int(self._dedicated.read(self._trees.score(row))),
        }

    def _why(self, mains: Ints) -> list[str]:
        """Name what lifts each candidate most above the row's mean; recency where nothing does."""
        groups = np.add.reduceat(mains, self._groups, axis=0)
        above: NDArray[Any] = groups * groups.shape[1] - groups.sum(axis=1, keepdims=True)
        best, most = above.argmax(axis=0).tolist(), above.max(axis=0).tolist()
        return [
            self._reasons[n] if lift > 0 else RECENTLY_WATCHED
            for n, lift in zip(best, most, strict=True)
        ]


def feature_codes(
    state: ProfileState, slot: int, found: Candidates, priors: CompiledPriors = _NO_PRIORS
) -> tuple[Ints, Ints]:
    """Compute all features of candidates, those of their session among them, and these alone."""
    seen = scene(state, slot, found.found)
    session = session_codes(seen)
    codes = np.empty((len(FEATURE_NAMES), len(found.ids)), np.int64)
    codes[:_SHOW] = show_codes(seen)
    codes[_SHOW:_TITLE] = session[:, None]
    codes[_TITLE:] = priors.codes(found.ids)
    return codes, session


def placement_row(session: Codes, utility: Ints) -> Ints:
    """Lay out what `Trees` look at: the columns of `model.PLACEMENT_FEATURES`.

    Parameters
    ----------
    session : ndarray of int64
        Features of the session.
    utility : ndarray of int64, shape (n,)
        Of the candidates, micro-units.
    """
    ascending = np.sort(utility)
    alone = len(utility) == 1
    margin = _ALONE if alone else int(ascending[-1] - ascending[-2]) // _MILLI
    return np.append(session, margin).astype(np.int64, copy=False)
