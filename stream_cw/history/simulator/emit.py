"""A profile's events, in the order in which they arrive."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import structs

from stream_cw.core.events import Event, Play, RowSeen, encode_event
from stream_cw.history.simulator import tuning
from stream_cw.history.simulator.dice import Dice
from stream_cw.history.simulator.member import Device, Member

_REPEATED_WITHIN: Final = 3_000


class Recorder:
    """Keeps the events of one profile until all are there; then gives them as they arrive.

    An event arrives when it happens, but on a device without a network: there it waits, and all
    that waited arrives together, in its own order. A repeated event arrives within three seconds
    of the first time.
    """

    def __init__(self, member: Member, network: Dice) -> None:
        self._member = member
        self._network = network
        self._drafts: list[tuple[int, int, int, Event]] = []
        self._repeated: set[int] = set()
        self._count = 0

    def add(self, event: Event, device: Device) -> None:
        """Take an event in."""
        arrival = max(event.ts, device.offline_until)
        self._drafts.append((arrival, event.ts, self._count, event))
        if self._network.chance(tuning.REPEATED):
            again = arrival + 1 + self._network.below(_REPEATED_WITHIN)
            self._drafts.append((again, event.ts, self._count, event))
            self._repeated.add(self._count)
        self._count += 1

    def event_id(self) -> str:
        """Return the id of the event that is taken in next."""
        return f"{self._member.profile_id}.{self._count:x}"

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (arrival time, encoded event) in the order of arrival."""
        revision = 0
        twice: dict[int, bytes] = {}
        for arrival, _, number, event in sorted(self._drafts, key=lambda draft: draft[:3]):
            line = twice.get(number)
            if line is None:
                line = encode_event(_with_revision(event, revision))
                revision += 1
                if number in self._repeated:
                    twice[number] = line
            yield arrival, line


def _with_revision(event: Event, revision: int) -> Event:
    if isinstance(event, RowSeen):
        return structs.replace(event, revision=revision)
    if isinstance(event, Play) and event.origin is not None and event.origin.surface == "row":
        return structs.replace(event, origin=structs.replace(event.origin, revision=revision))
    return event


class Seat:
    """A member before a device in one session: what happens there becomes events."""

    def __init__(self, recorder: Recorder, member: Member, device: Device, session: str) -> None:
        self._recorder = recorder
        self.device = device
        self._context: dict[str, Any] = {
            "profile_id": member.profile_id,
            "device_id": device.id,
            "device_type": device.type,
            "session_id": session,
            "tz_offset_min": member.tz_offset_min,
            "country": member.country,
        }

    def happens(self, kind: Callable[..., Event], ts: int, **fields: Any) -> str:
        """Take in an event of a kind with the fields that only it has; return its id."""
        event_id = self._recorder.event_id()
        event = kind(event_id=event_id, ts=ts, **self._context, **fields)
        self._recorder.add(event, self.device)
        return event_id
