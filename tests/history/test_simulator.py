"""The simulator's log, truth and catalog: whole, the same every time, and true to the contracts."""

import hashlib
import io
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from stream_cw.core.catalog import EpisodeEntry, MovieEntry, SeriesEntry, decode_catalog_entry
from stream_cw.core.events import (
    Episode,
    Event,
    Pause,
    Play,
    Progress,
    RowSeen,
    SessionStart,
    Stop,
    Supplemental,
    decode_event,
)
from stream_cw.errors import SettingsError
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import (
    START_TS,
    AbandonedTruth,
    FinishedTruth,
    PlaybackTruth,
    SessionTruth,
    Truth,
    demo_log,
    read_truth,
    simulate,
)
from stream_cw.history.simulator.catalog import make_catalog
from stream_cw.history.simulator.dice import MICRO, Dice, doublings, shares
from stream_cw.history.simulator.member import make_member
from stream_cw.history.simulator.mind import Known, Mind
from stream_cw.history.simulator.sort import FAN_IN, LineSorter

DAY = 86_400_000
SEED = 5
PROFILES, DAYS = 24, 60


class Simulated(Struct, frozen=True):
    log: list[bytes]
    events: list[Event]
    """The distinct ones, in the log's order."""
    truth: list[Truth]
    catalog: list[bytes]

    def told(self, kind: type[Truth]) -> list[Truth]:
        return [truth for truth in self.truth if isinstance(truth, kind)]


def run(profiles: int, days: int, seed: int = SEED) -> tuple[bytes, bytes]:
    log, truth = io.BytesIO(), io.BytesIO()
    simulate(profiles, days, seed, log, truth)
    return log.getvalue(), truth.getvalue()


def distinct(lines: list[bytes]) -> Iterator[Event]:
    seen = set()
    for line in lines:
        event = decode_event(line)
        if event.event_id not in seen:
            seen.add(event.event_id)
            yield event


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    log, truth, catalog = io.BytesIO(), io.BytesIO(), io.BytesIO()
    report = simulate(PROFILES, DAYS, SEED, log, truth, catalog)
    lines = log.getvalue().splitlines()
    told = list(read_truth(iter(truth.getvalue().splitlines())))
    assert (report.events, report.truths) == (len(lines), len(told))
    assert (report.profiles, report.days) == (PROFILES, DAYS)
    return Simulated(
        log=lines,
        events=list(distinct(lines)),
        truth=told,
        catalog=catalog.getvalue().splitlines(),
    )


def test_same_arguments_give_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib, io\n"
        "from stream_cw.history.simulator import simulate\n"
        "a, b, c = io.BytesIO(), io.BytesIO(), io.BytesIO()\n"
        "simulate(4, 20, 5, a, b, c)\n"
        "print(*(hashlib.sha256(f.getvalue()).hexdigest() for f in (a, b, c)))\n"
    )
    files = io.BytesIO(), io.BytesIO(), io.BytesIO()
    simulate(4, 20, 5, *files)
    here = [hashlib.sha256(file.getvalue()).hexdigest() for file in files]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    there = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert there.stdout.split() == here


def test_another_seed_gives_other_members() -> None:
    assert run(2, 10, seed=1) != run(2, 10, seed=2)


def test_a_profile_does_not_depend_on_how_many_there_are(simulated: Simulated) -> None:
    log, truth = run(3, DAYS)
    ours = {decode_event(line).profile_id for line in log.splitlines()}
    assert len(ours) == 3
    assert log.splitlines() == [
        line for line in simulated.log if decode_event(line).profile_id in ours
    ]
    told = list(read_truth(iter(truth.splitlines())))
    assert told == [truth for truth in simulated.truth if truth.profile_id in ours]


