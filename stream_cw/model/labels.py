"""Scored sessions and what was watched in them: the labels. `docs/learning.md` defines them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from stream_cw.core.events import DeviceType
from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.history.log import EventLog
from stream_cw.model.viewings import Seat, Start, Viewing, Viewings, arrivals, collect

CONTINUED_WITHIN_MS: Final = 60 * 86_400_000
"""A show that was left alone for longer is not gone on with."""

SessionKind = Literal["continuation", "discovery", "older"]


class Session(Struct, frozen=True, kw_only=True):
    """A scored session, as the log tells it.

    Attributes
    ----------
    profile_id : str
    opening : str or None
        Event id of the session_start that opened it: the latest one of the first play's device
        that is not before the end of all earlier plays. None: there is none.
    first_play : str
        Event id of its first play, over all devices.
    device_id, device_type, tz_offset_min
        Of its first event.
    ts : int
        Of its first event (the opening, else the first play), ms.
    target : str
        Show of the first play that is not autoplayed and lasts 60 s or longer.
    kind : {'continuation', 'discovery', 'older'}
        Whether the target's show was played for 60 s within the 60 days before, never before, or
        anything else; judged from the log.
    gap_ms : int or None
        From the latest end of all earlier plays to the first play; None for the profile's first.
    switched : bool
        Another device than that of the latest earlier play.
    history : int
        Earlier plays of the profile.
    known_ts : int
        Event time at which the target became known.
    """

    profile_id: str
    opening: str | None
    first_play: str
    device_id: str
    device_type: DeviceType
    tz_offset_min: int | None
    ts: int
    target: str
    kind: SessionKind
    gap_ms: int | None
    switched: bool
    history: int
    known_ts: int


class Scored(NamedTuple):
    """A scored session and where its state is to be taken.

    Attributes
    ----------
    session : Session
    seat : Seat
    at : int
        Place of a record in the logs.
    opens : bool
        That record is the session_start that opens the session: the state is taken after it. Else
        it is the first play of the session to arrive: the state is taken before it.
    """

    session: Session
    seat: Seat
    at: int
    opens: bool


def sessions(*logs: EventLog) -> Iterator[Session]:
    """Yield the scored sessions of logs, in the order in which their labels become known.

    Parameters
    ----------
    *logs : EventLog
        Read one after the other; profiles of the same id are one.

    Yields
    ------
    Session

    Raises
    ------
    LogFormatError
        If a line of a recording is damaged.
    """
    found = (scored.session for scored in scored_sessions(collect(arrivals(logs))))
    yield from sorted(found, key=lambda s: (s.known_ts, s.profile_id, s.ts, s.first_play))


def scored_sessions(profiles: dict[str, Viewings]) -> Iterator[Scored]:
    """Find the scored sessions of profiles, each profile's in the order of time."""
    for profile_id, viewings in profiles.items():
        yield from _of_profile(profile_id, viewings)


def _of_profile(profile_id: str, viewings: Viewings) -> Iterator[Scored]:
    plays = sorted(viewings.played, key=lambda play: (play.start, play.at))
    starts = {device_id: sorted(told) for device_id, told in viewings.starts.items()}
    ends = list(accumulate((play.end for play in plays), max))
    begins = [
        n for n in range(len(plays)) if n == 0 or plays[n].start - ends[n - 1] > SESSION_GAP_MS
    ]
    watched: dict[str, int | None] = {}
    for begin, end in pairwise([*begins, len(plays)]):
        members = plays[begin:end]
        target = next((p for p in members if _is_meant(p)), None)
        if target is not None:
            last, last_end = (plays[begin - 1], ends[begin - 1]) if begin else (None, None)
            first = members[0]
            opening = _opening(starts.get(first.seat.device_id, ()), first, last_end)
            seat, ts = (opening.seat, opening.ts) if opening else (first.seat, first.start)
            session = Session(
                profile_id=profile_id,
                opening=opening.event_id if opening else None,
                first_play=first.event_id,
                device_id=seat.device_id,
                device_type=seat.device_type,
                tz_offset_min=(
                    first.seat.tz_offset_min if seat.tz_offset_min is None else seat.tz_offset_min
                ),
                ts=ts,
                target=target.show,
                kind=_kind(watched, target.show, ts),
                gap_ms=None if last_end is None else first.start - last_end,
                switched=last is not None and last.seat.device_id != seat.device_id,
                history=begin,
                known_ts=_known_ts(members, target),
            )
            arrived = min(play.at for play in members)
            opens = opening is not None and opening.at < arrived
            yield Scored(session, seat, opening.at if opening and opens else arrived, opens)
        for play in members:
            _remember(watched, play)


def _is_meant(play: Viewing) -> bool:
    return play.lasting_ts is not None and not play.autoplay


def _opening(starts: Sequence[Start], first: Viewing, last_end: int | None) -> Start | None:
    """Find what opened a session among its device's session starts, which are in order."""
    place = bisect_left(starts, (first.start, first.at), key=lambda start: (start.ts, start.at))
    if place == 0 or (last_end is not None and starts[place - 1].ts < last_end):
        return None
    return starts[place - 1]


def _kind(watched: dict[str, int | None], show: str, ts: int) -> SessionKind:
    if show not in watched:
        return "discovery"
    last = watched[show]
    return "continuation" if last is not None and ts - last <= CONTINUED_WITHIN_MS else "older"


def _remember(watched: dict[str, int | None], play: Viewing) -> None:
    """Note a show as seen, and when it was last watched for long enough."""
    before = watched.setdefault(play.show, None)
    if play.lasting_ts is not None:
        watched[play.show] = max(play.end, before or play.end)


def _known_ts(members: Sequence[Viewing], target: Viewing) -> int:
    """Tell when a target was beyond doubt.

    It had lasted; each earlier play that was meant was over; and each play up to it was known to
    belong to the session: an earlier one had ended less than a session's gap before it, or behind.
    """
    known = target.lasting_ts or target.end
    for place, play in enumerate(members):
        if place:
            before = (p.end for p in members[:place] if play.start - p.end <= SESSION_GAP_MS)
            known = max(known, min(before))
        if play is target:
            break
        if not play.autoplay:
            over = play.end + SESSION_GAP_MS if play.closed_ts is None else play.closed_ts
            known = max(known, over)
    return known
