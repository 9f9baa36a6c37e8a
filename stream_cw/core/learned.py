"""The learned scorer: a model's tables as arrays, read and added in compiled loops."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.candidates import Candidates
from stream_cw.core.columns import Ints
from stream_cw.core.compiled import compiled
from stream_cw.core.extraction import feature_codes
from stream_cw.core.features import CODES, FEATURE_NAMES, FEATURES, SESSION_FEATURES, SHOW_FEATURES
from stream_cw.core.model import LEAVES, QUESTIONS, Additive, Curve, Model, Pair, Trees
from stream_cw.core.priors import CompiledPriors
from stream_cw.core.rows import ModelRef
from stream_cw.core.scoring import RECENTLY_WATCHED, Ranking
from stream_cw.core.state import ProfileState

Codes = NDArray[np.integer[Any]]

_MILLI: Final = 1000
_ALONE: Final = 100_000
"""Margin of a tile that has no second, thousandths: beyond any other."""
_SHOW: Final = len(SHOW_FEATURES)
_SESSION: Final = slice(_SHOW, _SHOW + len(SESSION_FEATURES))
_REASONS: Final = {feature.name: feature.reason for feature in FEATURES}


class CompiledAdditive:
    """An additive model as flat tables."""

    def __init__(self, additive: Additive) -> None:
        at = {name: place for place, name in enumerate(FEATURE_NAMES)}
        mains = sorted(additive.tables, key=lambda name: (_REASONS[name], at[name]))
        pairs = additive.pairs
        widths = [1 + max(pair.second_bins) for pair in pairs]
        bases = np.cumsum([0, *(len(pair.weights) for pair in pairs)])
        tables = [additive.tables[name] for name in mains]
        tables += [
            tuple(int(base) + bin_ * width for bin_ in pair.first_bins)
            for pair, width, base in zip(pairs, widths, bases[:-1], strict=True)
        ]
        tables += [pair.second_bins for pair in pairs]
        names = [*mains, *(p.first for p in pairs), *(p.second for p in pairs)]
        self._rows = np.array([at[name] for name in names], np.int64)
        self._tables = np.array(tables, np.int64).reshape(len(names), CODES)
        self._weights = np.array([w for pair in pairs for w in pair.weights], np.int64)
        self.reasons = sorted({_REASONS[name] for name in names})
        spoken = [(_REASONS[name],) * 2 for name in mains]
        spoken += [_pair_reasons(pair) for pair in pairs]
        places = [self.reasons.index(reason) for halves in spoken for reason in halves]
        self._groups = np.array(places, np.int64).reshape(len(spoken), 2)
        self._mains = len(mains)

    def score(self, codes: Codes) -> Ints:
        """Add the terms of each candidate.

        Parameters
        ----------
        codes : ndarray of integers, shape (len(FEATURE_NAMES), n)

        Returns
        -------
        ndarray of int64, shape (n,)
            In micro-units.
        """
        total = np.empty(codes.shape[1], np.int64)
        codes = np.ascontiguousarray(codes)
        _add(codes, self._rows, self._tables, self._mains, self._weights, total)
        return total

    def lifts(self, codes: Ints) -> list[int]:
        """Find which of `reasons` lifts each candidate most above the mean of all; -1: none.

        What a pair adds counts half for the reason of each of its features; where one is the
        session's, which has none, all of it for the other one's.
        """
        found = np.empty(codes.shape[1], np.int64)
        sums = np.zeros((len(self.reasons), len(found)), np.int64)
        _sum(codes, self._rows, self._tables, self._weights, self._groups, self._mains, sums)
        _lift(sums, found)
        lifts: list[int] = found.tolist()
        return lifts


@compiled
def _add(codes: Codes, rows: Ints, tables: Ints, mains: int, weights: Ints, total: Ints) -> None:
    """Add single tables, then pairs: their first bins stand after the single tables."""
    pairs = (len(rows) - mains) // 2
    for n in range(len(total)):
        value = 0
        for row in range(mains):
            value += tables[row, codes[rows[row], n]]
        for first in range(mains, mains + pairs):
            second = first + pairs
            place = tables[first, codes[rows[first], n]] + tables[second, codes[rows[second], n]]
            value += weights[place]
        total[n] = value


@compiled
def _sum(
    codes: Ints, rows: Ints, tables: Ints, weights: Ints, groups: Ints, mains: int, sums: Ints
) -> None:
    """Add up what speaks for each reason, twice: a term has two halves, each for a reason."""
    pairs = len(groups) - mains
    for row in range(mains):
        for n in range(sums.shape[1]):
            sums[groups[row, 0], n] += 2 * tables[row, codes[rows[row], n]]
    for first in range(mains, mains + pairs):
        second = first + pairs
        for n in range(sums.shape[1]):
            place = tables[first, codes[rows[first], n]] + tables[second, codes[rows[second], n]]
            sums[groups[first, 0], n] += weights[place]
            sums[groups[first, 1], n] += weights[place]


@compiled
def _lift(sums: Ints, found: Ints) -> None:
    candidates = len(found)
    totals = np.zeros(len(sums), np.int64)
    for group in range(len(sums)):
        for n in range(candidates):
            totals[group] += sums[group, n]
    for n in range(candidates):
        most = 0
        found[n] = -1
        for group in range(len(sums)):
            above = sums[group, n] * candidates - totals[group]
            if above > most:
                found[n], most = group, above


def _pair_reasons(pair: Pair) -> tuple[str, str]:
    """Say for which reasons the two halves of a pair speak."""
    first, second = _REASONS[pair.first], _REASONS[pair.second]
    return first or second, second or first


class CompiledCurve:
    """A step function as an array."""

    def __init__(self, curve: Curve) -> None:
        self._low, self._width = curve.low, curve.width
        self._values = np.array(curve.values, np.int64)

    def read(self, at: int) -> int:
        """Read the value at a whole number."""
        step = (at - self._low) // self._width
        return int(self._values[min(max(step, 0), len(self._values) - 1)])

    def read_all(self, at: Ints) -> Ints:
        """Read the values at many."""
        steps = (at - self._low) // self._width
        values: Ints = self._values[np.clip(steps, 0, len(self._values) - 1)]
        return values


class CompiledTrees:
    """Trees as arrays."""

    def __init__(self, trees: Trees) -> None:
        self._columns = np.array(trees.columns, np.int64)
        self._limits = np.array(trees.limits, np.int64)
        self._leaves = np.array(trees.leaves, np.int64)
        self._base = trees.base

    def score(self, row: Ints) -> int:
        """Add the leaves that a row falls into, micro-units of log-odds."""
        return self._base + int(_walk(row, self._columns, self._limits, self._leaves))


@compiled
def _walk(row: Ints, columns: Ints, limits: Ints, leaves: Ints) -> int:
    total = 0
    for tree in range(len(leaves) // LEAVES):
        place = 0
        while place < QUESTIONS:
            question = tree * QUESTIONS + place
            place = 2 * place + 1 + (row[columns[question]] > limits[question])
        total += int(leaves[tree * LEAVES + place - QUESTIONS])
    return total


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

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:
        """Rank by utility, place by the trees; see `scoring.Scorer`."""
        codes = feature_codes(state, slot, found, self._priors)
        utility = self._ranking.score(codes)
        log_odds = self._trees.score(placement_row(codes[_SESSION, 0], utility))
        reasons = [
            RECENTLY_WATCHED if lift < 0 else self._ranking.reasons[lift]
            for lift in self._ranking.lifts(codes)
        ]
        return Ranking(utility.tolist(), reasons, self._dedicated.read(log_odds), "dedicated")

    def placements(self, state: ProfileState, slot: int, found: Candidates) -> dict[str, int]:
        """Estimate the likelihood of continuation both ways, micro-units."""
        codes = feature_codes(state, slot, found, self._priors)
        row = placement_row(codes[_SESSION, 0], self._ranking.score(codes))
        hazards = self._hazard.read_all(self._interest.score(codes))
        return {
            "combined": self._combined.read(int(hazards.sum())),
            "dedicated": self._dedicated.read(self._trees.score(row)),
        }


def placement_row(session: Codes, utility: Ints) -> Ints:
    """Lay out what `Trees` look at: the columns of `model.PLACEMENT_FEATURES`.

    Parameters
    ----------
    session : ndarray of integers
        Features of the session.
    utility : ndarray of int64, shape (n,)
        Of the candidates, micro-units.
    """
    row = np.empty(len(session) + 1, np.int64)
    row[:-1] = session
    row[-1] = _margin(utility)
    return row


@compiled
def _margin(utility: Ints) -> int:
    """Say how far the first tile is ahead of the second, thousandths."""
    if len(utility) == 1:
        return _ALONE
    first, second = max(utility[0], utility[1]), min(utility[0], utility[1])
    for n in range(2, len(utility)):
        first, second = max(first, utility[n]), max(second, min(first, utility[n]))
    return int(first - second) // _MILLI
