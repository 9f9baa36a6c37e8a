"""A playback event in its show, where two things are equal or the last of them has no room."""

from itertools import permutations

from event_strategies import DAY, MINUTE, T0, run

from stream_cw.core.events import Episode, Event, Movie, Play, Rating
from stream_cw.core.limits import EPISODES, SHOW_DEVICES
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.show import Show
from stream_cw.core.state import hash32

FILM = Movie(id="film")


def played(number: int, ts: int, device: int = 0, **fields: object) -> Event:
    return Play(
        **{
            "event_id": f"event-{number}", "profile_id": "p", "device_id": f"device-{device}",
            "device_type": "tv", "ts": ts, "title": FILM, "position_ms": MINUTE, **fields,
        }
    )  # fmt: skip


def episode(number: int) -> Episode:
    return Episode(id=f"episode-{number}", series_id="series", season=1, episode=number)


def show_of(events: list[Event], show_id: str = "film") -> Show:
    state, _ = run(events)
    assert state is not None
    return unpack_show(show_id, state.shows[show_id])


def test_of_devices_in_the_same_second_the_first_known_ones_are_kept() -> None:
    devices = range(SHOW_DEVICES + 1)
    known = [played(n, T0, n, title=Movie(id="other")) for n in devices]
    for order in permutations(devices):
        plays = [played(10 + n, T0 + DAY + n, n) for n in order]
        assert [device.slot for device in show_of([*known, *plays]).devices] == [0, 1, 2]


def test_of_episodes_in_the_same_millisecond_those_with_the_smaller_hash_are_kept() -> None:
    numbers = range(1, EPISODES + 2)
    last = played(99, T0 + DAY, title=episode(99))
    wanted = sorted(hash32(episode(n).id) for n in numbers)[:EPISODES]
    for order in permutations(numbers):
        late = [played(n, T0, title=episode(n)) for n in order]
        listed = show_of([last, *late], "series").episodes
        assert [each.title for each in listed] == wanted


def test_an_episode_that_is_watched_again_is_listed_no_more() -> None:
    watched = [(1, 10), (2, 20), (1, 30), (3, 40), (2, 50)]
    events = [
        played(n, T0 + n * DAY, title=episode(number), position_ms=at * MINUTE)
        for n, (number, at) in enumerate(watched)
    ]
    show = show_of(events, "series")
    assert show.title_id == "episode-2"
    listed = {each.title: each.position_ms // MINUTE for each in show.episodes}
    assert listed == {hash32("episode-3"): 40, hash32("episode-1"): 30}


def test_what_is_not_told_of_the_next_title_is_not_taken_from_the_one_before() -> None:
    bare = Episode(id="bare", series_id="series")
    told = played(0, T0, title=Episode(
        id="told", series_id="series", season=2, episode=3, duration_ms=MINUTE, credits_ms=1
    ))  # fmt: skip
    show = show_of([told, played(1, T0 + DAY, title=bare)], "series")
    assert (show.season, show.episode, show.duration_ms, show.credits_ms) == (None,) * 4


def test_a_rating_takes_the_place_of_the_one_before() -> None:
    given = [
        Rating(
            event_id=f"rating-{n}", profile_id="p", device_id="device-0", device_type="tv",
            ts=T0 + n, show_id="film", rating=rating,
        )
        for n, rating in enumerate((2, -1, 1, 0), start=1)
    ]  # fmt: skip
    for count, rating in enumerate((2, -1, 1, 0), start=1):
        assert show_of([played(0, T0), *given[:count]]).rating == rating
