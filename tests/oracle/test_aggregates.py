"""The state equals a slow recomputation from the whole history, in every number."""

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from event_lists import (
    CROWD,
    DEVICE_LIST,
    MINUTE,
    START,
    TITLES,
    differences,
    event_lists,
    long_history,
    numbers,
    run,
)
from hypothesis import given, settings
from naive import HALF_LIVES_MS, allowed_error, read_sum, recompute, tell, true_sum

from stream_cw.core import retention
from stream_cw.core.codec import encode_state
from stream_cw.core.events import (
    Event,
    MarkWatched,
    Movie,
    Pause,
    Play,
    Progress,
    SetRecording,
    Stop,
    Title,
    decode_event,
)
from stream_cw.core.limits import DEVICES, EVENT_IDS, SHOWS, STATE_BYTES, U16
from stream_cw.history.netflix import import_netflix

SLIMMED = re.compile(r"shows\.\w+\.(devices|episodes)\.")


def assert_alike(events: Sequence[Event]) -> None:
    assert not differences(numbers(run(events)), recompute(events))


Told = tuple[int, str, type[Play | Progress | Pause | Stop], Title, int]


def told(moves: Sequence[Told]) -> list[Event]:
    """Make events from minute, device, kind, title and position in minutes."""
    return [
        kind(
            event_id=f"id-{n}",
            profile_id="p",
            device_id=device,
            device_type=device,
            ts=START + minute * MINUTE,
            title=title,
            position_ms=position * MINUTE,
        )
        for n, (minute, device, kind, title, position) in enumerate(moves)
    ]


def test_an_evening_by_hand() -> None:
    """What the document says of one evening, worked out without the oracle."""
    film, first, second = TITLES[0], TITLES[3], TITLES[4]
    events = told(
        [
            (0, "tv", Play, first, 0),
            (10, "tv", Progress, first, 10),
            (20, "tv", Pause, first, 20),
            (40, "tv", Play, first, 20),
            (70, "tv", Stop, first, 50),
            (71, "tv", Play, second, 0),  # its stop is lost
            (90, "tv", Play, film, 0),
            (95, "phone", Play, film, 5),
            (100, "tv", Stop, film, 25),  # skipped ahead: ten minutes have passed
            (105, "phone", Stop, film, 15),
            (106, "phone", Stop, first, 3),  # without a play
        ]
    )
    laid_out = numbers(run(events))
    assert laid_out is not None
    assert_alike(events)
    shows = laid_out["shows"]
    watched = {
        show_id: read_sum(show["minutes"][2], show["last_ts"], HALF_LIVES_MS[2]) / 1024
        for show_id, show in shows.items()
    }
    assert watched == {"series": pytest.approx(50, rel=0.01), "film": pytest.approx(20, rel=0.01)}
    assert {show_id: show["plays"] for show_id, show in shows.items()} == {"series": 2, "film": 2}
    assert (shows["series"]["title_id"], shows["series"]["position_ms"]) == ("e0", 3 * MINUTE)
    assert (shows["film"]["position_ms"], shows["film"]["position_device"]) == (
        15 * MINUTE,
        "phone",
    )
    assert list(shows["series"]["episodes"].values()) == [(0, 50 * MINUTE, START + 71 * MINUTE)]
    assert (laid_out["sessions"], laid_out["started"], laid_out["resumed"]) == (2, 1, 1)
    assert shows["series"]["starts"] == shows["film"]["starts"] == 1


def switched(minute: int, recording: bool) -> Event:
    return SetRecording(
        event_id=f"switch-{minute}", profile_id="p", device_id="tablet", device_type="tablet",
        ts=START + minute * MINUTE, recording=recording,
    )  # fmt: skip


