"""Each feature against its definition told slowly, and what a code may be and depend on."""

from collections.abc import Mapping
from types import MappingProxyType

import feature_oracle as slow
import msgspec
from event_strategies import DAY, MINUTE, T0, events, run
from hypothesis import given, settings
from hypothesis import strategies as st
from shows_by_hand import new_show
from state_strategies import NOW, catalogs, codes_of, full_state, state_of, states

from stream_cw.core import extraction, show_numbers
from stream_cw.core.candidates import candidates
from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.columns import columns
from stream_cw.core.events import Episode, Event, Play, SessionStart
from stream_cw.core.extraction import coded, feature_codes
from stream_cw.core.features import (
    CODES,
    FEATURE_NAMES,
    FEATURES,
    SESSION_FEATURES,
    SHOW_FEATURES,
    TITLE_FEATURES,
    UNKNOWN,
    octave,
)
from stream_cw.core.joined import joined
from stream_cw.core.limits import U16
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.priors import Priors
from stream_cw.core.show import Show, ShowDevice
from stream_cw.core.shows import Shows
from stream_cw.core.state import Device, ProfileState, find_device
from stream_cw.core.works import EPISODE, HEAD, Work

SHOW_NAMES = [feature.name for feature in SHOW_FEATURES]
SESSION_NAMES = [feature.name for feature in SESSION_FEATURES]
TITLE_NAMES = [feature.name for feature in TITLE_FEATURES]
NEEDS_OTHERS = {"ahead_of_next", "lead"}
BY_CATALOG = {"episodes_left", "new_for"}
OF_PLAYS = {
    "hour_share": lambda show: show.hours,
    "hour_lately": lambda show: [show.lately != U16],
}
ON_DEVICE = {"device_rank", "device_sessions_since", "device_age"}


def expected(state: ProfileState, slot: int, works: Mapping[str, bytes]) -> dict[str, list[int]]:
    seen = slow.seen(state, slot, works)
    if not seen.shows:
        return {}
    mine = {name: slow.SHOW[name](seen) for name in SHOW_NAMES}
    mine |= {name: [slow.SESSION[name](seen)] * len(seen.shows) for name in SESSION_NAMES}
    return mine | {name: [UNKNOWN] * len(seen.shows) for name in TITLE_NAMES}


def check(state: ProfileState, works: Mapping[str, bytes] = MappingProxyType({})) -> None:
    for slot in range(len(state.devices)):
        codes, wanted = codes_of(state, slot, works=works), expected(state, slot, works)
        for name in wanted:
            assert (name, codes[name]) == (name, wanted[name])
        assert codes.keys() == wanted.keys()
        assert all(0 <= code < CODES for row in codes.values() for code in row)


def test_the_slow_definitions_are_of_all_features() -> None:
    assert list(slow.SHOW) == SHOW_NAMES
    assert list(slow.SESSION) == SESSION_NAMES
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)


def test_each_feature_says_what_it_is_and_what_it_is_computed_from() -> None:
    """Sources are fields that there are: of the state, an event, the catalog or a model."""
    kinds = (ProfileState, Device, Show, ShowDevice, Work, Priors)
    known = {f"{kind.__name__}.{name}" for kind in kinds for name in _names(kind)} | {"Event.ts"}
    for feature in FEATURES:
        assert all((feature.name, feature.coding, feature.unit, feature.formula, feature.source))
        assert set(feature.source.split()) <= known, feature


def _names(kind: type) -> tuple[str, ...]:
    names: tuple[str, ...] = getattr(kind, "__struct_fields__", None) or kind._fields  # type: ignore[attr-defined]
    return names


@given(states())
@settings(max_examples=60)
def test_features_of_any_state(state: ProfileState) -> None:
    check(state)


@given(st.data())
@settings(max_examples=60)
def test_features_by_any_catalog(data: st.DataObject) -> None:
    state = data.draw(states())
    check(state, data.draw(catalogs(state)))


@given(st.data())
@settings(max_examples=40)
def test_what_the_catalog_holds_for_later_says_nothing_yet(data: st.DataObject) -> None:
    """Labels would leak by when a later episode comes, or by that a show will be added."""
    state = data.draw(states())
    works = data.draw(catalogs(state))
    now_s = state.now // 1000
    other = {}
    for show_id, packed in works.items():
        flags, reserved, count, added_s, released_s = HEAD.unpack_from(packed)
        episodes = EPISODE.iter_unpack(packed[HEAD.size :])
        moved = [(*e[:2], e[2] if e[2] <= now_s else 4_000_000_000, e[3]) for e in episodes]
        head = (flags, reserved, count, added_s if added_s <= now_s else 0, released_s)
        other[show_id] = HEAD.pack(*head) + b"".join(EPISODE.pack(*each) for each in moved)
    for slot in range(len(state.devices)):
        assert codes_of(state, slot, works=other) == codes_of(state, slot, works=works)


