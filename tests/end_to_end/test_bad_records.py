"""One bad record in a hundred: each becomes a dead letter with its origin, nothing else changes."""

import json
import random
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from oracle import digest, expected_of, judge
from scene import PARTITIONS, Scene
from worker_support import read_all, wait_until

from stream_cw.core.dead_letter import decode_dead_letter
from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record
from stream_cw.core.rows import encode_row
from stream_cw.history.log import FORMAT, EventLog, LogHeader, encode_header, encode_record
from stream_cw.history.replay import replay

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

LARGEST_VALUE = 1_048_480
"""What the broker's default limit leaves for a value with a key of up to 30 bytes."""


def _with(**changes: object) -> Callable[[dict], bytes]:
    return lambda event: json.dumps({**event, **changes}).encode()


def _nested(event: dict, levels: bytes) -> bytes:
    return json.dumps({**event, "x": "@"}).encode().replace(b'"@"', levels)


def _padded(event: dict, size: int) -> bytes:
    bare = json.dumps({**event, "x": ""})
    return json.dumps({**event, "x": "x" * (size - len(bare))}).encode()


BAD: dict[str, Callable[[dict], bytes | None]] = {
    "bad UTF-8": lambda event: json.dumps(event).encode().replace(b"profile", b"prof\xff", 1),
    "bad UTF-8 in an unknown field": lambda event: (
        json.dumps({**event, "note": "@"}).encode().replace(b"@", b"\xff")
    ),
    "truncated": lambda event: json.dumps(event).encode()[:-7],
    "no value": lambda _: None,
    "text for a number": _with(ts="yesterday"),
    "array for an object": lambda event: json.dumps([event]).encode(),
    "NaN": lambda event: json.dumps({**event, "ts": float("nan")}).encode(),
    "huge integer": _with(ts=10**400),
    "100,000 levels": lambda event: _nested(event, b"[" * 100_000 + b"]" * 100_000),
    "60,000 levels, small enough to be parsed": lambda event: _nested(event, b"[" * 60_000),
    "string of 1 MB": _with(device_id="d" * 1_000_000),
    "unknown type": _with(type="teleport"),
    "from the future": lambda event: json.dumps(
        {**event, "ts": int(time.time() * 1000) + 3_600_000}
    ).encode(),
    "as large as the broker takes": lambda event: _padded(event, LARGEST_VALUE),
}


def spoilt(records: Iterator[Record], rng: random.Random) -> Iterator[tuple[Record, str | None]]:
    """Put bad records of every kind among good ones, about one in a hundred."""
    kinds = [*BAD, "another key", "wrong partition"]
    for number, record in enumerate(records):
        yield record, None
        if number % 100:
            continue
        kind = kinds[number // 100 % len(kinds)]
        event = json.loads(record.value or b"{}") | {"event_id": f"bad-{number}"}
        good = json.dumps(event).encode()
        partition, key = record.partition, record.key
        if kind == "another key":
            yield Record(b"somebody", good, partition_for(b"somebody", PARTITIONS), 0), kind
        elif kind == "wrong partition":
            yield (
                Record(key, good, (partition + rng.randrange(1, PARTITIONS)) % PARTITIONS, 0),
                kind,
            )
        else:
            yield Record(key, BAD[kind](event), partition, 0), kind


@pytest.fixture
def spoilt_log(simulated_log: Path, tmp_path: Path) -> tuple[Path, int]:
    path = tmp_path / "spoilt.jsonl"
    header = LogHeader(stream_cw_log=FORMAT, topic="events", epoch="0" * 32, partitions=PARTITIONS)
    bad = 0
    good = islice(EventLog(simulated_log, partitions=PARTITIONS), 6_000)
    with path.open("wb") as out:
        out.write(encode_header(header) + b"\n")
        for record, kind in spoilt(good, random.Random(3)):
            out.write(encode_record(record) + b"\n")
            bad += kind is not None
    return path, bad


def test_bad_records_become_dead_letters_and_nothing_else(
    scene: Scene, start, spoilt_log, simulated_log, show_figure
):
    path, bad = spoilt_log
    worker = start("one")
    wait_until(lambda: scene.members() == 1, "the worker works")
    scene.produce(path)
    scene.wait_until_done()
    stats = worker.stop()
    verdict = judge(scene.broker.address, scene.topics, PARTITIONS, scene.folder)
    show_figure(f"{bad} bad records: {verdict.figures()}")
    assert verdict.holds, verdict
    assert verdict.dead_letters == bad == stats["refused"]
    _assert_reasons(scene)
    clean = islice(EventLog(simulated_log, partitions=PARTITIONS), 6_000)
    wanted = [
        (key, row and encode_row(row))
        for played in replay(clean, {}, partitions=PARTITIONS)
        for key, row in played.rows
    ]
    found = expected_of(EventLog(scene.folder / "recording.jsonl"))
    assert {digest(row) for _, row in wanted if row} == set().union(*found.rows.values())


def _assert_reasons(scene: Scene) -> None:
    reasons = {
        decode_dead_letter(key, value, headers).reason
        for key, value, headers, *_ in read_all(scene.broker.address, scene.topics.dead_letters, 1)
    }
    assert reasons == {
        "empty",
        "too_large",
        "bad_utf8",
        "bad_json",
        "too_deep",
        "bad_field",
        "from_the_future",
        "key_mismatch",
        "wrong_partition",
    }
