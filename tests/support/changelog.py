"""What the changelog comes to, and what the stores on disk hold."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import rocksdict

from stream_cw.core.codec import decode_state
from stream_cw.core.records import Record
from stream_cw.core.rows import SOURCE_OFFSET
from stream_cw.worker.mark import MARK_KEY, decode_mark
from stream_cw.worker.store import OFFSET_KEY, STORED_AT_KEY


@dataclass
class Folded:
    """One partition of the changelog.

    Attributes
    ----------
    newest : dict
        By key, the highest applied offset and the value that has it; None for a tombstone.
    last : dict
        By key, what compaction keeps.
    place : int
        Offset of the last record, -1 for none.
    count : int
        How many records it has; fewer than offsets once it is compacted.
    then : dict
        The states and the mark as they were at the places that were asked for.
    """

    newest: dict[bytes, tuple[int, bytes | None]] = field(default_factory=dict)
    last: dict[bytes, bytes | None] = field(default_factory=dict)
    place: int = -1
    count: int = 0
    then: dict[int, dict[bytes, bytes]] = field(default_factory=dict)

    def take(self, record: Record, places: Container[int] = ()) -> None:
        key = record.key
        assert key is not None
        applied = _applied(record)
        if key not in self.newest or applied >= self.newest[key][0]:
            self.newest[key] = applied, record.value
        self.last[key] = record.value
        self.place = record.offset
        self.count += 1
        if record.offset in places and self.count == record.offset + 1:
            self.then[record.offset] = self.states

    @property
    def states(self) -> dict[bytes, bytes]:
        """The states and the mark that saw most."""
        return {key: value for key, (_, value) in self.newest.items() if value is not None}

    @property
    def hidden(self) -> list[bytes]:
        """Keys whose last record is not the one that saw most."""
        return sorted(key for key, (_, value) in self.newest.items() if self.last.get(key) != value)


def states_of(changelog: Mapping[int, Folded]) -> dict[bytes, bytes]:
    """The states that saw most, of all partitions, without the marks."""
    return {
        key: value
        for partition in changelog.values()
        for key, value in partition.states.items()
        if not key.startswith(b"!")
    }


def folded(records: Iterable[Record], stores: Iterable["Stored"] = ()) -> dict[int, Folded]:
    """Fold a changelog, partition by partition; keep what it was at the places of stores."""
    places: dict[int, set[int]] = defaultdict(set)
    for store in stores:
        places[store.partition].add(store.place)
    found: dict[int, Folded] = {}
    for record in records:
        partition = record.partition
        found.setdefault(partition, Folded()).take(record, places[partition])
    return found


def _applied(record: Record) -> int:
    if record.value is None:
        return int(dict(record.headers)[SOURCE_OFFSET])
    if record.key == MARK_KEY:
        return decode_mark(record.value).offset
    return decode_state(record.value).source.offset


@dataclass
class Stored:
    """A store on disk: its place in the changelog, and the states and the mark."""

    partition: int
    place: int
    states: dict[bytes, bytes]


def stores(folder: Path) -> list[Stored]:
    """Read the stores of a worker that has ended."""
    found = []
    for path in sorted(folder.rglob("*.db")):
        db = rocksdict.Rdict(str(path), options=rocksdict.Options(raw_mode=True))
        content = dict(db.items())
        db.close()
        place = int(content.pop(OFFSET_KEY, b"-1"))
        content.pop(STORED_AT_KEY, None)
        found.append(Stored(int(path.stem.rsplit("-", 1)[1]), place, content))
    return found
