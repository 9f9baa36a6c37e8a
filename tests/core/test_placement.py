"""Placement maps: thresholds, costs by member and device, pages; monotone, and within the page."""

from fractions import Fraction

import msgspec
import pytest
from event_strategies import DAY, EPOCH, T0
from hypothesis import given
from hypothesis import strategies as st

from stream_cw.core.events import DeviceType, SessionStart
from stream_cw.core.placement import (
    Case,
    PlacementMap,
    before_less_likely,
    cheapest_slot,
    place,
)
from stream_cw.core.row import View, row
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step

MICRO = 1_000_000
HOME = (620_000, 410_000, 330_000, 20_000)

costs = st.integers(1, 1_000_000)
chances = st.integers(0, MICRO)


def member(days: int = 0, device_type: DeviceType = "tv", *, short_by: int = 0) -> ProfileState:
    """A profile whose first event is so many days old, short by some ms."""
    state = None
    for offset, ts in enumerate((T0, T0 + days * DAY - short_by)):
        event = SessionStart(
            event_id=f"e{offset}",
            profile_id="p",
            device_id="device",
            device_type=device_type,
            ts=ts,
        )
        state = step(state, event, Source(EPOCH, 0, offset)).state
    assert state is not None
    return state


def slot(p: int, placed: PlacementMap, state: ProfileState | None = None) -> int:
    return place(state or member(), 0, p, "told", placed).slot


@pytest.mark.parametrize(
    ("p", "wanted"), [(0, 1), (499_999, 1), (500_000, 0), (500_001, 0), (MICRO, 0)]
)
def test_the_default_is_an_even_chance(p: int, wanted: int) -> None:
    assert slot(p, PlacementMap()) == wanted
    assert place(member(), 0, p, "told") == place(member(), 0, p, "told", PlacementMap())


@pytest.mark.parametrize(
    ("false_positive", "false_negative", "least"),
    [
        (1, 1, 500_000),
        (1, 3, 250_000),
        (3, 1, 750_000),
        (1, 2, 333_334),  # a third is not a whole number of millionths: the next one up
        (2, 1, 666_667),
        (999_999, 1, 999_999),
        (1, 999_999, 1),
        (30, 90, 250_000),
    ],
)
def test_the_threshold_follows_from_the_costs(
    false_positive: int, false_negative: int, least: int
) -> None:
    placed = PlacementMap(false_positive=false_positive, false_negative=false_negative)
    assert [slot(p, placed) for p in (least - 1, least, least + 1)] == [1, 0, 0]


@given(p=chances, false_positive=costs, false_negative=costs, slots=st.integers(2, 100))
def test_the_slot_costs_least(p: int, false_positive: int, false_negative: int, slots: int) -> None:
    def cost(at: int) -> Fraction:
        depth = Fraction(at, slots - 1)
        missed = p * false_negative * depth**2
        return missed + (MICRO - p) * false_positive * (1 - depth) ** 2

    found = cheapest_slot(p, slots, false_positive, false_negative)
    assert found == min(range(slots), key=lambda at: (cost(at), at))


@given(p=chances, false_positive=costs, false_negative=costs)
def test_two_slots_are_the_threshold(p: int, false_positive: int, false_negative: int) -> None:
    high = Fraction(p, MICRO) >= Fraction(false_positive, false_positive + false_negative)
    assert cheapest_slot(p, 2, false_positive, false_negative) == (0 if high else 1)


pages = st.lists(chances, min_size=1, max_size=12).map(tuple)
cases = st.builds(
    Case,
    false_positive=costs,
    false_negative=costs,
    device_types=st.none() | st.lists(st.sampled_from(["tv", "phone"]), min_size=1).map(tuple),
    tenure_below_days=st.none() | st.integers(1, 60),
)
maps = st.builds(
    PlacementMap,
    false_positive=costs,
    false_negative=costs,
    slots=st.none() | st.integers(2, 100),
    cases=st.lists(cases, max_size=3).map(tuple),
) | st.builds(
    PlacementMap,
    false_positive=costs,
    false_negative=costs,
    page=pages,
    cases=st.lists(cases, max_size=3).map(tuple),
)
MEMBERS = [member(days, kind) for days in (0, 20, 90) for kind in ("tv", "phone")]


@given(placed=maps, state=st.sampled_from(MEMBERS), one=chances, other=chances)
def test_any_map_is_monotone_and_keeps_to_the_page(
    placed: PlacementMap, state: ProfileState, one: int, other: int
) -> None:
    low, high = sorted((one, other))
    lower, higher = slot(low, placed, state), slot(high, placed, state)
    slots = len(placed.page) + 1 if placed.page else placed.slots or 2
    assert 0 <= higher <= lower < slots
    if not placed.page:
        assert (slot(0, placed, state), slot(MICRO, placed, state)) == (slots - 1, 0)


