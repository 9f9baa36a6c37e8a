"""Experiments: arms by hash, what an arm changes, and that rows name it."""

from collections import Counter
from hashlib import blake2b

import msgspec
import pytest
from event_strategies import MINUTE, T0, run

from stream_cw.core.events import Movie, Play, Stop
from stream_cw.core.experiments import Arm, Experiment, PolicyChange, arm_of
from stream_cw.core.placement import PlacementMap
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.row import View, row
from stream_cw.core.rows import ModelRef, decode_row, encode_row
from stream_cw.core.rules import Policy
from stream_cw.core.scoring import Ranking, Recency

PROFILES = [f"profile-{n}" for n in range(60_000)]
THREE = Experiment(
    id="slots", arms=(Arm(id="a", weight=2), Arm(id="b", weight=1), Arm(id="c", weight=3))
)


def test_an_arm_may_change_all_of_a_policy_but_its_name() -> None:
    assert {*PolicyChange.__struct_fields__, "name"} == {*Policy.__struct_fields__}


def is_near(found: int, wanted: float) -> bool:
    """Within five standard deviations of a binomial count."""
    return abs(found - wanted) < 5 * (wanted * (1 - wanted / len(PROFILES))) ** 0.5


def test_arms_have_their_weights() -> None:
    counts = Counter(arm_of(THREE, profile).id for profile in PROFILES)
    assert all(is_near(counts[arm.id], len(PROFILES) * arm.weight / 6) for arm in THREE.arms), (
        counts
    )


def test_many_even_arms_by_chi_square() -> None:
    arms = tuple(Arm(id=f"arm-{n}") for n in range(64))
    many = Experiment(id="x", arms=arms)
    counts = Counter(arm_of(many, profile).id for profile in PROFILES)
    wanted = len(PROFILES) / 64
    chi_square = sum((counts[arm.id] - wanted) ** 2 / wanted for arm in arms)
    assert 20 < chi_square < 130  # 63 on average, standard deviation 11


def test_an_arm_is_stable() -> None:
    # Pinned: a new version must not deal the profiles of a running experiment anew. The ends are
    # at 2/6 and 3/6 of the hash's range.
    for n, wanted in enumerate("cbbaaacc"):
        digest = blake2b(f"slots//p{n}".encode(), digest_size=8).digest()
        share = int.from_bytes(digest, "little") / 2**64
        assert wanted == ("a" if share < 2 / 6 else "b" if share < 3 / 6 else "c")
        assert arm_of(THREE, f"p{n}").id == wanted


def test_experiments_and_salts_are_independent() -> None:
    def dealt(experiment: Experiment) -> list[str]:
        return [arm_of(experiment, profile).id for profile in PROFILES]

    arms = (Arm(id="a"), Arm(id="b"))
    one = dealt(Experiment(id="one", arms=arms))
    for other in (Experiment(id="two", arms=arms), Experiment(id="one", salt="2", arms=arms)):
        both = Counter(zip(one, dealt(other), strict=True))
        assert len(both) == 4
        assert all(is_near(count, len(PROFILES) / 4) for count in both.values()), both


def test_a_heavier_arm_keeps_its_profiles() -> None:
    def of_a(weight: int) -> set[str]:
        arms = (Arm(id="a", weight=weight), Arm(id="b", weight=100 - weight))
        experiment = Experiment(id="ramp", arms=arms)
        return {profile for profile in PROFILES[:2_000] if arm_of(experiment, profile).id == "a"}

    assert of_a(1) < of_a(10) < of_a(50)


class Backwards:
    ref = ModelRef("backwards", None)

    def rank(self, state, slot, found):
        ranking = Recency().rank(state, slot, found)
        return Ranking(-ranking.scores, ranking.reasons, 300_000, "told")


def history() -> list:
    common = {"profile_id": "p", "device_id": "tv", "device_type": "tv"}
    told: list = []
    for n, minutes in enumerate((1, 30, 40)):
        ts, title = T0 + n * 60 * MINUTE, Movie(id=f"film-{n}")
        told.append(Play(event_id=f"a{n}", ts=ts, title=title, position_ms=0, **common))
        end, at = ts + minutes * MINUTE, minutes * MINUTE
        told.append(Stop(event_id=f"b{n}", ts=end, title=title, position_ms=at, **common))
    return told


def test_a_row_is_made_as_its_arm_says_and_names_it() -> None:
    state, _ = run(history())
    assert state is not None
    changes = {
        "plain": Arm(id="plain"),
        "model": Arm(id="model", model="other"),
        "policy": Arm(id="policy", policy=PolicyChange(started_ms=0)),
        "placement": Arm(id="placement", placement=PlacementMap(slots=9, false_positive=1_000_000)),
    }
    made = {
        name: row(
            state,
            "p",
            "tv",
            View(experiment=Experiment(id="x", arms=(arm,)), scorers={"other": Backwards()}),
        )
        for name, arm in changes.items()
    }
    outside = row(state, "p", "tv")
    assert outside.arm is None
    assert {name: each.arm for name, each in made.items()} == {name: name for name in changes}
    shown = {name: [tile.show_id for tile in each.tiles] for name, each in made.items()}
    assert shown["plain"] == shown["placement"] == ["film-2", "film-1"]
    assert shown["model"] == ["film-1", "film-2"]
    assert shown["policy"] == ["film-2", "film-1", "film-0"]
    assert made["model"].model == Backwards.ref
    assert made["plain"].model == outside.model
    assert made["placement"].placement.slot > made["plain"].placement.slot
    assert msgspec.structs.replace(made["plain"], arm=None) == outside
    assert decode_row(encode_row(made["policy"])) == made["policy"]


def test_a_profile_gets_its_own_arm() -> None:
    state, _ = run(history())
    assert state is not None
    named = {row(state, f"p{n}", "tv", View(experiment=THREE)).arm for n in range(40)}
    assert named == {"a", "b", "c"}
    assert row(state, "p0", "tv", View(experiment=THREE)).arm == arm_of(THREE, "p0").id


def test_a_policy_keeps_what_an_arm_leaves_out() -> None:
    fields = set(PolicyChange.__struct_fields__) | {"name"}
    assert fields == set(WATCH_NEXT.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"id":"x","arms":[]}', "$.arms"),
        ('{"id":"x y","arms":[{"id":"a"}]}', "$.id"),
        ('{"id":"x","arms":[{"id":"a","weight":0}]}', "$.arms[0].weight"),
        ('{"id":"x","arms":[{"id":"a"},{"id":"a"}]}', "found a again"),
        ('{"id":"x","arms":[{"id":"a","policy":{"started":1}}]}', "started"),
        ('{"id":"x","arms":[{"id":"a","placement":{"slots":1}}]}', "$.arms[0].placement.slots"),
        ('{"id":"x","arms":[{"id":"a","modle":"m"}]}', "modle"),
    ],
)
def test_what_is_no_experiment_is_refused(text: str, told: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(text, type=Experiment)
    assert told in str(caught.value)
