"""The tail keeps the newest row of each device, and tells it as text."""

import re
import signal
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st
from program import running
from rich.console import Console

from stream_cw.broker.process import Broker
from stream_cw.cli import INTERRUPTED
from stream_cw.clients.render import line, progress, table, tile_text
from stream_cw.clients.tail import Rows, Update, accept, tail
from stream_cw.core.binge import GIVES_WAY
from stream_cw.core.features import SHOW_FEATURES, TITLE_FEATURES
from stream_cw.core.reasons import WORDS
from stream_cw.core.records import Record
from stream_cw.core.row import ASLEEP, NEW_EPISODE, NEXT_EPISODE
from stream_cw.core.rows import (
    Cause,
    ModelRef,
    Placement,
    Row,
    Tile,
    Version,
    encode_row,
    row_key,
)
from stream_cw.errors import RefusedRecordError
from tests.clients.conftest import MakeTopic


def a_row(
    revision: int, *, catalog: int = 0, model: int = 0, device: str = "tv", tiles: int = 2
) -> Row:
    return Row(
        profile_id="profile-1",
        device_id=device,
        session_id=None,
        version=Version(revision, catalog, model),
        ts=1_700_000_000_000,
        cause=Cause(f"e{revision}", "play"),
        model=ModelRef("recency", None),
        placement=Placement(770_000, 0, "resume_share"),
        arm=None,
        tiles=[a_tile(number) for number in range(tiles)],
    )


def a_tile(number: int = 0, **changes: object) -> Tile:
    tile = Tile(
        show_id=f"show-{number}",
        kind="series",
        title_id=f"show-{number}-e3",
        season=1,
        episode=3,
        position_ms=600_000,
        duration_ms=2_400_000,
        up_next=False,
        score=9 - number,
        reason="recency",
    )
    return msgspec.structs.replace(tile, **changes)


def as_record(row: Row) -> Record:
    return Record(row_key(row.profile_id, row.device_id), encode_row(row), 0, 0)


def erased(device: str = "tv") -> Record:
    return Record(row_key("profile-1", device), None, 0, 0)


versions = st.builds(Version, *[st.integers(0, 3)] * 3)


@given(st.lists(versions, min_size=1))
def test_only_what_is_newer_is_accepted(came: list[Version]) -> None:
    rows: Rows = {}
    accepted = []
    for version in came:
        row = a_row(version.revision, catalog=version.catalog, model=version.model)
        if update := accept(rows, as_record(row)):
            assert update.value == encode_row(row)
            accepted.append(version)
    assert accepted == sorted(set(accepted))
    assert [row.version for row in rows.values()] == [max(came)]


def test_devices_are_apart_and_the_last_to_change_stands_last() -> None:
    rows: Rows = {}
    for row in (a_row(5), a_row(3, device="phone"), a_row(6), a_row(2, device="phone")):
        accept(rows, as_record(row))
    assert [(row.device_id, row.version.revision) for row in rows.values()] == [
        ("phone", 3),
        ("tv", 6),
    ]


def test_a_tombstone_clears_the_device_and_its_versions() -> None:
    rows: Rows = {}
    accept(rows, as_record(a_row(9)))
    assert accept(rows, erased("phone")) is None
    assert accept(rows, erased()) == Update(b"profile-1/tv", None, None)
    assert rows == {}
    assert accept(rows, as_record(a_row(1))) is not None


def test_what_is_no_row_changes_nothing() -> None:
    rows: Rows = {}
    accept(rows, as_record(a_row(1)))
    for value in (b"", b"{", b"{}", b"\xff"):
        with pytest.raises(RefusedRecordError):
            accept(rows, Record(b"profile-1/tv", value, 0, 0))
    assert len(rows) == 1


@pytest.mark.kafka
def test_the_tail_reads_the_topic(kafka: Broker, make_topic: MakeTopic, tmp_path: Path) -> None:
    topic = make_topic("rows", partitions=2)
    produced = [
        (as_record(a_row(1)), 0),
        (as_record(a_row(2)), 0),
        (as_record(a_row(1)), 0),  # what may follow a crash
        (Record(b"profile-1/tv", b"no row", 0, 0), 0),
        (as_record(a_row(3, device="phone")), 1),
        (Record(b"profile-10/tv", encode_row(a_row(7)), 0, 0), 1),
    ]
    producer = Producer({"bootstrap.servers": kafka.address})
    for record, partition in produced:
        producer.produce(topic, record.value, record.key, partition=partition)
    assert producer.flush(30) == 0

    rows: Rows = {}
    batches = tail(
        kafka.address,
        topic=topic,
        rows=rows,
        from_beginning=True,
        to_end=True,
        profile="profile-1",
    )
    updates = [update for batch in batches for update in batch]
    assert sorted((u.key, u.row.version.revision) for u in updates if u.row) == [
        (b"profile-1/phone", 3),
        (b"profile-1/tv", 1),
        (b"profile-1/tv", 2),
    ]
    assert {key: row.version.revision for key, row in rows.items()} == {
        b"profile-1/tv": 2,
        b"profile-1/phone": 3,
    }


