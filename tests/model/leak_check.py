"""Finds features that look ahead: what the log's future must not change, it changes for them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.records import admit
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.history.log import EventLog
from stream_cw.history.replay import PLAIN_EPOCH
from stream_cw.model.openings import Opening, openings

Extract = Callable[[ProfileState, str], NDArray[np.int64]]
"""Features of all candidates, from a profile's state and the id of a device."""
Fit = Callable[[EventLog], Extract]
"""Makes an extractor; the log that it is handed is all that it may look at."""


def leaks(log: EventLog, fit: Fit, folder: Path, *, checked: int) -> list[Opening]:
    """Find openings whose features change when the log ends with their session_start.

    Parameters
    ----------
    log : EventLog
        A plain log.
    fit : Fit
    folder : Path
        Gets the logs that were cut.
    checked : int
        How many openings are looked at, evenly over the log.

    Returns
    -------
    list of Opening
        None of them: the features know nothing of what came later.
    """
    extract = fit(log)
    found = []
    for opening in sampled(log, checked):
        cut = cut_behind(log, opening, folder / "cut.jsonl")
        state = state_at_end(cut, opening.session.profile_id)
        before = fit(cut)(state, opening.session.device_id)
        if not np.array_equal(before, extract(opening.state, opening.session.device_id)):
            found.append(opening)
    return found


def sampled(log: EventLog, count: int) -> list[Opening]:
    """Pick openings that the log has a session_start for."""
    found = [opening for opening in openings(log) if opening.session.opening is not None]
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