def test_a_private_evening_by_hand() -> None:
    """One player rests through it, one goes on behind it, one is started anew."""
    film, first, other = TITLES[0], TITLES[3], TITLES[2]
    begun = told(
        [
            (0, "tv", Play, film, 0),
            (9, "tv", Progress, film, 9),
            (10, "phone", Play, first, 0),
            (11, "tablet", Play, other, 0),
        ]
    )
    begun[0] = msgspec.structs.replace(begun[0], autoplay=True)
    behind = told(
        [
            (90, "tv", Stop, film, 9),
            (91, "phone", Progress, first, 45),
            (92, "tablet", Play, other, 60),
            (96, "phone", Stop, first, 50),
            (97, "tablet", Stop, other, 65),
        ]
    )
    behind = [msgspec.structs.replace(e, event_id=f"behind-{e.event_id}") for e in behind]
    events = [*begun, switched(20, False), switched(80, True), *behind]
    assert_alike(events)
    laid_out = numbers(run(events))
    assert laid_out is not None
    shows = laid_out["shows"]
    assert shows["film"]["last_ts"] == START + 9 * MINUTE
    assert (laid_out["devices"]["tv"]["depth"], laid_out["devices"]["phone"]["depth"]) == (1, 0)
    assert (shows["series"]["plays"], shows["other-film"]["plays"]) == (1, 2)
    minutes = read_sum(laid_out["minutes"][2], laid_out["now"], HALF_LIVES_MS[2]) / 1024
    assert minutes == pytest.approx(9 + 5 + 5, rel=0.01)


def test_reports_that_come_days_late_by_hand() -> None:
    film, first = TITLES[0], TITLES[3]
    two_days = 2 * 24 * 60
    events = told(
        [
            (0, "tv", Play, first, 0),
            (20, "tv", Progress, first, 20),
            (two_days, "phone", Play, film, 7),
            (10, "tv", Stop, first, 10),  # older than the last report: it closes nothing
            (30, "tv", Progress, first, 30),
            (50, "tv", Stop, first, 50),
        ]
    )
    assert_alike(events)
    laid_out = numbers(run(events))
    assert laid_out is not None
    assert laid_out["shows"]["series"]["plays"] == 1
    assert laid_out["shows"]["series"]["position_ms"] == 50 * MINUTE
    assert laid_out["devices"]["tv"]["open"] is None
    in_a_day, _, in_a_month = (
        read_sum(total, laid_out["now"], half_life) / 1024
        for total, half_life in zip(laid_out["minutes"], HALF_LIVES_MS, strict=True)
    )
    assert in_a_day == pytest.approx(50 / 4, rel=0.02)
    assert in_a_month == pytest.approx(50 * 2 ** (-2 / 30), rel=0.02)


@settings(deadline=None, max_examples=150)
@given(event_lists() | event_lists(DEVICE_LIST[:2]))
def test_a_state_equals_the_recomputation(events: list[Event]) -> None:
    assert_alike(events)


@settings(deadline=None, max_examples=25)
@given(event_lists(CROWD, min_size=25, max_size=50))
def test_devices_that_leave_and_return(events: list[Event]) -> None:
    assert_alike(events)


@pytest.mark.parametrize("seed", range(3))
def test_a_history_beyond_the_limits(seed: int) -> None:
    films = [Movie(id=f"film-{n}", duration_ms=90 * MINUTE) for n in range(SHOWS + 16)]
    events = long_history(seed, 700, [*films, *TITLES])
    state = run(events)
    assert state is not None
    assert len(state.shows) == SHOWS
    assert len(state.devices) == DEVICES
    assert len(state.event_ids) == 8 * EVENT_IDS
    assert len({event.event_id for event in events}) < state.revision < len(events)
    assert_alike(events)


def test_sums_end_at_the_width_of_their_field() -> None:
    fields = {"profile_id": "p", "device_id": "tv", "device_type": "tv"}
    film = Movie(id="film")
    events: list[Event] = []
    for n in range(1100):
        at = START + n * 10 * MINUTE
        events += [
            Play(**fields, event_id=f"play-{n}", ts=at, title=film, position_ms=0),
            Stop(**fields, event_id=f"stop-{n}", ts=at + MINUTE, title=film, position_ms=MINUTE),
        ]
    laid_out = numbers(run(events))
    assert laid_out is not None
    assert laid_out["shows"]["film"]["plays_decayed"][2] == U16
    assert_alike(events)


