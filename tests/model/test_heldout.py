"""Profiles left out in turn: what is counted, and that leaving out really leaves out."""

from collections.abc import Sequence

import numpy as np
import pytest

from stream_cw.core.features import FEATURE_NAMES, UNKNOWN
from stream_cw.model.additive import Examples, Shape
from stream_cw.model.heldout import held_out, join, target_places, turns
from stream_cw.model.metrics import ABSENT

RECENCY, PLANTED = FEATURE_NAMES.index("recency_rank"), FEATURE_NAMES.index("run")
SHAPE = Shape(("recency_rank", "run"), (), penalty=1.0)


def examples(
    ranks: Sequence[Sequence[int]],
    targets: Sequence[int],
    *,
    group: Sequence[int] | None = None,
    continued: Sequence[bool] | None = None,
) -> Examples:
    """Sessions whose candidates differ in recency alone."""
    sizes = [len(of_session) for of_session in ranks]
    codes = np.full((len(FEATURE_NAMES), sum(sizes)), UNKNOWN, np.uint8)
    codes[RECENCY] = [rank for of_session in ranks for rank in of_session]
    return Examples(
        codes,
        np.cumsum([0, *sizes]),
        np.array(targets),
        np.array([True] * len(sizes) if continued is None else continued),
        np.ones(len(sizes)),
        np.array([0] * len(sizes) if group is None else group),
        np.full(len(sizes), -1),
        np.zeros(sum(sizes), np.uint64),
    )


def drawn(profiles: int, sessions: int, seed: int) -> Examples:
    """Targets by chance among five candidates, so that nothing can be learnt from recency."""
    dice = np.random.default_rng(seed)
    count = profiles * sessions
    return examples(
        [dice.permutation(5).tolist() for _ in range(count)],
        dice.integers(0, 5, count).tolist(),
        group=np.repeat(np.arange(profiles), sessions).tolist(),
    )


def planted(data: Examples, group: int) -> Examples:
    """A feature that names the target of one profile's sessions."""
    codes = data.codes.copy()
    codes[PLANTED] = 0
    chosen = data.bounds[:-1] + data.target
    codes[PLANTED, chosen[data.group == group]] = 1
    return data._replace(codes=codes)


def test_places_are_counted_from_the_greatest_score() -> None:
    data = examples([[0, 1, 2], [2, 0, 1], [0]], [2, 0, 0])
    scores = np.array([5, 4, 3, 9, 1, 2, 0])
    assert target_places(scores, data).tolist() == [2, 0, 0]


def test_of_equal_scores_the_later_played_comes_first() -> None:
    data = examples([[1, 0, 2], [1, 0, 2], [1, 0, 2]], [0, 1, 2])
    assert target_places(np.zeros(9), data).tolist() == [1, 0, 2]


def test_a_target_that_is_no_candidate_or_behind_the_last_tile_is_absent() -> None:
    ranks = list(range(21))
    data = examples([ranks, ranks, [0]], [19, 20, -1])
    assert target_places(-data.codes[RECENCY].astype(int), data).tolist() == [19, ABSENT, ABSENT]


def test_turns_leave_out_each_profile_and_judge_its_continuations_alone() -> None:
    data = examples([[0, 1]] * 4, [0, 1, 0, 1], group=[7, 7, 3, 3], continued=[1, 0, 1, 1])  # type: ignore[list-item]
    data = data._replace(continued=data.continued.astype(bool))
    added = examples([[0]], [0], group=[9])
    left_out, unseen, seen = zip(*turns(data, added), strict=True)
    assert [found.tolist() for found in left_out] == [
        [False, False, True, True],
        [True, False, False, False],
    ]
    assert [part.group.tolist() for part in unseen] == [[3, 3], [7]]
    assert [part.group.tolist() for part in seen] == [[7, 7, 9], [3, 3, 9]]
    assert [part.target.tolist() for part in unseen] == [[0, 1], [0]]


def test_a_ranking_that_can_know_puts_every_target_first() -> None:
    data = drawn(profiles=3, sessions=60, seed=1)
    knowing = planted(planted(data, 0), 1)
    codes = knowing.codes.copy()
    for group in range(3):
        codes[PLANTED] |= planted(data, group).codes[PLANTED]
    found = held_out(SHAPE, data._replace(codes=codes))
    assert found.sessions == 180
    assert found.p_at_1 == 1.0
    assert found.surprise < 0.2


def test_a_ranking_without_anything_to_know_has_the_surprise_of_a_guess() -> None:
    data = drawn(profiles=2, sessions=50, seed=2)
    codes = np.full_like(data.codes, UNKNOWN)
    codes[RECENCY] = data.codes[RECENCY]
    found = held_out(Shape(("run",), ()), data._replace(codes=codes))
    assert found.surprise == pytest.approx(np.log(5))
    chosen = data.bounds[:-1] + data.target
    assert found.recency == (data.codes[RECENCY, chosen] == 0).mean()


def test_what_names_the_target_of_one_profile_does_not_help_it_when_it_is_left_out() -> None:
    data = drawn(profiles=2, sessions=400, seed=3)
    plain = held_out(SHAPE, data._replace(codes=planted(data, group=-1).codes))
    assert plain.p_at_1 < 0.3
    found = held_out(SHAPE, planted(data, group=1))
    chance = 0.2
    standard_error = (chance * (1 - chance) / found.sessions) ** 0.5
    assert abs(found.p_at_1 - chance) < 4 * standard_error


def test_a_continuation_that_is_no_candidate_counts_as_a_miss() -> None:
    data = join(
        examples([[0, 1]] * 20, [0] * 20, group=[0] * 10 + [1] * 10),
        examples([[0, 1]] * 20, [-1] * 20, group=[0] * 10 + [1] * 10),
    )
    found = held_out(SHAPE, data)
    assert (found.sessions, found.p_at_1, found.recency) == (40, 0.5, 0.5)


def test_added_sessions_are_learnt_from_and_not_judged() -> None:
    data = examples([[0, 1]] * 8, [1] * 8, group=[0] * 4 + [1] * 4)
    nothing_to_learn = data._replace(target=np.full(8, -1))
    added = examples([[0, 1]] * 400, [1] * 400, group=[2] * 400)
    found = held_out(SHAPE, join(nothing_to_learn, data._replace(group=data.group + 10)), added)
    assert found.sessions == 16
    assert found.p_at_1 == 0.5
