"""Evaluation: by hand, and on simulated members with scorers that know."""

import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from judged import BEGIN, HOUR, Knowing, Placed, judged
from sklearn.metrics import brier_score_loss, roc_auc_score
from small_logs import Story, write_events

from stream_cw.cli.options import written
from stream_cw.core.candidates import candidates
from stream_cw.core.placement import cheapest_slot
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.row import View
from stream_cw.core.scoring import Recency
from stream_cw.errors import InputError
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import simulate
from stream_cw.model.bootstrap import Estimate
from stream_cw.model.by import By
from stream_cw.model.comparison import Comparison, Judged
from stream_cw.model.daily import daily
from stream_cw.model.evaluate import PASSES, evaluate, evaluate_logs, judge
from stream_cw.model.metrics import RankMetrics
from stream_cw.model.openings import Opening, openings
from stream_cw.model.outcomes import outcome

DAY = 24 * HOUR
NOTHING = Estimate(0.0, 0.0, 0.0)
RECENT = Recency.ref


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[Opening]:
    path = tmp_path_factory.mktemp("simulated") / "log.jsonl"
    with path.open("wb") as log:
        simulate(6, 45, 3, log)
    return list(openings(EventLog(path)))


@pytest.fixture(scope="module")
def beside_worst(simulated: list[Opening]) -> list[Judged]:
    return list(judge("a", simulated, View(scorer=Knowing(simulated, last=True))))


def test_outcomes_of_a_story(tmp_path: Path) -> None:
    story = Story()
    for day in range(3):
        story.open(24 * day)
        story.watch(24 * day, "first")
        story.watch(24 * day + 1, "second", "phone")
    story.open(100, "tv")
    story.watch(100.01, "first")
    story.open(130, "tv")
    story.watch(130.01, "new")
    found = list(openings(write_events(tmp_path / "log.jsonl", story.events)))
    made = [outcome(opening, View()) for opening in found]
    told = {o.session.ts: (o.session.kind, o.tiles, o.rank) for o in made[-2:]}
    assert [what for _, what in sorted(told.items())] == [
        ("continuation", 2, 1),
        ("discovery", 2, None),
    ]
    assert set(made[-1].p) == {"resume_share"}
    placed = outcome(found[-1], View(scorer=Placed()))
    assert placed.p == {"combined": 20, "dedicated": 2}


def test_figures_by_hand() -> None:
    found = evaluate(
        [
            judged(0, 1, profile_id="p"),
            judged(0, None, profile_id="p", switched=True, device_type="tv"),
            judged(None, 0, profile_id="q", gap_ms=80 * HOUR, history=1_000),
            judged(None, None, profile_id="q", kind="discovery", gap_ms=None),
            judged(3, 3, profile_id="r", kind="older"),
        ],
        RECENT,
    )
    assert found.sessions == {"continuation": 3, "discovery": 1, "older": 1}
    assert (found.n_sessions, found.profiles) == (3, 2)
    assert found.model == RankMetrics(
        n_sessions=3, coverage=2 / 3, p_at_1=2 / 3, mrr=2 / 3, ndcg_at_5=2 / 3, mean_rank=1.0
    )
    assert (found.recency.p_at_1, found.recency.mrr) == (1 / 3, 1.5 / 3)
    assert found.diff.p_at_1 == Estimate(round(1 / 3, 6), -1.0, 1.0)
    slices = found.slices
    assert (slices.device_switched.n_sessions, slices.device_same.n_sessions) == (1, 2)
    assert slices.device_switched.diff.p_at_1 == Estimate(1.0, None, None)
    assert {name: part.n_sessions for name, part in slices.hours_since.items()} == {
        "under_2": 2,
        "2_8": 0,
        "8_24": 0,
        "24_72": 0,
        "over_72": 1,
    }
    assert slices.hours_since["2_8"].model.p_at_1 is None
    assert {name: part.n_sessions for name, part in slices.history.items()} == {
        "under_100": 2,
        "100_300": 0,
        "300_1000": 0,
        "over_1000": 1,
    }
    assert {name: part.n_sessions for name, part in slices.device.items()} == {"phone": 2, "tv": 1}


@pytest.mark.parametrize(
    ("gap_ms", "name"),
    [
        (0, "under_2"),
        (2 * HOUR - 1, "under_2"),
        (2 * HOUR, "2_8"),
        (8 * HOUR, "8_24"),
        (24 * HOUR, "24_72"),
        (72 * HOUR - 1, "24_72"),
        (72 * HOUR, "over_72"),
    ],
)
def test_edges_of_the_hours(gap_ms: int, name: str) -> None:
    parts = evaluate([judged(0, 0, gap_ms=gap_ms)], RECENT).slices.hours_since
    assert [each for each, part in parts.items() if part.n_sessions] == [name]


