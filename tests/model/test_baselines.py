"""Each ranker on cases whose order is known, and the table that they stand in."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from stream_cw.cli import build_app
from stream_cw.core.features import (
    FEATURE_NAMES,
    SESSION_FEATURES,
    SHOW_FEATURES,
    UNKNOWN,
    features_hash,
    octave,
)
from stream_cw.history.simulator import simulate
from stream_cw.model import baselines
from stream_cw.model.additive import Examples, Ints
from stream_cw.model.baselines import LAMBDARANK, OURS, RECENCY, Ranker, rankers
from stream_cw.model.dataset import KINDS, DataSet
from stream_cw.model.heldout import target_places
from stream_cw.model.ranker_table import standings

HOUR, DAY = 60, 1440
LEARNT = [ranker for ranker in rankers() if ranker.name in {
    "logistic regression", "HistGradientBoosting", LAMBDARANK, "additive without pairs", OURS,
}]  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Trees on small data are slow where more threads wait for each other than there are cores."""
    with threadpool_limits(1):
        yield


def examples(*sessions: list[dict[str, int]], targets: list[int]) -> Examples:
    """Sessions of candidates told by their codes; what is not told is unknown."""
    candidates = [codes for session in sessions for codes in session]
    codes = np.full((len(FEATURE_NAMES), len(candidates)), UNKNOWN, np.uint8)
    for place, told in enumerate(candidates):
        for name, code in told.items():
            codes[FEATURE_NAMES.index(name), place] = code
    return Examples(
        codes,
        np.cumsum([0, *(len(session) for session in sessions)]),
        np.array(targets),
        np.ones(len(sessions), bool),
        np.ones(len(sessions)),
        np.zeros(len(sessions), np.int64),
        np.full(len(sessions), -1),
        np.zeros(len(candidates), np.uint64),
    )


def show(rank: int, *, age: int, known_for: int, sessions: int, share: int = 0) -> dict[str, int]:
    """A candidate; times in minutes."""
    return {
        "recency_rank": rank,
        "age": octave(age),
        "known_for": octave(known_for),
        "sessions": octave(sessions),
        "plays_30d": share,
    }


def order(score: baselines.Score, session: list[dict[str, int]]) -> list[int]:
    """Places of the candidates in the order in which a ranker puts them."""
    places = [
        int(target_places(score(one), one)[0])
        for one in (examples(session, targets=[n]) for n in range(len(session)))
    ]
    return sorted(range(len(session)), key=places.__getitem__)


YESTERDAY = show(0, age=DAY, known_for=2 * DAY, sessions=1, share=2)
FAVOURITE = show(2, age=9 * DAY, known_for=90 * DAY, sessions=60, share=9)
LAST_WEEK = show(1, age=7 * DAY, known_for=20 * DAY, sessions=12, share=21)


def test_recency_is_the_last_play() -> None:
    assert order(baselines.recency, [FAVOURITE, YESTERDAY, LAST_WEEK]) == [1, 2, 0]


def test_frequency_is_the_count_of_sessions() -> None:
    assert order(baselines.frequency, [YESTERDAY, LAST_WEEK, FAVOURITE]) == [2, 1, 0]


def test_decayed_count_is_the_share_of_late_plays() -> None:
    assert order(baselines.decayed_count, [YESTERDAY, FAVOURITE, LAST_WEEK]) == [2, 1, 0]


def test_base_level_of_one_use_is_a_power_of_its_age() -> None:
    one = examples([show(0, age=99, known_for=99, sessions=1)], targets=[0])
    age = 1 + lower_edge(99)
    assert baselines.base_level(one) == pytest.approx([-0.5 * np.log(age)])


@pytest.mark.parametrize("uses", [2, 5, 11, 39])
def test_base_level_is_near_the_sum_over_even_uses(uses: int) -> None:
    """Petrov's approximation spreads the uses evenly between the first and the last."""
    age, known_for = 1023, 65_535
    told = show(0, age=age, known_for=known_for, sessions=uses)
    assert [lower_edge(amount) for amount in (age, known_for, uses)] == [age, known_for, uses]
    sum_over_uses = (np.linspace(1 + age, 1 + known_for, uses) ** -0.5).sum()
    found = baselines.base_level(examples([told], targets=[0]))
    assert found[0] == pytest.approx(np.log(sum_over_uses), abs=0.12)


def test_base_level_weighs_uses_against_age() -> None:
    lately = show(0, age=DAY, known_for=DAY, sessions=1)
    often = show(1, age=3 * DAY, known_for=60 * DAY, sessions=60)
    seldom = show(2, age=3 * DAY, known_for=60 * DAY, sessions=2)
    assert order(baselines.base_level, [seldom, lately, often]) == [2, 1, 0]


