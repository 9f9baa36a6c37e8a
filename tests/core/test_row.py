"""The row: what is in it, in which order, and that it says why."""

from event_strategies import DAY, EPOCH, MINUTE, T0, events, run
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_cw.core.events import (
    Episode,
    MarkWatched,
    Movie,
    Play,
    Remove,
    Stop,
    Supplemental,
    UndoRemove,
)
from stream_cw.core.row import View, row
from stream_cw.core.rows import MAX_TILES, Cause, decode_row, encode_row, row_content
from stream_cw.core.scoring import Recency
from stream_cw.core.state import Source, live_devices
from stream_cw.core.step import step


def fields(number: int, ts: int, device: str = "tv") -> dict:
    return {
        "event_id": f"e{number}",
        "profile_id": "p",
        "device_id": device,
        "device_type": "tv",
        "ts": ts,
    }


def watched(*titles, minutes: int = 30, every: int = DAY) -> list:
    """One title after the other, each played from its beginning for so many minutes."""
    history = []
    for number, title in enumerate(titles):
        ts = T0 + number * every
        history.append(Play(**fields(2 * number, ts), title=title, position_ms=0))
        end = fields(2 * number + 1, ts + minutes * MINUTE)
        history.append(Stop(**end, title=title, position_ms=minutes * MINUTE))
    return history


def row_of(history: list):
    state, _ = run(history)
    return row(state, "p", history[-1].device_id)


def film(number: int, duration: int | None = 100) -> Movie:
    return Movie(id=f"film-{number}", duration_ms=duration and duration * MINUTE)


def chapter(number: int, duration: int = 50) -> Episode:
    return Episode(
        id=f"ep-{number}",
        series_id="series",
        season=1,
        episode=number,
        duration_ms=duration * MINUTE,
    )


def test_the_last_played_stands_first_and_no_more_than_twenty():
    made = row_of(watched(*(film(n) for n in range(30))))
    assert [tile.show_id for tile in made.tiles] == [f"film-{n}" for n in range(29, 9, -1)]
    assert len(made.tiles) == MAX_TILES


def test_a_finished_film_leaves_and_a_finished_episode_points_to_the_next():
    made = row_of(watched(film(1, 30), chapter(1, 30), film(2)))
    assert [tile.show_id for tile in made.tiles] == ["film-2", "series"]
    tile = made.tiles[1]
    assert tile.up_next
    assert (tile.title_id, tile.season, tile.episode, tile.position_ms) == ("ep-1", 1, 1, 0)


class InTheMiddle(Recency):
    """A scorer for which each show's place in its title speaks most."""

    def rank(self, state, slot, found):
        ranking = super().rank(state, slot, found)
        return ranking._replace(reasons=["unfinished"] * len(found.ids))


def test_what_is_over_was_not_left_in_the_middle():
    state, _ = run(watched(film(1), chapter(1, 30)))
    made = row(state, "p", "tv", View(scorer=InTheMiddle()))
    assert [tile.reason for tile in made.tiles] == ["next_episode", "unfinished"]


def test_an_unfinished_episode_resumes_where_it_was():
    tile = row_of(watched(chapter(1), chapter(2))).tiles[0]
    assert (tile.title_id, tile.position_ms, tile.up_next) == ("ep-2", 30 * MINUTE, False)


def test_a_series_stays_while_its_next_episode_has_only_begun():
    """Autoplay that is stopped after seconds must not take the series out of the row."""
    history = watched(chapter(1))
    history.append(Play(**fields(10, T0 + DAY), title=chapter(2), position_ms=0))
    history.append(Stop(**fields(11, T0 + DAY + 5000), title=chapter(2), position_ms=5000))
    tile = row_of(history).tiles[0]
    assert (tile.title_id, tile.position_ms) == ("ep-2", 5000)


def test_trailers_make_no_tile():
    assert row_of(watched(Supplemental(id="t", series_id="series"))).tiles == []


def test_the_members_word():
    history = watched(chapter(1), film(1))
    removed = [*history, Remove(**fields(20, T0 + 3 * DAY), show_id="series")]
    assert [t.show_id for t in row_of(removed).tiles] == ["film-1"]
    undone = [*removed, UndoRemove(**fields(21, T0 + 3 * DAY + 1), show_id="series")]
    assert row_content(row_of(undone)) == row_content(row_of(history))
    again = [*removed, Play(**fields(22, T0 + 4 * DAY), title=chapter(1), position_ms=30 * MINUTE)]
    assert [t.show_id for t in row_of(again).tiles] == ["series", "film-1"]
    marked = [*history, MarkWatched(**fields(23, T0 + 3 * DAY), title=film(1))]
    assert [t.show_id for t in row_of(marked).tiles] == ["series"]


def test_equal_scores_stand_in_the_order_of_their_ids():
    history = watched(film(2), film(1), film(3), every=0)
    assert [t.show_id for t in row_of(history).tiles] == ["film-1", "film-2", "film-3"]


def test_the_row_says_what_caused_it_and_counts_applied_events():
    history = watched(film(1))
    made = row_of(history)
    assert made.cause == Cause("e1", "stop")
    assert made.version.revision == 2
    assert made.model.id == "recency"
    assert made.ts == history[-1].ts


def test_placement_follows_the_share_of_resumed_sessions():
    discovering = row_of(watched(*(film(n) for n in range(30))))
    binging = row_of(watched(*[chapter(1)] * 30))
    assert binging.placement.p_continue > 900_000
    assert discovering.placement.p_continue < 300_000
    assert (binging.placement.slot, discovering.placement.slot) == (0, 1)


@settings(deadline=None, max_examples=100)
@given(st.lists(events(), min_size=1, max_size=40))
def test_rows_are_bounded_ordered_and_a_function_of_the_log(history):
    state, _ = run(history)
    again, _ = run(history)
    assert state == again
    if state is None:
        return
    for device_id in live_devices(state):
        made = row(state, "p", device_id)
        data = encode_row(made)
        assert data == encode_row(row(again, "p", device_id))
        assert encode_row(decode_row(data)) == data
        assert len(made.tiles) <= MAX_TILES
        assert len({tile.show_id for tile in made.tiles}) == len(made.tiles)
        order = [(-tile.score, tile.show_id) for tile in made.tiles]
        assert order == sorted(order)


@settings(deadline=None, max_examples=100)
@given(st.lists(events(forget=False), min_size=1, max_size=30), st.integers(0, 29))
def test_other_offsets_give_the_same_rows(history, repeat_at):
    """The log's places are no part of a row: redelivery and repeats leave its bytes alone."""
    state, _ = run(history)
    shifted, _ = run(history, start=1000)
    repeat = history[repeat_at % len(history)]
    repeated = step(state, repeat, Source(EPOCH, 0, 5000))
    assert not repeated.applied
    for device_id in live_devices(state):
        data = encode_row(row(state, "p", device_id))
        assert data == encode_row(row(shifted, "p", device_id))
        assert data == encode_row(row(repeated.state, "p", device_id))
