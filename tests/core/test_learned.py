"""The learned scorer says what its model's tables say, to the micro-unit; what a row depends on."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import pytest
from event_strategies import events, run
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import (
    SESSION_NAMES,
    Codes,
    a_random_model,
    evaluate,
    log_odds,
    read,
    utility,
)
from state_strategies import codes_of, full_state, states

from stream_cw.core.candidates import candidates
from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.compiled_model import CompiledAdditive, CompiledCurve, CompiledTrees, explain
from stream_cw.core.events import Event
from stream_cw.core.features import CODES, FEATURE_NAMES
from stream_cw.core.learned import Learned
from stream_cw.core.model import (
    MICRO,
    PLACEMENT_FEATURES,
    Additive,
    Curve,
    Model,
    Pair,
    Trees,
    faults,
)
from stream_cw.core.packed_show import pack_show, unpack_show
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.priors import Priors, title_hash
from stream_cw.core.records import Record
from stream_cw.core.row import View, row
from stream_cw.core.rows import ModelRef, Row, decode_row, encode_row
from stream_cw.core.shows import Shows
from stream_cw.core.state import ProfileState, find_device, hash64, live_devices
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay
from stream_cw.history.simulator import simulate
from stream_cw.model.shipped import shipped

REF = ModelRef("random", "ab" * 32)
SEEDS = st.integers(0, 10**6)


def by_candidate(state: ProfileState, slot: int, priors: Priors | None = None) -> Codes:
    codes = codes_of(state, slot, priors)
    return [dict(zip(codes, mine, strict=True)) for mine in zip(*codes.values(), strict=True)]


def check(model: Model, state: ProfileState) -> int:
    """Hold a model to its slow evaluation on every device; the number of candidates."""
    assert faults(model) == []
    learned = Learned(model, REF)
    found = candidates(state, WATCH_NEXT)
    for slot in range(len(state.devices) if found.ids else 0):
        wanted = evaluate(model, by_candidate(state, slot, model.priors))
        ranking = learned.rank(state, slot, found)
        assert ranking.scores.tolist() == wanted.scores
        assert ranking.reasons == wanted.reasons
        assert (ranking.p_continue, ranking.method) == (wanted.dedicated, "dedicated")
        placed = learned.placements(state, slot, found)
        assert placed == {"combined": wanted.combined, "dedicated": wanted.dedicated}
        assert all(type(number) is int for number in (*ranking.scores.tolist(), *placed.values()))
    return len(found.ids)


@given(SEEDS, states())
@settings(max_examples=40)
def test_any_model_on_any_state(seed: int, state: ProfileState) -> None:
    check(a_random_model(seed), state)


@given(SEEDS, st.lists(events(forget=False), min_size=5, max_size=30))
@settings(max_examples=20)
def test_any_model_on_states_that_come_from_events(seed: int, history: list[Event]) -> None:
    state, _ = run(history)
    assert state is not None
    check(a_random_model(seed), state)


@pytest.mark.parametrize("seed", range(10))
def test_any_model_that_knows_titles(seed: int) -> None:
    state = full_state()
    ids = list(state.shows)[::2]
    codes = {title_hash(hash64(name)): (seed % 127, n % 127, 126) for n, name in enumerate(ids)}
    check(msgspec.structs.replace(a_random_model(seed), priors=Priors(codes)), state)


def test_a_full_state() -> None:
    assert check(a_random_model(0), full_state()) == 64


def test_one_candidate() -> None:
    state = full_state()
    only = Shows.of(dict(list(state.shows.items())[:1]))
    for seed in range(5):
        assert check(a_random_model(seed), msgspec.structs.replace(state, shows=only)) == 1


def test_a_model_without_pairs_and_trees() -> None:
    model = a_random_model(0, pairs=0, trees=0)
    assert (model.ranking.pairs, model.placement.leaves) == ((), ())
    check(model, full_state())


# --- the parts ---------------------------------------------------------------------------------


@given(SEEDS, st.integers(0, 5))
@settings(max_examples=30)
def test_an_additive_model(seed: int, count: int) -> None:
    additive = a_random_model(seed).ranking
    codes = np.random.default_rng(seed).integers(0, CODES, (len(FEATURE_NAMES), count))
    wanted = [utility(additive, dict(zip(FEATURE_NAMES, mine, strict=True))) for mine in codes.T]
    for dtype in (np.int64, np.uint8):  # as they are served, and as the data set keeps them
        assert CompiledAdditive(additive).score(codes.astype(dtype)).tolist() == wanted
    scores, lifts = np.empty((2, count), np.int64)
    explain(codes, CompiledAdditive(additive).arrays, scores, lifts)
    assert scores.tolist() == wanted


@given(SEEDS)
@settings(max_examples=40)
def test_trees(seed: int) -> None:
    trees = a_random_model(seed, trees=30).placement
    columns = np.random.default_rng(seed).integers(0, CODES, len(PLACEMENT_FEATURES))
    wanted = log_odds(trees, dict(zip(PLACEMENT_FEATURES, columns.tolist(), strict=True)))
    assert CompiledTrees(trees).score(columns) == wanted


@given(SEEDS, st.integers(-10 * MICRO, 200 * MICRO))
@settings(max_examples=40)
def test_a_curve(seed: int, at: int) -> None:
    curve = a_random_model(seed).combined
    edges = [curve.low, curve.low + curve.width, curve.low + len(curve.values) * curve.width]
    for asked in (at, *edges, *(edge - 1 for edge in edges)):
        assert CompiledCurve(curve).read(asked) == read(curve, asked)
    array = np.array([at, *edges])
    assert CompiledCurve(curve).read_all(array).tolist() == [read(curve, a) for a in array.tolist()]


def test_a_curve_by_hand() -> None:
    """Steps of ten from 100 on: 99 and less is the first, 120 and more the last."""
    curve = CompiledCurve(Curve(100, 10, (1, 2, 3)))
    asked = [-5, 99, 100, 109, 110, 119, 120, 129, 130, 10**9]
    assert [int(curve.read(at)) for at in asked] == [1, 1, 1, 1, 2, 2, 3, 3, 3, 3]


def test_a_tree_by_hand() -> None:
    """At most the limit goes to the left; eight leaves from left to right."""
    at = PLACEMENT_FEATURES.index("hour"), PLACEMENT_FEATURES.index("weekend")
    columns = (at[0], at[0], at[0], *[at[1]] * 4)
    trees = Trees(PLACEMENT_FEATURES, columns, (3, 1, 5, 0, 0, 0, 0), tuple(range(8)), 100)
    compiled = CompiledTrees(trees)
    found = []
    for hour in (0, 1, 2, 3, 4, 5, 6, 7):
        for weekend in (0, 1):
            row = np.zeros(len(PLACEMENT_FEATURES), np.int64)
            row[list(at)] = hour, weekend
            found.append(compiled.score(row) - 100)
    assert found == [0, 1] * 2 + [2, 3] * 2 + [4, 5] * 2 + [6, 7] * 2


def test_reasons_by_hand() -> None:
    """The device speaks for what was watched on it, recency for the latest."""
    model = a_random_model(0)
    seldom = tuple(-MICRO * code for code in range(CODES))
    ranking = Additive({"recency_rank": seldom, "last_place": seldom, "weekend": seldom}, ())
    learned = Learned(msgspec.structs.replace(model, ranking=ranking), REF)
    state = full_state()
    for slot in range(8):
        found = candidates(state, WATCH_NEXT)
        codes = by_candidate(state, slot)
        ranking_of = learned.rank(state, slot, found)
        mean_rank = sum(c["recency_rank"] for c in codes) / len(codes)
        mean_place = sum(c["last_place"] for c in codes) / len(codes)
        for mine, reason in zip(codes, ranking_of.reasons, strict=True):
            by_rank = mean_rank - mine["recency_rank"]
            by_place = mean_place - mine["last_place"]
            by_device = by_place > max(by_rank, 0)
            assert reason == ("on_this_device" if by_device else "recently_watched")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("device_rank", "class_rank", "on_this_device"),  # both say the same
        ("run", "gap", "binge"),  # a session's feature says nothing
        ("weekend", "run", "binge"),
        ("run", "hour_share", "recently_watched"),  # half each, less than the table has
        ("known_for", "run", "recently_watched"),  # half of it on top of the table
    ],
)
def test_what_a_pair_adds_speaks_for_the_reasons_of_its_features(
    first: str, second: str, reason: str
) -> None:
    """Of two candidates one has four from the pair, and three from a table that is for recency."""
    codes = np.zeros((len(FEATURE_NAMES), 2), np.int64)
    codes[:, 0] = 1
    is_one = tuple(int(code == 1) for code in range(CODES))
    pair = Pair(first, second, is_one, is_one, (0, 0, 0, 4))
    additive = CompiledAdditive(Additive({"age": tuple(3 * one for one in is_one)}, (pair,)))
    scores, lifts = np.empty((2, 2), np.int64)
    explain(codes, additive.arrays, scores, lifts)
    lifted, other = lifts.tolist()
    assert scores.tolist() == additive.score(codes).tolist() == [7, 0]
    assert additive.reasons[lifted] == reason
    assert other == -1


def test_a_row_of_one_tile_says_that_it_was_watched() -> None:
    """Nothing lifts a tile above a row of which it is all."""
    learned = Learned(shipped().model, shipped().ref)
    state = full_state()
    for show_id, packed in list(state.shows.items())[:8]:
        alone = msgspec.structs.replace(state, shows=Shows.of({show_id: packed}))
        found = candidates(alone, WATCH_NEXT)
        assert learned.rank(alone, 0, found).reasons == ["recently_watched"]


# --- models at the edge of what is let through ---------------------------------------------------


EDGE = 2**40


def edges() -> Iterable[tuple[str, dict[str, Any]]]:
    sessions = dict.fromkeys(SESSION_NAMES, (EDGE,) * CODES)
    all_most = dict.fromkeys(FEATURE_NAMES, (EDGE,) * CODES)
    all_least = dict.fromkeys(FEATURE_NAMES, (-EDGE,) * CODES)
    yield "nothing of interest", {"interest": Additive({}, ())}
    yield "session too", {"ranking": Additive({**sessions, "age": (1,) * CODES}, ())}
    yield "greatest weights", {
        "ranking": Additive(all_most, ()), "interest": Additive(all_least, ())
    }  # fmt: skip
    yield "least weights", {
        "ranking": Additive(all_least, ()), "interest": Additive(all_most, ())
    }  # fmt: skip
    yield "no trees", {"placement": Trees(PLACEMENT_FEATURES, (), (), (), EDGE)}
    for low in (-EDGE, EDGE):
        for width in (1, EDGE):
            edge = Curve(low, width, (0,))
            yield f"curve {low} {width}", {"combined": edge, "dedicated": edge, "hazard": edge}
    yield "hazards below nothing", {"hazard": Curve(0, 1, (-EDGE, -EDGE))}


@pytest.mark.parametrize(("changed"), [pytest.param(c, id=name) for name, c in edges()])
def test_a_model_without_faults_serves(changed: dict[str, Any]) -> None:
    """A model that the decoder and `faults` let through never crashes a worker."""
    model = msgspec.structs.replace(a_random_model(3), **changed)
    travelled = msgspec.json.decode(msgspec.json.encode(model), type=Model)
    state = full_state()
    check(travelled, state)
    one = Shows.of(dict(list(state.shows.items())[:1]))
    check(travelled, msgspec.structs.replace(state, shows=one))
    made = row(state, "p", "d1", View(scorer=Learned(travelled, REF), model=1))
    assert decode_row(encode_row(made)) == made


def test_a_ranking_without_a_show_s_feature_is_refused() -> None:
    """Its tiles would have no reason."""
    model = a_random_model(3)
    sessions = dict.fromkeys(SESSION_NAMES, (1,) * CODES)
    for tables in ({}, sessions):
        ranking = Additive(tables, model.ranking.pairs)
        found = faults(msgspec.structs.replace(model, ranking=ranking))
        assert found == [
            "ranking: a table of a show's feature is wanted, tiles take reasons from it"
        ]


@pytest.mark.parametrize("leaves", [7, 9, 15])
def test_trees_with_leaves_too_few_or_too_many_are_refused(leaves: int) -> None:
    questions = (0,) * (leaves // 8 * 7)
    trees = Trees(PLACEMENT_FEATURES, questions, questions, (1,) * leaves, 0)
    found = faults(msgspec.structs.replace(a_random_model(3), placement=trees))
    assert found == ["placement: seven questions and eight leaves a tree are wanted"]


@pytest.mark.parametrize("beyond", [EDGE + 1, -EDGE - 1, 2**63, 2**200])
@pytest.mark.parametrize("part", ["table", "pair", "curve", "low", "width", "leaf", "base"])
def test_weights_beyond_the_edge_do_not_travel(part: str, beyond: int) -> None:
    model = a_random_model(3)
    pair = msgspec.structs.replace(
        next(p for s in range(9) for p in a_random_model(s).ranking.pairs), weights=(beyond,) * 36
    )
    trees = a_random_model(5, trees=9).placement
    changed: dict[str, Any] = {
        "table": {"ranking": Additive({"age": (beyond,) * CODES}, ())},
        "pair": {"ranking": Additive({}, (pair,))},
        "curve": {"hazard": Curve(0, 1, (beyond,))},
        "low": {"combined": Curve(beyond, 1, (0,))},
        "width": {"dedicated": Curve(0, beyond, (0,))},
        "leaf": {"placement": msgspec.structs.replace(trees, leaves=(beyond,) * len(trees.leaves))},
        "base": {"placement": msgspec.structs.replace(trees, base=beyond)},
    }[part]
    model = msgspec.structs.replace(model, **changed)
    with pytest.raises((msgspec.ValidationError, msgspec.DecodeError, OverflowError)):
        msgspec.json.decode(msgspec.json.encode(model), type=Model)


# --- what a row depends on -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    path = tmp_path_factory.mktemp("learned") / "sim.jsonl"
    with path.open("wb") as out:
        simulate(4, 20, 3, out)
    return list(EventLog(path))


VIEW = View(scorer=Learned(a_random_model(11), REF), model=5)


def rows_of(
    records: Iterable[Record], states: dict[str, ProfileState] | None = None, view: View = VIEW
) -> list[Row]:
    played = replay(records, {} if states is None else states, view=view)
    return [made for each in played for _, made in each.rows if made is not None]


def test_other_profiles_do_not_matter(records: list[Record]) -> None:
    together = rows_of(records)
    profiles = {record.key for record in records}
    assert len(profiles) == 4
    for profile in profiles:
        alone = rows_of(record for record in records if record.key == profile)
        mine = [made for made in together if made.profile_id.encode() == profile]
        assert [encode_row(made) for made in alone] == [encode_row(made) for made in mine]
        assert mine


def test_memory_and_codec_give_the_same_bytes(records: list[Record]) -> None:
    states: dict[str, ProfileState] = {}
    compared = 0
    for played in replay(records, states, view=VIEW):
        for key, made in played.rows:
            assert made is not None
            profile_id, device_id = key.decode().split("/")
            kept = decode_state(encode_state(states[profile_id]))
            assert encode_row(row(kept, profile_id, device_id, VIEW)) == encode_row(made)
            compared += 1
    assert compared > 100


def test_the_scorer_decides_the_order_and_the_row_says_so(records: list[Record]) -> None:
    """Tiles fall in score; twenty at most."""
    for made in rows_of(records):
        assert made.model == REF
        assert made.placement.method == ("dedicated" if made.tiles else "nothing_to_continue")
        scores = [tile.score for tile in made.tiles]
        assert scores == sorted(scores, reverse=True)
    state = full_state()
    for device_id in live_devices(state):
        made = row(state, "p", device_id, VIEW)
        slot = find_device(state, device_id)
        assert slot is not None
        wanted = evaluate(a_random_model(11), by_candidate(state, slot))
        assert len(made.tiles) == 20
        assert [tile.score for tile in made.tiles] == sorted(wanted.scores, reverse=True)[:20]


@given(states(most_shows=25), st.integers(1, 3))
@settings(max_examples=40)
def test_of_equal_scores_the_one_played_last_stands_first(state: ProfileState, kinds: int) -> None:
    """Of those played in the same millisecond, the one with the smaller id."""
    by_age = Additive({"age": tuple(-(code % kinds) for code in range(CODES))}, ())
    model = msgspec.structs.replace(a_random_model(11), ranking=by_age)
    made = row(state, "p", "device-0", View(scorer=Learned(model, REF), model=5))
    last = {name: unpack_show(name, packed).last_ts for name, packed in state.shows.items()}
    keys = [(-tile.score, -last[tile.show_id], tile.show_id) for tile in made.tiles]
    assert keys == sorted(keys)
    assert len(keys) == min(20, len(candidates(state, WATCH_NEXT).ids))


def test_of_shows_played_at_once_the_smaller_id_stands_first() -> None:
    even = Additive({"age": (0,) * CODES}, ())
    model = msgspec.structs.replace(a_random_model(11), ranking=even)
    state = full_state()
    at_once = {
        name: pack_show(msgspec.structs.replace(unpack_show(name, packed), last_ts=state.now))
        for name, packed in state.shows.items()
    }
    state = msgspec.structs.replace(state, shows=Shows.of(at_once))
    made = row(state, "p", "d1", View(scorer=Learned(model, REF), model=5))
    assert [tile.show_id for tile in made.tiles] == sorted(candidates(state, WATCH_NEXT).ids)[:20]
    assert list(state.shows) != sorted(state.shows)