@pytest.mark.parametrize(
    ("p", "wanted"),
    [(0, 4), (20_000, 4), (20_001, 3), (330_000, 3), (330_001, 2), (410_001, 1), (620_001, 0)],
)
def test_it_goes_before_the_first_row_that_is_less_likely(p: int, wanted: int) -> None:
    assert slot(p, PlacementMap(page=HOME)) == wanted


def test_two_home_pages_with_different_content_get_different_slots() -> None:
    premiere, quiet = (900_000, 800_000, 50_000), (300_000, 200_000, 50_000)
    state = member()
    made = [
        row(state, "p", "device", View(placement=PlacementMap(page=page))).placement
        for page in (premiere, quiet)
    ]
    assert [placed.p_continue for placed in made] == [0, 0]
    assert [slot(700_000, PlacementMap(page=page)) for page in (premiere, quiet)] == [2, 0]


def test_a_page_weighs_its_rows_by_the_costs() -> None:
    assert before_less_likely(300_000, HOME, 1, 1) == 3
    assert before_less_likely(300_000, HOME, 1, 2) == 1  # as if it were .6
    assert before_less_likely(300_000, HOME, 2, 1) == 3
    assert before_less_likely(30_000, HOME, 2, 1) == 4


@pytest.mark.parametrize(
    ("days", "short_by", "device_type", "least"),
    [
        (0, 0, "tv", 200_000),
        (30, 1, "tv", 200_000),
        (30, 0, "tv", 500_000),
        (90, 0, "tv", 500_000),
        (90, 0, "tablet", 750_000),
        (90, 0, "phone", 750_000),
        (0, 0, "phone", 200_000),  # the first case that fits
    ],
)
def test_costs_by_tenure_and_device(
    days: int, short_by: int, device_type: DeviceType, least: int
) -> None:
    placed = PlacementMap(
        cases=(
            Case(tenure_below_days=30, false_positive=1, false_negative=4),
            Case(device_types=("phone", "tablet"), false_positive=3, false_negative=1),
        )
    )
    state = member(days, device_type, short_by=short_by)
    assert [slot(p, placed, state) for p in (least - 1, least)] == [1, 0]


def test_a_case_needs_both_to_fit() -> None:
    case = Case(
        tenure_below_days=30, device_types=("phone",), false_positive=1, false_negative=999_999
    )
    placed = PlacementMap(cases=(case,))
    fits = {
        (days, kind): slot(1, placed, member(days, kind)) == 0
        for days in (29, 30)
        for kind in ("tv", "phone")
    }
    assert [which for which, found in fits.items() if found] == [(29, "phone")]


def test_a_case_may_have_a_page_of_its_own() -> None:
    small = Case(device_types=("phone",), false_positive=1, false_negative=1, page=(100_000,))
    placed = PlacementMap(page=HOME, cases=(small,))
    assert slot(150_000, placed, member(0, "phone")) == 0
    assert slot(150_000, placed, member(0, "tv")) == 3
    only = PlacementMap(cases=(small,))
    assert slot(150_000, only, member(0, "phone")) == 0
    assert slot(150_000, only, member(0, "tv")) == 1


def test_the_row_is_placed_by_the_view() -> None:
    state = member()
    made = row(state, "p", "device", View(placement=PlacementMap(slots=7)))
    assert made.placement.slot == 6
    assert row(state, "p", "device").placement.slot == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"false_positive":0}', "$.false_positive"),
        ('{"false_negative":1.5}', "$.false_negative"),
        ('{"slots":1}', "$.slots"),
        ('{"slots":101}', "$.slots"),
        ('{"page":[]}', "$.page"),
        ('{"page":[1000001]}', "$.page[0]"),
        ('{"page":[0.5]}', "$.page[0]"),
        ('{"slots":2,"page":[1]}', "`slots` or `page`"),
        (
            '{"slots":2,"cases":[{"false_positive":1,"false_negative":1,"page":[1]}]}',
            "`slots` or `page`",
        ),
        ('{"cases":[{"false_positive":1}]}', "false_negative"),
        (
            '{"cases":[{"false_positive":1,"false_negative":1,"device_types":["fridge"]}]}',
            "$.cases[0].device_types[0]",
        ),
        (
            '{"cases":[{"false_positive":1,"false_negative":1,"tenure_below_days":0}]}',
            "$.cases[0].tenure_below_days",
        ),
        ('{"theshold":1}', "theshold"),
    ],
)
def test_what_is_no_map_is_refused(text: str, told: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(text, type=PlacementMap)
    assert told in str(caught.value)
