"""Fits of additive models: known weights are found again, and nothing is lost in whole numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from drawn_sessions import AT, chosen_by, many_codes, sessions
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_cw.core.compiled_model import CompiledAdditive
from stream_cw.core.features import CODES, UNKNOWN
from stream_cw.core.model import MICRO, Additive
from stream_cw.errors import InputError
from stream_cw.model import additive
from stream_cw.model.additive import Examples, Shape, fit_chance, fit_choice

SIZE = 5
RUN = np.array([0.0, 0.6, 1.1, -0.7])
SERIES = np.array([0.0, 0.4])
BOTH = np.array([[0.0, 0.0], [0.9, -0.9]])
"""On top, of `series` with `last_place`."""

FREE = Shape(("run", "series"), (), bins=40, penalty=1e-6)


def drawn(count: int, seed: int, *, crossed: bool = False) -> Examples:
    """Targets drawn by the utilities above."""
    dice = np.random.default_rng(seed)
    run, series, place = (dice.integers(0, n, count * SIZE) for n in (4, 2, 2))
    utility = RUN[run] + SERIES[series] + (BOTH[series, place] if crossed else 0)
    columns = {"run": run, "series": series, "last_place": place}
    return sessions(columns, chosen_by(utility, SIZE, seed + 1), SIZE)


def standard_errors(examples: Examples, widths: dict[str, int]) -> NDArray[np.float64]:
    """Of the weights against code 0, by the Fisher information of the true model."""
    columns = [
        (examples.codes[AT[name]] == code).astype(float)
        for name, width in widths.items()
        for code in range(1, width)
    ]
    design = np.stack(columns, axis=1).reshape(-1, SIZE, len(columns))
    utility = RUN[examples.codes[AT["run"]]] + SERIES[examples.codes[AT["series"]]]
    odds = np.exp(utility).reshape(-1, SIZE)
    chance = odds / odds.sum(axis=1, keepdims=True)
    mean = (chance[:, :, None] * design).sum(axis=1)
    inner = np.einsum("ns,nsi,nsj->ij", chance, design, design) - mean.T @ mean
    return np.sqrt(np.diag(np.linalg.inv(inner)))


def test_known_weights_are_found_again() -> None:
    """Within four standard errors, all of them below .1."""
    examples = drawn(4000, seed=1)
    fitted = fit_choice(FREE, examples)
    run, series = (np.array(fitted.tables[name]) / MICRO for name in ("run", "series"))
    found = np.concatenate([run[1:4] - run[0], series[1:2] - series[0]])
    true = np.concatenate([RUN[1:], SERIES[1:]])
    errors = standard_errors(examples, {"run": 4, "series": 2})
    assert (errors < 0.1).all()
    assert (np.abs(found - true) < 4 * errors).all()


def test_a_known_pair_is_found_again() -> None:
    shape = FREE._replace(pairs=(("series", "last_place"),), pair_bins=40)
    fitted = fit_choice(shape, drawn(6000, seed=2, crossed=True))
    (pair,) = fitted.pairs
    width = 1 + max(pair.second_bins)

    def at(series: int, place: int) -> float:
        bins = pair.first_bins[series], pair.second_bins[place]
        return (fitted.tables["series"][series] + pair.weights[bins[0] * width + bins[1]]) / MICRO

    assert at(1, 0) - at(0, 0) == pytest.approx(0.4 + 0.9, abs=0.2)
    assert at(1, 1) - at(0, 1) == pytest.approx(0.4 - 0.9, abs=0.2)
    assert at(0, 1) - at(0, 0) == pytest.approx(0, abs=0.2)


def test_known_chances_are_found_again() -> None:
    """Of each candidate on its own: at most one of a session is its target, or none."""
    dice = np.random.default_rng(3)
    run = dice.integers(0, 4, 20_000)
    happened = dice.uniform(size=len(run)) < 1 / (1 + np.exp(1.5 - RUN[run]))
    examples = sessions({"run": run}, np.where(happened, 0, -1), 1)
    table = fit_chance(Shape(("run",), (), bins=40, penalty=1e-6), examples).tables["run"]
    for code in range(4):
        share = happened[run == code].mean()
        assert table[code] / MICRO == pytest.approx(np.log(share / (1 - share)), abs=0.01)


def test_chances_of_a_session_are_found_together() -> None:
    """A session goes on with each candidate in proportion to its hazard, or with none.

    Weights within .15 of those that targets were drawn by; fitted each on its own they would be
    off by more, for of two good candidates only one can be the target.
    """
    dice = np.random.default_rng(14)
    count = 8000
    run = dice.integers(0, 4, count * SIZE)
    log_odds = 2 * RUN[run] - 0.5
    hazards = np.logaddexp(0, log_odds).reshape(count, SIZE)
    first = dice.exponential(size=hazards.shape) / hazards
    target = np.where(first.min(axis=1) < 1, first.argmin(axis=1), -1)
    shape = Shape(("run",), (), bins=40, penalty=1e-6)
    table = fit_chance(shape, sessions({"run": run}, target, SIZE)).tables["run"]
    wanted = 2 * RUN - 0.5
    assert np.abs(np.array(table[:4]) / MICRO - wanted).max() < 0.15


def test_what_nothing_is_known_of_has_no_table_and_no_pair() -> None:
    """Else half of what a pair knows would be missed where the other half is known at last."""
    examples = drawn(300, seed=15)
    examples.codes[AT["episodes_left"]] = UNKNOWN
    shape = FREE._replace(
        features=("run", "episodes_left"), pairs=(("run", "episodes_left"), ("run", "series"))
    )
    for fitted in (fit_choice(shape, examples), fit_chance(shape, examples)):
        assert set(fitted.tables) == {"run"}
        assert [(pair.first, pair.second) for pair in fitted.pairs] == [("run", "series")]


def test_sessions_that_are_no_continuation_or_have_no_target_teach_a_choice_nothing() -> None:
    examples = drawn(300, seed=4)
    fitted = fit_choice(FREE, examples)
    more = drawn(300, seed=5)
    both = Examples(
        np.concatenate([examples.codes, more.codes], axis=1),
        np.concatenate([examples.bounds, examples.bounds[-1] + more.bounds[1:]]),
        np.concatenate([examples.target, np.where(np.arange(300) % 2, -1, more.target)]),
        np.concatenate([examples.continued, np.arange(300) % 2 == 1]),
        np.ones(600),
        np.zeros(600, np.int64),
        np.zeros(600, np.int64),
        np.concatenate([examples.shows, more.shows]),
    )
    assert fit_choice(FREE, both) == fitted


def test_a_weight_of_two_is_the_same_session_twice() -> None:
    examples = drawn(200, seed=6)
    shape = FREE._replace(penalty=5.0)
    twice = np.arange(200).repeat(2)
    candidates = np.arange(200 * SIZE).reshape(200, SIZE)[twice].ravel()
    doubled = sessions({}, examples.target[twice], SIZE)._replace(
        codes=examples.codes[:, candidates]
    )
    one = fit_choice(shape, examples._replace(weight=np.full(200, 2.0)))
    other = fit_choice(shape, doubled)
    for name in shape.features:
        assert np.abs(np.subtract(one.tables[name], other.tables[name])).max() < 2000


def test_a_stronger_penalty_gives_smaller_weights() -> None:
    examples = drawn(300, seed=7)
    sizes = [
        sum(w * w for table in fitted.tables.values() for w in table)
        for fitted in (fit_choice(FREE._replace(penalty=p), examples) for p in (0.1, 10, 1000))
    ]
    assert sizes[0] > sizes[1] > sizes[2] > 0


# --- the loss, and whole numbers ----------------------------------------------------------------

PAIRED = Shape(("run", "age", "hour"), (("run", "age"), ("hour", "series")), bins=9, pair_bins=4)


def caught(
    monkeypatch: pytest.MonkeyPatch, fit: Callable[[Shape, Examples], Additive]
) -> tuple[Any, NDArray[np.float64], Additive, Examples]:
    """The loss that a fit minimises, where it found its minimum, and what came of it."""
    inner = additive._minimum
    kept: dict[str, Any] = {}

    def minimum(loss: Any, size: int) -> NDArray[np.float64]:
        kept["loss"], kept["at"] = loss, inner(loss, size)
        return kept["at"]

    monkeypatch.setattr(additive, "_minimum", minimum)
    examples = many_codes(seed=8)
    fitted = fit(PAIRED, examples)
    return kept["loss"], kept["at"], fitted, examples


@pytest.mark.parametrize("fit", [fit_choice, fit_chance])
def test_the_gradient_is_that_of_finite_differences(
    monkeypatch: pytest.MonkeyPatch, fit: Callable[[Shape, Examples], Additive]
) -> None:
    loss, at, _, _ = caught(monkeypatch, fit)
    dice = np.random.default_rng(9)
    weights, step = dice.normal(size=len(at)), 1e-5
    _, slope = loss(weights)
    for n in dice.choice(len(at), 12, replace=False):
        ahead = np.zeros(len(at))
        ahead[n] = step
        difference = (loss(weights + ahead)[0] - loss(weights - ahead)[0]) / (2 * step)
        assert slope[n] == pytest.approx(difference, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("fit", [fit_choice, fit_chance])
def test_the_fit_ends_at_the_minimum(
    monkeypatch: pytest.MonkeyPatch, fit: Callable[[Shape, Examples], Additive]
) -> None:
    loss, at, _, _ = caught(monkeypatch, fit)
    least, slope = loss(at)
    assert np.abs(slope).max() < 0.05
    dice = np.random.default_rng(10)
    assert all(loss(at + 0.05 * dice.normal(size=len(at)))[0] > least for _ in range(20))


@pytest.mark.parametrize("fit", [fit_choice, fit_chance])
def test_the_tables_are_the_fitted_weights_rounded_to_the_micro_unit(
    monkeypatch: pytest.MonkeyPatch, fit: Callable[[Shape, Examples], Additive]
) -> None:
    """Each of a candidate's terms is rounded once: half a micro-unit each."""
    _, at, fitted, examples = caught(monkeypatch, fit)
    utility = additive._design(PAIRED, examples).matrix(examples.codes) @ at
    scores = CompiledAdditive(fitted).score(examples.codes)
    terms = len(PAIRED.features) + len(PAIRED.pairs)
    assert np.abs(scores - utility * MICRO).max() <= terms / 2 + 1e-6
    assert len(set(scores.tolist())) > 100


