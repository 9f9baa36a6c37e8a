"""A change of the catalog reaches sessions that are live, without an event of theirs."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from catalog_changes import SHOWS, Change, changes, publish, verdict_of, whole
from running_log import Watch
from worker_support import wait_until
from worker_system import System

from stream_cw.cli import INTERRUPTED
from stream_cw.core.catalog import EpisodeEntry, Season, SeriesEntry, encode_catalog_entry
from stream_cw.core.events import Episode, Event, Play, Progress, SessionStart, Stop
from stream_cw.core.rows import Row, Tile, decode_row
from stream_cw.core.scoring import Recency
from stream_cw.core.step import QUIET

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

SECOND, MINUTE = 1_000, 60_000
LENGTH = 45 * MINUTE


def now_ms() -> int:
    """The broker's clock gives the catalog's records their time, so sessions live by it, too."""
    return time.time_ns() // 1_000_000


def of_one(number: int, kind: type[Event], ts: int, **fields: Any) -> Event:
    who = {"profile_id": "p", "device_id": "tv", "device_type": "tv"}
    return kind(event_id=f"e{number}", ts=ts, **who, **fields)


def watched_to_the_end(ts: int) -> list[Event]:
    """The only episode there is, finished a minute after a time."""
    title = Episode(id="e1", series_id="show", season=1, episode=1, duration_ms=LENGTH)
    return [
        of_one(1, SessionStart, ts),
        of_one(2, Play, ts, title=title, position_ms=0),
        of_one(3, Stop, ts + MINUTE, title=title, position_ms=LENGTH - SECOND),
    ]


def show(*released: int) -> list[Change]:
    episodes = [
        EpisodeEntry(id=f"e{n}", episode=n, duration_ms=LENGTH, released_ts=ts)
        for n, ts in enumerate(released, start=1)
    ]
    entry = SeriesEntry(id="show", seasons=[Season(season=1, episodes=episodes)])
    return [(b"show", encode_catalog_entry(entry))]


def rows_of(system: System) -> list[Row]:
    return [decode_row(value) for _, value, *_ in system.rows() if value is not None]


def last_tiles(system: System) -> list[Tile]:
    return rows_of(system)[-1].tiles


@pytest.fixture
def announcing(system: System, tmp_path: Path) -> Iterator[None]:
    """`stream-cw catalog announce`, until the test ends."""
    command = [sys.executable, "-m", "stream_cw.cli", "catalog", "announce"]
    options = ["--brokers", system.brokers, "--prefix", system.prefix]
    with (tmp_path / "announced.txt").open("wb") as out:
        process = subprocess.Popen([*command, *options], stdout=out, stderr=out)
        try:
            yield
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == INTERRUPTED
        finally:
            process.kill()
            process.wait(20)
    assert (tmp_path / "announced.txt").read_text() == "announced show\n"


class TestOneSession:
    def test_a_release_brings_a_finished_series_back(self, system: System, tmp_path: Path) -> None:
        first = now_ms() - 10 * MINUTE
        publish(system, show(first))
        worker = system.start()
        system.produce(watched_to_the_end(now_ms() - 3 * MINUTE))
        system.wait_until_through(worker)
        assert last_tiles(system) == []
        before = rows_of(system)[-1]
        version = publish(system, show(first, now_ms() - MINUTE))
        Watch(system).until(lambda row: row.version.catalog == version)
        stats = worker.stop()
        pushed = rows_of(system)[-1]
        assert (pushed.version.revision, pushed.ts) == (before.version.revision, before.ts)
        assert [(tile.title_id, tile.reason) for tile in pushed.tiles] == [("e2", "new_episode")]
        assert stats["pushed"] == 1
        verdict = verdict_of(system, tmp_path, scorer=Recency())
        assert verdict.holds, verdict

    @pytest.mark.usefixtures("announcing")
    def test_a_release_is_announced_when_its_time_has_come(
        self, system: System, tmp_path: Path
    ) -> None:
        first = now_ms() - 10 * MINUTE
        worker = system.start()
        system.produce(watched_to_the_end(now_ms() - 3 * MINUTE))
        system.wait_until_through(worker)
        release = (now_ms() // SECOND + 4) * SECOND
        early = publish(system, show(first, release))
        watch = Watch(system)
        watch.until(lambda row: row.version.catalog == early)
        assert last_tiles(system) == []
        watch.until(lambda row: row.version.catalog > early)
        worker.stop()
        assert now_ms() >= release
        assert [tile.title_id for tile in last_tiles(system)] == ["e2"]
        verdict = verdict_of(system, tmp_path, scorer=Recency())
        assert verdict.holds, verdict


def evening(rng: random.Random, count: int) -> Iterator[Event]:
    """Households who watch now: the last twenty minutes of events, most of them progress."""
    begin, length = now_ms() - 20 * MINUTE, 20 * MINUTE
    for number in range(count):
        household, device = rng.randrange(12), rng.randrange(2)
        fields = {
            "event_id": f"e{number}",
            "profile_id": f"profile-{household}",
            "device_id": f"device-{household}-{device}",
            "device_type": "tv",
            "ts": begin + length * number // count,
        }
        series = rng.randrange(SHOWS)
        title = Episode(id=f"e{rng.randrange(5)}", series_id=f"series-{series}", duration_ms=LENGTH)
        kind = rng.choices((SessionStart, Play, Stop, Progress), (1, 4, 4, 10))[0]
        if kind is SessionStart:
            yield SessionStart(**fields)
        else:
            yield kind(title=title, position_ms=rng.randrange(LENGTH), **fields)


def test_changes_in_the_middle_of_the_evening_across_a_kill(
    catalogued: System, tmp_path: Path, show_figure: Callable[[str], None]
) -> None:
    system, rng = catalogued, random.Random(11)
    publish(system, whole(rng))
    one = system.start("one", round_records=50, pending_seconds=0)
    two = system.start("two", pending_seconds=0)
    wait_until(lambda: system.sharing() == 2, "two workers share the partitions")
    events = list(evening(rng, 1_800))
    watch = Watch(system)
    system.produce(events[:600])
    watch.until_catalog(publish(system, changes(rng)), count=1)
    system.produce(events[600:900])
    wait_until(lambda: sum(max(0, n) for n in system.committed().values()) > 700, "commits")
    one.kill()
    publish(system, changes(rng))
    again = system.start("one")
    system.produce(events[900:1_500])
    system.wait_until_through(again, two)
    watch.until_catalog(publish(system, changes(rng)), count=1)
    system.produce(events[1_500:])
    system.wait_until_through(again, two)
    watch.until_catalog(publish(system, whole(rng)), count=5)
    pushed = again.stop()["pushed"] + two.stop()["pushed"]
    verdict = verdict_of(system, tmp_path)
    quiet = sum(row.cause.type in QUIET for row in rows_of(system))
    show_figure(
        f"changes pushed in an evening, a kill: {verdict.figures()}; {pushed} pushed by the two "
        f"that stayed, {quiet} of all at events that bring none"
    )
    assert verdict.holds, verdict
    assert pushed > 0
    assert quiet > 0