@pytest.mark.kafka
def test_the_tail_begins_with_what_comes(kafka: Broker, make_topic: MakeTopic) -> None:
    topic = make_topic("rows", partitions=1)
    producer = Producer({"bootstrap.servers": kafka.address})

    def produce(row: Row) -> None:
        record = as_record(row)
        producer.produce(topic, record.value, record.key, partition=0)
        assert producer.flush(30) == 0

    produce(a_row(1))
    seen: list[int] = []
    for tick, updates in enumerate(tail(kafka.address, topic=topic, rows={}), start=2):
        seen += [update.row.version.revision for update in updates if update.row]
        if seen or tick > 200:
            break
        produce(a_row(tick))
    assert seen
    assert 1 not in seen


PHONE_ON_TOP = re.compile(r"(?s) r3 .* phone .* r1 .* tv ")
"""The row that changed last stands first."""


def newest_frame(text: str) -> str:
    return text.rpartition("continue watching")[2]


@pytest.mark.kafka
def test_on_a_terminal_a_table_of_the_newest_rows_moves_until_ctrl_c(
    kafka: Broker, make_topic: MakeTopic, prefix: str
) -> None:
    topic = make_topic("cw.row-updates.v1", partitions=1)
    producer = Producer({"bootstrap.servers": kafka.address})

    def produce(row: Row) -> None:
        record = as_record(row)
        producer.produce(topic, record.value, record.key, partition=0)
        assert producer.flush(30) == 0

    place = ("--brokers", kafka.address, "--prefix", prefix)
    with running("tail", *place, "--from-beginning", terminal=True) as program:
        program.read_until(lambda text: "continue watching" in text)
        produce(a_row(1))
        program.read_until(lambda text: re.search(r"│ tv +│ play +│ 77% +│ 2\. show-1 S1E3", text))
        produce(a_row(3, device="phone"))
        program.read_until(lambda text: PHONE_ON_TOP.search(newest_frame(text)))
        program.process.send_signal(signal.SIGINT)
        assert program.end() == INTERRUPTED
        assert "Traceback" not in program.text


def test_progress_is_drawn() -> None:
    assert progress(a_tile()) == "━━┄┄┄┄┄┄ 25%"
    assert progress(a_tile(position_ms=9_999_999)) == "━━━━━━━━ 100%"
    assert progress(a_tile(duration_ms=None)) == "10 min"
    assert progress(a_tile(up_next=True, position_ms=0, duration_ms=None)) == "next one"


def test_every_reason_of_the_code_has_words() -> None:
    features = (*SHOW_FEATURES, *TITLE_FEATURES)
    of_rows = {"recently_watched", GIVES_WAY, ASLEEP, NEW_EPISODE, NEXT_EPISODE}
    assert {feature.reason for feature in features} | of_rows == set(WORDS)
    assert tile_text(a_tile(reason="on_this_device")).endswith("(you watch this here)")
    assert tile_text(a_tile(reason="of_a_later_version")).endswith("(of a later version)")


def test_an_update_is_one_line() -> None:
    row = a_row(12, tiles=7)
    text = line(Update(b"profile-1/tv", encode_row(row), row))
    assert "\n" not in text
    for part in ("profile-1/tv", "r12", "play", "slot 0, 77%", "1. show-0 S1E3 ━━", "+2 more"):
        assert part in text
    assert "show-5" not in text
    empty = a_row(1, tiles=0)
    assert line(Update(b"", b"", empty)).endswith("nothing to continue")
    assert line(Update(b"profile-1/tv", None, None)) == "profile-1/tv  erased"


def test_the_table_shows_what_fits() -> None:
    rows = [a_row(number, device=f"device-{number}") for number in range(1, 10)]
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(table(rows, height=20))
    text = capture.get()
    assert len(text.splitlines()) <= 20
    for part in ("device-1", "r1", "play", "slot 0", "1. show-0 S1E3 ━━┄┄┄┄┄┄ 25%"):
        assert part in text
    assert "device-9" not in text
