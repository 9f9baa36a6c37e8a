"""Rows that are held back: the device has the same content already."""

from collections import OrderedDict
from typing import Final

MAX_REMEMBERED: Final = 100_000
"""Devices that are remembered, about 200 bytes each; one forgotten costs a repeated row."""


class Held:
    """Remembers what was last sent to each device, in bounded memory.

    Parameters
    ----------
    again_after_ms : int
        After so long a row is sent again, whatever its content: half of what the topic retains.
    capacity : int, default MAX_REMEMBERED
    """

    def __init__(self, again_after_ms: int, capacity: int = MAX_REMEMBERED) -> None:
        self._again_after_ms = again_after_ms
        self._capacity = capacity
        self._sent: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def is_new(self, key: bytes, content: bytes, now_ms: int) -> bool:
        """Tell whether a row must be sent, and remember it as sent if so."""
        digest = hash(content)  # keyed, of 64 bits, and a tenth of the time of BLAKE2b
        before = self._sent.get(key)
        if before is not None:
            self._sent.move_to_end(key)
            if before[0] == digest and now_ms - before[1] < self._again_after_ms:
                return False
        self._sent[key] = (digest, now_ms)
        if len(self._sent) > self._capacity:
            self._sent.popitem(last=False)
        return True

    def forget(self, key: bytes) -> None:
        """Forget a device whose row was erased."""
        self._sent.pop(key, None)

    def clear(self) -> None:
        """Forget all, after another worker may have sent rows."""
        self._sent.clear()
