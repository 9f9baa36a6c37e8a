"""The learned row against the truth of simulated members, small; large: `benchmarks`.

Seeds were fixed before anything was measured. Standard errors are from the larger runs of the
benchmark, scaled to the sessions that are here.
"""

from collections.abc import Callable

import pytest

from benchmarks.learned_on_simulator import (
    DEVICE_FEATURES,
    WITHOUT_DEVICE,
    Findings,
    Judged,
    World,
    device_lift,
    examples,
    findings,
    fitted,
    judge,
    world,
)
from stream_cw.model.additive import Examples
from stream_cw.model.settings import RANKING

PROFILES, DAYS = 40, 60
CLOSED = 0.45
"""Of the gap to the truth, at least; .52 was reached, and .62 of it in the large run."""
SEEN, UNSEEN, CONTROL_SEEN, CONTROL_UNSEEN = 1, 2, 3, 4


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], World]:
    directory = tmp_path_factory.mktemp("worlds")
    worlds: dict[int, World] = {}

    def made(seed: int) -> World:
        if seed not in worlds:
            habits = seed in (SEEN, UNSEEN)
            worlds[seed] = world(directory, PROFILES, DAYS, seed, device_habits=habits)
        return worlds[seed]

    return made


@pytest.fixture(scope="module")
def seen(simulated: Callable[[int], World]) -> Examples:
    return examples(simulated(SEEN))


@pytest.fixture(scope="module")
def judged(simulated: Callable[[int], World], seen: Examples) -> list[Judged]:
    return list(judge(fitted(seen), simulated(UNSEEN)))


@pytest.fixture(scope="module")
def found(judged: list[Judged]) -> Findings:
    return findings(judged)


def test_nobody_beats_the_truth_by_more_than_chance(found: Findings) -> None:
    recency, model, truth = found.p_at_1
    standard_error = (0.25 / found.continuations) ** 0.5
    assert model < truth + 2 * standard_error
    assert recency < truth


def test_the_model_is_nearer_to_the_truth_than_recency(found: Findings) -> None:
    recency, model, _ = found.p_at_1
    assert model > recency
    assert found.closed.value is not None
    assert CLOSED < found.closed.value < 1


def test_estimates_are_near_the_true_chances(found: Findings) -> None:
    """At most .02 is wanted; with 1,500 sessions another set of members moves it by about .005."""
    assert len(found.ece) == 2
    assert max(found.ece) < 0.02 + 2 * 0.005


def test_true_chances_are_those_of_what_happened(judged: list[Judged]) -> None:
    chance = sum(each.chance for each in judged) / len(judged)
    happened = sum(each.continued for each in judged) / len(judged)
    assert chance == pytest.approx(happened, abs=0.04)


def test_device_features_help_members_with_device_habits_and_no_others(
    simulated: Callable[[int], World], seen: Examples
) -> None:
    """The lift is 1.1 points in the large run, here with a standard error of about 0.5."""
    lift = device_lift(seen, examples(simulated(UNSEEN)))
    control = device_lift(*(examples(simulated(seed)) for seed in (CONTROL_SEEN, CONTROL_UNSEEN)))
    assert lift.value is not None
    assert lift.value > 0
    assert control.low is not None
    assert control.high is not None
    assert control.low <= 0 <= control.high


def test_the_control_leaves_out_all_that_the_device_tells() -> None:
    assert {
        "device_rank",
        "class_rank",
        "last_place",
        "begun_here",
        "device_sessions_since",
        "device_age",
        "device_plays",
    } == DEVICE_FEATURES
    assert set(RANKING.features) - set(WITHOUT_DEVICE.features) == DEVICE_FEATURES
    assert not DEVICE_FEATURES & {name for pair in WITHOUT_DEVICE.pairs for name in pair}


def a_session(
    profile: str, model: int, recency: int, truth: int, chance: float = 0.5, told: float = 0.5
) -> Judged:
    return Judged(profile, True, bool(model), bool(recency), bool(truth), chance, (told, 0.5))


def test_the_part_of_the_gap_is_that_of_all_sessions_together() -> None:
    found = findings(
        [
            *[a_session("a", 1, 0, 1)] * 3,
            *[a_session("a", 0, 0, 1)] * 1,
            *[a_session("b", 0, 0, 0)] * 4,
            *[a_session("b", 0, 1, 1)] * 1,
            *[a_session("b", 0, 0, 1)] * 1,
            a_session("b", 1, 1, 1)._replace(continued=False),
        ]
    )
    assert (found.sessions, found.continuations) == (11, 10)
    assert found.p_at_1 == pytest.approx((0.1, 0.3, 0.6))
    assert found.closed.value == pytest.approx(0.4)
    assert found.closed.low == pytest.approx(-1.0)
    assert found.closed.high == pytest.approx(0.75)


def test_ece_compares_means_of_bins_that_the_estimate_orders() -> None:
    sessions = [a_session("a", 1, 0, 1, chance=0.5, told=n / 1000) for n in range(450, 550)]
    even, constant = findings(sessions).ece
    assert constant == pytest.approx(0)
    assert even == pytest.approx(0.025, abs=0.002)
    off = [each._replace(told=(0.9, 0.4)) for each in sessions]
    assert findings(off).ece == pytest.approx((0.4, 0.1))
