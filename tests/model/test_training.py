"""Placement and calibration come from models that had not seen the profile; the commands."""

from pathlib import Path

import numpy as np
import pytest
from drawn_sessions import sessions
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from small_logs import Story, write_events
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner, Result

from stream_cw.cli import build_app
from stream_cw.core.compiled_model import CompiledCurve
from stream_cw.core.features import SESSION_FEATURES, SHOW_FEATURES, TITLE_FEATURES, UNKNOWN
from stream_cw.core.model import MICRO, PLACEMENT_FEATURES, Curve, faults
from stream_cw.errors import InputError
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import simulate
from stream_cw.model import sweep, training
from stream_cw.model.additive import Examples, Shape
from stream_cw.model.artefact import decode_payload
from stream_cw.model.curves import (
    CALIBRATORS,
    choose,
    curve,
    hazard_curve,
    isotonic,
    log_odds_of,
    platt,
)
from stream_cw.model.dataset import DataSet, make_dataset
from stream_cw.model.metrics import ece, reliability
from stream_cw.model.produce import produce
from stream_cw.model.settings import Settings
from stream_cw.model.training import (
    added_to,
    examples_of,
    folds,
    in_row,
    placement_rows,
    total_hazards,
    train,
)
from stream_cw.model.trees import fit_trees, scored

SHOW_NAMES = tuple(feature.name for feature in SHOW_FEATURES)


# --- parts of the profiles ----------------------------------------------------------------------


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.integers(2, 6))
@settings(max_examples=60)
def test_no_profile_is_on_both_sides(group: list[int], count: int) -> None:
    groups = np.array(group)
    parts = list(folds(groups, count))
    assert len(parts) == min(count, len(set(group)))
    assert (np.sum(parts, axis=0) == 1).all()  # each session is left out once
    for left_out in parts:
        assert left_out.any()
        assert not set(groups[left_out]) & set(groups[~left_out])


def test_parts_are_about_equal() -> None:
    groups = np.repeat(np.arange(10), [50, 40, 30, 20, 10, 9, 8, 7, 6, 5])
    sizes = [int(left_out.sum()) for left_out in folds(groups, 5)]
    assert sizes == [59, 48, 37, 26, 15]


# --- nothing that is judged was seen ------------------------------------------------------------

PROFILES, EACH, SIZE = 6, 150, 4
PLANTED = SHOW_NAMES[2 : 2 + PROFILES]
"""Features of shows, one for each profile: on its own sessions it names the target, on those of
others it says nothing.
"""
MEMORISING = Settings(
    ranking=Shape(PLANTED, (), penalty=0.1), interest=Shape(PLANTED, (), penalty=0.1), trees=10
)


def planted() -> Examples:
    """Targets by chance, half of them no candidate; names of the targets in the features."""
    dice = np.random.default_rng(1)
    count = PROFILES * EACH
    target = dice.integers(0, SIZE, count)
    columns = {name: dice.integers(0, 2, count * SIZE) for name in PLANTED}
    group = np.arange(count) % PROFILES
    for number, name in enumerate(PLANTED):
        mine = np.zeros((count, SIZE), np.int64)
        mine[np.arange(count), target] = 1
        columns[name] = np.where(np.repeat(group == number, SIZE), mine.ravel(), columns[name])
    absent = dice.uniform(size=count) < 0.3
    made = sessions(columns, np.where(absent, -1, target), SIZE, PROFILES)
    return made._replace(continued=~absent)


def placed_first(rows: NDArray[np.int64]) -> float:
    """Mean margin of the first tile, in units of utility."""
    margin: float = rows[:, PLACEMENT_FEATURES.index("margin")].mean() / 1000
    return margin


def test_placement_learns_from_rankings_that_had_not_seen_the_profile() -> None:
    """What a ranking memorised of a profile puts its targets far in front; unseen it does not."""
    examples = planted()
    unseen, hazards, _ = training._unseen(examples, MEMORISING, hazard_curve(), PROFILES)
    for left_out in folds(examples.group, PROFILES):
        mine, others = examples.where(left_out), examples.where(~left_out)
        ranking = training.fit_choice(MEMORISING.ranking, others)
        interest = training.fit_chance(MEMORISING.interest, others)
        assert np.array_equal(unseen[left_out], placement_rows(ranking, mine))
        assert np.array_equal(hazards[left_out], total_hazards(interest, hazard_curve(), mine))
        own = placement_rows(training.fit_choice(MEMORISING.ranking, mine), mine)
        assert placed_first(own) > 5 * placed_first(unseen[left_out])


