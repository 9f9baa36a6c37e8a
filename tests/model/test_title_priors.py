"""Title priors: what is fitted, to whom it is told, and that nobody is told of itself."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from drawn_sessions import AT, chosen_by, sessions
from small_logs import Story, write_events

from stream_cw.core.candidates import candidates
from stream_cw.core.extraction import feature_codes
from stream_cw.core.features import SESSION_FEATURES, TITLE_FEATURES, UNKNOWN, octave
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.priors import CompiledPriors, title_hash
from stream_cw.core.state import hash64
from stream_cw.history.log import EventLog
from stream_cw.model import priors, training
from stream_cw.model.additive import Examples, Shape, fit_chance, fit_choice
from stream_cw.model.artefact import decode_payload
from stream_cw.model.curves import hazard_curve
from stream_cw.model.dataset import make_dataset
from stream_cw.model.heldout import held_out, join, turns
from stream_cw.model.openings import openings
from stream_cw.model.priors import MIN_PROFILES, fit_priors, with_priors
from stream_cw.model.produce import produce
from stream_cw.model.settings import INTEREST, RANKING, Settings
from stream_cw.model.training import (
    added_to,
    examples_of,
    folds,
    households,
    placement_rows,
    total_hazards,
)

NAMES = tuple(feature.name for feature in TITLE_FEATURES)
POPULARITY, RESUMED, STOPPED = (AT[name] for name in NAMES)
FEWEST = 4
"""Profiles that a title wants in these small data."""

Fill = Callable[[Examples, Examples], Examples]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priors, "MIN_PROFILES", FEWEST)


def drawn(seed: int, *, profiles: int = 18, each: int = 12, titles: int = 9) -> Examples:
    """Households of three profiles; each session offers some titles, and goes on with one or none.

    Titles differ in how often they are gone on with, and in where they are left. Besides those that
    all profiles come across there are some of which five profiles know.
    """
    dice = np.random.default_rng(seed)
    count, size = profiles * each, 4
    profile = dice.permutation(count) % profiles
    offered = np.stack([dice.choice(titles, size, replace=False) for _ in range(count)])
    rare = dice.uniform(size=count) < 0.5
    offered[rare, 0] = titles + profile[rare] // 5
    offered = offered.ravel()
    target = chosen_by(np.linspace(-1.5, 1.5, 2 * titles)[offered], size, seed)
    target = np.where(dice.uniform(size=count) < 0.2, -1, target)
    position = np.clip(offered * 3 + dice.integers(0, 12, len(offered)), 0, 126)
    made = sessions({"position": position}, target, size)
    return made._replace(
        group=profile,
        household=profile // 3,
        continued=dice.uniform(size=count) < 0.9,
        shows=np.array([hash64(f"title-{n}") for n in range(2 * titles)], np.uint64)[offered],
    )


# --- the slow definition -------------------------------------------------------------------------


def shrunk(cells: dict[int, list[tuple[int, int]]]) -> dict[int, float]:
    """(part + k * mean) / (whole + k) of each title, from its profiles' parts and wholes."""
    wholes = {title: sum(w for _, w in told) for title, told in cells.items()}
    parts = {title: sum(p for p, _ in told) for title, told in cells.items()}
    total, mean = sum(wholes.values()), sum(parts.values()) / sum(wholes.values())
    within = 0.0
    for title, told in cells.items():
        own = parts[title] / wholes[title]
        within += sum((p - own * w) ** 2 for p, w in told) * len(told) / (len(told) - 1) / total
    spread = sum(wholes[t] * (parts[t] / wholes[t] - mean) ** 2 for t in cells)
    between = 0.0
    if len(cells) > 1:
        between = (spread - (len(cells) - 1) * within) / (
            total - sum(w * w for w in wholes.values()) / total
        )
    if between <= 0:
        return dict.fromkeys(cells, mean)
    k = within / between
    return {t: (parts[t] + k * mean) / (wholes[t] + k) for t in cells}