def test_placement_by_its_definition() -> None:
    dice = random.Random(2)
    sessions = [
        judged(
            dice.choice([None, 0, 7]),
            0,
            kind=dice.choice(["continuation", "discovery", "older"]),
            tiles=dice.choice([0, 20]),
            p={"combined": dice.randrange(5) * 200_000},
        )
        for _ in range(400)
    ]
    placing = evaluate(sessions, RECENT).placement
    assert set(placing) == {"combined"}
    shown = [each.model for each in sessions if each.model.tiles]
    p = np.array([o.p["combined"] / 1e6 for o in shown])
    y = np.array([o.rank is not None for o in shown])
    told = np.array([o.rank is not None or o.session.kind == "discovery" for o in shown])
    found = placing["combined"]
    assert (found.n, found.positive) == (len(shown), y.sum())
    assert found.auc == pytest.approx(roc_auc_score(y, p))
    assert found.auc_discovery == pytest.approx(roc_auc_score(y[told], p[told]))
    assert found.brier == pytest.approx(brier_score_loss(y, p))
    assert found.auc != found.auc_discovery


def test_costs_are_those_of_the_placement_map() -> None:
    dice = random.Random(5)
    sessions = [
        judged(dice.choice([None, 0, 7]), 0, p={"combined": dice.randrange(41) * 25_000})
        for _ in range(300)
    ]
    placing = evaluate(sessions, RECENT).placement["combined"]
    for step, found in enumerate(placing.costs, start=1):
        paid = 0
        for outcome_ in (each.model for each in sessions):
            low = cheapest_slot(outcome_.p["combined"], 2, step, 40 - step)
            wanted = outcome_.rank is not None
            paid += (40 - step if low else 0) if wanted else (0 if low else step)
        assert found.cost == pytest.approx(paid / 40 / len(sessions))
        assert found.ratio == step / 40


def test_twice_the_area_under_the_costs_is_the_brier_score() -> None:
    dice = random.Random(6)
    chances = [dice.random() for _ in range(4_000)]
    sessions = [
        judged(0 if dice.random() < p else None, 0, p={"combined": round(1e6 * p)}) for p in chances
    ]
    placing = evaluate(sessions, RECENT).placement["combined"]
    area = sum(each.cost for each in placing.costs) / 40
    assert placing.brier is not None
    assert 2 * area == pytest.approx(placing.brier, rel=0.01)


def test_a_method_of_both_counts_each_session_once(simulated: list[Opening]) -> None:
    found = evaluate(list(judge("a", simulated, View())), RECENT).placement
    shown = sum(outcome(opening, View()).tiles > 0 for opening in simulated)
    assert found["resume_share"].n == shown
    placed = evaluate(list(judge("a", simulated, View(scorer=Placed()))), Placed.ref).placement
    assert set(placed) == {"combined", "dedicated", "resume_share"}
    assert placed["resume_share"] == found["resume_share"]


def test_recency_beside_itself_differs_by_nothing(simulated: list[Opening]) -> None:
    found = evaluate(list(judge("a", simulated, View())), RECENT)
    assert found.model == found.recency
    assert found.diff.p_at_1 == found.diff.mrr == found.diff.ndcg_at_5 == NOTHING


def test_the_scorer_that_knows_and_the_one_that_knows_better(
    simulated: list[Opening], beside_worst: list[Judged]
) -> None:
    best = evaluate(
        list(judge("a", simulated, View(scorer=Knowing(simulated)))), Knowing(simulated).ref
    )
    assert best.n_sessions > 100
    there = sum(o.session.kind == "continuation" and _is_candidate(o) for o in simulated)
    assert best.model.p_at_1 == best.model.coverage == there / best.n_sessions
    assert best.model.mean_rank == 1.0
    worst = evaluate(beside_worst, RECENT)
    tiny = sum(
        each.session.kind == "continuation" and each.model.rank == 0 for each in beside_worst
    )
    assert all(each.model.tiles == 1 for each in beside_worst if each.model.rank == 0)
    assert worst.model.p_at_1 == tiny / worst.n_sessions
    assert worst.recency == best.recency
    assert best.recency.p_at_1 is not None
    assert worst.model.p_at_1 < best.recency.p_at_1 < best.model.p_at_1
    assert best.diff.p_at_1.low is not None
    assert best.diff.p_at_1.low > 0
    assert worst.diff.p_at_1.high is not None
    assert worst.diff.p_at_1.high < 0


def _is_candidate(opening: Opening) -> bool:
    return opening.session.target in candidates(opening.state, WATCH_NEXT).ids


