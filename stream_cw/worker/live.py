"""Profiles whose sessions may be alive: whom a change of the catalog is pushed to."""

from collections import OrderedDict
from typing import Final

from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.state import ProfileState

MAX_PROFILES: Final = 100_000
"""Profiles that are remembered, 200 bytes each; one forgotten has its row with its next event."""


class Live:
    """Remembers which profiles had events lately, in bounded memory.

    Parameters
    ----------
    capacity : int, default MAX_PROFILES
    """

    def __init__(self, capacity: int = MAX_PROFILES) -> None:
        self._capacity = capacity
        self._seen: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def note(self, partition: int, changes: dict[bytes, ProfileState | None]) -> None:
        """Note the states that a round left."""
        for key, state in changes.items():
            if state is None:
                self._seen.pop(key, None)
                continue
            self._seen[key] = (partition, state.now)
            self._seen.move_to_end(key)
            if len(self._seen) > self._capacity:
                self._seen.popitem(last=False)

    def at(self, ts: int) -> list[tuple[bytes, int]]:
        """List who may be live at a time, ms, with their partitions, and forget the others.

        A profile is live for as long after its last event as a session lasts without one.
        """
        gone = [key for key, (_, now) in self._seen.items() if ts - now > SESSION_GAP_MS]
        for key in gone:
            del self._seen[key]
        return [(key, partition) for key, (partition, _) in self._seen.items()]

    def clear(self) -> None:
        """Forget all, after partitions may have come and gone."""
        self._seen.clear()
