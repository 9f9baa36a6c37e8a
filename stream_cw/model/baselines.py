"""Rankers to compare ours with, each fitted to what the learned row sees.

All read the coded features of the data set: amounts are known in quarter octaves and taken at their
lower edge, shares in 32nds. Of equal scores the later played stands first.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stream_cw.core.compiled_model import CompiledAdditive
from stream_cw.core.features import FEATURE_NAMES, SHOW_FEATURES, UNKNOWN
from stream_cw.model.additive import Examples, Floats, Ints, Shape, fit_choice
from stream_cw.model.heldout import target_places
from stream_cw.model.settings import RANKING

Score = Callable[[Examples], Ints | Floats]
"""From sessions to the scores of their candidates."""

RECENCY: Final = "recency"
OURS: Final = "additive with pairs (ours)"
LAMBDARANK: Final = "LightGBM lambdarank"

_DAY_MIN: Final = 1440
_QUALITY_POWERS: Final = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
_NEWCOMER_DAYS: Final = 7.0
_ROUNDS: Final = 200
_RATE: Final = 0.05
_LEAVES: Final = 15
_LEAST: Final = 50


class Ranker(NamedTuple):
    """A way to rank.

    Attributes
    ----------
    name : str
    fit : callable
        From sessions to learn from to a `Score`; the fixed rules learn nothing.
    """

    name: str
    fit: Callable[[Examples], Score]


def rankers() -> list[Ranker]:
    """List all rankers; that of LightGBM only where it is installed."""
    return [
        Ranker(RECENCY, lambda _: recency),
        Ranker("frequency", lambda _: frequency),
        Ranker("decayed count", lambda _: decayed_count),
        Ranker("base-level activation", lambda _: base_level),
        Ranker("recency x quality", fit_recency_quality),
        Ranker("logistic regression", fit_logistic),
        Ranker("HistGradientBoosting", fit_boosting),
        *([Ranker(LAMBDARANK, fit_lambdarank)] if find_spec("lightgbm") else []),
        Ranker(
            "additive without pairs", lambda seen: fit_additive(RANKING._replace(pairs=()), seen)
        ),
        Ranker(OURS, partial(fit_additive, RANKING)),
    ]


def recency(examples: Examples) -> Ints:
    """Rank by the last play."""
    return -_codes(examples, "recency_rank")


def frequency(examples: Examples) -> Ints:
    """Rank by the count of sessions in which a show was watched, of all time."""
    return _codes(examples, "sessions")


def decayed_count(examples: Examples) -> Ints:
    """Rank by plays with a half-life of 30 days."""
    return _codes(examples, "plays_30d")


def base_level(examples: Examples) -> Floats:
    """Rank by the base-level activation of memory, decay 1/2 (Anderson and Schooler, 1991).

    The times of the single uses are not kept. Petrov's approximation (*Computationally efficient
    approximation of the base-level learning equation in ACT-R*, 2006) with one time kept needs the
    last use, the first and their count; a session in which the show was watched is a use.
    """
    last, first = 1 + _amounts(examples, "age"), 1 + _amounts(examples, "known_for")
    uses = np.maximum(_amounts(examples, "sessions"), 1)
    activation: Floats = np.log(last**-0.5 + (uses - 1) * 2 / (np.sqrt(first) + np.sqrt(last)))
    return activation


def fit_recency_quality(seen: Examples) -> Score:
    """Rank by 1 / age times a power of quality; the power is the best on what is seen.

    Quality is how often a show is returned to: its sessions for each day since its first play, with
    a week added to the days so that a newcomer is no sudden favourite.
    """

    def scores(examples: Examples, power: float) -> Floats:
        days = _amounts(examples, "known_for") / _DAY_MIN + _NEWCOMER_DAYS
        quality = np.maximum(_amounts(examples, "sessions"), 1) / days
        product: Floats = power * np.log(quality) - np.log1p(_amounts(examples, "age"))
        return product

    learnt = _to_learn_from(seen)

    def hits(power: float) -> float:
        return float(learnt.weight[target_places(scores(learnt, power), learnt) == 0].sum())

    best = max(_QUALITY_POWERS, key=hits)
    return lambda examples: scores(examples, best)


def fit_logistic(seen: Examples) -> Score:
    """Rank by a logistic regression on each candidate alone: codes, and which are unknown."""

    def columns(examples: Examples) -> Floats:
        codes = examples.codes[: len(SHOW_FEATURES)].T
        unknown = codes == UNKNOWN
        return np.concatenate([np.where(unknown, 0, codes), unknown], axis=1).astype(np.float64)

    learnt = _to_learn_from(seen)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(columns(learnt), _chosen(learnt), logisticregression__sample_weight=_weight(learnt))
    return lambda examples: model.decision_function(columns(examples))


def fit_boosting(seen: Examples) -> Score:
    """Rank by boosted trees on each candidate alone, those of its session's features as well."""
    learnt = _to_learn_from(seen)
    model = HistGradientBoostingClassifier(
        max_iter=_ROUNDS,
        learning_rate=_RATE,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=_LEAST,
        early_stopping=False,
        random_state=0,
    ).fit(learnt.codes.T, _chosen(learnt), sample_weight=_weight(learnt))
    return lambda examples: model.decision_function(examples.codes.T)


def fit_lambdarank(seen: Examples) -> Score:
    """Rank by boosted trees under the LambdaRank gradient (Burges, *From RankNet to LambdaRank to
    LambdaMART*, 2010), sizes as in `fit_boosting`.
    """  # noqa: D205 - the title of the source does not fit on a line
    lightgbm: Any = import_module("lightgbm")
    learnt = _to_learn_from(seen)
    data = lightgbm.Dataset(
        learnt.codes.T,
        label=_chosen(learnt).astype(np.int64),
        group=np.diff(learnt.bounds),
        weight=_weight(learnt),
    )
    settings = {
        "objective": "lambdarank",
        "num_leaves": _LEAVES,
        "learning_rate": _RATE,
        "min_data_in_leaf": _LEAST,
        "num_threads": 1,
        "deterministic": True,
        "seed": 0,
        "verbosity": -1,
    }
    model = lightgbm.train(settings, data, num_boost_round=_ROUNDS)
    return lambda examples: model.predict(examples.codes.T)


def fit_additive(shape: Shape, seen: Examples) -> Score:
    """Rank by the additive model, as it is served."""
    compiled = CompiledAdditive(fit_choice(shape, seen))
    return lambda examples: compiled.score(examples.codes)


def _codes(examples: Examples, name: str) -> Ints:
    codes: Ints = examples.codes[FEATURE_NAMES.index(name)].astype(np.int64)
    return codes


def _amounts(examples: Examples, name: str) -> Floats:
    """Decode `features.octaves`, to the lower edge; what is unknown is far away."""
    exponent, mantissa = np.divmod(_codes(examples, name), 4)
    return np.ldexp(1 + mantissa / 4, exponent) - 1


def _to_learn_from(examples: Examples) -> Examples:
    return examples.where(examples.continued & (examples.target >= 0))


def _chosen(examples: Examples) -> NDArray[np.bool_]:
    chosen = np.zeros(examples.codes.shape[1], bool)
    chosen[examples.bounds[:-1] + examples.target] = True
    return chosen


def _weight(examples: Examples) -> Floats:
    return examples.weight[examples.session_of]
