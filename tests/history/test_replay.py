"""Offline replay: the rows of every event, and those between them."""

from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from stream_cw.cli import build_app
from stream_cw.core.events import Episode, Event, Play, Progress, Stop, encode_event
from stream_cw.core.rows import Row
from stream_cw.core.step import QUIET
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay

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
