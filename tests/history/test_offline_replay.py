"""Offline replay: the rows of every event, and those between them; in several processes, too."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream_cw.cli import build_app
from stream_cw.core.events import Episode, Event, Play, Progress, Stop, encode_event
from stream_cw.core.row import View
from stream_cw.core.rows import Row
from stream_cw.core.step import QUIET
from stream_cw.errors import LogFormatError, StreamCwError
from stream_cw.history.log import EventLog, LogHeader, encode_header
from stream_cw.history.replay import replay, replay_offline
from stream_cw.history.replay_processes import replay_in_processes
from stream_cw.history.simulator import simulate

T0, MINUTE = 1_700_000_000_000, 60_000


def watching() -> Iterator[Event]:
    """Two devices; one of them is gone when the other plays on."""
    for number in range(40):
        device = "tv" if number < 20 else "phone"
        title = Episode(id=f"e{number // 8}", series_id="s", duration_ms=45 * MINUTE)
        kind = (Play, Progress, Progress, Stop)[number % 4]
        yield kind(
            event_id=f"x{number}",
            profile_id="p",
            device_id=device,
            device_type="tv",
            ts=T0 + 4 * number * MINUTE,
            title=title,
            position_ms=number % 8 * MINUTE,
        )


def write(path: Path) -> Path:
    path.write_bytes(b"".join(encode_event(event) + b"\n" for event in watching()))
    return path


def rows(log: EventLog, *, pushed: bool) -> list[Row]:
    made = [row for played in replay(log, {}, pushed=pushed) for _, row in played.rows]
    return [row for row in made if row is not None]


def test_what_may_be_pushed_stands_between_the_rows_of_events(tmp_path: Path) -> None:
    log = EventLog(write(tmp_path / "log.jsonl"))
    plain, pushed = rows(log, pushed=False), rows(log, pushed=True)
    between = [row for row in pushed if row.cause.type in QUIET]
    assert [row for row in pushed if row not in between] == plain
    assert {row.version.revision for row in pushed} == set(range(1, 41))
    assert {(row.device_id, row.version.revision) for row in between} >= {("tv", 2), ("phone", 38)}
    assert not [row for row in pushed if row.device_id == "tv" and row.version.revision > 28]


def test_the_command_writes_them(tmp_path: Path) -> None:
    log, out = write(tmp_path / "log.jsonl"), tmp_path / "rows.jsonl"
    command = ["replay", str(log), "--offline", "--model", "recency", "-o", str(out)]
    counts = []
    for options in ([], ["--pushed"]):
        result = CliRunner().invoke(build_app(), [*command, *options])
        assert result.exit_code == 0, result.output
        counts.append(len(out.read_bytes().splitlines()))
    told = EventLog(log)
    assert counts == [len(rows(told, pushed=False)), len(rows(told, pushed=True))]
    assert counts[0] < counts[1]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    """Members beside one another, with records among them that are no events."""
    path = tmp_path_factory.mktemp("simulated") / "log.jsonl"
    with path.open("wb") as log:
        simulate(6, 8, 3, log)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[40:40] = [b'{"profile_id":"nobody","type":"play"}\n', b"no event\n"]
    path.write_bytes(b"".join(lines))
    return EventLog(path)


def no_view() -> View:
    """End the process that asks."""
    os._exit(1)


@pytest.mark.parametrize("pushed", [False, True])
def test_several_processes_write_the_same_bytes_in_the_same_order(
    simulated: EventLog, pushed: bool
) -> None:
    alone, together, told = io.BytesIO(), io.BytesIO(), []
    wanted = replay_offline(simulated, alone, pushed=pushed)
    report = replay_in_processes(
        simulated, together, 3, view=View, pushed=pushed, progress=told.append
    )
    assert together.getvalue() == alone.getvalue()
    assert report == wanted
    assert (wanted.profiles, wanted.refused) == (5, 2)
    assert told == sorted(told)
    assert told[-1] <= wanted.records


def test_what_a_process_runs_into_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    header = LogHeader(stream_cw_log=1, topic="events", epoch="00" * 16, partitions=1)
    path.write_bytes(encode_header(header) + b"\nno envelope\n")
    with pytest.raises(LogFormatError, match="line 2"):
        replay_in_processes(EventLog(path), io.BytesIO(), 2, view=View)


def test_a_process_that_ends_without_a_word_ends_the_replay(simulated: EventLog) -> None:
    with pytest.raises(StreamCwError, match="without a word"):
        replay_in_processes(simulated, io.BytesIO(), 2, view=no_view)


def test_the_command_runs_processes(simulated: EventLog, tmp_path: Path) -> None:
    written = []
    for processes in ("1", "2"):
        out = tmp_path / f"rows-{processes}.jsonl"
        command = ["replay", str(simulated.path), "--offline", "--processes", processes]
        result = CliRunner().invoke(build_app(), [*command, "-o", str(out)])
        assert result.exit_code == 0, result.output
        written.append((out.read_bytes(), result.output.replace(str(out), "").split()))
    assert written[0] == written[1]
