"""The oracles of a run: ledger, replay, stores, rows and clients, held to one another."""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from changelog import Folded, Stored
from load import Entry, hash_of
from msgspec import Struct
from watcher import Incident

from stream_cw.core.codec import decode_state
from stream_cw.core.records import Record
from stream_cw.core.rows import SOURCE_OFFSET, SOURCE_PARTITION

BEFORE_MS, BEHIND_MS = 1_000, 3_000
"""How much longer an incident lasts than it was seen to: clocks, and questions asked in turns."""
WARM_MS = 15_000
"""At the start of the load workers still compile and read ahead."""

Place = tuple[int, int]


class Counted(Struct):
    """What the event topic holds, counted without a line of the product's code.

    Attributes
    ----------
    revisions : dict
        How many different events each profile has since it was last forgotten.
    refused : set
        Places of what is no JSON.
    misplaced : list
        Acknowledged records that do not stand where the broker said.
    nowhere : list
        Keys of records that were acknowledged without a place, and stand nowhere.
    unacknowledged : int
    stamps : dict
        Append time of each record, ms.
    """

    revisions: dict[bytes, int]
    refused: set[Place]
    misplaced: list[Place]
    nowhere: list[bytes]
    unacknowledged: int
    stamps: dict[Place, int]


def count(
    log: Iterable[Record], entries: Mapping[Place, Entry], unplaced: Iterable[Entry] = ()
) -> Counted:
    """Hold the event topic to the ledger (O1), and count each profile's events."""
    ids: dict[bytes, set[str]] = defaultdict(set)
    counted = Counted({}, set(), [], [], 0, {})
    unknown: Counter[tuple[bytes, bytes]] = Counter()
    missing = set(entries)
    for record in log:
        place, key = (record.partition, record.offset), record.key or b""
        counted.stamps[place] = record.append_ts or 0
        entry = entries.get(place)
        missing.discard(place)
        if entry is None:
            unknown[key, hash_of(record.value)] += 1
        elif (entry.key, entry.value_hash) != (key, hash_of(record.value)):
            counted.misplaced.append(place)
        event = _parsed(record.value)
        if event is None:
            counted.refused.add(place)
        elif event["type"] == "forget_profile":
            ids.pop(key, None)
        else:
            ids[key].add(event["event_id"])
    counted.misplaced += sorted(missing)
    for entry in unplaced:
        if unknown[entry.key, entry.value_hash]:
            unknown[entry.key, entry.value_hash] -= 1
        else:
            counted.nowhere.append(entry.key)
    counted.unacknowledged = unknown.total()
    counted.revisions = {key: len(found) for key, found in ids.items()}
    return counted


def _parsed(value: bytes | None) -> dict[str, str] | None:
    try:
        found: dict[str, str] = json.loads(value or b"")
    except ValueError:
        return None
    return found


def lost_and_doubled(wanted: Mapping[bytes, int], states: Mapping[bytes, bytes]) -> tuple[int, int]:
    """How many events too few and too many the states have counted."""
    lost = doubled = 0
    for key in wanted.keys() | states.keys():
        found = decode_state(states[key]).revision if key in states else 0
        difference = wanted.get(key, 0) - found
        lost += max(0, difference)
        doubled += max(0, -difference)
    return lost, doubled


def stores_wrong(folded: Mapping[int, Folded], found: Sequence[Stored]) -> list[str]:
    """O3: a store equals the changelog up to its place, and one of each partition is at the end.

    Stores of killed workers, too. The changelog is read as recovery reads it: the state that saw
    most stays. Where it is compacted before a store's place, nobody can tell.
    """
    wrong = [
        f"no store of partition {partition} is at offset {changelog.place}"
        for partition, changelog in folded.items()
        if (partition, changelog.place) not in {(store.partition, store.place) for store in found}
    ]
    for store in found:
        changelog = folded.get(store.partition, Folded())
        if store.place == changelog.place:
            wanted: dict[bytes, bytes] | None = changelog.states
        else:
            wanted = changelog.then.get(store.place)
        if store.place > changelog.place:
            wrong.append(f"a store of partition {store.partition} is ahead, at {store.place}")
        elif wanted is not None and store.states != wanted:
            wrong.append(f"a store of partition {store.partition} differs at {store.place}")
    return wrong


class Windows:
    """The times in which something was amiss, as the brokers' clock has them."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        open_end = 1 << 60
        spans = sorted(
            (incident.began_ms - BEFORE_MS, (incident.until_ms or open_end) + BEHIND_MS)
            for incident in incidents
        )
        self._spans: list[tuple[int, int]] = []
        for begin, end in spans:
            if self._spans and begin <= self._spans[-1][1]:
                self._spans[-1] = self._spans[-1][0], max(end, self._spans[-1][1])
            else:
                self._spans.append((begin, end))

    def covers(self, stamp: int) -> bool:
        """Whether something was amiss at this time."""
        at = bisect_right(self._spans, (stamp, 1 << 62)) - 1
        return at >= 0 and stamp <= self._spans[at][1]


def delays(rows: Iterable[Record], stamps: Mapping[Place, int], windows: Windows) -> list[int]:
    """From an event's append to its row's, ms, where nothing was amiss; sorted."""
    first = min(stamps.values(), default=0)
    found = []
    for row in rows:
        headers = dict(row.headers)
        stamp = stamps.get((int(headers[SOURCE_PARTITION]), int(headers[SOURCE_OFFSET])))
        if stamp is None or row.append_ts is None or stamp < first + WARM_MS:
            continue
        if not windows.covers(stamp):
            found.append(row.append_ts - stamp)
    return sorted(found)


def part(values: Sequence[float], share: float) -> float | None:
    """A quantile of sorted values: the one that so great a share does not pass."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def recording(folder: Path) -> Path:
    return folder / "recording.jsonl"
