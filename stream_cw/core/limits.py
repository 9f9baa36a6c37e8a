"""What is kept of a profile at most, so that a step costs the same however long the history."""

from typing import Final

SHOWS: Final = 64
"""Three times the row. The one with the oldest last play leaves."""

DEVICES: Final = 8
"""A household's worth. The one with the oldest last event leaves."""

SHOW_DEVICES: Final = 3
"""Devices with own statistics in a show: nobody switches among more."""

EPISODES: Final = 3
"""Episodes kept of a series beside its last: two devices and a step back."""

EVENT_IDS: Final = 256
"""Remembered ids, so that a producer's repeat counts once; repeats come close together."""

STATE_BYTES: Final = 12_288
"""The encoded state. Rocks and the changelog move all of it for each round that touches it."""

SESSION_GAP_MS: Final = 1_800_000
"""A session ends after 30 minutes without an event, as in the viewing exports that we measured."""

RESUME_GAPS: Final = 1_000
"""Counted gaps until all counts are halved: some years, so that habits may change."""

ATTENDED_DEPTH: Final = 1
"""So many plays that started by themselves in a row are surely seen: members wait for the first."""

ATTENDED_IDLE_MS: Final = 3_600_000
"""So long after a deliberate act somebody is surely there: an episode, or half a film."""

U8: Final = 0xFF
U16: Final = 0xFFFF
U32: Final = 0xFFFF_FFFF