def test_the_same_examples_give_the_same_tables() -> None:
    assert fit_choice(PAIRED, many_codes(11)) == fit_choice(PAIRED, many_codes(11))


# --- bins ---------------------------------------------------------------------------------------

MASSES = st.lists(st.integers(0, 30) | st.just(0), min_size=CODES, max_size=CODES)


@given(MASSES, MASSES, st.integers(1, 20))
@settings(max_examples=60)
def test_bins(all_masses: list[int], chosen_masses: list[int], count: int) -> None:
    """From 0 on without a gap, neighbours only, each with what was seen; unknown is alone."""
    codes = np.repeat(np.arange(CODES), all_masses).astype(np.uint8)
    chosen = np.repeat(np.arange(CODES), np.minimum(all_masses, chosen_masses)).astype(np.uint8)
    if not len(codes):
        return
    bins = additive._weighty_bins(codes, chosen, count)
    known = bins[:UNKNOWN]
    assert bins[0] == 0
    assert set(np.diff(bins).tolist()) <= {0, 1}
    assert bins[UNKNOWN] == known.max() + 1 <= count
    seen = set(known[codes[codes != UNKNOWN]].tolist())
    assert seen == set(range(known.max() + 1)) or not seen


def test_codes_of_equal_weight_are_dealt_evenly() -> None:
    codes = np.arange(40, dtype=np.uint8)
    bins = additive._weighty_bins(codes, codes, 8)
    assert np.bincount(bins[:40]).tolist() == [5] * 8


