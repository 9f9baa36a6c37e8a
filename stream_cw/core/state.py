"""The state of a profile: everything that its row can depend on, in bounded space.

States are immutable: an event makes a new one (`stream_cw.core.apply`). `docs/state.md` defines
every number.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.shows import Shows

EventType = Literal[
    "play",
    "pause",
    "stop",
    "progress",
    "session_start",
    "home_view",
    "browse",
    "row_seen",
    "scroll",
    "skip",
    "rating",
    "display_off",
    "remove",
    "undo_remove",
    "mark_watched",
    "forget_profile",
    "set_recording",
]
EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)
"""Their order is that of the codec before version 5: new types go to the end."""


GAP_BINS: Final = 10
"""Sessions passed until a show was watched again: 1, 2, 3-4, 5-8 … 129-256, more."""

DARK: Final = 255
"""Depth of a device whose display is off."""

_TITLES: Final = 4096
"""Ids whose number is kept: titles come again and again."""
_EVENTS: Final = 16
"""Ids whose hash is kept: that of an event is asked for twice."""

RETURNING: Final = 50_463
"""Before anything is known: .77 of sessions go on with something, measured on real accounts."""


_Minutes = Annotated[tuple[int, ...], Meta(min_length=3, max_length=3)]
_Hours = Annotated[tuple[int, ...], Meta(min_length=8, max_length=8)]
_Gaps = Annotated[tuple[int, ...], Meta(min_length=GAP_BINS, max_length=GAP_BINS)]


class Source(Struct, frozen=True, array_like=True):
    """Where an event stands: the guard against applying it twice.

    Attributes
    ----------
    epoch : bytes
        Identity of the log, 16 bytes: the topic's id.
    partition, offset : int
    """

    epoch: Annotated[bytes, Meta(min_length=16, max_length=16)]
    partition: int
    offset: int


class OpenPlayback(Struct, frozen=True, array_like=True):
    """A playback that was started and not stopped.

    Attributes
    ----------
    title : int
        64-bit hash of the title's id.
    position_ms, ts : int
        Of the last report.
    session : int
        The device's session counter when it was opened, mod 2^16.
    """

    title: int
    position_ms: int
    ts: int
    session: int


class Device(Struct, frozen=True, array_like=True):
    """A device of the profile and its newest session.

    Attributes
    ----------
    device_type : int
        Index in `DEVICE_TYPES`.
    tz_offset_min : int or None
    session_id : str or None
    session_start, last_ts : int
        Of the newest session, ms.
    sessions : int
        How many sessions it had, mod 2^16.
    ended : bool
        The display is off.
    acted : bool
        The session's first act has been counted.
    open : OpenPlayback or None
    deliberate_ts : int
        The newest deliberate act, ms.
    depth : int
        Plays that started by themselves since then; `DARK` from the display's going off on.
    country : str or None
        Of the newest event that carried one.
    """

    device_id: str
    device_type: Annotated[int, Meta(ge=0, lt=len(DEVICE_TYPES))]
    tz_offset_min: int | None
    session_id: str | None
    session_start: int
    last_ts: int
    sessions: int
    ended: bool = False
    acted: bool = False
    open: OpenPlayback | None = None
    deliberate_ts: int = 0
    depth: int = 0
    country: str | None = None


class ProfileState(Struct, frozen=True, array_like=True, kw_only=True):
    """What is known of a profile.

    Attributes
    ----------
    source : Source
        The last event that was applied or recognised as a repeat.
    revision : int
        How many events were applied.
    cause_id, cause_type : str
        The event that was applied last.
    first_ts, now : int
        Oldest and newest event time, ms.
    minutes : tuple of int
        Watched minutes, decayed with half-lives of 1, 7 and 30 days, unit 1/1024 minute.
    hours : tuple of int
        Plays by local hour, decayed with a half-life of 30 days, unit 1/64 play.
    sessions, resumed, started : int
        Sessions; first acts on a show in the state; first acts on another.
    returning : tuple of int
        Share of resumed ones among first acts, exponentially weighted: the newest counts one part
        in 8 and one in 64; unit 1/65536.
    resume_gaps : tuple of int
        How many sessions passed until a show was watched again, as counts by `GAP_BINS`.
    off_ts, on_ts : int
        When recording was last switched off, and on again after that, ms; 0 never.
    private : bool
        The cause was not recorded.
    devices : tuple of Device
        A device keeps its slot until it leaves.
    shows : Shows
        Packed shows by id.
    event_ids : bytes
        64-bit hashes of the newest event ids, oldest first.
    """

    source: Source
    revision: int = 0
    cause_id: str = ""
    cause_type: EventType = EVENT_TYPES[0]
    first_ts: int
    now: int
    minutes: _Minutes = (0, 0, 0)
    hours: _Hours = (0,) * 8
    sessions: int = 0
    resumed: int = 0
    started: int = 0
    returning: tuple[int, int] = (RETURNING, RETURNING)
    resume_gaps: _Gaps = (0,) * GAP_BINS
    off_ts: int = 0
    on_ts: int = 0
    private: bool = False
    devices: tuple[Device, ...] = ()
    shows: Shows = Shows()
    event_ids: bytes = b""


@lru_cache(_EVENTS)
def digest(text: str) -> bytes:
    """Hash an id to 8 bytes (BLAKE2b)."""
    return blake2b(text.encode(), digest_size=8).digest()


@lru_cache(_TITLES)
def hash64(text: str) -> int:
    """Hash an id to 64 bits."""
    return int.from_bytes(digest(text), "little")


def hash32(text: str) -> int:
    """Hash an id to 32 bits: the low half of `hash64`."""
    return hash64(text) & 0xFFFF_FFFF


def find_device(state: ProfileState, device_id: str) -> int | None:
    """Slot of a device, None where the state does not know it."""
    for slot, device in enumerate(state.devices):
        if device.device_id == device_id:
            return slot
    return None


def is_live(device: Device, now: int) -> bool:
    """Whether the device's newest session is alive at the profile's now (ms)."""
    return not device.ended and now - device.last_ts <= SESSION_GAP_MS


def live_devices(state: ProfileState) -> tuple[str, ...]:
    """Ids of the devices whose session is alive."""
    return tuple([d.device_id for d in state.devices if is_live(d, state.now)])