@settings(deadline=None, max_examples=60)
@given(event_lists())
def test_sums_stand_for_the_real_decayed_ones(events: list[Event]) -> None:
    laid_out = numbers(run(events))
    passes = tell(events)
    if laid_out is None:
        return
    sums = [(laid_out["minutes"], [(h.ts, h.minute_units) for h in passes.happenings])]
    for life in passes.shows:
        seen = laid_out["shows"][life.show_id]
        playbacks = [h for h in life.happenings if h.is_playback]
        sums += [
            (seen["minutes"], [(h.ts, h.minute_units) for h in playbacks]),
            (seen["plays_decayed"], [(h.ts, h.play_units) for h in playbacks]),
        ]
    for totals, steps in sums:
        now = max(ts for ts, _ in steps)
        for total, half_life in zip(totals, HALF_LIVES_MS, strict=True):
            off = abs(read_sum(total, now, half_life) - true_sum(steps, half_life))
            assert off <= allowed_error(steps, half_life)


@settings(deadline=None, max_examples=60)
@given(event_lists())
def test_a_position_is_that_of_the_newest_event(events: list[Event]) -> None:
    """The rule itself, beside the oracle's walk; no device leaves in these lists, and what the
    member marked goes before what was played.
    """
    laid_out = numbers(run(events))
    for life in tell(events).shows:
        last = max(
            (h for h in life.happenings if h.is_playback),
            key=lambda h: (h.ts, h.event.device_id, h.arrival),
        )
        assert laid_out is not None
        seen = laid_out["shows"][life.show_id]
        if any(isinstance(h.event, MarkWatched) for h in life.happenings):
            continue
        assert seen["title_id"] == last.event.title.id
        assert seen["position_ms"] == last.event.position_ms
        assert seen["position_device"] == last.event.device_id


class History(NamedTuple):
    """Events of a profile, and what the oracle makes of all of them."""

    events: list[Event]
    wanted: dict[str, Any] | None


@pytest.fixture(scope="module")
def histories(export_path: Path) -> list[History]:
    """All profiles of the real export."""
    log = BytesIO()
    import_netflix(export_path, log, account="a", tz="America/Sao_Paulo")
    by_profile: dict[str, list[Event]] = {}
    for line in log.getvalue().splitlines():
        event = decode_event(line)
        by_profile.setdefault(event.profile_id, []).append(event)
    return [History(events, recompute(events)) for events in by_profile.values()]


@pytest.mark.data
def test_the_real_export(histories: list[History], monkeypatch: pytest.MonkeyPatch) -> None:
    """All numbers, at three cuts of each history; the limit on bytes has a test of its own."""
    monkeypatch.setattr(retention, "STATE_BYTES", 2 * STATE_BYTES)
    for events, wanted in histories:
        third, two_thirds = len(events) // 3, len(events) * 2 // 3
        state = run(events[:third])
        assert not differences(numbers(state), recompute(events[:third]))
        state = run(events[third:two_thirds], state)
        assert not differences(numbers(state), recompute(events[:two_thirds]))
        state = run(events[two_thirds:], state)
        assert not differences(numbers(state), wanted)


@pytest.mark.data
def test_the_real_export_within_the_limit_on_bytes(histories: list[History]) -> None:
    """The limit takes listed episodes and devices of old shows; all other numbers stay."""
    slimmed = 0
    for events, wanted in histories:
        state = run(events)
        assert state is not None
        assert len(encode_state(state)) <= STATE_BYTES
        off = differences(numbers(state), wanted)
        assert not [line for line in off if not SLIMMED.match(line)]
        slimmed += len(off)
    assert slimmed
