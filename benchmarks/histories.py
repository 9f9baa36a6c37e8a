"""Logs of events that a worker and its peers are given alike.

Members of many profiles watch at the same time: all profiles take turns, so that a round of the
worker has one event of each and conflates nothing that its peers do not. A session is three events
(the app is opened, an episode is played and stopped), now on one device, now on another, mostly of
a series that was watched before. Each event makes another row of what was there, so none is held
back: an event whose row never came could not be told from one that waits.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from confluent_kafka import Producer
from msgspec import Struct

from stream_cw.core.events import Episode, Event, Play, SessionStart, Stop, encode_event
from stream_cw.core.limits import SHOWS

START: Final = 1_600_000_000_000
MINUTE: Final = 60_000
SESSION: Final = 3
"""Events."""
DEVICES: Final = ("tv", "phone")
_SERIES: Final = (0, 0, 1, 0, 2, 1, 0, 3)
"""Of a profile with a short history, session by session: what it goes on with."""


class Histories(Struct, frozen=True):
    """What is in a log.

    Attributes
    ----------
    profiles : int
    full : bool
        Each profile has watched 64 series before, an event each.
    """

    profiles: int
    full: bool = False

    def before(self) -> Iterator[Event]:
        """Yield the events that fill the profiles."""
        for number in range(SHOWS if self.full else 0):
            for profile in range(self.profiles):
                yield _fill(profile, number)

    def events(self, first: int, last: int) -> Iterator[Event]:
        """Yield events of all profiles in turn: each one's from a number to before another."""
        for number in range(first, last):
            for profile in range(self.profiles):
                yield self.nth(profile, number)

    def nth(self, profile: int, number: int) -> Event:
        """Give an event of a profile behind those that fill it."""
        session, part = divmod(number, SESSION)
        often = _SERIES[session % len(_SERIES)]
        show = (session * 29 + profile) % SHOWS if self.full else often
        begun = START + (SHOWS + session) * 23 * 60 * MINUTE
        device = DEVICES[session % 3 % 2]
        name = f"{session}-{part}"
        if part == 0:
            return SessionStart(ts=begun, **_common(profile, device, name))
        title = _episode(profile, show, 1 + session % 24)
        kind, minutes = ((Play, 1), (Stop, 22))[part - 1]
        return kind(
            ts=begun + minutes * MINUTE,
            title=title,
            position_ms=(minutes + 5 + session % 5) * MINUTE,
            **_common(profile, device, name),
        )


def _fill(profile: int, number: int) -> Event:
    return Play(
        ts=START + number * 23 * 60 * MINUTE,
        title=_episode(profile, number, 1),
        position_ms=number * 20_000,
        **_common(profile, DEVICES[number % 2], f"fill-{number}"),
    )


def _episode(profile: int, show: int, number: int) -> Episode:
    series = f"series-{(profile * 31 + show * 7) % 5_000:08d}"
    return Episode(
        id=f"{series}-s1e{number}",
        series_id=series,
        season=1,
        episode=number,
        duration_ms=45 * MINUTE,
    )


def _common(profile: int, device: str, name: str) -> dict[str, Any]:
    return {
        "event_id": f"event-{profile}-{name}",
        "profile_id": name_of(profile),
        "device_id": f"{device}-{profile:08d}",
        "device_type": device,
    }


def name_of(profile: int) -> str:
    """Name a profile."""
    return f"profile-{profile:08d}"


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
        while True:
            try:
                producer.produce(topic, encode_event(event), event.profile_id)
            except BufferError:
                producer.poll(0.1)
            else:
                break
        producer.poll(0)
    assert producer.flush(120) == 0
    return count
