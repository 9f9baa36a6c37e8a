"""The cluster bootstrap: by hand, by its slow definition, and whether it covers."""

import random

import numpy as np
import pytest

from stream_cw.model.bootstrap import Estimate, cluster_means, cluster_ratios


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_a_difference_of_nothing_is_nothing() -> None:
    names = ["a", "b", "c", "a"]
    assert cluster_means(column(0, 0, 0, 0), names) == [Estimate(0.0, 0.0, 0.0)]


def test_two_clusters_by_hand() -> None:
    # A quarter of the draws holds one cluster twice, so the bounds are the means of the two.
    values, names = column(1, 1, 0, 0.5, 0.5), ["a", "a", "a", "b", "b"]
    assert cluster_means(values, names) == [Estimate(3 / 5, 0.5, round(2 / 3, 6))]


def test_one_cluster_has_no_interval_and_none_has_no_value() -> None:
    assert cluster_means(column(1, 0), ["a", "a"]) == [Estimate(0.5, None, None)]
    assert cluster_means(np.empty((0, 2)), []) == [Estimate(None, None, None)] * 2


def test_order_is_of_no_account_and_the_seed_is() -> None:
    dice = np.random.default_rng(3)
    values, names = dice.random((500, 2)), [f"p{n}" for n in dice.integers(0, 9, 500)]
    order = dice.permutation(500)
    found = cluster_means(values, names)
    assert cluster_means(values[order], [names[n] for n in order]) == found
    large = column(1e16, 1, -1e16)  # in this order the 1 is lost
    assert cluster_means(large, ["a"] * 3) == cluster_means(large[[0, 2, 1]], ["a"] * 3)
    other = cluster_means(values, names, seed=2)
    assert [e.value for e in other] == [e.value for e in found]
    assert [e.low for e in other] != [e.low for e in found]


def test_the_slow_definition() -> None:
    dice = random.Random(11)
    sizes = [1, 2, 5, 9, 30, 3, 7]
    sessions = {f"p{n}": [dice.random() + n / 5 for _ in range(k)] for n, k in enumerate(sizes)}
    means = []
    for _ in range(20_000):
        drawn = [
            x for name in dice.choices(list(sessions), k=len(sessions)) for x in sessions[name]
        ]
        means.append(sum(drawn) / len(drawn))
    means.sort()
    values = column(*(x for members in sessions.values() for x in members))
    names = [name for name, members in sessions.items() for _ in members]
    (found,) = cluster_means(values, names, resamples=20_000)
    assert found.low == pytest.approx(means[500], abs=0.02)
    assert found.high == pytest.approx(means[-501], abs=0.02)


def test_totals_in_parts_are_drawn_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(4)
    sums, counts = dice.random((50, 2)), dice.integers(1, 9, 50).astype(float)
    whole = cluster_ratios(sums, counts)
    monkeypatch.setattr("stream_cw.model.bootstrap._AT_ONCE", 700)
    assert cluster_ratios(sums, counts) == whole


def test_intervals_cover_the_truth_where_sessions_of_a_profile_are_alike() -> None:
    dice = np.random.default_rng(7)
    covered, trials, truth = 0, 300, 0.03
    for _ in range(trials):
        sizes = dice.integers(5, 60, 40)
        own = dice.normal(truth, 0.1, 40)
        values = np.concatenate([dice.normal(m, 0.3, k) for m, k in zip(own, sizes, strict=True)])
        names = [f"p{n}" for n, size in enumerate(sizes) for _ in range(size)]
        (found,) = cluster_means(values[:, None], names, resamples=500)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    # Drawing sessions instead of profiles gives .59 here.
    assert 0.90 <= covered / trials <= 0.98