# --- what is refused ----------------------------------------------------------------------------


def test_a_choice_without_an_example_is_refused() -> None:
    examples = drawn(20, seed=12)
    for nothing in (
        examples.where(np.zeros(20, bool)),
        examples._replace(target=np.full(20, -1)),
        examples._replace(continued=np.zeros(20, bool)),
    ):
        with pytest.raises(InputError, match="wants continuations whose target is in the row"):
            fit_choice(FREE, nothing)


@given(st.lists(st.booleans(), min_size=9, max_size=9))
@settings(max_examples=30)
def test_where_keeps_whole_sessions(kept: list[bool]) -> None:
    dice = np.random.default_rng(13)
    sizes = dice.integers(1, 5, 9)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    codes = np.tile(np.arange(bounds[-1], dtype=np.uint8), (len(AT), 1))
    whole = Examples(
        codes,
        bounds,
        dice.integers(-1, sizes),
        np.arange(9) % 2 == 0,
        np.arange(9.0),
        np.arange(9),
        np.arange(9) // 2,
        np.arange(bounds[-1], dtype=np.uint64),
    )
    part = whole.where(np.array(kept))
    places = [n for n in range(9) if kept[n]]
    assert part.group.tolist() == part.weight.tolist() == places
    assert part.continued.tolist() == [n % 2 == 0 for n in places]
    assert part.target.tolist() == whole.target[places].tolist()
    assert part.household.tolist() == [n // 2 for n in places]
    assert part.shows.tolist() == part.codes[0].tolist()
    for n, place in enumerate(places):
        mine = part.codes[:, part.bounds[n] : part.bounds[n + 1]]
        assert np.array_equal(mine, codes[:, bounds[place] : bounds[place + 1]])
    assert np.array_equal(part.session_of, np.repeat(np.arange(len(places)), sizes[places]))
