"""Labels: the definitions one by one, against a slow oracle, and against an older measurement."""

from pathlib import Path

import pytest
from as_measured import assert_as_measured
from hypothesis import HealthCheck, assume, given, settings
from label_oracle import recompute
from small_logs import HOUR, MINUTE, T0, Story, arrivals, episode, events_until, write_events

from stream_cw.core.events import (
    Event,
    ForgetProfile,
    Movie,
    Pause,
    Play,
    Progress,
    Stop,
    Supplemental,
)
from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record
from stream_cw.history.log import EventLog, LogHeader, encode_header, encode_record
from stream_cw.history.simulator import simulate
from stream_cw.model.labels import Session, sessions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labels")


def labels(folder: Path, events: list[Event]) -> list[Session]:
    return list(sessions(write_events(folder / "log.jsonl", events)))


def kinds(folder: Path, story: Story) -> list[str]:
    return [session.kind for session in labels(folder, story.events)]


def test_a_label_in_full(folder: Path) -> None:
    story = Story()
    story.watch(0, "a")
    story.open(9.5, "phone", tz_offset_min=60)
    opening = story.open(9.9, "phone", tz_offset_min=120)
    first = story.watch(10, "b", "phone", hours=0.01)
    story.watch(10.1, "a", "phone")
    assert labels(folder, story.events)[1] == Session(
        profile_id="p",
        opening=opening,
        first_play=first,
        device_id="phone",
        device_type="phone",
        tz_offset_min=120,
        ts=T0 + round(9.9 * HOUR),
        target="a",
        kind="continuation",
        gap_ms=round(9.5 * HOUR),
        switched=True,
        history=1,
        known_ts=T0 + round(10.6 * HOUR),
    )


def test_a_session_without_a_target_is_not_scored_and_counts_as_history(folder: Path) -> None:
    story = Story()
    story.watch(0, "a", autoplay=True)
    story.watch(5, "b", hours=0.016)
    story.watch(10, "c")
    (session,) = labels(folder, story.events)
    assert (session.target, session.history) == ("c", 2)


@pytest.mark.parametrize(("seconds", "scored"), [(59.999, 0), (60, 1)])
def test_a_target_lasts_a_minute(folder: Path, seconds: float, scored: int) -> None:
    story = Story()
    story.watch(0, "a", hours=seconds / 3600)
    assert len(labels(folder, story.events)) == scored


@pytest.mark.parametrize(("minutes", "found"), [(30, 1), (30.001, 2)])
def test_more_than_half_an_hour_after_the_latest_end_a_new_session_starts(
    folder: Path, minutes: float, found: int
) -> None:
    story = Story()
    story.watch(0, "a", hours=5)
    story.watch(1, "b", "phone")
    story.watch(5 + minutes / 60, "b", "phone")
    assert len(labels(folder, story.events)) == found


@pytest.mark.parametrize(("days", "kind"), [(60, "continuation"), (60.001, "older")])
def test_sixty_days_count_from_the_end(folder: Path, days: float, kind: str) -> None:
    story = Story()
    story.watch(0, "a")
    story.watch(0.5 + days * 24, "a")
    assert kinds(folder, story) == ["discovery", kind]


def test_the_latest_end_counts_where_two_devices_played_the_show(folder: Path) -> None:
    story = Story()
    story.watch(0, "a", hours=5)
    story.watch(1, "a", "phone")
    story.watch(60 * 24 + 3, "a")
    assert kinds(folder, story) == ["discovery", "continuation"]


def test_a_short_look_makes_a_show_neither_known_nor_new(folder: Path) -> None:
    story = Story()
    story.watch(0, "a", hours=0.01)
    story.watch(10, "a")
    assert kinds(folder, story) == ["older"]


def test_what_was_played_in_the_same_session_was_not_played_before(folder: Path) -> None:
    story = Story()
    story.watch(0, "a", autoplay=True)
    story.watch(0.6, "a")
    assert kinds(folder, story) == ["discovery"]


