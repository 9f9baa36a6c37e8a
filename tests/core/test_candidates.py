"""Which shows belong in the row, against the rule told show by show and in words."""

from fractions import Fraction

import pytest
from event_strategies import DAY, MINUTE, T0, events, run
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from state_strategies import states

from stream_cw.core.candidates import candidates
from stream_cw.core.columns import columns
from stream_cw.core.events import Episode, MarkWatched, Movie, Play, Remove, Stop, UndoRemove
from stream_cw.core.joined import joined
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.show import Show
from stream_cw.core.shows import Shows
from stream_cw.core.state import ProfileState

HOUR = 60 * MINUTE


def is_started(show: Show) -> bool:
    """A film: 3 % or 2 min, whichever is earlier; an episode: 2 min."""
    if show.series:
        reached = [show.position_ms, *(episode.position_ms for episode in show.episodes)]
        return max(reached) >= 2 * MINUTE
    enough = Fraction(2 * MINUTE)
    if show.duration_ms is not None:
        enough = min(enough, Fraction(3 * show.duration_ms, 100))
    return show.position_ms >= enough


def is_finished(show: Show) -> bool:
    """The credits are reached; else 95 % or less than 3 min left; unknown is never finished."""
    if show.watched:
        return True
    if show.credits_ms is not None:
        return show.position_ms >= show.credits_ms
    if show.duration_ms is None:
        return False
    left = show.duration_ms - show.position_ms
    return left < 3 * MINUTE or Fraction(show.position_ms, show.duration_ms) >= Fraction(95, 100)


def was_finished(show: Show) -> bool:
    """A film that was once finished stays so until it is played for as long as counts as started.

    Or until it is known to be longer, or its credits to come later, than how far it was seen.
    """
    if show.series or show.started_ts is None:
        return False
    again = is_started(replace(show, position_ms=show.last_ts - show.started_ts))
    seen = show.furthest[0] << 16 | show.furthest[1]
    return not again and (seen == 2**32 - 1 or is_finished(replace(show, position_ms=seen)))


PLAIN = replace(WATCH_NEXT, asleep=None, given_up_per_mille=0)
"""Who slept and what was given up have tests of their own."""


def check(state: ProfileState) -> None:
    wanted = {}
    for show_id, packed in state.shows.items():
        show = unpack_show(show_id, packed)
        finished = is_finished(show) or was_finished(show)
        begun = is_started(show) or finished
        if begun and not show.removed and (show.series or not finished):
            wanted[show_id] = finished
    found = candidates(state, PLAIN)
    assert dict(zip(found.ids, found.finished.tolist(), strict=True)) == wanted
    assert found.ids == list(wanted)  # in the order of the state
    assert found.packed == [state.shows[show_id] for show_id in wanted]
    assert found.shows.tolist() == columns(joined(found.packed)).tolist()


@given(states())
@settings(max_examples=60)
def test_the_rule_of_any_state(state: ProfileState) -> None:
    check(state)


@given(st.lists(events(forget=False), min_size=1, max_size=30))
@settings(max_examples=40)
def test_the_rule_of_states_that_come_from_events(history: list) -> None:
    state, _ = run(history)
    assert state is not None
    check(state)


SLEEPY = replace(WATCH_NEXT, asleep=replace(WATCH_NEXT.asleep, threshold=-9_000))
"""Most of what somebody did not surely see was slept through."""


@given(states(most_shows=12))
@settings(max_examples=60)
def test_what_is_told_of_a_show_depends_on_no_other(state: ProfileState) -> None:
    """Nor on where it stands: those that are not kept leave no trace."""
    told = candidates(state, SLEEPY)
    for n, show_id in enumerate(told.ids):
        only = Shows.of({show_id: state.shows[show_id]})
        alone = candidates(replace(state, shows=only), SLEEPY)
        assert [choice.tolist() for choice in alone.choice] == [[c[n]] for c in told.choice]
        assert alone.finished.tolist() == [told.finished[n]]
        assert alone.shows[:, 0].tolist() == told.shows[:, n].tolist()


LONG_FILM = Movie(id="film", duration_ms=2 * HOUR)
SHORT_FILM = Movie(id="film", duration_ms=20 * MINUTE)
EPISODE = Episode(id="ep", series_id="series", season=1, episode=1, duration_ms=HOUR)


def _watched(title: Movie | Episode, position_ms: int, *more: tuple[type, dict]) -> list:
    def fields(number: int) -> dict:
        return {
            "event_id": f"e{number}",
            "profile_id": "p",
            "device_id": "tv",
            "device_type": "tv",
            "ts": T0 + number * DAY,
        }

    history = [
        Play(**fields(0), title=title, position_ms=0),
        Stop(**fields(1), title=title, position_ms=position_ms),
    ]
    return history + [kind(**fields(2 + n), **given) for n, (kind, given) in enumerate(more)]


@pytest.mark.parametrize(
    ("history", "offered"),
    [
        (_watched(LONG_FILM, 2 * MINUTE - 1), None),
        (_watched(LONG_FILM, 2 * MINUTE), False),
        (_watched(SHORT_FILM, 36_000 - 1), None),  # 3 % of twenty minutes
        (_watched(SHORT_FILM, 36_000), False),
        (_watched(SHORT_FILM, 17 * MINUTE), False),  # three minutes are left
        (_watched(SHORT_FILM, 17 * MINUTE + 1), None),
        (_watched(LONG_FILM, 114 * MINUTE - 1), False),  # 95 % of two hours
        (_watched(LONG_FILM, 114 * MINUTE), None),
        (_watched(EPISODE, 108_000), None),  # 3 % of an episode say nothing
        (_watched(EPISODE, 2 * MINUTE), False),
        (_watched(EPISODE, 57 * MINUTE), True),  # finished: its series stays
        (_watched(EPISODE, HOUR), True),
        (_watched(LONG_FILM, HOUR, (Remove, {"show_id": "film"})), None),
        (
            _watched(
                LONG_FILM, HOUR, (Remove, {"show_id": "film"}), (UndoRemove, {"show_id": "film"})
            ),
            False,
        ),
        (
            _watched(
                LONG_FILM, HOUR, (Remove, {"show_id": "film"}),
                (Play, {"title": LONG_FILM, "position_ms": HOUR}),
            ),
            False,
        ),
        (_watched(LONG_FILM, HOUR, (MarkWatched, {"title": LONG_FILM})), None),
        (_watched(EPISODE, HOUR // 2, (MarkWatched, {"title": EPISODE})), True),
        (_watched(Movie(id="film"), 10 * HOUR), False),
    ],
)  # fmt: skip
def test_the_limits_by_events(history: list, offered: bool | None) -> None:
    """None: it is not offered; else whether the title after the last one is meant."""
    state, _ = run(history)
    assert state is not None
    found = candidates(state, PLAIN)
    assert found.finished.tolist() == ([] if offered is None else [offered])
    check(state)