def slow(source: Examples, household: int | None) -> dict[int, tuple[int, int, int]]:
    """Codes by title from all sessions but a household's: one session after the other."""
    able: dict[tuple[int, int], int] = defaultdict(int)
    resumed: dict[tuple[int, int], int] = defaultdict(int)
    left_at: dict[tuple[int, int], int] = {}
    everybody = set()
    for n in range(len(source.target)):
        if source.household[n] < 0 or source.household[n] == household:
            continue
        profile = int(source.group[n])
        everybody.add(profile)
        for place in range(source.bounds[n], source.bounds[n + 1]):
            cell = int(source.shows[place]), profile
            able[cell] += 1
            chosen = place == source.bounds[n] + source.target[n] and source.target[n] >= 0
            resumed[cell] += bool(chosen and source.continued[n])
            left_at[cell] = int(source.codes[AT["position"], place])
    of_title: dict[int, list[int]] = defaultdict(list)
    for title, profile in able:
        of_title[title].append(profile)
    known = {t: mine for t, mine in of_title.items() if len(mine) >= FEWEST}
    if not known:
        return {}
    rates = shrunk({t: [(resumed[t, p], able[t, p]) for p in mine] for t, mine in known.items()})
    stops = shrunk({t: [(left_at[t, p], 1) for p in mine] for t, mine in known.items()})
    mean = sum(resumed[t, p] for t, mine in known.items() for p in mine) / sum(
        able[t, p] for t, mine in known.items() for p in mine
    )
    return {
        t: (
            octave(1000 * len(mine) // len(everybody)),
            min(round(32 * rates[t] / mean), 126),
            min(round(stops[t]), 126),
        )
        for t, mine in known.items()
    }


def told_slowly(examples: Examples, source: Examples) -> list[tuple[int, ...]]:
    fitted = {int(h): slow(source, int(h)) for h in set(examples.household.tolist())}
    nothing = (UNKNOWN,) * len(NAMES)
    return [
        fitted[int(examples.household[n])].get(int(title), nothing)
        for n, title in zip(examples.session_of, examples.shows, strict=True)
    ]


def told(examples: Examples) -> list[tuple[int, ...]]:
    return [tuple(codes) for codes in examples.codes[list(map(AT.get, NAMES))].T.tolist()]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("seed", range(4))
def test_each_household_is_told_what_the_others_came_to(seed: int) -> None:
    data = drawn(seed)
    found = with_priors(data, data)
    assert told(found) == told_slowly(data, data)
    codes = found.codes[[POPULARITY, RESUMED, STOPPED]]
    assert (codes == UNKNOWN).any()
    for row, least in zip(codes, (3, 8, 8), strict=True):
        assert len(set(row.tolist())) >= least
    rest = np.delete(np.arange(len(data.codes)), [POPULARITY, RESUMED, STOPPED])
    assert np.array_equal(found.codes[rest], data.codes[rest])


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("seed", range(3))
def test_those_who_are_left_out_are_told_what_is_known_of_others(seed: int) -> None:
    """A profile that is left out has others of its household among those that are not."""
    data = drawn(seed)
    left_out = data.group % 5 == 0
    source, unseen = data.where(~left_out), data.where(left_out)
    assert set(unseen.household) & set(source.household)
    assert told(with_priors(unseen, source)) == told_slowly(unseen, source)


@pytest.mark.usefixtures("few")
def test_an_artefact_carries_what_all_together_came_to() -> None:
    data = drawn(5)
    found = fit_priors(data).titles
    assert found == {title_hash(title): codes for title, codes in slow(data, None).items()}
    names = [f"title-{n}" for n in range(9)]
    looked_up = CompiledPriors(fit_priors(data)).codes(names).T.tolist()
    nothing = (UNKNOWN,) * 3
    assert [tuple(codes) for codes in looked_up] == [
        found.get(title_hash(hash64(name)), nothing) for name in names
    ]


# --- nobody is told of itself --------------------------------------------------------------------


def another_life(data: Examples, household: int, seed: int) -> Examples:
    """The same sessions, but for what one household did: other targets, other places left at."""
    dice = np.random.default_rng(seed)
    mine = data.household == household
    of_mine = mine[data.session_of]
    codes = data.codes.copy()
    codes[AT["position"], of_mine] = dice.integers(0, UNKNOWN, of_mine.sum())
    shows = data.shows.copy()
    return data._replace(
        target=np.where(mine, dice.integers(-1, 4, len(mine)), data.target),
        continued=data.continued ^ (mine & (dice.uniform(size=len(mine)) < 0.5)),
        codes=codes,
        shows=shows,
    )


def told_of_itself(fill: Fill) -> set[int]:
    """Which households' codes change with what they did themselves."""
    data, found = drawn(6), set()
    for household in range(6):
        changed = another_life(data, household, household)
        mine = data.household[data.session_of] == household
        before, after = (
            fill(each, each).codes[[POPULARITY, RESUMED, STOPPED]] for each in (data, changed)
        )
        assert not np.array_equal(before[:, ~mine], after[:, ~mine])  # the others do hear of it
        if not np.array_equal(before[:, mine], after[:, mine]):
            found.add(household)
    return found


def with_its_own(examples: Examples, source: Examples) -> Examples:
    """Planted: nobody is recognised among those that are fitted to."""
    return with_priors(examples._replace(household=examples.household + 1000), source)._replace(
        household=examples.household
    )


def with_its_siblings(examples: Examples, source: Examples) -> Examples:
    """Planted: the profile is left out, the rest of its account is not."""
    by_profile = with_priors(
        examples._replace(household=examples.group), source._replace(household=source.group)
    )
    return by_profile._replace(household=examples.household)


@pytest.mark.usefixtures("few")
def test_no_household_is_told_of_itself() -> None:
    assert told_of_itself(with_priors) == set()


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("planted", [with_its_own, with_its_siblings])
def test_a_planted_prior_that_tells_a_household_of_itself_is_caught(planted: Fill) -> None:
    assert told_of_itself(planted) == set(range(6))


@pytest.mark.usefixtures("few")
def test_what_others_do_with_a_title_helps_those_who_were_never_seen() -> None:
    """Titles that differ are told apart by priors, and by nothing else here."""
    data = drawn(7, each=60)
    knowing = held_out(Shape(NAMES[1:2], (), penalty=1.0), data).surprise
    other_titles = data._replace(shows=np.random.default_rng(7).permutation(data.shows))
    guessing = held_out(Shape(NAMES[1:2], (), penalty=1.0), other_titles).surprise
    assert guessing == pytest.approx(np.log(4), abs=0.02)
    assert knowing < guessing - 0.05


# --- profiles left out in turn, and in parts -----------------------------------------------------


@pytest.mark.usefixtures("few")
def test_turns_tell_of_titles_what_those_not_left_out_came_to() -> None:
    data = drawn(9)
    added = drawn(10)._replace(household=np.full(len(data.target), -1), group=data.group + 100)
    for turn, group in zip(turns(data, added), np.unique(data.group), strict=True):
        others = join(data.where(data.group != group), added)
        assert told(turn.seen) == told_slowly(others, others)
        assert told(turn.unseen) == told_slowly(data.where(turn.left_out), others)


@pytest.mark.usefixtures("few")
def test_placement_learns_from_priors_that_had_not_seen_the_profile() -> None:
    data = drawn(11, each=40)
    shape = Shape((*NAMES, "position"), (), penalty=1.0)
    chosen = Settings(ranking=shape, interest=shape)
    rows, hazards, _ = training._unseen(data, chosen, hazard_curve(), 3, lambda: None)
    for left_out in folds(data.group, 3):
        others = data.where(~left_out)
        seen, mine = with_priors(others, others), with_priors(data.where(left_out), others)
        assert np.array_equal(rows[left_out], placement_rows(fit_choice(shape, seen), mine))
        interest = fit_chance(shape, seen)
        assert interest.tables.keys() >= set(NAMES)
        assert np.array_equal(hazards[left_out], total_hazards(interest, hazard_curve(), mine))
        leaking = with_priors(data, data).where(left_out)
        assert told(leaking) != told(mine)


# --- shrinkage, and what is not known ------------------------------------------------------------


def rated(rates: dict[str, tuple[int, float]], each: int = 20, *, apart: float = 0.0) -> Examples:
    """Titles that a number of profiles are each offered alone, and go on with at a rate.

    Every other profile does so more often, and the others less often, by `apart`.
    """
    titles, profiles, targets = [], [], []
    for name, (count, rate) in rates.items():
        for profile in range(count):
            went_on = round(each * min(max(rate + apart * (-1) ** profile, 0), 1))
            titles += [hash64(name)] * each
            profiles += [profile] * each
            targets += [0] * went_on + [-1] * (each - went_on)
    made = sessions({"position": np.full(len(titles), 40)}, np.array(targets), 1)
    return made._replace(
        group=np.array(profiles), household=np.array(profiles), shows=np.array(titles, np.uint64)
    )


def resumed_of(data: Examples, *names: str) -> list[int]:
    found = fit_priors(data).titles
    return [found[title_hash(hash64(name))][1] for name in names]


def test_titles_that_many_tell_of_are_shrunk_less() -> None:
    """Two of the same rate, .6, among titles of .25 to .35, whose profiles differ by more."""
    others = {f"t{n}": (24, 0.25 + 0.05 * (n % 3)) for n in range(60)}
    data = rated({**others, "many": (200, 0.6), "few": (20, 0.6)}, apart=0.25)
    many, few, low, high = resumed_of(data, "many", "few", "t0", "t2")
    as_it_is = 32 * 0.6 / ((data.target == 0).mean())
    assert as_it_is >= many > few > high > low
    assert as_it_is - many < 0.5 * (as_it_is - few)


def test_titles_that_do_not_differ_are_all_the_mean() -> None:
    """What profiles do by chance is not what a title is."""
    dice = np.random.default_rng(3)
    data = rated({f"t{n}": (25, 0.0) for n in range(30)})
    data = data._replace(target=np.where(dice.uniform(size=len(data.target)) < 0.3, 0, -1))
    found = [codes[1] for codes in fit_priors(data).titles.values()]
    assert len(found) == 30
    assert 30 <= min(found) <= max(found) <= 34
    plain = [(data.target.reshape(30, -1)[n] == 0).mean() for n in range(30)]
    assert 32 * max(plain) / fmean(plain) > max(found) + 1  # as they are they differ more


def test_profiles_and_not_sessions_are_what_a_rate_is_sure_of() -> None:
    """One profile of each title goes on with it always: many sessions, but one taste."""
    data = rated({f"t{n}": (25, 0.2) for n in range(30)}, each=50)
    dice = np.random.default_rng(4)
    always = dice.uniform(size=(30, 25)) < 0.2
    data = data._replace(target=np.where(np.repeat(always.ravel(), 50), 0, -1))
    by_session = always.mean(axis=1)
    found = np.array([codes[1] for codes in fit_priors(data).titles.values()])
    assert by_session.max() > 1.6 * by_session.mean()
    assert found.max() <= 40
    assert found.min() >= 24


def test_fewer_profiles_than_wanted_tell_nothing() -> None:
    data = rated({"enough": (MIN_PROFILES, 0.5), "short": (MIN_PROFILES - 1, 0.5)})
    assert set(fit_priors(data).titles) == {title_hash(hash64("enough"))}
    # and in training not even that one: of each household's others there is one too few
    assert (with_priors(data, data).codes[[POPULARITY, RESUMED, STOPPED]] == UNKNOWN).all()


def test_only_the_most_popular_are_carried_where_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(priors, "MAX_TITLES", 2)
    data = rated({"c": (30, 0.5), "a": (21, 0.5), "b": (25, 0.5)}, each=2)
    assert set(fit_priors(data).titles) == {title_hash(hash64(name)) for name in "bc"}


def test_sessions_without_a_household_tell_nothing_and_are_told() -> None:
    data = rated({"hit": (30, 0.5)})
    nobody = data._replace(household=np.full(len(data.target), -1))
    assert fit_priors(nobody).titles == {}
    assert fit_priors(join(data, nobody._replace(group=data.group + 99))) == fit_priors(data)
    assert (with_priors(nobody, data).codes[POPULARITY] == octave(1000)).all()


def test_no_sessions_at_all() -> None:
    data = rated({"hit": (30, 0.5)})
    nothing = data.where(np.zeros(len(data.target), bool))
    assert fit_priors(nothing).titles == {}
    assert (with_priors(data, nothing).codes[POPULARITY] == UNKNOWN).all()
    assert with_priors(nothing, data).codes.shape == nothing.codes.shape


@pytest.mark.usefixtures("few")
def test_a_title_that_is_not_known_weighs_nothing() -> None:
    """Not in the tables, and so in no score: only known titles move."""
    data = with_priors(drawn(12, each=40), drawn(12, each=40))
    shape = Shape((*NAMES, "position"), (("title_stopped", "position"),), penalty=1.0)
    for fitted in (fit_choice(shape, data), fit_chance(shape, data)):
        for name in NAMES:
            assert fitted.tables[name][UNKNOWN] == 0
            assert any(fitted.tables[name])
        (pair,) = fitted.pairs
        width = 1 + max(pair.second_bins)
        row = pair.first_bins[UNKNOWN] * width
        assert set(pair.weights[row : row + width]) == {0}
        assert any(pair.weights)


def test_where_no_title_is_known_the_model_is_the_same_as_without() -> None:
    """To the last micro-unit, and there is nothing to look up."""
    data = drawn(13, each=40)
    for fit, shape in ((fit_choice, RANKING), (fit_chance, INTEREST)):
        plain = shape._replace(features=tuple(n for n in shape.features if n not in NAMES))
        assert set(NAMES) <= set(shape.features)
        assert fit(shape, data) == fit(plain, data)


@pytest.mark.usefixtures("few")
def test_names_of_titles_do_not_matter() -> None:
    data = drawn(14)
    again = data._replace(shows=data.shows * np.uint64(0x9E3779B97F4A7C15))  # odd: a bijection
    assert told(with_priors(again, again)) == told(with_priors(data, data))
    assert sorted(fit_priors(again).titles.values()) == sorted(fit_priors(data).titles.values())
    assert fit_priors(again).titles.keys() != fit_priors(data).titles.keys()


# --- from logs to an artefact --------------------------------------------------------------------

HOUSEHOLDS, MEMBERS = 8, 3


def write_account(path: Path, number: int) -> EventLog:
    """Members who all go on with a hit, and with a show that nobody else knows."""
    events = []
    for member in range(MEMBERS):
        name = f"h{number}m{member}"
        story = Story(name, first_id=1000 * (MEMBERS * number + member))
        for night in range(10):
            mine = (night * 7 + member + number) % 3
            story.watch(24 * night + member, "hit" if mine else f"own-{name}")
        story.watch(24 * 10 + member, f"new-{name}")
        events += story.events
    return write_events(path, sorted(events, key=lambda event: event.ts))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[EventLog]:
    directory = tmp_path_factory.mktemp("accounts")
    return [write_account(directory / f"account-{n}.jsonl", n) for n in range(HOUSEHOLDS)]


def test_an_account_is_a_household_and_a_profile_where_there_is_one_account(
    logs: list[EventLog],
) -> None:
    several, one = make_dataset(logs), make_dataset(logs[:1])
    assert len(set(households(several).tolist())) == HOUSEHOLDS
    assert len(set(zip(households(several).tolist(), several.account.tolist(), strict=True))) == 8
    assert np.array_equal(households(one), one.profile)


def test_logs_that_share_a_profile_are_one_account(logs: list[EventLog]) -> None:
    """As of a log that was cut in two: else a profile would be told of itself by the other part."""
    data = make_dataset(logs[:3])
    profile = data.profile.copy()
    profile[np.flatnonzero(data.account == 2)[0]] = profile[np.flatnonzero(data.account == 0)[0]]
    found = households(data._replace(profile=profile))
    assert set(found[data.account == 0]) == set(found[data.account == 2])
    assert not set(found[data.account == 0]) & set(found[data.account == 1])
    account = np.minimum(data.account, 1)
    profile[np.flatnonzero(data.account == 1)[0]] = profile[np.flatnonzero(data.account == 0)[0]]
    joined = data._replace(profile=profile, account=account)
    assert np.array_equal(households(joined), profile)  # all one: by profile


def test_a_hit_of_many_households_is_carried_and_nothing_of_one_alone(
    logs: list[EventLog],
) -> None:
    data = make_dataset(logs)
    payload, _ = produce(data, None, 0.1, "hits")
    assert produce(data, None, 0.1, "hits") == (payload, produce(data, None, 0.1, "hits")[1])
    artefact = decode_payload(payload)
    hit = artefact.model.priors.titles
    assert set(hit) == {title_hash(hash64("hit"))}
    assert artefact.manifest.title_priors == 1
    assert next(iter(hit.values()))[0] == octave(1000)
    assert set(NAMES) & artefact.model.ranking.tables.keys() == set(NAMES)


def test_a_new_household_is_served_what_training_would_tell_it(logs: list[EventLog]) -> None:
    """Nothing of it is in the artefact; the hit is known to it, and its own shows are not."""
    examples = examples_of(make_dataset(logs))
    mine = examples.household == 0
    others = examples.where(~mine)
    stored = with_priors(examples.where(mine), others)
    (hit,) = set(told(stored)) - {(UNKNOWN,) * len(NAMES)}
    compiled, served = CompiledPriors(fit_priors(others)), []
    for opening in openings(logs[0]):
        found = candidates(opening.state, WATCH_NEXT)
        if found.ids:
            codes = feature_codes(opening.state, 0, found, compiled)
            served += list(map(tuple, codes[[POPULARITY, RESUMED, STOPPED]].T.tolist()))
            assert [
                name for name, own in zip(found.ids, codes[RESUMED], strict=True) if own != UNKNOWN
            ] == ["hit"] * ("hit" in found.ids)
    assert sorted(served) == sorted(told(stored))
    assert hit in served


def test_added_sessions_leave_no_trace_of_their_titles(logs: list[EventLog]) -> None:
    data, none = make_dataset(logs), make_dataset(logs[:1])
    assert fit_priors(examples_of(data)).titles
    added = added_to(none, data, 0.5)
    assert fit_priors(join(examples_of(none), added)).titles == {}


def test_the_data_set_itself_tells_nothing_of_titles(logs: list[EventLog]) -> None:
    data = examples_of(make_dataset(logs))
    assert (data.codes[-len(NAMES) :] == UNKNOWN).all()
    assert len(data.codes) - len(NAMES) - len(SESSION_FEATURES) == POPULARITY - len(
        SESSION_FEATURES
    )
