"""All interleavings of what two devices tell come to the same state, and to the row promised."""

from collections.abc import Callable
from typing import Any

from arrival import every_order
from household import Home, Player, pick, title_of
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st
from promises import MINUTE, Promises
from script import take
from shelves import SHOWS, first_shelf, offers_of, view_of

from stream_cw.core.events import Event, MarkWatched, Pause, Remove, Stop, UndoRemove
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.row import row
from stream_cw.core.state import ProfileState

MOST = 9
"""Events of a scene: two times four and a half interleave in 126 ways."""
CONVERGES = (
    *("title_id", "position_ms", "position_ts", "duration_ms", "credits_ms", "season", "episode"),
    *("removed", "removal_ts", "watched", "watched_ts", "furthest", "started_ts", "first_s"),
    *("last_ts", "plays", "autoplays", "episodes", "minutes", "plays_decayed"),
)
"""What of a show the row's content is made of; `docs/state.md` says what goes by arrival."""


def play(home: Home, player: Player, show: str, number: int) -> None:
    home.begin(player, title_of(pick(first_shelf()[show], number).title), 0)


def halt(home: Home, player: Player, show: str, number: int) -> None:
    """Pause or stop; a player that rests on pause may tell so again."""
    if player.title is not None:
        home.halt(player, pick((Pause, Stop), number))


def go_on(home: Home, player: Player, show: str, number: int) -> None:
    if player.title is not None and not player.playing:
        home.begin(player, player.title, player.position_ms)


def remove(home: Home, player: Player, show: str, number: int) -> None:
    home.tell(player, pick((Remove, Remove, UndoRemove), number), show_id=show)


def mark(home: Home, player: Player, show: str, number: int) -> None:
    home.tell(player, MarkWatched, title=title_of(pick(first_shelf()[show], number).title))


def wait(home: Home, player: Player, show: str, number: int) -> None:
    home.wait(pick((MINUTE, 10 * MINUTE, 45 * MINUTE), number))


Act = Callable[[Home, Player, str, int], None]
ACTS: tuple[Act, ...] = (play, play, halt, halt, go_on, remove, mark, wait, wait)
acts = st.tuples(
    st.sampled_from(ACTS), st.integers(0, 1), st.sampled_from(SHOWS), st.integers(0, 11)
)


@given(st.lists(acts, min_size=6, max_size=16))
@settings(max_examples=120, deadline=None)
def test_all_interleavings_converge(scene: list[tuple[Act, int, str, int]]) -> None:
    events: list[Event] = []
    home = Home(events.append)
    for show in SHOWS:
        play(home, home.players[0], show, 0)
        home.wait(5 * MINUTE)
    known = len(events)
    for act, player, show, number in scene:
        act(home, home.players[player], show, number)
    before, day = events[:known], events[known:][:MOST]
    start = None
    for event in before:
        start = take(start, event).state
    promises = Promises()
    for event in (*before, *day):
        promises.arrive(event)
    orders = list(every_order(day, frozenset(SHOWS)))
    note(f"orders: {len(orders)}")
    shelf = first_shelf()
    right = {show: promises.right(show, shelf) for show in SHOWS}
    seen: list[dict[str, Any]] = []
    for order in orders:
        state = start
        for event in order:
            state = take(state, event).state
        assert state is not None
        seen.append(belonging(state))
        assert seen[-1] == seen[0]
    offers = offers_of(row(state, "p", "tv", view_of(shelf)))
    assert all(offers.get(show) in right[show] for show in SHOWS), f"{offers}, right is {right}"


def belonging(state: ProfileState) -> dict[str, Any]:
    shows = {show_id: unpack_show(show_id, data) for show_id, data in state.shows.items()}
    return {
        show_id: {name: getattr(show, name) for name in CONVERGES}
        for show_id, show in shows.items()
    }
