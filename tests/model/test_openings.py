"""Openings: the states of live rows, before anything of their session."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from small_logs import HOUR, T0, Story, arrivals, write_events

from stream_cw.core.events import Event, ForgetProfile, Play, Supplemental
from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record
from stream_cw.core.row import row
from stream_cw.core.rows import Row
from stream_cw.core.state import ProfileState, digest
from stream_cw.history.log import EventLog, LogHeader, encode_header, encode_record
from stream_cw.history.replay import replay
from stream_cw.history.simulator import simulate
from stream_cw.model.labels import sessions
from stream_cw.model.openings import Opening, openings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("openings")


@pytest.fixture(scope="module")
def simulated(folder: Path) -> EventLog:
    path = folder / "sim.jsonl"
    with path.open("wb") as out:
        simulate(12, 60, 7, out)
    return EventLog(path)


def opened(folder: Path, events: list[Event]) -> list[Opening]:
    return list(openings(write_events(folder / "log.jsonl", events)))


def row_of(opening: Opening) -> Row:
    return row(opening.state, opening.session.profile_id, opening.session.device_id)


def live_rows(log: EventLog) -> dict[tuple[str, str], Row]:
    """Rows that the worker answers session_starts with, by device and event."""
    states: dict[str, ProfileState] = {}
    found: dict[tuple[str, str], Row] = {}
    for played in replay(log, states):
        for _, made in played.rows:
            if made is not None and made.cause.type == "session_start":
                found.setdefault((made.device_id, made.cause.event_id), made)
    return found


def test_each_row_is_the_one_that_the_worker_answered_with(simulated: EventLog) -> None:
    live = live_rows(simulated)
    found = list(openings(simulated))
    assert len(found) > 400
    for opening in found:
        assert opening.session.opening is not None
        assert row_of(opening) == live[opening.session.device_id, opening.session.opening]


def test_each_scored_session_comes_once(simulated: EventLog) -> None:
    found = [opening.session for opening in openings(simulated)]
    wanted = list(sessions(simulated))
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_a_session_start_that_arrives_twice_opens_once(folder: Path) -> None:
    story = Story()
    story.open(0)
    story.watch(0.1, "a")
    twice = [event for event in story.events for _ in range(2)]
    (opening,) = opened(folder, twice)
    assert (opening.state.revision, opening.state.cause_type) == (1, "session_start")


def test_without_a_session_start_one_is_made_before_the_first_play(folder: Path) -> None:
    story = Story()
    story.watch(0, "a")
    first = story.watch(10, "a", "phone", country="BR", session_id="s", tz_offset_min=-180)
    story.watch(20, "b", "phone")
    _, opening, after = opened(folder, story.events)
    assert (opening.session.opening, opening.session.first_play) == (None, first)
    state = opening.state
    device = state.devices[1]
    assert (state.revision, state.cause_type, state.now) == (3, "session_start", T0 + 10 * HOUR)
    assert (device.device_id, device.session_id, device.tz_offset_min) == ("phone", "s", -180)
    assert device.open is None
    assert row_of(opening).tiles[0].show_id == "a"
    assert row_of(opening).cause.type == "session_start"
    applied = [digest(event.event_id) for event in story.events[:4]]
    assert batched(after.state.event_ids)[:-1] == applied, "what was made is in no later state"


def test_the_first_session_of_a_profile_has_an_empty_state(folder: Path) -> None:
    story = Story()
    story.watch(0, "a")
    (opening,) = opened(folder, story.events)
    assert opening.state.shows == {}
    assert opening.state.revision == 1


def test_events_of_the_session_that_arrive_before_its_opening_are_not_in_the_state(
    folder: Path,
) -> None:
    """The phone opened the session, and was late: its target was watched before, on the tv."""
    phone, tv = Story(), Story(first_id=50)
    tv.watch(0, "b")
    opening_id = phone.open(9.9, "phone")
    phone.watch(10, "b", "phone", hours=0.01)
    tv.watch(10.1, "a")
    _, opening = opened(folder, tv.events + phone.events)
    assert opening.session.opening == opening_id
    assert (opening.session.target, opening.session.device_id) == ("a", "phone")
    assert set(opening.state.shows) == {"b"}
    assert opening.state.now == opening.session.ts
    assert {device.device_id for device in opening.state.devices} == {"tv", "phone"}


def test_what_a_late_phone_brings_is_known_only_then(folder: Path) -> None:
    phone, tv = Story(), Story(first_id=50)
    phone.watch(0, "a", "phone")
    tv.open(9.9)
    tv.watch(10, "a")
    tv.open(20)
    tv.watch(20, "b")
    first, second = tv.events[:3], tv.events[3:]
    found = opened(folder, first + phone.events + second)
    assert [set(opening.state.shows) for opening in found] == [set(), {"a"}, {"a"}]
    assert [opening.session.kind for opening in found] == [
        "continuation",
        "discovery",
        "discovery",
    ]


def test_trailers_between_opening_and_play_are_not_in_the_state(folder: Path) -> None:
    story = Story()
    story.open(0)
    story.watch(0.01, "x", title=Supplemental(id="t"), hours=0.01)
    story.watch(0.1, "a")
    (opening,) = opened(folder, story.events)
    assert (opening.state.revision, opening.state.now) == (1, T0)


def test_logs_follow_one_another_and_are_told_apart(folder: Path) -> None:
    """The offsets of two plain logs begin anew; that is no reason to take events for seen."""
    one, two = Story("p"), Story("p", first_id=50)
    other = Story("q")
    one.watch(0, "a")
    one.watch(10, "a")
    two.open(20)
    two.watch(20, "b")
    other.watch(20, "c")
    logs = (
        write_events(folder / "one.jsonl", one.events),
        write_events(folder / "two.jsonl", two.events + other.events),
    )
    found = list(openings(*logs))
    assert [(o.log, o.session.target, set(o.state.shows), o.state.revision) for o in found] == [
        (0, "a", set(), 1),
        (0, "a", {"a"}, 3),
        (1, "b", {"a"}, 5),
        (1, "c", set(), 1),
    ]


def test_a_recording_with_refused_records_opens_like_a_plain_log(folder: Path) -> None:
    story = Story()
    story.open(0)
    story.watch(0.1, "a")
    story.open(10)
    story.watch(10.1, "a")
    plain = write_events(folder / "plain.jsonl", story.events)
    partition = partition_for(b"p", 3)
    header = LogHeader(stream_cw_log=1, topic="t", epoch="ab" * 16, partitions=3)
    lines = [encode_header(header)]
    for offset, record in enumerate(plain):
        lines.append(encode_record(Record(b"wrong", record.value, partition, 2 * offset)))
        lines.append(encode_record(Record(b"p", record.value, partition, 2 * offset + 1)))
    path = folder / "recording.jsonl"
    path.write_bytes(b"\n".join(lines))
    found = list(openings(EventLog(path)))
    assert [row_of(opening) for opening in found] == [row_of(o) for o in openings(plain)]
    assert len(found) == 2


def test_a_forgotten_profile_begins_anew(folder: Path) -> None:
    story = Story()
    story.watch(0, "a")
    story.tell(ForgetProfile, 5, "tv")
    story.watch(10, "a")
    (opening,) = opened(folder, story.events)
    assert (opening.session.kind, opening.state.shows) == ("discovery", {})


def test_progress_counts_the_records_of_both_passes(folder: Path) -> None:
    story = Story()
    story.watch(0, "a")
    told: list[int] = []
    list(openings(write_events(folder / "log.jsonl", story.events), progress=told.append))
    assert told == [1, 2, 3, 4]


@settings(max_examples=200, deadline=None)
@given(events=arrivals())
def test_no_play_of_a_session_is_in_its_own_state(folder: Path, events: list[Event]) -> None:
    """What begins within half an hour of the first play belongs to its session."""
    found = opened(folder, events)
    assert len({(o.session.profile_id, o.session.first_play) for o in found}) == len(found)
    for opening in found:
        session = opening.session
        applied = opening.state.event_ids
        mine = [event for event in events if event.profile_id == session.profile_id]
        begin = next(event.ts for event in mine if event.event_id == session.first_play)
        plays = [
            event.event_id
            for event in mine
            if isinstance(event, Play)
            and not isinstance(event.title, Supplemental)
            and begin <= event.ts <= begin + HOUR // 2
        ]
        assert session.first_play in plays
        assert not {digest(event_id) for event_id in plays} & set(batched(applied))
        assert any(device.device_id == session.device_id for device in opening.state.devices)


def batched(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + 8] for at in range(0, len(hashes), 8)]