def test_a_film_is_its_own_show_and_a_trailer_none(folder: Path) -> None:
    story = Story()
    story.watch(0, "a")
    story.watch(9.6, "x", title=Supplemental(id="t", series_id="film"))
    story.play(10, "film", title=Movie(id="film"))
    story.tell(Stop, 11, "tv", title=Movie(id="film"), position_ms=HOUR)
    found = labels(folder, story.events)
    assert [(s.target, s.kind, s.history) for s in found] == [
        ("a", "discovery", 0),
        ("film", "discovery", 1),
    ]


def test_a_pause_and_a_progress_are_reports_and_a_play_goes_on(folder: Path) -> None:
    story = Story()
    story.play(0, "a")
    story.tell(Progress, 0.1, "tv", title=episode("a"), position_ms=1)
    story.tell(Pause, 0.2, "tv", title=episode("a"), position_ms=2)
    story.play(0.7, "a")
    story.watch(1.15, "b", "phone")
    (session,) = labels(folder, story.events)
    assert (session.target, session.known_ts) == ("a", T0 + HOUR // 10)


def test_a_report_that_is_older_than_the_last_one_tells_nothing(folder: Path) -> None:
    story = Story()
    story.play(0, "a")
    story.tell(Progress, 0.1, "tv", title=episode("a"), position_ms=1)
    story.tell(Progress, 0.5, "tv", title=episode("a"), position_ms=2)
    story.watch(0.9, "b", "phone")
    again = [*story.events[:3], story.events[1], *story.events[3:]]
    assert len(labels(folder, again)) == 1


def test_a_play_that_comes_too_late_to_go_on_is_a_new_one(folder: Path) -> None:
    story = Story()
    story.play(0, "a")
    story.tell(Progress, 0.1, "tv", title=episode("a"), position_ms=1)
    story.play(0.61, "a")
    story.stop(1, "a")
    assert [s.history for s in labels(folder, story.events)] == [0, 1]


def test_a_play_in_another_session_of_its_device_is_a_new_one(folder: Path) -> None:
    story = Story()
    story.play(0, "a", session_id="one", autoplay=True)
    story.play(0.2, "a", session_id="two")
    story.stop(0.4, "a")
    (session,) = labels(folder, story.events)
    assert session.known_ts == T0 + round(0.4 * HOUR)


def test_a_lost_stop_ends_a_playback_at_its_last_report(folder: Path) -> None:
    story = Story()
    story.play(0, "a")
    story.watch(3, "b")
    found = labels(folder, story.events)
    assert [(s.target, s.gap_ms) for s in found] == [("b", 3 * HOUR)]


def test_a_late_phone_is_put_where_it_belongs(folder: Path) -> None:
    phone, tv = Story(), Story(first_id=50)
    phone.watch(0, "a", "phone")
    tv.watch(10, "a")
    (first, second) = labels(folder, tv.events + phone.events)
    assert (first.device_id, first.kind, first.history) == ("phone", "discovery", 0)
    assert (second.device_id, second.kind, second.switched) == ("tv", "continuation", True)


def test_an_opening_is_not_before_the_end_of_an_earlier_play(folder: Path) -> None:
    story = Story()
    story.play(0, "a")
    story.open(0.5, "phone")
    story.stop(1, "a")
    story.watch(2, "a", "phone")
    found = labels(folder, story.events)
    assert [(s.opening, s.ts) for s in found] == [(None, T0), (None, T0 + 2 * HOUR)]


def test_forgetting_takes_the_examples_away(folder: Path) -> None:
    story = Story()
    story.watch(0, "a")
    story.watch(10, "a")
    story.tell(ForgetProfile, 20, "tv")
    story.watch(30, "a")
    (session,) = labels(folder, story.events)
    assert (session.kind, session.history, session.gap_ms) == ("discovery", 0, None)


def test_the_label_waits_for_an_earlier_play_that_may_yet_be_the_target(folder: Path) -> None:
    story = Story()
    story.play(0, "a", "phone")
    story.play(0.1, "b")
    story.tell(Progress, 0.2, "tv", title=episode("b"), position_ms=1)
    story.play(1, "c", "phone")  # only now is it plain that `a` did not last
    (session,) = labels(folder, story.events)
    assert (session.target, session.known_ts) == ("b", T0 + HOUR)


def test_the_label_waits_half_an_hour_for_a_play_that_nothing_ends(folder: Path) -> None:
    story = Story()
    story.play(0, "a", "phone")
    story.watch(0.1, "b", hours=0.1)
    (session,) = labels(folder, story.events)
    assert (session.target, session.known_ts) == ("b", T0 + HOUR // 2)


def test_the_label_waits_until_its_play_is_known_to_be_of_the_session(folder: Path) -> None:
    """The tv tells only at the end that it ran on; until then, the phone's play stood alone."""
    story = Story()
    story.play(0, "a", autoplay=True)
    story.watch(1, "b", "phone")
    story.stop(2, "a")
    (session,) = labels(folder, story.events)
    assert (session.target, session.known_ts) == ("b", T0 + 2 * HOUR)


def test_profiles_stand_alone_and_logs_follow_one_another(folder: Path) -> None:
    one, other, later = Story("p"), Story("q"), Story("p", first_id=50)
    one.watch(0, "a")
    other.watch(1, "a")
    later.watch(20, "a")
    first = write_events(folder / "first.jsonl", one.events)
    second = write_events(folder / "second.jsonl", other.events + later.events)
    found = list(sessions(first, second))
    assert [(s.profile_id, s.kind) for s in found] == [
        ("p", "discovery"),
        ("q", "discovery"),
        ("p", "continuation"),
    ]


def test_refused_records_of_a_recording_are_left_out(folder: Path) -> None:
    story = Story()
    story.watch(0, "a")
    story.watch(10, "a")
    story.watch(20, "b")
    values = list(write_events(folder / "plain.jsonl", story.events))
    partition = partition_for(b"p", 3)
    path = folder / "recording.jsonl"
    header = LogHeader(stream_cw_log=1, topic="t", epoch="ab" * 16, partitions=3)
    lines = [encode_header(header)]
    for offset, record in enumerate(values):
        wrong = offset in (2, 3)
        lines.append(
            encode_record(
                Record(record.key, record.value, (partition + wrong) % 3, offset, append_ts=None)
            )
        )
    lines.append(encode_record(Record(b"p", b"no event", partition, 99, append_ts=None)))
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert [s.target for s in sessions(EventLog(path))] == ["a", "b"]


@settings(max_examples=400, deadline=None)
@given(events=arrivals())
def test_labels_equal_those_of_a_slow_recomputation(folder: Path, events: list[Event]) -> None:
    assert labels(folder, events) == recompute(events)


@settings(max_examples=200, deadline=None)
@given(events=arrivals())
def test_a_label_is_what_it_is_without_all_that_came_later(
    folder: Path, events: list[Event]
) -> None:
    for session in labels(folder, events):
        assert session in labels(folder, events_until(events, session.known_ts))


@settings(max_examples=200, deadline=None)
@given(events=arrivals())
def test_no_label_is_known_before_its_target_has_lasted(folder: Path, events: list[Event]) -> None:
    found = labels(folder, events)
    assert [s.known_ts for s in found] == sorted(s.known_ts for s in found)
    for session in found:
        begun = min(
            e.ts
            for e in events
            if isinstance(e, Play)
            and not isinstance(e.title, Supplemental)
            and (e.profile_id, e.title.show_id) == (session.profile_id, session.target)
            and not e.autoplay
            and e.ts >= session.ts
        )
        assert session.known_ts >= begun + MINUTE


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(events=arrivals(min_size=2, max_size=5, repeats=False))
def test_the_order_in_which_devices_arrive_changes_no_label(
    folder: Path, events: list[Event]
) -> None:
    ordered = sorted(events, key=lambda event: event.ts)
    assume(len({event.ts for event in events}) == len(events))
    assert labels(folder, events) == labels(folder, ordered)


def test_the_simulator_measures_the_same_sessions(tmp_path: Path) -> None:
    path = tmp_path / "sim.jsonl"
    with path.open("wb") as out:
        simulate(30, 75, 4, out)
    found = assert_as_measured(path)
    assert all(s.opening is not None for s in found)
    assert len(found) > 1_500
