"""Fitting an ensemble of trees, and laying it out in whole numbers."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier

from stream_cw.core.compiled_model import CompiledTrees
from stream_cw.core.model import LEAVES, MICRO, PLACEMENT_FEATURES, QUESTIONS, Trees
from stream_cw.errors import InputError
from stream_cw.model.additive import Floats, Ints
from stream_cw.model.settings import Settings


def fit_trees(rows: Ints, happened: NDArray[np.bool_], weight: Floats, settings: Settings) -> Trees:
    """Fit an ensemble of trees (gradient boosting, Friedman 2001) and lay it out in whole numbers.

    The columns are whole numbers, so a question "at most 3.5" is "at most 3".

    Raises
    ------
    InputError
        If all sessions came out alike.
    """
    if happened.all() or not happened.any():
        raise InputError(
            "placement wants sessions that went on with a tile and others, whichever profiles are "
            f"left out; found {len(happened)} that all {'did' if happened.any() else 'did not'}"
        )
    asked = np.isin(PLACEMENT_FEATURES, settings.columns)
    fitted = GradientBoostingClassifier(
        n_estimators=settings.trees,
        learning_rate=settings.rate,
        max_depth=3,
        min_samples_leaf=settings.leaf,
        subsample=0.7,
        max_features=0.25,
        random_state=0,
    ).fit(np.where(asked, rows, 0), happened, sample_weight=weight)
    columns: list[int] = []
    limits: list[int] = []
    leaves: list[int] = []
    for (estimator,) in fitted.estimators_:
        questions, values = _complete(estimator.tree_)
        columns += [column for column, _ in questions]
        limits += [limit for _, limit in questions]
        leaves += [round(settings.rate * value * MICRO) for value in values]
    prior = float(np.average(happened, weights=weight))
    base = round(float(np.log(prior / (1 - prior))) * MICRO)
    return Trees(PLACEMENT_FEATURES, tuple(columns), tuple(limits), tuple(leaves), base)


def _complete(tree: object) -> tuple[list[tuple[int, int]], list[float]]:
    """Fill a tree up to seven questions; a leaf that comes early answers for all below."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    nodes = [0]
    questions: list[tuple[int, int]] = []
    for _ in range(QUESTIONS):
        node = nodes[len(questions)]
        if left[node] < 0:
            questions.append((0, 0))
            nodes += [node, node]
        else:
            limit = int(np.floor(tree.threshold[node]))  # type: ignore[attr-defined]
            questions.append((int(tree.feature[node]), limit))  # type: ignore[attr-defined]
            nodes += [left[node], right[node]]
    values = tree.value[:, 0, 0]  # type: ignore[attr-defined]
    return questions, [float(values[node]) for node in nodes[-LEAVES:]]


def scored(trees: Trees, rows: Ints) -> Ints:
    """Score many rows."""
    compiled = CompiledTrees(trees)
    return np.array([compiled.score(row) for row in rows], np.int64)
