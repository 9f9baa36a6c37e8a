"""A model's tables, curves and trees as arrays, and the loops that read them."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.columns import Ints
from stream_cw.core.compiled import compiled, loop
from stream_cw.core.features import CODES, FEATURE_NAMES, FEATURES
from stream_cw.core.model import LEAVES, QUESTIONS, Additive, Curve, Pair, Trees

Codes = NDArray[np.integer[Any]]
Small = NDArray[np.uint8]
Tables = tuple[Ints, Ints, Ints, Ints, int, int]
TABLES: Final = "Tuple((i8[::1], i8[:, ::1], i8[::1], i8[:, ::1], i8, i8))"
"""Type of `CompiledAdditive.arrays`, in the notation of `compiled.loop`."""
Forest = tuple[Ints, Ints, Ints]
FOREST: Final = "UniTuple(i8[::1], 3)"
"""Type of `CompiledTrees.arrays`, likewise."""

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
        small = np.ascontiguousarray(codes, np.uint8)
        _add(small, self._rows, self._tables, self._mains, self._weights, total)
        return total

    @property
    def arrays(self) -> Tables:
        """What loops want that tell what lifts a candidate, too."""
        return (
            self._rows, self._tables, self._weights, self._groups, self._mains, len(self.reasons)
        )  # fmt: skip


@loop("void(u1[:, ::1], i8[::1], i8[:, ::1], i8, i8[::1], i8[::1])")
def _add(codes: Small, rows: Ints, tables: Ints, mains: int, weights: Ints, total: Ints) -> None:
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
def explain(codes: Ints, additive: Tables, scores: Ints, lifts: Ints) -> None:
    """Score candidates, and find what lifts each: for other loops.

    What a pair adds counts half for the reason of each of its features; where one is the session's,
    which has none, all of it for the other one's.

    Parameters
    ----------
    codes : ndarray of int64, shape (len(FEATURE_NAMES), n)
    additive : tuple
        `CompiledAdditive.arrays`.
    scores : ndarray of int64, shape (n,)
        Takes what `CompiledAdditive.score` gives.
    lifts : ndarray of int64, shape (n,)
        Takes which of `CompiledAdditive.reasons` lifts each most above the mean of all; -1: none.
    """
    rows, tables, weights, groups, mains, reasons = additive
    sums = np.zeros((reasons, len(scores)), np.int64)
    _sum(codes, rows, tables, weights, groups, mains, sums)
    _lift(sums, scores, lifts)


@compiled
def _sum(
    codes: Ints, rows: Ints, tables: Ints, weights: Ints, groups: Ints, mains: int, sums: Ints
) -> None:
    """Add up what speaks for each reason, twice: a term has two halves, each for a reason."""
    pairs = len(groups) - mains
    for row in range(mains):
        _sum_main(codes[rows[row]], tables[row], sums[groups[row, 0]])
    for first in range(mains, mains + pairs):
        second = first + pairs
        _sum_pair(
            codes[rows[first]],
            codes[rows[second]],
            tables[first],
            tables[second],
            weights,
            sums[groups[first, 0]],
            sums[groups[first, 1]],
        )


@compiled
def _sum_main(codes: Ints, table: Ints, twice: Ints) -> None:
    for n in range(len(twice)):
        twice[n] += 2 * table[np.uint64(codes[n])]


@compiled
def _sum_pair(
    codes: Ints, others: Ints, bins: Ints, more: Ints, weights: Ints, one: Ints, other: Ints
) -> None:
    for n in range(len(one)):
        place = bins[np.uint64(codes[n])] + more[np.uint64(others[n])]
        weight = weights[np.uint64(place)]
        one[n] += weight
        other[n] += weight


@compiled
def _lift(sums: Ints, scores: Ints, lifts: Ints) -> None:
    candidates = len(lifts)
    totals = np.zeros(len(sums), np.int64)
    for group in range(len(sums)):
        for n in range(candidates):
            totals[group] += sums[group, n]
    for n in range(candidates):
        most, twice = 0, 0
        lifts[n] = -1
        for group in range(len(sums)):
            twice += sums[group, n]
            above = sums[group, n] * candidates - totals[group]
            if above > most:
                lifts[n], most = group, above
        scores[n] = twice // 2


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
        value: int = self._values.item(min(max(step, 0), len(self._values) - 1))
        return value

    def read_all(self, at: Ints) -> Ints:
        """Read the values at many."""
        steps = (at - self._low) // self._width
        values: Ints = self._values[np.clip(steps, 0, len(self._values) - 1)]
        return values


class CompiledTrees:
    """Trees as arrays."""

    def __init__(self, trees: Trees) -> None:
        self.arrays = (
            np.array(trees.columns, np.int64),
            np.array(trees.limits, np.int64),
            np.array(trees.leaves, np.int64),
        )
        self.base = trees.base

    def score(self, row: Ints) -> int:
        """Add the leaves that a row falls into, micro-units of log-odds."""
        row = np.ascontiguousarray(row, np.int64)
        return self.base + int(walk(row, self.arrays))


@loop(f"i8(i8[::1], {FOREST})")
def walk(row: Ints, trees: Forest) -> int:
    """Add the leaves that a row of `model.PLACEMENT_FEATURES` falls into."""
    columns, limits, leaves = trees
    total = 0
    for tree in range(len(leaves) // LEAVES):
        place = 0
        while place < QUESTIONS:
            question = tree * QUESTIONS + place
            place = 2 * place + 1 + (row[columns[question]] > limits[question])
        total += int(leaves[tree * LEAVES + place - QUESTIONS])
    return total
