"""Logs of events that a worker and its peers are given alike.

Members of many profiles watch at the same time: all profiles take turns, so that a round of the
worker has one event of each and conflates nothing that its peers do not. A session is three events
(the app is opened, an episode is played and stopped), now on one device, now on another, mostly of
a series that was watched before. Each event makes another row of what was there, so none is held
back: an event whose row never came could not be told from one that waits.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from confluent_kafka import Producer
from msgspec import Struct

from benchmarks.producing import put
from stream_cw.core.events import Episode, Event, Play, SessionStart, Stop, encode_event
from stream_cw.core.limits import SHOWS
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step

START: Final = 1_600_000_000_000
MINUTE: Final = 60_000
SESSION: Final = 3
"""Events."""
FILLING: Final = 2 * SHOWS
"""Sessions that a full profile has behind it."""
MOST_SERIES: Final = 5_000
DEVICES: Final = ("tv", "phone")
_SERIES: Final = (0, 0, 1, 0, 2, 1, 0, 3)
"""Of a profile with a short history, session by session: what it goes on with."""


class Histories(Struct, frozen=True):
    """What is in a log.

    Attributes
    ----------
    profiles : int
    full : bool
        Each profile has watched 64 series before, and goes on with one or the other: see `filled`.
    """

    profiles: int
    full: bool = False

    def events(self, first: int, last: int) -> Iterator[Event]:
        """Yield events of all profiles in turn: each one's from a number to before another."""
        for number in range(first, last):
            for profile in range(self.profiles):
                yield self.nth(profile, number)

    def nth(self, profile: int, number: int) -> Event:
        """Give an event of a profile."""
        session, part = divmod(number, SESSION)
        if self.full:
            session += FILLING
            series = session * 29 % SHOWS
        else:
            series = profile * 31 + 7 * _SERIES[session % len(_SERIES)]
        device = DEVICES[session % 3 % 2]
        common: dict[str, Any] = {
            "event_id": f"event-{profile}-{session}-{part}",
            "profile_id": f"profile-{profile:08d}",
            "device_id": f"{device}-{profile if not self.full else 0:08d}",
            "device_type": device,
        }
        begun = START + session * 23 * 60 * MINUTE
        if part == 0:
            return SessionStart(ts=begun, **common)
        kind, minutes = ((Play, 1), (Stop, 22))[part - 1]
        return kind(
            ts=begun + minutes * MINUTE,
            title=_episode(series % MOST_SERIES, 1 + session % 24),
            position_ms=(minutes + 5 + session % 5) * MINUTE,
            **common,
        )


def _episode(series: int, number: int) -> Episode:
    series_id = f"series-{series:08d}"
    return Episode(
        id=f"{series_id}-s1e{number}",
        series_id=series_id,
        season=1,
        episode=number,
        duration_ms=45 * MINUTE,
    )


@cache
def filled() -> ProfileState:
    """Make the state of a full profile: all of `FILLING` sessions are in it."""
    state: ProfileState | None = None
    one = Histories(1, full=True)
    for number in range(FILLING * SESSION):
        event = one.nth(0, number - FILLING * SESSION)
        state = step(state, event, Source(bytes(16), 0, number)).state
    assert state is not None
    assert len(state.shows) == SHOWS
    return state


def write(brokers: str, topic: str, events: Iterable[Event]) -> int:
    """Put events on a topic; tell how many."""
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "linger.ms": 50,
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    count = 0
    for event in events:
        count += 1
        put(producer, topic, encode_event(event), event.profile_id)
    assert producer.flush(120) == 0
    return count