def lower_edge(amount: int) -> int:
    """The least amount of the same code."""
    return next(other for other in range(amount + 1) if octave(other) == octave(amount))


def test_the_hybrid_takes_the_power_of_quality_that_fits() -> None:
    late = show(0, age=DAY, known_for=10 * DAY, sessions=1)
    loved = show(1, age=2 * DAY, known_for=10 * DAY, sessions=40)
    by_recency = baselines.fit_recency_quality(examples([late, loved], targets=[0]))
    by_quality = baselines.fit_recency_quality(examples([late, loved], targets=[1]))
    assert order(by_recency, [late, loved]) == [0, 1]
    assert order(by_quality, [late, loved]) == [1, 0]


def test_of_equals_the_hybrid_prefers_quality() -> None:
    """Unless what is seen says otherwise: here only quality tells the targets."""
    loved = show(1, age=DAY, known_for=10 * DAY, sessions=40)
    tried = show(0, age=DAY, known_for=10 * DAY, sessions=1)
    fitted = baselines.fit_recency_quality(examples([loved, tried], targets=[0]))
    assert order(fitted, [tried, loved]) == [1, 0]


def habit(sessions: int, seed: int) -> Examples:
    """Of four candidates the one watched in the longest run is chosen, nine times of ten."""
    dice = np.random.default_rng(seed)
    told, targets = [], []
    for _ in range(sessions):
        runs = dice.permutation([1, 3, 7, 15])
        ranks = dice.permutation(4)
        told.append(
            [
                {"recency_rank": int(rank), "run": octave(int(run))}
                for rank, run in zip(ranks, runs, strict=True)
            ]
        )
        other = int(dice.integers(0, 4))
        targets.append(int(runs.argmax()) if dice.random() < 0.9 else other)
    return examples(*told, targets=targets)


@pytest.mark.parametrize("ranker", LEARNT, ids=lambda ranker: ranker.name)
def test_a_fitted_ranker_finds_a_habit_that_recency_does_not(ranker: Ranker) -> None:
    unseen = habit(200, seed=2)
    chosen_by_run = 0.9 + 0.1 / 4
    standard_error = (chosen_by_run * (1 - chosen_by_run) / 200) ** 0.5
    hits = (target_places(ranker.fit(habit(800, seed=1))(unseen), unseen) == 0).mean()
    assert hits > chosen_by_run - 3 * standard_error
    assert (target_places(baselines.recency(unseen), unseen) == 0).mean() < 0.5


@pytest.mark.parametrize("ranker", LEARNT, ids=lambda ranker: ranker.name)
def test_a_fitted_ranker_heeds_weights(ranker: Ranker) -> None:
    """The same sessions with two opinions: the heavier one wins."""
    data = habit(800, seed=3)
    runs = data.codes[FEATURE_NAMES.index("run")].reshape(-1, 4)
    both = data._replace(
        codes=np.concatenate([data.codes, data.codes], axis=1),
        bounds=np.concatenate([data.bounds, data.bounds[1:] + data.bounds[-1]]),
        target=np.concatenate([runs.argmax(axis=1), runs.argmin(axis=1)]),
        continued=np.ones(1600, bool),
        group=np.zeros(1600, np.int64),
        weight=np.repeat([0.2, 1.0], 800),
        household=np.zeros(1600, np.int64),
        shows=np.tile(data.shows, 2),
    )
    score = ranker.fit(both)(data)
    first = score.reshape(-1, 4).argmax(axis=1)
    assert (first == runs.argmin(axis=1)).mean() > 0.95


@pytest.mark.parametrize("ranker", LEARNT, ids=lambda ranker: ranker.name)
def test_only_continuations_with_their_target_teach(ranker: Ranker) -> None:
    data, unseen = habit(800, seed=4), habit(100, seed=5)
    wrong = data._replace(target=(data.target + 1) % 4, continued=np.zeros(800, bool))
    absent = data._replace(target=np.full(800, -1))
    mixed = _joined(_joined(data, wrong), absent)
    assert np.array_equal(ranker.fit(mixed)(unseen), ranker.fit(data)(unseen))


def _joined(one: Examples, other: Examples) -> Examples:
    return Examples(
        np.concatenate([one.codes, other.codes], axis=1),
        np.concatenate([one.bounds, other.bounds[1:] + one.bounds[-1]]),
        *(np.concatenate(pair) for pair in zip(one[2:], other[2:], strict=True)),
    )


