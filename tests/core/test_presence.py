"""Who was there and what is given up: the rules against their words, and at their limits."""

from typing import Any

import numpy as np
import pytest
from event_strategies import EPOCH, MINUTE, T0
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from shows_by_hand import new_show
from state_strategies import state_of

from stream_cw.core.columns import Ints, columns
from stream_cw.core.events import DEVICE_TYPES, DisplayOff, Event, Movie, Play, Progress, Stop
from stream_cw.core.joined import joined
from stream_cw.core.packed_show import pack_show
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.presence import (
    AWAKE,
    RETURNS,
    SURELY_ATTENDED,
    given_up,
    log_odds,
    places_of,
    sessions_explained,
    slept_through,
)
from stream_cw.core.row import View, row
from stream_cw.core.rows import Tile
from stream_cw.core.rules import Asleep
from stream_cw.core.show import Show
from stream_cw.core.show_tail import Nobody
from stream_cw.core.state import DARK, GAP_BINS, Device, Source
from stream_cw.core.step import step

HOUR = 60 * MINUTE
NOON = T0 - T0 % (24 * HOUR) + 12 * HOUR
LENGTH = 40 * MINUTE
WEIGHTS = Asleep(
    base=1, each_autoplay=2, each_quarter_hour=20, long_quiet=500, night=1_000,
    big_screen=2_000, played_out=4_000, stopped=8_000, display_off=16_000,
)  # fmt: skip
"""Each sum of some of these is another one."""


def a_show(**fields: Any) -> Show:
    made = new_show(series=True, title_id="e", ts=fields.get("last_ts", NOON), slot=0)
    made.duration_ms, made.position_slot = LENGTH, 0
    return replace(made, **fields)


def a_device(device_type: str = "phone", tz_offset_min: int | None = None) -> Device:
    return Device(
        device_id="d", device_type=DEVICE_TYPES.index(device_type), tz_offset_min=tz_offset_min,
        session_id=None, session_start=NOON, last_ts=NOON, sessions=1,
    )  # fmt: skip


def told(device: Device, **fields: Any) -> int:
    shows = columns(joined([pack_show(a_show(**fields))]))
    return int(log_odds(shows, (device,), WEIGHTS)[0])


@pytest.mark.parametrize(
    ("wanted", "device", "fields"),
    [
        (1, "phone", {}),
        (1 + 3 * 2, "phone", {"nobody": Nobody(3, 14, None)}),
        (1 + 8 * 2 + 20, "phone", {"nobody": Nobody(254, 15, None)}),
        (1 + 15 * 20, "phone", {"nobody": Nobody(0, 239, None)}),
        (1 + 16 * 20 + 500, "phone", {"nobody": Nobody(0, 240, None)}),
        (1 + 16 * 20 + 500, "phone", {"nobody": Nobody(0, 60_000, None)}),
        (1 + 16_000, "phone", {"nobody": Nobody(DARK, 0, None)}),
        (1 + 1_000, "phone", {"last_ts": NOON + 9 * HOUR}),
        (1, "phone", {"last_ts": NOON + 9 * HOUR - 1}),
        (1 + 1_000, "phone", {"last_ts": NOON + 18 * HOUR - 1}),
        (1, "phone", {"last_ts": NOON + 18 * HOUR}),
        *((1 + 2_000, wide, {}) for wide in ("tv", "console", "stick")),
        *((1, narrow, {}) for narrow in ("tablet", "computer", "other")),
        (1, "tv", {"position_slot": None}),
        (1 + 4_000, "phone", {"position_ms": LENGTH - 2_000}),
        (1, "phone", {"position_ms": LENGTH - 2_001}),
        (1, "phone", {"position_ms": LENGTH, "duration_ms": None}),
        (1 + 8_000, "phone", {"stopped": True}),
        (SURELY_ATTENDED, "tv", {"nobody": None, "position_ms": LENGTH}),
    ],
)
def test_each_weight_counts_when_its_words_say_so(
    wanted: int, device: str, fields: dict[str, Any]
) -> None:
    """A device that is gone has no class and no offset."""
    fields = {"nobody": Nobody(0, 0, None)} | fields
    if "last_ts" in fields:
        fields["position_ts"] = fields["last_ts"]
    assert told(a_device(device), **fields) == wanted


def test_the_night_is_that_of_the_device() -> None:
    assert told(a_device(tz_offset_min=9 * 60), nobody=Nobody(0, 0, None)) == 1 + 1_000


def test_the_threshold_itself_is_asleep() -> None:
    there = [a_show(nobody=who) for who in (Nobody(0, 0, None), None)]
    shows = columns(joined(list(map(pack_show, there))))
    for threshold, wanted in ((0, True), (1, True), (2, False)):
        asleep = replace(WEIGHTS, threshold=threshold)
        assert slept(shows, asleep.numbers) == [wanted, False]
    assert slept(shows, AWAKE) == [False, False]


def slept(shows: Ints, asleep: Ints) -> list[bool]:
    found = np.ones(shows.shape[1], np.bool_)
    slept_through(shows, places_of((a_device(),)), asleep, found)
    return found.tolist()