def test_what_is_true_of_a_single_profile_alone_gives_no_certainty() -> None:
    """A feature that tells profiles apart explains all that happened, and nothing of others.

    Trees that had seen the profile would be sure of each session; calibrated on profiles that they
    had not seen, they are not.
    """
    dice = np.random.default_rng(2)
    profiles, each = 12, 80
    count = profiles * each
    group = np.arange(count) % profiles
    always = np.isin(group, dice.choice(profiles, profiles // 2, replace=False))
    watched = np.repeat(group * 10, 2)
    target = np.where(always, dice.integers(0, 2, count), -1)
    columns = {"minutes_of_30d": watched, "run": dice.integers(0, 2, count * 2)}
    examples = sessions(columns, target, 2, profiles)._replace(continued=always)
    shape = Shape(("run",), (), penalty=1.0)
    model, _ = train(examples, Settings(ranking=shape, interest=shape, rate=0.2))
    rows = placement_rows(model.ranking, examples)
    raw = scored(model.placement, rows)
    assert (raw[always].mean() - raw[~always].mean()) / MICRO > 2  # the trees themselves are sure
    found = np.array([CompiledCurve(model.dedicated).read(int(at)) for at in raw]) / MICRO
    assert found.min() > 0.1
    assert found.max() < 0.9


# --- trees --------------------------------------------------------------------------------------


def drawn_rows(seed: int, count: int = 800) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    dice = np.random.default_rng(seed)
    rows = dice.integers(0, UNKNOWN, (count, len(PLACEMENT_FEATURES)))
    rows[:, -1] = dice.integers(0, 100_000, count)
    log_odds = (rows[:, 0] - 60) / 20 + np.where(rows[:, -1] > 40_000, 1, -1)
    return rows, dice.uniform(size=count) < 1 / (1 + np.exp(-log_odds))


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_trees_in_whole_numbers_are_those_that_were_fitted(rate: float) -> None:
    """Log-odds equal scikit-learn's, but for half a micro-unit of each tree."""
    rows, happened = drawn_rows(3)
    weight = np.random.default_rng(4).uniform(0.2, 2, len(rows))
    chosen = Settings(trees=40, rate=rate)
    found = scored(fit_trees(rows, happened, weight, chosen), rows) / MICRO
    fitted = GradientBoostingClassifier(
        n_estimators=40, learning_rate=rate, max_depth=3, min_samples_leaf=60, subsample=0.7,
        max_features=0.25, random_state=0,
    ).fit(rows, happened, sample_weight=weight)  # fmt: skip
    assert np.abs(found - fitted.decision_function(rows)).max() < 41 / 2 / MICRO + 1e-9


def test_a_tree_that_cannot_ask_seven_questions_answers_all_the_same() -> None:
    """A constant column cannot be asked about; only the first has something to say."""
    rows = np.zeros((400, len(PLACEMENT_FEATURES)), np.int64)
    rows[:, 0] = np.arange(400) % 2
    trees = fit_trees(rows, rows[:, 0] + np.arange(400) % 3 > 1, np.ones(400), Settings(trees=20))
    fitted = scored(trees, rows)
    assert len(set(fitted.tolist())) == 2
    assert fitted[1] > fitted[0]


@pytest.mark.parametrize(("happened", "told"), [(True, "that all did"), (False, "all did not")])
def test_sessions_that_all_came_out_alike_are_refused(happened: bool, told: str) -> None:
    rows, _ = drawn_rows(5, 100)
    with pytest.raises(InputError, match=f"wants sessions that went on .* 100 .*{told}"):
        fit_trees(rows, np.full(100, happened), np.ones(100), Settings())


def test_a_target_is_in_the_row_up_to_the_twentieth_place() -> None:
    """By hand: thirty candidates whose only feature is their place."""
    ranks = np.tile(np.arange(30), 3)
    examples = sessions({"recency_rank": ranks}, np.array([19, 20, -1]), 30, 1)
    by_rank = training.Additive({"recency_rank": tuple(-n for n in range(128))}, ())
    assert in_row(by_rank, examples).tolist() == [True, False, False]


# --- calibration --------------------------------------------------------------------------------


def forecasts(seed: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Log-odds that are twice too sure and off by .4, in micro-units, and what happened."""
    dice = np.random.default_rng(seed)
    raw = dice.normal(1, 1.5, count)
    happened = dice.uniform(size=count) < 1 / (1 + np.exp(-(0.5 * raw + 0.4)))
    return np.round(raw * MICRO).astype(np.int64), happened


def check_curve(fitted: Curve) -> None:
    values = np.array(fitted.values)
    assert (np.diff(values) >= 0).all()
    assert 0 <= values.min() <= values.max() <= MICRO


@pytest.mark.parametrize("name", ["isotonic", "platt"])
def test_calibrated_forecasts_come_true_on_fresh_sessions(name: str) -> None:
    raw, happened = forecasts(6, 6000)
    weight = np.ones(len(raw))
    fitted = curve(CALIBRATORS[name](raw, happened, weight), raw)
    check_curve(fitted)
    fresh, truth = forecasts(7, 20_000)
    uncalibrated = 1 / (1 + np.exp(-fresh / MICRO))
    found = CompiledCurve(fitted).read_all(fresh) / MICRO
    assert ece(reliability(uncalibrated, truth)) > 0.07
    assert ece(reliability(found, truth)) < 0.03


def test_the_curve_is_the_calibrator_but_for_its_steps() -> None:
    raw, happened = forecasts(8, 3000)
    read = platt(raw, happened, np.ones(len(raw)))
    fitted = curve(read, raw)
    inside = np.sort(raw)[30:-30]
    steps = CompiledCurve(fitted).read_all(inside) / MICRO
    assert np.abs(steps - read(inside)).max() < 0.005


@pytest.mark.parametrize("calibrate", [platt, isotonic])
def test_a_greater_number_is_never_less_likely(calibrate: object) -> None:
    """Even where the sessions at hand say so: left-out profiles can turn a weak signal around."""
    raw, happened = forecasts(9, 400)
    read = calibrate(-raw, happened, np.ones(len(raw)))  # type: ignore[operator]
    fitted = curve(read, -raw)
    check_curve(fitted)
    assert fitted.values[256] / MICRO == pytest.approx(happened.mean(), abs=0.1)


def test_the_calibrator_is_chosen_by_what_left_out_profiles_say() -> None:
    """A step is nothing for a logistic curve; a few sessions are too few for an isotonic one."""
    dice = np.random.default_rng(10)
    raw = np.round(dice.uniform(-3, 3, 1500) * MICRO).astype(np.int64)
    group = np.arange(1500) % 5
    steps = dice.uniform(size=1500) < np.where(np.abs(raw) < MICRO, 0.1, 0.9) * (raw > -MICRO)
    assert choose(raw, steps, np.ones(1500), group) == "isotonic"
    few, happened = forecasts(11, 60)
    assert choose(few, happened, np.ones(60), group[:60]) == "platt"


def test_log_odds_that_are_right_are_taken_at_their_word() -> None:
    """A curve fitted to a few profiles says more of these than of others."""
    dice = np.random.default_rng(12)
    group = np.arange(600) % 5
    raw = dice.normal(1, 1.5, 600) * MICRO
    shifted = raw / MICRO + np.array([-1, -0.5, 0, 0.5, 1])[group]
    happened = dice.uniform(size=600) < 1 / (1 + np.exp(-shifted))
    assert choose(raw, happened, np.ones(600), group) == "as fitted"


def test_log_odds_of_hazards_are_those_of_the_chance_that_anything_happens() -> None:
    chance = np.linspace(0.01, 0.99, 99)
    hazards = np.round(-np.log1p(-chance) * MICRO).astype(np.int64)
    wanted = np.log(chance / (1 - chance))
    assert np.abs(log_odds_of(hazards) / MICRO - wanted).max() < 1e-3
    assert np.isfinite(log_odds_of(np.array([0, 40 * MICRO]))).all()


def test_hazards_are_minus_the_logarithm_of_the_chance_to_be_left() -> None:
    fitted = hazard_curve()
    log_odds = np.linspace(-15.9, 15.9, 999)
    found = CompiledCurve(fitted).read_all(np.round(log_odds * MICRO).astype(np.int64)) / MICRO
    chance = 1 / (1 + np.exp(-log_odds))
    assert np.abs(found - -np.log1p(-chance)).max() < 1 / 32
    assert (np.diff(np.array(fitted.values)) >= 0).all()


# --- the whole ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("training") / "sim.jsonl"
    with path.open("wb") as out:
        simulate(6, 20, 1, out)
    return path


@pytest.fixture(scope="module")
def data(log: Path) -> DataSet:
    return make_dataset([EventLog(log)])


def test_the_same_data_give_the_same_bytes(data: DataSet) -> None:
    """However many threads there are."""
    payload, told = produce(data, None, 0.1, "twice")
    with threadpool_limits(2):
        assert produce(data, None, 0.1, "twice") == (payload, told)
    artefact = decode_payload(payload)
    assert artefact.manifest.id == "twice"
    assert faults(artefact.model) == []
    check_curve(artefact.model.combined)
    check_curve(artefact.model.dedicated)
    continued = int((data.kind[np.diff(data.bounds) > 0] == training.CONTINUATION).sum())
    assert told.startswith(f"{continued} continuations of profiles left out in turn: P@1 0.")


EMPTY = ("target", "kind", "profile", "account", "session")


def test_added_sessions_weigh_their_share_and_are_other_profiles(data: DataSet) -> None:
    judged = examples_of(data)
    for share in (0.0, 0.1, 2.0):
        added = added_to(data, data, share)
        assert added.weight.sum() == pytest.approx(share * judged.weight.sum())
        assert not set(added.group) & set(judged.group)
    nothing = data._replace(
        **{name: getattr(data, name)[:0] for name in EMPTY},
        bounds=data.bounds[:1],
        show=data.show[:0],
        shows=data.shows[:0],
    )
    assert len(added_to(data, nothing, 0.1).target) == 0


def test_sessions_without_a_candidate_are_no_examples(data: DataSet) -> None:
    examples = examples_of(data)
    sizes = np.diff(data.bounds)
    assert len(examples.target) == (sizes > 0).sum() < len(sizes)
    assert np.array_equal(np.diff(examples.bounds), sizes[sizes > 0])
    first = int(np.flatnonzero(sizes > 1)[0])
    at = int((sizes[:first] > 0).sum())
    mine = examples.codes[:, examples.bounds[at] : examples.bounds[at + 1]]
    assert np.array_equal(
        mine[: len(SHOW_NAMES)].T, data.show[data.bounds[first] : data.bounds[first + 1]]
    )
    of_session = mine[len(SHOW_NAMES) :, 0][: len(SESSION_FEATURES)]
    assert np.array_equal(of_session, data.session[first])
    assert (mine[-len(TITLE_FEATURES) :] == UNKNOWN).all()


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(build_app(), list(map(str, arguments)))


def told(result: Result) -> str:
    """The one line that an error is told in."""
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stderr.splitlines()[-1]


def test_train_writes_a_model_that_evaluate_takes(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    result = invoke("train", log, "--simulated", log, "--share", "0.2", "--name", "mine", "-o", out)
    assert result.exit_code == 0, result.output
    assert "continuations of profiles left out in turn" in result.stdout
    assert f"{out}: {out.stat().st_size:,} bytes, " in result.stdout
    assert "MiB at most" in result.stdout
    artefact = decode_payload(out.read_bytes())
    assert artefact.manifest.id == "mine"
    assert len(artefact.manifest.created_from) == 2
    figures = tmp_path / "figures.json"
    result = invoke("evaluate", log, "--model", out, "--json", figures)
    assert result.exit_code == 0, result.output
    assert artefact.sha256 in figures.read_text()


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_too_little_to_learn_from_is_told_in_a_line(tmp_path: Path, command: str) -> None:
    out = tmp_path / "model.json"
    ends = ["-o", out] if command == "train" else []
    one = Story("p")
    for night in range(8):
        one.watch(night * 24, "a" if night % 3 else "b")
    log = tmp_path / "one.jsonl"
    write_events(log, one.events)
    message = told(invoke(command, log, *ends))
    assert "2 profiles or more" in message if command == "train" else "whichever profile" in message
    other = Story("q", first_id=100)
    other.watch(3, "c")  # a single session, without a candidate
    write_events(log, sorted([*one.events, *other.events], key=lambda event: event.ts))
    assert "whichever profile" in told(invoke(command, log, *ends))
    assert not out.exists()


def test_sessions_that_all_went_on_cannot_place(tmp_path: Path) -> None:
    events = []
    for number, profile in enumerate("pqr"):
        story = Story(profile, first_id=100 * number)
        for night in range(6):
            story.watch(night * 24, "a")
        events += story.events
    log = tmp_path / "log.jsonl"
    write_events(log, sorted(events, key=lambda event: event.ts))
    assert "placement wants sessions" in told(invoke("train", log, "-o", tmp_path / "model.json"))


def test_sweep_tries_every_setting(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rankings = [str(setting) for setting in sweep.settings(simulated=False)]
    placements = [name for name, _ in sweep.placement_settings()]
    assert len(set(rankings)) == len(rankings) > 30
    assert len(set(placements)) == len(placements) > 20
    monkeypatch.setenv("COLUMNS", "120")
    result = invoke("sweep", log)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    told = [line.rsplit(maxsplit=4)[0].strip() for line in lines]
    ends = 1 + len(rankings)
    assert told[1:ends] == rankings
    assert told[ends + 1 :] == placements
    assert len({line.split()[-4] for line in lines[1:ends]}) > 1
    assert len({line.split()[-1] for line in lines[ends + 1 :]}) > 1


def test_trees_ask_about_nothing_that_was_left_out() -> None:
    rows, happened = drawn_rows(13)
    columns = PLACEMENT_FEATURES[3:6]
    trees = fit_trees(rows, happened, np.ones(len(rows)), Settings(columns=columns, trees=20))
    grown = np.array(trees.limits) > 0
    assert set(np.array(trees.columns)[grown]) == {3, 4, 5}
