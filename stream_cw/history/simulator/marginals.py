"""Measuring a log: how its sessions begin, by the definitions that the learned model uses."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from msgspec import Struct

from stream_cw.core.events import Event, Play, Progress, Stop, Supplemental, decode_event

MINUTE: Final = 60_000
DAY: Final = 86_400_000
_PLAYING: Final = (Play, Progress, Stop)
_SPLIT: Final = 30 * MINUTE
_RETURN_WITHIN: Final = 60 * DAY
_GAPS: Final = (("under 2 h", 2), ("2-8 h", 8), ("8-24 h", 24), ("24-72 h", 72), ("over 72 h", 0))

WANTED: Final = {
    "returns": 0.77,
    "switched": 0.22,
    "recency": 0.745,
    "recency, switched": 0.54,
    "recency, under 2 h": 0.84,
    "recency, 2-8 h": 0.74,
    "recency, 8-24 h": 0.73,
    "recency, 24-72 h": 0.67,
    "recency, over 72 h": 0.60,
}
"""What was measured on real accounts."""


class Marginal(Struct, frozen=True):
    """A share, and of how many sessions it is the share."""

    share: float
    sessions: int


class _Playback(Struct):
    start: int
    end: int
    show: str
    title: str
    device: str
    autoplay: bool


class _Session(Struct, frozen=True):
    gap: int
    switched: bool
    returned: bool
    recent: bool


def marginals(log: Iterable[bytes], *, warm_up_days: int = 30) -> dict[str, Marginal]:
    """Measure how the scored sessions of a plain log begin.

    A session starts when a play begins more than 30 minutes after the end of all earlier plays of
    the profile, over all its devices. Its target is its first play that is not autoplayed and lasts
    a minute or longer; without one it is left out. It is a return if the target's show was played
    for a minute within the 60 days before; `recency` is the share of returns whose target is the
    show that was played last, for a minute or longer.

    Parameters
    ----------
    log : iterable of bytes
        One event each, in any order that keeps each device's own.
    warm_up_days : int
        Days from the first event whose sessions are not counted: nothing is known yet.

    Returns
    -------
    dict
        The names of `WANTED`, and `older`: targets played before, but not within 60 days.
    """
    playbacks, first = _playbacks(log)
    from_ts = first + warm_up_days * DAY
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def count(name: str, hit: bool) -> None:
        counts[name][0] += hit
        counts[name][1] += 1

    for plays in playbacks.values():
        for session, older in _sessions(sorted(plays, key=lambda play: play.start), from_ts):
            count("returns", session.returned)
            count("older", older)
            count("switched", session.switched)
            if session.returned:
                count("recency", session.recent)
                count(f"recency, {_gap_name(session.gap)}", session.recent)
                if session.switched:
                    count("recency, switched", session.recent)
    return {name: Marginal(hits / of, of) for name, (hits, of) in counts.items()}


def table(found: dict[str, Marginal]) -> str:
    """Set what was wanted beside what was found."""
    lines = [f"{'':<20} wanted  found  points  sessions"]
    for name, wanted in WANTED.items():
        share, sessions = found[name].share, found[name].sessions
        lines.append(
            f"{name:<20} {wanted:6.3f} {share:6.3f} {100 * (share - wanted):+7.1f} {sessions:9,}"
        )
    return "\n".join(lines)


def _gap_name(gap: int) -> str:
    return next((name for name, hours in _GAPS if gap < hours * 60 * MINUTE), _GAPS[-1][0])


def _playbacks(log: Iterable[bytes]) -> tuple[dict[str, list[_Playback]], int]:
    found: dict[str, list[_Playback]] = defaultdict(list)
    open_at: dict[tuple[str, str], _Playback] = {}
    first: int | None = None
    for line in log:
        event = decode_event(line.rstrip(b"\n"))
        first = event.ts if first is None else min(first, event.ts)
        _follow(event, found, open_at)
    return found, first or 0


def _follow(
    event: Event,
    found: dict[str, list[_Playback]],
    open_at: dict[tuple[str, str], _Playback],
) -> None:
    if not isinstance(event, _PLAYING) or isinstance(event.title, Supplemental):
        return
    seat = (event.profile_id, event.device_id)
    current = open_at.get(seat)
    if current is not None and current.title == event.title.id:
        current.end = max(current.end, event.ts)
        if isinstance(event, Stop):
            del open_at[seat]
    elif isinstance(event, Play):
        playback = _Playback(
            event.ts,
            event.ts,
            event.title.show_id,
            event.title.id,
            event.device_id,
            event.autoplay,
        )
        found[event.profile_id].append(playback)
        open_at[seat] = playback


def _sessions(plays: list[_Playback], from_ts: int) -> Iterator[tuple[_Session, bool]]:
    watched: dict[str, int] = {}
    seen: set[str] = set()
    ends = list(accumulate((play.end for play in plays), max))
    starts = [0] + [n for n in range(1, len(plays)) if plays[n].start > ends[n - 1] + _SPLIT]
    for begin, end in zip(starts, [*starts[1:], len(plays)], strict=True):
        target = next(
            (p for p in plays[begin:end] if not p.autoplay and p.end - p.start >= MINUTE), None
        )
        first = plays[begin]
        if target is not None and first.start >= from_ts and begin > 0:
            last = watched.get(target.show)
            returned = last is not None and first.start - last <= _RETURN_WITHIN
            yield (
                _Session(
                    gap=first.start - ends[begin - 1],
                    switched=first.device != plays[begin - 1].device,
                    returned=returned,
                    recent=bool(watched) and max(watched, key=watched.__getitem__) == target.show,
                ),
                not returned and target.show in seen,
            )
        for play in plays[begin:end]:
            seen.add(play.show)
            if play.end - play.start >= MINUTE:
                watched[play.show] = max(play.end, watched.get(play.show, 0))