def test_a_shorter_run_is_the_beginning_of_a_longer_one(simulated: Simulated) -> None:
    log, truth = run(PROFILES, DAYS // 2)
    cut = START_TS + (DAYS // 2 - 1) * DAY
    shorter = [line for line in log.splitlines() if decode_event(line).ts < cut]
    longer = [line for line in simulated.log if decode_event(line).ts < cut]
    assert len(shorter) > 1_000
    assert shorter == longer
    told = [truth for truth in read_truth(iter(truth.splitlines())) if truth.ts < cut]
    assert told == [truth for truth in simulated.truth if truth.ts < cut]


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(SettingsError, match="`profiles` is 0, wanted 1 to"):
        simulate(0, 1, 1, io.BytesIO())
    with pytest.raises(SettingsError, match="`days` is 1501, wanted 1 to 1500"):
        simulate(1, 1_501, 1, io.BytesIO())


def test_progress_is_told_after_each_profile() -> None:
    told: list[int] = []
    simulate(3, 2, SEED, io.BytesIO(), progress=told.append)
    assert told == [1, 2, 3]


def test_events_of_a_device_keep_their_order_and_name_their_session(simulated: Simulated) -> None:
    latest: dict[tuple[str, str], int] = defaultdict(int)
    sessions: dict[tuple[str, str], str] = {}
    for event in simulated.events:
        seat = (event.profile_id, event.device_id)
        assert event.ts >= latest[seat]
        latest[seat] = event.ts
        if isinstance(event, SessionStart):
            assert event.session_id is not None
            sessions[seat] = event.session_id
        assert event.session_id == sessions[seat]
        assert event.device_id.startswith(event.device_type)


def test_playbacks_run_as_a_player_runs(simulated: Simulated) -> None:
    open_at: dict[tuple[str, str], tuple[str, int, int, bool]] = {}
    for event in simulated.events:
        if not isinstance(event, Play | Pause | Progress | Stop):
            continue
        seat = (event.profile_id, event.device_id)
        playback = open_at.get(seat)
        assert event.title.duration_ms is not None
        assert event.position_ms <= event.title.duration_ms
        if playback is None:
            assert isinstance(event, Play)
            open_at[seat] = event.title.id, event.ts, event.position_ms, False
            continue
        title, ts, position, paused = playback
        assert event.title.id == title
        assert isinstance(event, Play) == paused
        moved = 0 if paused else event.ts - ts
        assert event.position_ms - position == moved
        if isinstance(event, Stop):
            del open_at[seat]
        else:
            open_at[seat] = title, event.ts, event.position_ms, isinstance(event, Pause)
    assert not open_at


def test_some_events_arrive_twice_close_together(simulated: Simulated) -> None:
    places: dict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(simulated.log):
        places[decode_event(line).event_id].append(place)
    twice = [found for found in places.values() if len(found) > 1]
    assert 0.003 < len(twice) / len(places) < 0.007
    own: Counter[str] = Counter()
    number: list[int] = []
    for line in simulated.log:
        profile = decode_event(line).profile_id
        own[profile] += 1
        number.append(own[profile])
    for first, second in twice:
        assert simulated.log[first] == simulated.log[second]
        assert number[second] - number[first] < 200


def test_only_portable_devices_are_late(simulated: Simulated) -> None:
    newest: dict[str, int] = defaultdict(int)
    late: Counter[str] = Counter()
    for event in simulated.events:
        late[event.device_type] += event.ts < newest[event.profile_id] - 3_600_000
        newest[event.profile_id] = max(newest[event.profile_id], event.ts)
    assert late["phone"] + late["tablet"] > 20
    assert late.total() == late["phone"] + late["tablet"]


def test_what_was_seen_of_the_row_has_a_revision_of_the_past(simulated: Simulated) -> None:
    revision: Counter[str] = Counter()
    seen = 0
    for event in simulated.events:
        if isinstance(event, RowSeen):
            assert event.revision == revision[event.profile_id]
            seen += 1
        if isinstance(event, Play) and event.origin and event.origin.surface == "row":
            assert event.origin.revision == revision[event.profile_id]
            assert event.origin.rank is not None
        revision[event.profile_id] += 1
    assert seen > 100


def test_titles_are_in_the_catalog_and_released_when_played(simulated: Simulated) -> None:
    offered: dict[str, MovieEntry | EpisodeEntry] = {}
    for line in simulated.catalog:
        entry = decode_catalog_entry(line)
        if isinstance(entry, SeriesEntry):
            for season in entry.seasons:
                offered |= {episode.id: episode for episode in season.episodes}
        else:
            offered[entry.id] = entry
    films = episodes = later = 0
    for event in simulated.events:
        if isinstance(event, Play) and not isinstance(event.title, Supplemental):
            entry = offered[event.title.id]
            release = entry.available_from_ts
            assert release is not None
            assert release <= event.ts
            assert entry.duration_ms == event.title.duration_ms
            assert entry.credits_ms == event.title.credits_ms
            later += release > START_TS
            films += not isinstance(event.title, Episode)
            episodes += isinstance(event.title, Episode)
    assert min(films, episodes) > 100
    assert later > 20


def test_chances_sum_to_one_and_hold_what_was_drawn(simulated: Simulated) -> None:
    starts = {e.event_id: e for e in simulated.events if isinstance(e, SessionStart)}
    plays: dict[str, set[str]] = defaultdict(set)
    by_session: dict[tuple[str, str | None], list[Play]] = defaultdict(list)
    for event in simulated.events:
        if isinstance(event, Play) and not isinstance(event.title, Supplemental):
            by_session[event.profile_id, event.session_id].append(event)
    told = simulated.told(SessionTruth)
    assert {session.event_id for session in told} == set(starts)
    for session in told:
        start = starts[session.event_id]
        found = by_session[session.profile_id, start.session_id]
        assert (start.ts, start.device_id) == (session.ts, session.device_id)
        if session.scored:
            assert session.discovery is not None
            assert session.discovery + sum(session.shows.values()) == MICRO
            assert session.returned == (session.target in session.shows)
            assert session.returned == (session.target in plays[session.profile_id])
            assert set(session.shows) <= plays[session.profile_id]
            assert session.target in {play.title.show_id for play in found}
        plays[session.profile_id] |= {play.title.show_id for play in found}


def test_playbacks_are_labelled(simulated: Simulated) -> None:
    plays = {e.event_id: e for e in simulated.events if isinstance(e, Play)}
    told = simulated.told(PlaybackTruth)
    assert all(plays[truth.event_id].title.id == truth.title_id for truth in told)
    asleep = [truth for truth in told if not truth.attended]
    assert 0.001 < len(asleep) / len(told) < 0.1
    assert all(truth.asleep_from_ms is not None for truth in asleep)
    slept_through = [truth for truth in asleep if truth.asleep_from_ms == 0]
    assert slept_through
    assert all(plays[truth.event_id].autoplay for truth in slept_through)


def test_abandoned_shows_fade(simulated: Simulated) -> None:
    since = {(t.profile_id, t.show_id): t.ts for t in simulated.told(AbandonedTruth)}
    assert len(since) > 50
    share: dict[str, list[int]] = defaultdict(list)
    for session in simulated.told(SessionTruth):
        for show, chance in session.shows.items():
            begun = since.get((session.profile_id, show))
            if begun is not None and session.ts >= begun:
                weeks = (session.ts - begun) // (7 * DAY)
                share["early" if weeks < 1 else "late" if weeks >= 3 else "middle"].append(chance)
    means = {name: sum(found) / len(found) for name, found in share.items()}
    assert means["early"] > 2 * means["middle"] > 4 * means["late"]


def test_finished_titles_were_played_to_their_credits(simulated: Simulated) -> None:
    reached = {
        (event.profile_id, event.title.id)
        for event in simulated.events
        if isinstance(event, Stop)
        and event.title.duration_ms is not None
        and event.position_ms >= (event.title.credits_ms or event.title.duration_ms * 9 // 10)
    }
    told = simulated.told(FinishedTruth)
    assert len(told) > 500
    assert {(truth.profile_id, truth.title_id) for truth in told} <= reached


def test_devices_are_shared_in_a_household(simulated: Simulated) -> None:
    users: dict[str, set[str]] = defaultdict(set)
    devices: dict[str, set[str]] = defaultdict(set)
    for event in simulated.events:
        users[event.device_id].add(event.profile_id)
        devices[event.profile_id].add(event.device_id)
    assert max(map(len, users.values())) >= 2
    assert sum(len(found) > 1 for found in devices.values()) > PROFILES // 2


@pytest.mark.parametrize("device_habits", [True, False])
def test_the_device_counts_only_with_device_habits(device_habits: bool) -> None:
    catalog = make_catalog(SEED, START_TS)
    members = (make_member(SEED, n, device_habits=device_habits) for n in range(40))
    member = next(member for member in members if len(member.devices) > 1)
    mind = Mind(member, catalog, Dice(1))
    mind.sessions = 1
    for place, device in enumerate(member.devices[:2]):
        show = [s for s in catalog.shows if s.series and s.items[-1].release_ts < START_TS][place]
        known = Known(show, START_TS, device=device.id, part=3, appetite=0)
        mind.known[show.id] = known
        mind.settle(known, START_TS, START_TS + place)
    first, second = (mind.outlook(device, START_TS + DAY) for device in member.devices[:2])
    assert (first == second) is not device_habits
    if device_habits:
        assert first.shows[0][1] > second.shows[0][1]
        assert first.shows[1][1] < second.shows[1][1]


def test_shares_are_a_softmax() -> None:
    assert shares([0, 0]) == [MICRO // 2, MICRO // 2]
    assert shares([0, -100]) == [731_059, 268_941]
    assert shares([5, -5_000]) == [MICRO, 0]
    assert sum(shares([3, 1, -40, -250, 7])) == MICRO


def test_doublings_are_a_logarithm() -> None:
    assert [doublings(n) for n in (0, 1, 2, 3, 7, 1023)] == [0, 100, 150, 200, 300, 1_000]


def test_sorting_beyond_memory(tmp_path: Path) -> None:
    dice = Dice(3)
    lines = [b"%06d" % dice.below(MICRO) + b"line %d\n" % n for n in range(4_000)]
    sorter = LineSorter(tmp_path, 6, chunk_bytes=400)
    for line in lines:
        sorter.add(line)
    assert 1 < len(list(tmp_path.iterdir())) < FAN_IN
    assert list(sorter) == [line[6:] for line in sorted(lines)]


def test_the_demo_log_is_small_and_has_several_devices(tmp_path: Path) -> None:
    log, catalog = tmp_path / "demo.jsonl", tmp_path / "catalog.jsonl"
    report = demo_log(log, catalog)
    assert 400 < report.events <= 1_500
    devices: dict[str, set[str]] = defaultdict(set)
    for record in EventLog(log):
        event = decode_event(record.value)
        devices[event.profile_id].add(event.device_id)
    assert len(devices) == 6
    assert {len(found) for found in devices.values()} <= {2, 3}
    assert len(catalog.read_bytes().splitlines()) == report.shows