def test_order_is_of_no_account(beside_worst: list[Judged]) -> None:
    shuffled = random.Random(1).sample(beside_worst, len(beside_worst))
    for by in By:
        one, other = evaluate(beside_worst, RECENT, by), evaluate(shuffled, RECENT, by)
        assert msgspec.json.encode(one) == msgspec.json.encode(other)


def test_parts_make_up_the_whole(beside_worst: list[Judged]) -> None:
    found = evaluate(beside_worst, RECENT)
    slices = found.slices
    for parts in (
        [slices.device_same, slices.device_switched],
        slices.hours_since.values(),
        slices.history.values(),
        slices.device.values(),
        found.accounts.values(),
    ):
        assert sum(part.n_sessions for part in parts) == found.n_sessions
        assert sum(_hits(part) for part in parts) == pytest.approx(_hits(found))
    assert sum(day.model_hits for day in found.daily.days) == pytest.approx(_hits(found))


def _hits(part: Comparison) -> float:
    return (part.model.p_at_1 or 0.0) * part.n_sessions


def test_accounts_are_told_apart_and_can_be_drawn_whole() -> None:
    sessions = [
        judged(0, 1, account=account, profile_id=profile)
        if account == "one"
        else judged(1, 1, account=account, profile_id=profile)
        for account in ("one", "two")
        for profile in "pqrstuvwxyz"
    ]
    found = evaluate(sessions, RECENT, By.account)
    assert found.profiles == 22
    assert found.diff.p_at_1 == found.slices.device_same.diff.p_at_1 == Estimate(0.5, 0.0, 1.0)
    by_profile = evaluate(sessions, RECENT).diff.p_at_1
    assert by_profile.low is not None
    assert by_profile.low > 0.2
    assert {name: part.diff.p_at_1 for name, part in found.accounts.items()} == {
        "one": Estimate(1.0, 1.0, 1.0),
        "two": NOTHING,
    }


def test_the_last_fifth_of_each_accounts_time() -> None:
    sessions = [
        judged(0, 0, account=account, ts=BEGIN + offset + n * DAY)
        for account, offset in (("early", 0), ("late", 900 * DAY))
        for n in range(101)
    ]
    found = evaluate(sessions, RECENT, By.time)
    assert {name: part.n_sessions for name, part in found.accounts.items()} == {
        "early": 21,
        "late": 21,
    }
    assert found.daily.days[0].day == daily(sessions).days[80].day


def test_days_are_local_and_weigh_by_their_sessions() -> None:
    midnight = BEGIN // DAY * DAY + DAY
    found = daily(
        [
            judged(0, 1, ts=midnight - 1),
            judged(0, 0, ts=midnight - 1, tz_offset_min=60),
            judged(1, 0, ts=midnight),
            judged(1, 1, ts=midnight),
        ]
    )
    assert [(d.n_sessions, d.model_hits, d.recency_hits) for d in found.days] == [
        (1, 1, 0),
        (3, 1, 2),
    ]
    spread = found.per_day
    assert (spread.n, spread.better, spread.worse, spread.level) == (2, 1, 1, 0)
    assert spread.recency_sd == pytest.approx(((1 * 0.5**2 + 3 * (2 / 3 - 0.5) ** 2) / 4) ** 0.5)
    assert spread.lift_sd == pytest.approx(((1 * 1 + 3 * (1 / 3) ** 2) / 4) ** 0.5)
    assert found.per_28_days.n == 1
    assert found.per_28_days.recency_sd == 0.0


def test_what_chance_alone_makes_of_days() -> None:
    dice = random.Random(8)
    sessions = [
        judged(0, 0 if dice.random() < 0.7 else 1, ts=BEGIN + n * DAY)
        for n in range(1_500)
        for _ in range(dice.choice([1, 2, 9]))
    ]
    spread = daily(sessions).per_day
    assert spread.chance_sd == pytest.approx(spread.recency_sd, rel=0.05)


def test_each_log_is_an_account(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.jsonl", "b.jsonl.gz", "deep/a.jsonl")]
    paths[2].parent.mkdir()
    for path in paths:
        with written(path) as log:
            simulate(2, 20, 4, log)
    told: list[int] = []
    found = evaluate_logs(paths[:2], View(), progress=told.append)
    records = sum(1 for _ in EventLog(paths[0]))
    assert told == list(range(1, 2 * PASSES * records + 1))
    # The same profiles in two accounts are not the same members.
    assert found.profiles == 2 * evaluate_logs(paths[:1], View()).profiles
    assert found.accounts["a"] == found.accounts["b"]
    assert found.accounts["a"].n_sessions * 2 == found.n_sessions > 0
    assert set(evaluate_logs(paths[::2], View()).accounts) == {str(paths[0]), str(paths[2])}
    with pytest.raises(InputError, match="found 1 again"):
        evaluate_logs([paths[0], paths[0]], View())
