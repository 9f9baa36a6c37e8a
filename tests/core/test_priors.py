"""What a model carries of titles: how it is looked up, and what of it is refused."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import a_random_model
from state_strategies import full_state

from stream_cw.core.candidates import candidates
from stream_cw.core.extraction import feature_codes
from stream_cw.core.features import FEATURE_NAMES, TITLE_FEATURES, UNKNOWN
from stream_cw.core.learned import Learned
from stream_cw.core.model import Model, faults
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.priors import MAX_TITLES, CompiledPriors, Priors, priors_faults, title_hash
from stream_cw.core.rows import ModelRef
from stream_cw.core.state import hash64

GOOD = "00ff00ff00ff00ff"


def priors_of(codes: dict[str, tuple[int, int, int]]) -> Priors:
    return Priors({title_hash(hash64(name)): told for name, told in codes.items()})


CODE = st.integers(0, UNKNOWN - 1)
CODES_OF_IDS = st.dictionaries(st.text("abc.-~", min_size=1, max_size=4), st.tuples(*[CODE] * 3))


@given(CODES_OF_IDS, st.lists(st.text("abc.-~", min_size=1, max_size=4), max_size=12))
@settings(max_examples=60)
def test_a_title_has_its_codes_and_an_unknown_one_has_none(
    told: dict[str, tuple[int, int, int]], asked: list[str]
) -> None:
    compiled = CompiledPriors(priors_of(told))
    asked = [*asked, *told]
    nothing = (UNKNOWN,) * len(TITLE_FEATURES)
    for _ in range(2):  # what is remembered is what was found
        found = compiled.codes(asked)
        assert found.shape == (len(TITLE_FEATURES), len(asked))
        assert [tuple(codes) for codes in found.T.tolist()] == [told.get(a, nothing) for a in asked]


def test_titles_are_told_of_at_the_end_and_change_nothing_else() -> None:
    state = full_state()
    found = candidates(state, WATCH_NEXT)
    told = {name: (number % 7, number % 5, number % 3) for number, name in enumerate(found.ids)}
    with_them = feature_codes(state, 0, found, CompiledPriors(priors_of(told)))
    without = feature_codes(state, 0, found)
    assert FEATURE_NAMES[-3:] == tuple(feature.name for feature in TITLE_FEATURES)
    assert with_them[:-3].tolist() == without[:-3].tolist()
    assert (without[-3:] == UNKNOWN).all()
    assert [tuple(codes) for codes in with_them[-3:].T.tolist()] == list(told.values())


def test_a_title_that_many_go_on_with_says_so() -> None:
    state = full_state()
    found = candidates(state, WATCH_NEXT)
    model = a_random_model(0)
    ranking = msgspec.structs.replace(
        model.ranking,
        tables={
            "recency_rank": (0,) * 128,
            "title_resumed": (*range(UNKNOWN), 0),
        },
        pairs=(),
    )
    popular = found.ids[5]
    model = msgspec.structs.replace(
        model, ranking=ranking, priors=priors_of({popular: (1, 99, 1), "another": (1, 120, 1)})
    )
    ranked = Learned(model, ModelRef("m", "ab" * 32)).rank(state, 0, found)
    assert {name for name, score in zip(found.ids, ranked.scores, strict=True) if score} == {
        popular
    }
    assert ranked.scores[5] == 99
    assert ranked.reasons[5] == "popular"


# --- refused -------------------------------------------------------------------------------------


def many(count: int) -> dict[str, tuple[int, int, int]]:
    return {title_hash(number): (0, 0, 0) for number in range(count)}


@pytest.mark.parametrize(
    ("titles", "wanted"),
    [
        ({GOOD: (0, 1, UNKNOWN)}, "codes from 0 to 126"),
        ({GOOD: (-1, 1, 0)}, "codes from 0 to 126"),
        ({GOOD: (1, 2)}, "without 3 codes"),
        ({GOOD.upper(): (1, 2, 3)}, "no hash"),
        ({GOOD + "0": (1, 2, 3)}, "no hash"),
        ({GOOD[1:]: (1, 2, 3)}, "no hash"),
        ({GOOD + "\n": (1, 2, 3)}, "no hash"),
        ({"series-0001": (1, 2, 3)}, "no hash"),
        (many(MAX_TITLES + 1), f"at most {MAX_TITLES}"),
    ],
)
def test_priors_that_cannot_be_served_are_a_fault_of_the_model(titles: Any, wanted: str) -> None:
    (found,) = faults(msgspec.structs.replace(a_random_model(3), priors=Priors(titles)))
    assert found.startswith("priors: ")
    assert wanted in found


def test_as_many_as_fit_are_no_fault() -> None:
    assert priors_faults(Priors(many(MAX_TITLES))) == []
    assert faults(msgspec.structs.replace(a_random_model(3), priors=Priors(many(3)))) == []


@pytest.mark.parametrize(
    "titles",
    [{GOOD: [0, 1, 127]}, {GOOD: [0, 1]}, {GOOD: [0, 1, 2.5]}, {"x": [0, 1, 2]}, [[0, 1, 2]]],
)
def test_priors_of_another_shape_do_not_travel(titles: object) -> None:
    payload = msgspec.json.decode(msgspec.json.encode(a_random_model(3)))
    payload["priors"] = {"titles": titles}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(payload), type=Model)


def test_priors_travel_and_a_model_without_them_has_none() -> None:
    random = Random(1)
    titles = {title_hash(random.getrandbits(64)): (1, 2, 3) for _ in range(50)}
    model = msgspec.structs.replace(a_random_model(3), priors=Priors(titles))
    assert msgspec.json.decode(msgspec.json.encode(model), type=Model) == model
    payload = msgspec.json.decode(msgspec.json.encode(model))
    del payload["priors"]
    found = msgspec.json.decode(msgspec.json.encode(payload), type=Model)
    assert found.priors == Priors({})