def dataset(profiles: list[int], targets: list[int], kinds: list[str], sizes: list[int]) -> DataSet:
    """Sessions whose candidates stand in the order of recency, and nothing else is known."""
    count = len(targets)
    ranks: Ints = np.concatenate([np.arange(size) for size in sizes])
    show_codes = np.full((len(ranks), len(SHOW_FEATURES)), UNKNOWN, np.uint8)
    show_codes[:, FEATURE_NAMES.index("recency_rank")] = ranks
    nothing = np.zeros(count, np.int64)
    return DataSet(
        show=show_codes,
        shows=np.zeros(len(ranks), np.uint64),
        bounds=np.cumsum([0, *sizes]),
        session=np.full((count, len(SESSION_FEATURES)), UNKNOWN, np.uint8),
        target=np.array(targets, np.int32),
        sessions=nothing.astype(np.uint64),
        kind=np.array([KINDS.index(kind) for kind in kinds], np.uint8),  # type: ignore[arg-type]
        ts=nothing,
        known_ts=nothing,
        gap_ms=nothing,
        switched=nothing.astype(bool),
        history=nothing.astype(np.int32),
        profile=np.array(profiles, np.int32),
        account=nothing.astype(np.int32),
        profiles=np.unique(profiles).astype(np.uint64),
        accounts=np.array(["a"]),
        log_hashes=np.array(["0"]),
        catalog_hashes=np.array([], np.str_),
        before_ts=np.array([-1]),
        show_names=np.array([feature.name for feature in SHOW_FEATURES]),
        session_names=np.array([feature.name for feature in SESSION_FEATURES]),
        features_hash=np.array(features_hash()),
    )


@pytest.fixture
def three() -> list[Ranker]:
    oldest: Callable[[Examples], Ints] = lambda examples: -baselines.recency(examples)  # noqa: E731
    return [
        Ranker(RECENCY, lambda _: baselines.recency),
        Ranker("oldest", lambda _: oldest),
        Ranker(OURS, lambda _: baselines.recency),
    ]


def test_the_table_counts_all_continuations_and_nothing_else(three: list[Ranker]) -> None:
    data = dataset(
        profiles=[0, 0, 0, 1, 1, 1, 1, 1],
        targets=[0, 1, -1, 0, -1, -1, 1, -1],
        kinds=[*["continuation"] * 2, "older", *["continuation"] * 3, "discovery", "older"],
        sizes=[2, 2, 0, 2, 2, 0, 2, 0],
    )
    told: list[tuple[int, int]] = []
    recent, oldest, ours = standings(three, data, None, 0, lambda *at: told.append(at))
    assert [recent.name, oldest.name, ours.name] == [RECENCY, "oldest", OURS]
    assert recent.metrics.n_sessions == 5
    assert (recent.metrics.p_at_1, oldest.metrics.p_at_1) == (2 / 5, 1 / 5)
    assert recent.metrics.mrr == pytest.approx(2.5 / 5)
    assert oldest.above_recency.value == pytest.approx(-1 / 5)
    assert (ours.above_recency.value, ours.above_recency.low, ours.above_recency.high) == (0, 0, 0)
    assert told == [(done, 6) for done in range(1, 7)]


def test_rankers_are_fitted_on_the_other_profiles_and_what_is_added(three: list[Ranker]) -> None:
    data = dataset([4, 9, 4], [0, 0, 0], ["continuation"] * 3, [1, 1, 1])
    added = dataset([0, 1], [0, 0], ["continuation"] * 2, [1, 1])
    seen: list[tuple[list[int], list[float]]] = []

    def fit(examples: Examples) -> baselines.Score:
        seen.append((examples.group.tolist(), examples.weight.tolist()))
        return baselines.recency

    standings([*three, Ranker("spy", fit)], data, added, 0.5)
    assert [groups[:-2] for groups, _ in seen] == [[9], [4, 4]]
    assert [weights[-2:] for _, weights in seen] == [[0.75, 0.75]] * 2


def test_lambdarank_is_listed_where_lightgbm_is_installed() -> None:
    assert (LAMBDARANK in [ranker.name for ranker in rankers()]) == bool(find_spec("lightgbm"))
    names = [ranker.name for ranker in rankers()]
    assert names[0] == RECENCY
    assert names[-1] == OURS


def test_the_command_prints_every_ranker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    with log.open("wb") as file:
        simulate(4, 21, 1, file)
    monkeypatch.setenv("COLUMNS", "120")
    result = CliRunner().invoke(build_app(), ["baselines", str(log)])
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.output.splitlines()]
    for ranker in rankers():
        (line,) = (line for line in lines if line.startswith(ranker.name + "  "))
        assert "+0.00 [+0.00, +0.00]" in line or ranker.name not in {RECENCY, OURS}
    assert ("is left out" in result.output) == (find_spec("lightgbm") is None)
