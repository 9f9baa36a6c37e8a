"""Metrics against hand-made cases, slow definitions and scikit-learn."""

import random
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    brier_score_loss,
    label_ranking_average_precision_score,
    ndcg_score,
    roc_auc_score,
)

from stream_cw.model.metrics import (
    ABSENT,
    Bin,
    auc,
    brier,
    ece,
    gains,
    rank_metrics,
    reliability,
)

FORECASTS = st.lists(
    st.tuples(st.integers(0, 12).map(lambda n: n / 12), st.booleans()), min_size=1, max_size=120
)


def arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([p for p, _ in pairs]), np.array([y for _, y in pairs], dtype=bool)


def test_ranks_by_hand() -> None:
    found = rank_metrics(np.array([0, 1, 4, 5, ABSENT]))
    assert found.n_sessions == 5
    assert found.coverage == 4 / 5
    assert found.p_at_1 == 1 / 5
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 5 + 1 / 6) / 5)
    assert found.ndcg_at_5 == pytest.approx((1 + 1 / log2(3) + 1 / log2(6)) / 5)
    assert found.mean_rank == (1 + 2 + 5 + 6) / 4


def test_nothing_has_no_figures() -> None:
    none = np.array([], dtype=np.int64)
    found = rank_metrics(none)
    assert found.n_sessions == 0
    assert found.coverage is found.p_at_1 is found.mrr is found.mean_rank is None
    p, y = np.array([]), np.array([], dtype=bool)
    assert auc(p, y) is brier(p, y) is ece(reliability(p, y)) is None
    assert gains(none).shape == (0, 3)


@given(st.lists(st.integers(-1, 19), min_size=1, max_size=30))
def test_ranks_against_scikit_learn(ranks: list[int]) -> None:
    found = rank_metrics(np.array(ranks))
    scores = np.arange(20, 0, -1, dtype=float)[None, :]
    ndcg = reciprocal = 0.0
    for rank in ranks:
        if rank != ABSENT:
            relevant = np.eye(20)[[rank]]
            ndcg += ndcg_score(relevant, scores, k=5)
            reciprocal += label_ranking_average_precision_score(relevant, scores)
    assert found.ndcg_at_5 == pytest.approx(ndcg / len(ranks))
    assert found.mrr == pytest.approx(reciprocal / len(ranks))


@given(FORECASTS)
def test_forecasts_against_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    p, y = arrays(pairs)
    assert brier(p, y) == pytest.approx(brier_score_loss(y, p, labels=[False, True]))
    if y.all() or not y.any():
        assert auc(p, y) is None
    else:
        assert auc(p, y) == pytest.approx(roc_auc_score(y, p))


@given(FORECASTS, st.randoms(use_true_random=False))
def test_order_is_of_no_account(pairs: list[tuple[float, bool]], dice: random.Random) -> None:
    shuffled = dice.sample(pairs, len(pairs))
    (p, y), (q, z) = arrays(pairs), arrays(shuffled)
    assert auc(p, y) == auc(q, z)
    assert brier(p, y) == brier(q, z)
    assert reliability(p, y) == reliability(q, z)
    ranks = np.array([round(12 * p) for p, _ in pairs])
    assert rank_metrics(ranks) == rank_metrics(np.array([round(12 * p) for p, _ in shuffled]))


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_bins_of_distinct_forecasts_by_their_definition(outcomes: list[bool]) -> None:
    count = len(outcomes)
    pairs = [((n + 1) / (count + 1), y) for n, y in enumerate(outcomes)]
    slow, total = 0.0, 0
    for number in range(15):
        size = count // 15 + (number < count % 15)
        part = pairs[total : total + size]
        total += size
        if part:
            slow += abs(sum(p for p, _ in part) - sum(y for _, y in part))
    p, y = arrays(pairs)
    bins = reliability(p, y)
    assert sum(part.n for part in bins) == count
    assert len(bins) == min(15, count)
    assert ece(bins) == pytest.approx(slow / count)


def test_equal_forecasts_are_as_one_wherever_the_edges_fall() -> None:
    p, y = np.full(40, 0.25), np.arange(40) < 20
    assert reliability(p, y, bins=4) == [Bin(10, 0.25, 0.5)] * 4
    assert ece(reliability(p, y)) == pytest.approx(0.25)


def test_calibrated_forecasts_have_a_small_error_and_shifted_ones_their_shift() -> None:
    dice = np.random.default_rng(5)
    p = dice.uniform(0.2, 0.8, 60_000)
    y = dice.random(60_000) < p
    calibrated, shifted = ece(reliability(p, y)), ece(reliability(p + 0.1, y))
    assert calibrated is not None
    assert calibrated < 0.01
    assert shifted == pytest.approx(0.1, abs=0.005)