def test_the_loops_write_to_the_rows_that_the_definitions_name() -> None:
    for module, first, names in (
        (show_numbers, "RECENCY_RANK", SHOW_NAMES),
        (extraction, "GAP", SESSION_NAMES),
    ):
        rows = {name: value for name, value in vars(module).items() if name.isupper()}
        for name in names:
            label = {"series": "IS_SERIES"}.get(name, name.upper())
            assert (label, rows[label]) == (label, FEATURE_NAMES.index(name))
        assert rows[first] == FEATURE_NAMES.index(names[0])


@given(st.lists(events(forget=False, span_ms=40 * DAY), min_size=1, max_size=40))
@settings(max_examples=60)
def test_features_of_states_that_come_from_events(history: list[Event]) -> None:
    state, _ = run(history)
    assert state is not None
    check(state)


def test_features_of_a_full_state() -> None:
    check(full_state())


# --- amounts ---------------------------------------------------------------------------------


@given(st.integers(-1, 2**52) | st.integers(0, 52).map(lambda n: 2**n))
def test_octaves_are_exact(amount: int) -> None:
    around = [a for a in range(amount - 3, amount + 4) if a >= -1]
    wanted = [slow.octave(None if a < 0 else a) for a in around]
    assert [octave(a) for a in around] == wanted
    assert [coded(a, 1) for a in around] == wanted


def test_the_first_octaves_and_the_last() -> None:
    """0, then 1, then 2 and 3 and so on: four codes for each doubling of 1 + amount."""
    assert [octave(a) for a in (0, 1, 2, 3, 4, 5, 6, 7)] == [0, 4, 6, 8, 9, 10, 11, 12]
    assert octave(-1) == UNKNOWN
    assert octave(2**60) == octave(2**32) == UNKNOWN - 1


# --- what a code depends on ------------------------------------------------------------------


@given(states())
@settings(max_examples=25)
def test_features_depend_on_the_state_alone(state: ProfileState) -> None:
    """Not on what holds it, nor on what causes the row or where the log stands."""
    again = msgspec.structs.replace(
        decode_state(encode_state(state)), revision=99, cause_id="another", event_ids=b"12345678"
    )
    for slot in range(len(state.devices)):
        assert codes_of(again, slot) == codes_of(state, slot)
        alone = candidates(state, WATCH_NEXT)
        if alone.ids:
            reread = alone._replace(shows=columns(joined(alone.packed)))
            codes = feature_codes(state, slot, reread)
            assert codes.tolist() == list(codes_of(state, slot).values())