def tiles_of(*events: Event, policy: Any = WATCH_NEXT) -> list[Tile]:
    state = None
    for offset, event in enumerate(events):
        state = step(state, event, Source(EPOCH, 0, offset)).state
    assert state is not None
    return row(state, "p", "d", View(policy=policy)).tiles


def told_at(kind: type, minute: int, **fields: Any) -> Event:
    common = {"profile_id": "p", "device_id": "d", "device_type": "tv"}
    return kind(event_id=f"e{minute}", ts=NOON + minute * MINUTE, **common, **fields)


def test_nothing_is_silently_finished_while_nobody_is_likely_to_be_there() -> None:
    """The film runs to its end behind a display that is off; without asking it would be gone."""
    film = {"title": Movie(id="film", duration_ms=2 * HOUR)}
    events = [
        told_at(Play, 0, position_ms=0, **film),
        told_at(Progress, 50, position_ms=50 * MINUTE, **film),
        told_at(DisplayOff, 55),
        told_at(Stop, 120, position_ms=2 * HOUR, **film),
    ]
    (tile,) = tiles_of(*events)
    assert (tile.title_id, tile.position_ms, tile.reason) == ("film", 50 * MINUTE, "asleep")
    assert tiles_of(*events, policy=replace(WATCH_NEXT, asleep=None)) == []
    awake = [event for event in events if not isinstance(event, DisplayOff)]
    assert tiles_of(*awake) == []


# --- given up --------------------------------------------------------------------------------


def returns_at(bin_: int) -> range:
    """Of how many sessions a bin tells."""
    return range(2 ** (bin_ - 1) + 1, 2**bin_ + 1) if bin_ else range(1, 2)


@given(
    st.tuples(*[st.integers(0, 500)] * GAP_BINS),
    st.integers(1, 999),
)
def test_no_more_than_the_share_of_returns_took_longer(
    gaps: tuple[int, ...], per_mille: int
) -> None:
    """Counted out, with the returns of a bin spread evenly over its sessions."""
    counts = [own + of_all for own, of_all in zip(gaps, RETURNS, strict=True)]
    limit = sessions_explained(gaps, per_mille)
    last = counts[-1]  # took more than any number
    if limit > 2 ** (GAP_BINS - 2):
        assert last * 1000 >= per_mille * sum(counts)
        return
    longer = last + sum(
        count * sum(n > limit for n in returns_at(bin_)) / len(returns_at(bin_))
        for bin_, count in enumerate(counts[:-1])
    )
    assert longer * 1000 < per_mille * sum(counts) + 1e-6
    one_less = longer + next(
        count / len(returns_at(bin_))
        for bin_, count in enumerate(counts[:-1])
        if limit in returns_at(bin_)
    )
    assert one_less * 1000 >= per_mille * sum(counts) - 1e-6


def test_a_show_is_given_up_beyond_the_habit_and_twice_its_own_longest_gap() -> None:
    habit = sessions_explained((0,) * GAP_BINS, 15)
    assert 40 < habit < 200
    for passed, longest, wanted in (
        (habit, 0, False),
        (habit + 1, 0, True),
        (habit + 1, (habit + 1) // 2 + 1, False),
        (400, 200, False),
        (401, 200, True),
    ):
        rested = a_show(sessions_at=7, longest_gap=longest)
        state = state_of({"s": rested}, [a_device()], sessions=7 + passed)
        shows = columns(joined(list(state.shows.values())))
        assert given_up(shows, state, 15).tolist() == [wanted], (passed, longest)


def test_it_comes_back_when_it_is_played() -> None:
    """Whatever habits say; age alone takes nothing away."""
    film = {"title": Movie(id="film", duration_ms=2 * HOUR)}
    begun = [
        told_at(Play, 0, position_ms=0, **film),
        told_at(Stop, 40, position_ms=40 * MINUTE, **film),
    ]
    others = [
        told_at(Play, 60 * (n + 1), position_ms=0, title=Movie(id=f"other-{n % 3}"))
        for n in range(250)
    ]
    again = [told_at(Play, 60 * 300, position_ms=41 * MINUTE, **film)]
    assert "film" in {tile.show_id for tile in tiles_of(*begun, *others[:20])}
    assert "film" not in {tile.show_id for tile in tiles_of(*begun, *others)}
    keeping = replace(WATCH_NEXT, given_up_per_mille=0)
    assert "film" in {tile.show_id for tile in tiles_of(*begun, *others, policy=keeping)}
    assert tiles_of(*begun, *others, *again)[0].show_id == "film"
    years_later = replace(others[0], event_id="late", ts=NOON + 3 * 365 * 24 * HOUR)
    assert "film" in {tile.show_id for tile in tiles_of(*begun, years_later)}


def test_returns_of_everybody_are_about_two_hundred() -> None:
    assert 190 <= sum(RETURNS) <= 210
    assert np.all(np.diff(RETURNS) <= 0)
