"""Binge responsibly: what counts as in a row, and what a row does at the limit."""

from typing import Any

import pytest
from event_strategies import MINUTE, T0, run
from msgspec.structs import replace

from stream_cw.core.binge import GIVES_WAY, watched_in_a_row
from stream_cw.core.events import Episode, Event, Play, Progress, SessionStart, Stop
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.row import View, row
from stream_cw.core.rows import Row
from stream_cw.core.state import ProfileState

HOUR = 60 * MINUTE


class Evening:
    """What a member watches, told in hours since `T0`."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, kind: type, at: float, session: str | None, **fields: Any) -> None:
        common = {"profile_id": "p", "device_id": "tv", "device_type": "tv"}
        event_id = f"e{len(self.events)}"
        ts = T0 + round(at * HOUR)
        self.events.append(kind(event_id=event_id, ts=ts, session_id=session, **common, **fields))

    def open(self, at: float, session: str | None = "s1") -> None:
        self.tell(SessionStart, at, session)

    def watch(
        self, at: float, hours: float, show: str = "binge", session: str | None = "s1"
    ) -> None:
        """Watch a very long episode, with a report every six minutes."""
        number = len(self.events)
        title = Episode(id=f"{show}-{number}", series_id=show, duration_ms=100 * HOUR)
        self.tell(Play, at, session, title=title, position_ms=0)
        reports = round(hours * 10)
        for n in range(1, reports + 1):
            kind = Stop if n == reports else Progress
            self.tell(kind, at + n / 10, session, title=title, position_ms=n * 6 * MINUTE)

    def state(self) -> ProfileState:
        state, _ = run(self.events)
        assert state is not None
        return state

    def in_a_row(self, show: str = "binge") -> float:
        """In hours."""
        state = self.state()
        return watched_in_a_row(state, unpack_show(show, state.shows[show])) / HOUR

    def row(self, in_a_row_ms: int | None) -> Row:
        policy = replace(WATCH_NEXT, in_a_row_ms=in_a_row_ms, asleep=None)
        return row(self.state(), "p", "tv", View(policy=policy))


def binge(hours: float = 5) -> Evening:
    """One hour of another show a week before, and then so many of this one."""
    evening = Evening()
    evening.watch(-200, 1, "other", "s0")
    evening.open(0)
    evening.watch(0, hours)
    return evening


def first(made: Row) -> str:
    return made.tiles[0].show_id


def decayed(hours: int) -> float:
    """What is left of hours on end, minute by minute, at their end."""
    return sum(2 ** (-minute / 60 / 24) for minute in range(60 * hours)) / 60


@pytest.mark.parametrize("hours", [1, 3, 5, 8])
def test_hours_on_end_are_counted(hours: int) -> None:
    assert binge(hours).in_a_row() == pytest.approx(decayed(hours), abs=0.06)
    assert binge(hours).in_a_row() <= hours


def test_at_the_limit_it_gives_way_to_the_second() -> None:
    evening = binge()
    state = evening.state()
    reached = watched_in_a_row(state, unpack_show("binge", state.shows["binge"]))
    assert [first(evening.row(reached + more)) for more in (-1, 0, 1)] == [
        "other",
        "other",
        "binge",
    ]
    made = evening.row(reached)
    assert [tile.show_id for tile in made.tiles] == ["other", "binge"]
    assert [tile.reason for tile in made.tiles] == ["recently_watched", GIVES_WAY]


def test_off_by_default() -> None:
    assert WATCH_NEXT.in_a_row_ms is None
    assert first(binge(20).row(None)) == "binge"


def test_a_break_ends_it() -> None:
    evening = binge()
    evening.open(5.5)
    assert first(evening.row(4 * HOUR)) == "other"
    evening = binge()
    evening.open(5.5 + 1 / 3600, "s2")
    assert evening.in_a_row() == 0
    assert first(evening.row(4 * HOUR)) == "binge"


def test_what_was_before_the_break_is_not_in_it() -> None:
    evening = binge()
    evening.open(8, "s2")
    evening.watch(8, 1, session="s2")
    assert evening.in_a_row() == 1
    assert first(evening.row(2 * HOUR)) == "binge"


def test_to_open_the_app_anew_is_no_break() -> None:
    evening = binge()
    evening.open(5.2, "s2")
    assert evening.in_a_row() == pytest.approx(decayed(5), abs=0.06)
    evening.watch(5.2, 1, session="s2")
    assert evening.in_a_row() > 5
    assert first(evening.row(5 * HOUR)) == "other"


def test_another_show_in_the_same_session_has_its_own_count() -> None:
    evening = binge()
    evening.watch(5.1, 1, "other")
    assert evening.in_a_row("other") == pytest.approx(1, abs=0.1)
    assert first(evening.row(3 * HOUR)) == "other"


def test_without_ids_of_sessions_the_decayed_time_counts() -> None:
    evening = Evening()
    evening.watch(0, 4, session=None)
    evening.watch(20, 1, session=None)
    assert 1 < evening.in_a_row() < 5


def test_a_lone_tile_stays_first() -> None:
    evening = Evening()
    evening.watch(0, 5)
    made = evening.row(1)
    assert [(tile.show_id, tile.reason) for tile in made.tiles] == [("binge", "recently_watched")]