@given(states(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_the_shows_in_the_state_does_not_matter(state, random) -> None:
    """But for shows that were last played at the same ms: of them the first in the state counts
    as the later one in `ahead_of_next`, and as the latest in the session's features.
    """
    order = list(state.shows)
    random.shuffle(order)
    shows = Shows.of({name: state.shows[name] for name in order})
    shuffled = msgspec.structs.replace(state, shows=shows)
    seen = slow.seen(state, 0)
    tied = len({show.last_ts for show in seen.shows}) < len(seen.shows)
    of_latest = {"place_of_last", "run_of_latest", "series_of_latest", "position_of_latest"}
    by_ties = {"ahead_of_next", *of_latest} if tied else set()
    moved = candidates(shuffled, WATCH_NEXT).ids
    for slot in range(len(state.devices)):
        here, there = codes_of(state, slot), codes_of(shuffled, slot)
        for name in here.keys() - by_ties:
            mine = dict(zip(seen.ids, here[name], strict=True))
            theirs = dict(zip(moved, there[name], strict=True))
            assert mine == theirs, name


@given(states())
@settings(max_examples=30)
def test_unknown_is_where_nothing_is_known(state: ProfileState) -> None:
    seen = slow.seen(state, 0)
    codes = codes_of(state, 0)
    never = [all(d.slot != 0 for d in show.devices) for show in seen.shows]
    for name, row in codes.items():
        unknown = [code == UNKNOWN for code in row]
        if name in ON_DEVICE:
            assert unknown == never, name
        elif name in TITLE_NAMES:
            assert all(unknown), name
        elif name == "class_rank":
            classes = [device.device_type for device in state.devices]
            assert unknown == [
                all(classes[d.slot] != classes[0] for d in show.devices) for show in seen.shows
            ]
        elif name in NEEDS_OTHERS:
            assert sum(unknown) == 1 if name == "ahead_of_next" else unknown[0] == (len(row) == 1)
        elif name in BY_CATALOG:
            assert all(unknown), name
        elif name == "left":
            assert unknown == [show.duration_ms is None for show in seen.shows]
        elif name == "begun_here":
            assert unknown == [show.begun_slot is None for show in seen.shows]
        elif name in OF_PLAYS:
            assert unknown == [not any(OF_PLAYS[name](show)) for show in seen.shows], name
        else:
            assert not any(unknown), name


# --- decayed shares, from the events ---------------------------------------------------------


def _plays(plays: list[tuple[int, int, str]]) -> list[Event]:
    """Plays of shows at hours on devices, each of half an hour, and a session_start behind."""
    history: list[Event] = []

    def common(device: str, ts: int) -> dict:
        return {
            "event_id": f"e{len(history)}", "profile_id": "p", "device_id": device,
            "device_type": "tv" if device == "tv" else "phone", "ts": ts,
        }  # fmt: skip

    for hour, show, device in sorted(plays):
        title = Episode(
            id=f"show-{show}.{hour}", series_id=f"show-{show}", season=1, episode=hour % 50
        )
        ts = T0 + hour * 60 * MINUTE
        history.append(Play(**common(device, ts), title=title, position_ms=0))
        end = common(device, ts + 30 * MINUTE)
        history.append(Play(**end, title=title, position_ms=30 * MINUTE))
    history.append(SessionStart(**common("tv", T0 + 101 * DAY)))
    return history


SHARES = {"plays_1d": 1, "plays_7d": 7, "plays_30d": 30, "minutes_1d": 1, "minutes_7d": 7}


def check_shares(plays: list[tuple[int, int, str]], shares: dict[str, float], device: str) -> None:
    """Each share in 32nds is that of the sums of 2^-(age / half-life), within one."""
    state, _ = run(_plays(plays))
    assert state is not None
    slot = find_device(state, "tv")
    assert slot is not None
    codes = codes_of(state, slot)
    ids = candidates(state, WATCH_NEXT).ids
    for name, days in shares.items():
        weights = dict.fromkeys(ids, 0.0)
        for hour, show, where in plays:
            if device in (where, "any"):
                weights[f"show-{show}"] += 2 ** -((101 * 24 - hour) / 24 / days)
        total = sum(weights.values())
        assert total > 2**-8  # else whole units say nothing any more
        for show_id, code in zip(ids, codes[name], strict=True):
            assert abs(32 * weights[show_id] / total - code) <= 1.6, (name, show_id, code)


DRAWN_PLAYS = st.lists(
    st.tuples(st.integers(0, 2400), st.integers(0, 4), st.sampled_from(["tv", "phone"])),
    min_size=1,
    max_size=25,
    unique_by=lambda play: play[0],
)


@given(DRAWN_PLAYS)
@settings(max_examples=40)
def test_decayed_shares_are_those_of_the_plays(plays: list[tuple[int, int, str]]) -> None:
    recent = [(2400 - n, n, "tv") for n in range(3)]  # so that something is left
    taken = {hour for hour, *_ in recent}
    check_shares(recent + [p for p in plays if p[0] not in taken], SHARES, "any")


TEN_OLD_AND_ONE_NEW = [*((24 + n, 0, "tv") for n in range(10)), (2400, 1, "tv")]
"""Ten plays a hundred days ago are worth one of yesterday, half-life 30 days."""


def test_plays_decay() -> None:
    check_shares(TEN_OLD_AND_ONE_NEW, {"plays_30d": 30}, "any")


def test_plays_on_this_device_decay_too() -> None:
    check_shares(TEN_OLD_AND_ONE_NEW, {"device_plays": 30}, "tv")


def test_a_show_that_lies_back_for_years_has_no_share() -> None:
    """Halved 4,000 times nothing is left; a word has fewer bits than that."""
    state = state_of(
        {"old": a_show(4000), "new": a_show(1)}, [a_device()], first_ts=T0 - 4000 * DAY
    )
    codes = codes_of(state, 0)
    assert codes["plays_1d"] == codes["minutes_1d"] == codes["minutes_7d"] == [0, 32]
    check(state)


def a_device() -> Device:
    return Device(
        device_id="device-0", device_type=0, tz_offset_min=None, session_id=None,
        session_start=NOW, last_ts=NOW, sessions=3,
    )  # fmt: skip


def a_show(days_ago: int) -> Show:
    show = new_show(series=True, title_id="ep", ts=NOW - days_ago * DAY)
    show.position_ms = 10 * MINUTE
    show.minutes, show.plays_decayed = [2**32 - 1] * 3, [2**16 - 1] * 3
    return show
