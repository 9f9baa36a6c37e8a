"""Finds features that look ahead: what the log's future must not change, it changes for them.

And the catalog's: what it already says of later days.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from small_logs import HOUR

from stream_cw.core.candidates import candidates
from stream_cw.core.catalog import CatalogEntry, SeriesEntry
from stream_cw.core.events import Pause, Play, Progress, Stop, decode_event, encode_event
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.records import admit
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.core.works import pack_work
from stream_cw.history.log import EventLog
from stream_cw.history.replay import PLAIN_EPOCH
from stream_cw.model.dataset import extract
from stream_cw.model.openings import Opening, openings

Extract = Callable[[ProfileState, str], NDArray[np.int64]]
"""Features of all candidates, from a profile's state and the id of a device."""
Works = Mapping[str, bytes]
Fit = Callable[[EventLog, Works], Extract]
"""Makes an extractor; the log and the catalog that it is handed are all that it may look at."""


def served(_log: EventLog, works: Works = MappingProxyType({})) -> Extract:
    """The features that the row is made from; they look at no log."""

    def codes(state: ProfileState, device_id: str) -> NDArray[np.int64]:
        show, session = extract(state, device_id, candidates(state, WATCH_NEXT, works))
        return np.concatenate([show.ravel(), session])

    return codes


class Catalog:
    """Works of a catalog, of all that it says and of what it could say at a time."""

    def __init__(self, entries: Sequence[CatalogEntry]) -> None:
        self._entries = entries
        self._packed: dict[tuple[str, int], bytes] = {}
        self.works = {entry.id: pack_work(entry) for entry in entries}

    def works_until(self, now: int) -> dict[str, bytes]:
        return {entry.id: self._pack(entry) for entry in until(self._entries, now)}

    def _pack(self, entry: CatalogEntry) -> bytes:
        """Episodes only come: how many there are says which, and most entries come again alike."""
        seasons = entry.seasons if isinstance(entry, SeriesEntry) else ()
        key = entry.id, sum(len(season.episodes) for season in seasons)
        if key not in self._packed:
            self._packed[key] = pack_work(entry)
        return self._packed[key]


def leaks(
    log: EventLog,
    fit: Fit,
    folder: Path,
    checked: Sequence[Opening],
    catalog: Catalog | None = None,
) -> list[Opening]:
    """Find openings whose features change when log and catalog end with their session_start.

    Parameters
    ----------
    log : EventLog
        A plain log.
    fit : Fit
    folder : Path
        Gets the logs that were cut.
    checked : sequence of Opening
        Those of the log that are looked at.
    catalog : Catalog, optional
        What it says of later days, too.

    Returns
    -------
    list of Opening
        None of them: the features know nothing of what came later.
    """
    catalog = catalog or Catalog(())
    whole = fit(log, catalog.works)
    found = []
    for opening in checked:
        cut = cut_behind(log, opening, folder / "cut.jsonl")
        state = state_at_end(cut, opening.session.profile_id)
        before = fit(cut, catalog.works_until(opening.state.now))(state, opening.session.device_id)
        if not np.array_equal(before, whole(opening.state, opening.session.device_id)):
            found.append(opening)
    return found


def until(catalog: Iterable[CatalogEntry], now: int) -> Iterator[CatalogEntry]:
    """End a catalog: without what enters it later, and without episodes that come later."""

    def is_there(part: Any, ts: int | None) -> bool:
        return max(ts or 0, part.released_ts or 0, part.available_from_ts or 0) <= now

    for entry in catalog:
        if not is_there(entry, entry.added_ts):
            continue
        if not isinstance(entry, SeriesEntry):
            yield entry
            continue
        seasons = [
            msgspec.structs.replace(
                season, episodes=[each for each in season.episodes if is_there(each, None)]
            )
            for season in entry.seasons
        ]
        yield msgspec.structs.replace(entry, seasons=seasons)


def sampled(opened: Sequence[Opening], count: int) -> list[Opening]:
    """Pick openings that the log has a session_start for, evenly over it."""
    found = [opening for opening in opened if opening.session.opening is not None]
    assert len(found) >= count
    return [found[n * len(found) // count] for n in range(count)]


def cut_behind(log: EventLog, opening: Opening, path: Path) -> EventLog:
    """End a log behind the line in which the session_start of an opening stands first."""
    path.write_bytes(b"".join(lines_until(log, opening)))
    return EventLog(path)


def lines_until(log: EventLog, opening: Opening) -> Iterator[bytes]:
    wanted = f'"event_id":"{opening.session.opening}"'.encode()
    with log.path.open("rb") as lines:
        for line in lines:
            yield line
            if wanted in line:
                return


def state_at_end(log: EventLog, profile_id: str) -> ProfileState:
    """Run the profile's events of a plain log through the step, labels and openings apart."""
    state = None
    for record in log:
        if record.key == profile_id.encode():
            source = Source(PLAIN_EPOCH, record.partition, record.offset)
            state = step(state, admit(record, None), source).state
    assert state is not None
    return state


def raise_later_positions(log: EventLog, first: int, path: Path) -> EventLog:
    """Let everything from a line on be watched an hour farther."""
    with log.path.open("rb") as lines, path.open("wb") as out:
        out.writelines(islice(lines, first))
        for line in lines:
            event = decode_event(line.rstrip(b"\n"))
            if isinstance(event, Play | Pause | Progress | Stop):
                event = msgspec.structs.replace(event, position_ms=event.position_ms + HOUR)
            out.write(encode_event(event) + b"\n")
    return EventLog(path)


def assert_later_positions_tell_nothing(
    log: EventLog, checked: Sequence[Opening], path: Path
) -> None:
    for opening in checked:
        first = sum(1 for _ in lines_until(log, opening))
        found = openings(raise_later_positions(log, first, path))
        assert opening == next(o for o in found if o.session == opening.session)
