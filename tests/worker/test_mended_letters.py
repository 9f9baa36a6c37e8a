"""A record that was refused and mended is applied as a late event, and once."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from oracle import judge
from typer.testing import CliRunner
from worker_support import START, last_values
from worker_system import PARTITIONS, System

from stream_cw.cli import build_app
from stream_cw.core.codec import decode_state
from stream_cw.core.events import Episode, Play, Stop, encode_event
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.partition import partition_for
from stream_cw.core.rows import decode_row
from stream_cw.core.show import Show
from stream_cw.core.state import ProfileState

MINUTE_MS = 60_000
KEY = b"profile-0"


def an_event(kind: type[Play | Stop], minute: int, position_min: int) -> Play | Stop:
    common: dict[str, Any] = {
        "event_id": f"e{minute}",
        "profile_id": KEY.decode(),
        "device_id": "tv",
        "device_type": "tv",
        "ts": START + minute * MINUTE_MS,
    }
    title = Episode(id="s1e1", series_id="s1", duration_ms=50 * MINUTE_MS)
    return kind(title=title, position_ms=position_min * MINUTE_MS, **common)


LATE = an_event(Play, 0, 0)
NEWER = [an_event(Play, 300, 12), an_event(Stop, 320, 32)]


def state_of(system: System) -> tuple[ProfileState, Show]:
    state = decode_state(last_values(system.changelog())[KEY])
    return state, unpack_show("s1", state.shows["s1"])


def dlq(system: System, *arguments: str, stdin: bytes = b"") -> str:
    place = ("--brokers", system.brokers, "--prefix", system.prefix)
    done = CliRunner().invoke(build_app(), ["dlq", *arguments, *place], input=stdin)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_a_mended_record_counts_once_and_leaves_the_newer_position(
    system: System, tmp_path: Path
) -> None:
    broken = encode_event(LATE)[:-9]
    home = partition_for(KEY, PARTITIONS)
    system.produce([(KEY, broken, home), *NEWER])
    worker = system.start()
    system.wait_until_through(worker)
    state, show = state_of(system)
    assert (state.revision, show.plays, show.position_ms) == (2, 1, 32 * MINUTE_MS)
    assert (state.first_ts, show.first_s) == (NEWER[0].ts, NEWER[0].ts // 1000)
    assert dlq(system, "list").startswith(f"{home}:0  bad_json  ")

    mended = msgspec.json.encode({"origin": f"{home}:0", "value": msgspec.Raw(encode_event(LATE))})
    assert dlq(system, "replay", "--mend", "-", stdin=mended) == "1 sent, 0 still refused\n"
    system.wait_until_through(worker)
    state, show = state_of(system)
    assert (state.revision, state.cause_id) == (3, "e0")
    assert show.plays == 2
    assert len(list(filter(None, show.hours))) == 2, "the habit of its hour, too"
    assert (show.position_ms, show.position_ts) == (32 * MINUTE_MS, NEWER[1].ts)
    assert (state.first_ts, state.now, show.last_ts) == (LATE.ts, NEWER[1].ts, NEWER[1].ts)
    row = decode_row(last_values(system.rows())[KEY + b"/tv"])
    assert [(tile.title_id, tile.position_ms) for tile in row.tiles] == [("s1e1", 32 * MINUTE_MS)]

    # As after a replay that broke off before the letter was taken away.
    system.produce([LATE])
    system.wait_until_through(worker)
    assert state_of(system)[1].plays == 2
    assert dlq(system, "list") == ""
    stats = worker.stop()
    assert (stats["events"], stats["repeated"], stats["refused"]) == (3, 1, 1)
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path)
    assert verdict.holds, verdict
