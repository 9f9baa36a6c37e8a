"""What the whole system must have written: the offline replay of the event topic, read back.

Rule 6 of the design: every row on the push topic equals, byte for byte, the replay's row of its
version; equal versions may repeat; a lower one follows only after a crash or a hand-over; the last
row of a device has the content of the replay's last. States likewise, as the changelog folds.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path

from worker_support import last_values, read_all

from stream_cw.broker.contract import Topics
from stream_cw.clients.read import read
from stream_cw.clients.record import record
from stream_cw.core.codec import encode_state
from stream_cw.core.dead_letter import decode_dead_letter
from stream_cw.core.letter_erasure import is_letter
from stream_cw.core.records import Record
from stream_cw.core.row import RECENCY, View
from stream_cw.core.rows import SOURCE_OFFSET, Row, Version, decode_row, encode_row, row_content
from stream_cw.core.state import ProfileState
from stream_cw.core.step import QUIET
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay

Place = tuple[bytes, Version]
"""A device's key and a version: a place for one row."""


@dataclass
class Expected:
    """What the replay of a recorded log comes to."""

    rows: dict[Place, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """SHA-256 of what may stand at each place."""
    last: dict[bytes, set[bytes | None]] = field(default_factory=dict)
    """Content of each device's last row, under each of the views; None: it is erased."""
    erased: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Offsets of the events that erased each device's row: versions begin anew behind them."""
    refused: set[tuple[str, int, int]] = field(default_factory=set)
    states: dict[bytes, bytes] = field(default_factory=dict)
    events: int = 0


@dataclass
class Verdict:
    """How what was written compares with what was expected."""

    events: int
    rows: int
    wrong: list[str]
    repeated: int
    lower: int
    stale: list[bytes]
    dead_letters: int
    dead_letters_wrong: set[tuple[str, int, int]]
    states_wrong: list[bytes]
    lower_at: list[int] = field(default_factory=list)
    """When rows of a lower version came, as the broker stamped them, ms."""

    @property
    def holds(self) -> bool:
        return not (self.wrong or self.stale or self.dead_letters_wrong or self.states_wrong)

    def figures(self) -> str:
        return (
            f"{self.events} events, {self.rows} rows, {len(self.wrong)} wrong, "
            f"{len(self.stale)} devices with a wrong last row, {self.repeated} repeated, "
            f"{self.lower} lower, {self.dead_letters} dead letters "
            f"({len(self.dead_letters_wrong)} wrong), {len(self.states_wrong)} states wrong"
        )


def expected_of(
    log: EventLog,
    views: Collection[View] = (RECENCY,),
    wanted: Container[Place] | None = None,
    *,
    pushed: bool = False,
) -> Expected:
    """Replay a recording: every row of every live device, held back or not, under each view.

    Of all rows but the last ones only those that are `wanted` are made; None: all of them.

    Views differ in their version's parts, so a version says which of them made the row. Which one
    was in force when, nobody knows: the last row's content may be that of any. Where changes of the
    catalog push rows, they may come at events that bring none by themselves.
    """
    expected = Expected()
    for view in views:
        expected.events = 0
        for key, makers in _replay(log, view, expected, wanted, pushed).items():
            contents = (_content(made() if made else None) for made in makers)
            expected.last.setdefault(key, set()).update(contents)
    return expected


def _replay(
    log: EventLog, view: View, expected: Expected, wanted: Container[Place] | None, pushed: bool
) -> dict[bytes, list[Callable[[], Row] | None]]:
    """Note rows, states and refusals; return what each device's last row may be, None: erased."""
    last: dict[bytes, list[Callable[[], Row] | None]] = {}
    states: dict[str, ProfileState] = {}
    assert log.header is not None
    epoch = bytes.fromhex(log.header.epoch)
    of_log = {"epoch": epoch, "partitions": log.partitions}
    for played in replay(log, states, view=view, pushed=pushed, **of_log):
        expected.events += 1
        if played.refusal is not None:
            place = (log.header.topic, played.record.partition, played.record.offset)
            expected.refused.add(place)
        for device_id in played.erased:
            last[played.key(device_id)] = [None]
            expected.erased[played.key(device_id)].append(played.record.offset)
        for device_id in played.due:
            key = played.key(device_id)
            if played.state.cause_type not in QUIET:
                last[key] = []
            last.setdefault(key, []).append(partial(played.row, device_id))
            place = key, Version(played.state.revision, view.catalog, view.model)
            if wanted is None or place in wanted:
                expected.rows[place].add(digest(encode_row(played.row(device_id))))
    expected.states = {
        profile_id.encode(): encode_state(state) for profile_id, state in states.items()
    }
    return last


def judge(
    brokers: str,
    topics: Topics,
    partitions: int,
    folder: Path,
    views: Collection[View] = (RECENCY,),
    *,
    pushed: bool = False,
) -> Verdict:
    """Read everything back and compare it with the replay of the event topic."""
    expected = read_back(brokers, topics, partitions, folder, views, pushed=pushed)
    verdict = judge_rows(brokers, topics, partitions, expected)
    folded = last_values(read_all(brokers, topics.changelog, partitions))
    verdict.states_wrong = states_wrong(folded, expected)
    return verdict


def read_back(
    brokers: str,
    topics: Topics,
    partitions: int,
    folder: Path,
    views: Collection[View] = (RECENCY,),
    *,
    pushed: bool = False,
) -> Expected:
    """Record the event topic, and replay it: the rows that were written, and all states."""
    path = folder / "recording.jsonl"
    with path.open("wb") as out:
        record(brokers, out, topic=topics.events)
    rows = records_of(brokers, topics.rows, partitions)
    written = {(row.key, decode_row(row.value).version) for row in rows if row.value is not None}
    return expected_of(EventLog(path), views, written, pushed=pushed)


def judge_rows(brokers: str, topics: Topics, partitions: int, expected: Expected) -> Verdict:
    """Compare rows and dead letters with what was expected."""
    verdict = _judge_rows(records_of(brokers, topics.rows, partitions), expected)
    letters = [
        decode_dead_letter(letter.key, letter.value, letter.headers).identity()
        for letter in records_of(brokers, topics.dead_letters, 1)
        if is_letter(letter.key, letter.value)
    ]
    verdict.dead_letters = len(set(letters))
    verdict.dead_letters_wrong = set(letters) ^ expected.refused
    return verdict


def records_of(brokers: str, topic: str, partitions: int) -> Iterator[Record]:
    """Read a topic to its end, and keep none of it."""
    batches = read(brokers, topic, partitions, from_beginning=True, to_end=True)
    return chain.from_iterable(batches)


def states_wrong(found: Mapping[bytes, bytes], expected: Expected) -> list[bytes]:
    """Keys whose state is not the expected one, or is missing, or should not be there."""
    states = {key: value for key, value in found.items() if not key.startswith(b"!")}
    return sorted(
        key
        for key in states.keys() | expected.states.keys()
        if states.get(key) != expected.states.get(key)
    )


def digest(row: bytes) -> bytes:
    return sha256(row).digest()


def _judge_rows(records: Iterable[Record], expected: Expected) -> Verdict:
    verdict = Verdict(expected.events, 0, [], 0, 0, [], 0, set(), [])
    newest: dict[bytes, Row | None] = {}
    shown: dict[bytes, int] = {}
    for found in records:
        key, value = found.key, found.value
        assert key is not None
        verdict.rows += 1
        if value is None:
            newest[key] = None
            continue
        row, source = decode_row(value), int(dict(found.headers)[SOURCE_OFFSET] or b"")
        if digest(value) not in expected.rows.get((key, row.version), ()):
            verdict.wrong.append(f"{key.decode()} {row.version}")
        before = newest.get(key)
        if before is not None:
            verdict.repeated += row.version == before.version
            if row.version < before.version and not anew(expected.erased[key], shown[key], source):
                verdict.lower += 1
                verdict.lower_at.append(found.append_ts or 0)
        newest[key], shown[key] = row, source
    verdict.stale = sorted(
        key
        for key in newest.keys() | expected.last.keys()
        if _content(newest.get(key)) not in expected.last.get(key, {None})
    )
    return verdict


def anew(erased: Iterable[int], before: int, source: int) -> bool:
    """Whether a row was erased between two events: compaction may have taken the tombstone."""
    return any(before < offset < source for offset in erased)


def _content(row: Row | None) -> bytes | None:
    return None if row is None else row_content(row)
