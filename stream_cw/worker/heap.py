"""Large blocks go back to the system when they are freed.

glibc begins so, and keeps larger and larger ones as they are freed: batches and fetches of a
megabyte leave holes among the states that wait, and what is small settles in them. With a million
profiles that was a seventh of what a worker held.
"""

import ctypes
from typing import Final

LARGE_BYTES: Final = 524_288
SPARE_BYTES: Final = 16_777_216
"""What stays free at the heap's end: else each round would give it back and ask for it again."""

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


def return_large_blocks() -> None:
    """Let the C library give back what is large; do nothing where it is another one than glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, SPARE_BYTES)
