"""The log replayed through the step, up to each scored session: what its row was made from."""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import NamedTuple, cast

from stream_cw.core.apply import apply
from stream_cw.core.events import SessionStart
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.history.log import EventLog
from stream_cw.model.labels import Scored, Session, scored_sessions
from stream_cw.model.viewings import arrivals, collect


class Opening(NamedTuple):
    """A scored session, and what was known when it began.

    Attributes
    ----------
    session : Session
    state : ProfileState
        After the session_start that opened it and before any play of the session: its row is
        `row(state, session.profile_id, session.device_id, view)`.
    log : int
        Which of the logs it stands in, counted from 0.
    """

    session: Session
    state: ProfileState
    log: int


def openings(*logs: EventLog, progress: Callable[[int], None] | None = None) -> Iterator[Opening]:
    """Replay logs and yield each scored session with its state, in the order of the logs.

    The logs are read twice: for the labels, then through the step. Where no session_start opened a
    session, or it arrived after one of the session's plays, one is made (with the session's device
    and time) and applied to a copy of the state before the first play to arrive.

    Parameters
    ----------
    *logs : EventLog
        Read one after the other; profiles of the same id are one.
    progress : callable, optional
        Called with the number of records read so far, in both passes together.

    Yields
    ------
    Opening

    Raises
    ------
    LogFormatError
        If a line of a recording is damaged.
    """
    count = 0

    def tell() -> None:
        nonlocal count
        count += 1
        if progress:
            progress(count)

    wanted = {scored.at: scored for scored in scored_sessions(collect(arrivals(logs, tell)))}
    states: dict[str, ProfileState] = {}
    for at, log, event, source in arrivals(logs, tell):
        before = states.get(event.profile_id)
        scored = wanted.get(at)
        if scored is not None and not scored.opens:
            yield Opening(scored.session, _opened(before, scored, source), log)
        after = step(before, event, source).state
        if after is None:
            states.pop(event.profile_id, None)
            continue
        states[event.profile_id] = after
        if scored is not None and scored.opens:
            yield Opening(scored.session, after, log)


def _opened(state: ProfileState | None, scored: Scored, source: Source) -> ProfileState:
    """Apply the session_start that the log lacks."""
    session, seat = scored.session, scored.seat
    play = blake2b(session.first_play.encode(), digest_size=8).hexdigest()
    event = SessionStart(
        event_id=f"opening-{play}",
        profile_id=session.profile_id,
        device_id=session.device_id,
        device_type=session.device_type,
        ts=session.ts,
        session_id=seat.session_id,
        tz_offset_min=session.tz_offset_min,
        country=seat.country,
        inferred=True,
    )
    return cast(ProfileState, apply(state, event, source))
