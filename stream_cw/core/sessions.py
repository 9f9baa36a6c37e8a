"""Sessions of a device: a `session_id` or 30 minutes of silence tell them apart."""

from typing import Final

import msgspec

from stream_cw.core.events import (
    DEVICE_TYPES,
    DisplayOff,
    Event,
    Play,
    Progress,
    RowSeen,
    SessionStart,
    Stop,
)
from stream_cw.core.limits import SESSION_GAP_MS, U16
from stream_cw.core.state import DARK, Device

_MADE_BY_PLAYERS: Final = (Stop, Progress, DisplayOff, RowSeen)


def attend(device: Device | None, event: Event) -> tuple[Device, bool]:
    """Take an event into its device's sessions.

    Parameters
    ----------
    device : Device or None
        The event's device as the state knows it; None for a new one.
    event : Event

    Returns
    -------
    device : Device
    started : bool
        Whether the event starts a new session of the device.
    """
    if device is None:
        return _first(event), True
    if event.ts < device.last_ts:
        return device, False
    seen = msgspec.structs.replace(
        device,
        device_type=DEVICE_TYPES.index(event.device_type),
        tz_offset_min=(
            device.tz_offset_min if event.tz_offset_min is None else event.tz_offset_min
        ),
        session_id=event.session_id or device.session_id,
        last_ts=event.ts,
        ended=isinstance(event, DisplayOff),
        country=event.country or device.country,
        deliberate_ts=event.ts if is_deliberate(event) else device.deliberate_ts,
        depth=_depth(device.depth, event),
    )
    if not _starts_session(device, event):
        return seen, False
    return msgspec.structs.replace(
        seen,
        session_id=event.session_id,
        session_start=event.ts,
        sessions=(device.sessions + 1) & U16,
        acted=False,
    ), True


def excuse(device: Device, ts: int) -> Device:
    """Take an event at `ts`, ms, for a deliberate act, as those before it may be private.

    Nobody is said to sleep for what was done while recording was off.
    """
    return msgspec.structs.replace(device, deliberate_ts=max(device.deliberate_ts, ts), depth=0)


def is_deliberate(event: Event) -> bool:
    """Whether a member must have been there: no player makes such an event by itself."""
    if isinstance(event, Play):
        return not event.autoplay
    if isinstance(event, SessionStart):
        return not event.inferred
    return not isinstance(event, _MADE_BY_PLAYERS)


def _depth(depth: int, event: Event) -> int:
    if isinstance(event, DisplayOff):
        return DARK
    return 0 if is_deliberate(event) else depth


def _starts_session(device: Device, event: Event) -> bool:
    if event.session_id is not None and device.session_id is not None:
        return event.session_id != device.session_id
    return event.ts - device.last_ts > SESSION_GAP_MS


def _first(event: Event) -> Device:
    return Device(
        device_id=event.device_id,
        device_type=DEVICE_TYPES.index(event.device_type),
        tz_offset_min=event.tz_offset_min,
        session_id=event.session_id,
        session_start=event.ts,
        last_ts=event.ts,
        sessions=1,
        ended=isinstance(event, DisplayOff),
        country=event.country,
        deliberate_ts=event.ts,
        depth=_depth(0, event),
    )
