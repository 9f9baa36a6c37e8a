"""Bytes of states that versions 1 to 4 of the codec wrote: a fixed layout.

::

    version  u16
    header   epoch, partition, offset, revision, times, sums, counters, lengths
    shares   of returning sessions (from version 2 on)
    habits   gaps until a show was watched again, recording off and on, private (version 4)
    cause    event id
    devices  fixed part, device id, session id; one after the other
    ids      8 bytes for each remembered event id
    shows    length of each (u16), their ids joined by "/", then each as it was packed then

All numbers are little-endian.
"""

import struct
from typing import Any, Final

from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.limits import U16
from stream_cw.core.packed_show import upgraded
from stream_cw.core.shows import Shows
from stream_cw.core.state import (
    EVENT_TYPES,
    GAP_BINS,
    RETURNING,
    Device,
    OpenPlayback,
    ProfileState,
    Source,
)

NEWEST: Final = 4
"""Last version that is read here."""

_AT: Final = 2
"""Where the header begins: behind the version."""

# epoch, partition, offset: how each header begins
_SOURCE: Final = struct.Struct("<16sIQ")
# revision | first, now | minutes | hours | sessions, resumed, started |
# cause: type and length | devices, event ids, shows, length of the shows' ids
_HEADER: Final = struct.Struct(f"{_SOURCE.format}QQQ3I8HIIIBBBHBH")
_SHARES: Final = struct.Struct("<HH")
_HABITS: Final = struct.Struct(f"<{GAP_BINS}HQQB")
# type, flags | offset of local time | session start, newest event | sessions |
# open playback: title, position, time, session | deliberate act, depth, country |
# lengths of device id and session id
_DEVICE: Final = struct.Struct("<BBhQQHQIQHQB2sBB")
_DEVICE_BEFORE_4: Final = struct.Struct("<BBhQQHQIQHBB")
_ENDED, _ACTED, _OPEN, _HAS_TZ, _HAS_SESSION = 1, 2, 4, 8, 16
_NOWHERE: Final = bytes(2)


def source_of_older(data: bytes) -> Source:
    """Decode where a state stands in the log.

    Raises
    ------
    struct.error
        If the bytes end before.
    """
    return Source(*_SOURCE.unpack_from(data, _AT))


def decode_older(data: bytes, version: int) -> ProfileState:
    """Decode a state.

    Raises
    ------
    struct.error, UnicodeDecodeError, IndexError, ValueError
        If the bytes are no state.
    """
    values, at = _unpack_head(data, version)
    epoch, partition, offset, revision, first_ts, now = values[:6]
    cause_type, cause_length, n_devices, n_ids, n_shows, names_length = values[20:26]
    *gaps, off_ts, on_ts, private = values[28:]
    cause = data[at : at + cause_length].decode()
    at += cause_length
    devices = []
    for _ in range(n_devices):
        device, at = _decode_device(data, at, version)
        devices.append(device)
    ids = data[at : at + 8 * n_ids]
    at += 8 * n_ids
    names_at = at + 2 * n_shows
    shows_at = names_at + names_length
    shows = Shows.checked(data[names_at:shows_at], data[at:names_at], data[shows_at:])
    if version < NEWEST:
        shows = Shows.of({name: upgraded(show, version) for name, show in shows.items()})
    return ProfileState(
        source=Source(epoch, partition, offset),
        revision=revision,
        cause_id=cause,
        cause_type=EVENT_TYPES[cause_type],
        first_ts=first_ts,
        now=now,
        minutes=values[6:9],
        hours=values[9:17],
        sessions=values[17],
        resumed=values[18],
        started=values[19],
        returning=values[26:28],
        resume_gaps=tuple(gaps),
        off_ts=off_ts,
        on_ts=on_ts,
        private=bool(private),
        devices=tuple(devices),
        shows=shows,
        event_ids=ids,
    )


def _unpack_head(data: bytes, version: int) -> tuple[tuple[Any, ...], int]:
    """Unpack what stands before the cause, and tell where that begins."""
    values = _HEADER.unpack_from(data, _AT)
    at = _AT + _HEADER.size
    if version == 1:
        shares = _upgraded_shares(*values[18:20])
    else:
        shares = _SHARES.unpack_from(data, at)
        at += _SHARES.size
    if version < NEWEST:
        return (*values, *shares, *bytes(GAP_BINS + 3)), at
    return (*values, *shares, *_HABITS.unpack_from(data, at)), at + _HABITS.size


def _upgraded_shares(resumed: int, started: int) -> tuple[int, int]:
    """Take the share of all first acts for the newest ones, which version 1 did not keep."""
    if not resumed + started:
        return RETURNING, RETURNING
    share = U16 * resumed // (resumed + started)
    return share, share


def _decode_device(data: bytes, at: int, version: int) -> tuple[Device, int]:
    if version == NEWEST:
        values, name_at = _DEVICE.unpack_from(data, at), at + _DEVICE.size
    else:
        values, name_at = _unpack_device_before_4(data, at), at + _DEVICE_BEFORE_4.size
    device_type, flags, tz, start, last, sessions, title, position, ts, opened_in = values[:10]
    deliberate_ts, depth, country, name_length, session_length = values[10:]
    session_at = name_at + name_length
    end = session_at + session_length
    if device_type >= len(DEVICE_TYPES):
        raise ValueError(f"a device of type {device_type}")
    # By position, as names take longer.
    device = Device(
        data[name_at:session_at].decode(),
        device_type,
        tz if flags & _HAS_TZ else None,
        data[session_at:end].decode() if flags & _HAS_SESSION else None,
        start,
        last,
        sessions,
        bool(flags & _ENDED),
        bool(flags & _ACTED),
        OpenPlayback(title, position, ts, opened_in) if flags & _OPEN else None,
        deliberate_ts,
        depth,
        None if country == _NOWHERE else country.rstrip(b"\0").decode(),
    )
    return device, end


def _unpack_device_before_4(data: bytes, at: int) -> tuple[Any, ...]:
    """Take the newest event for the last deliberate act, which was not kept, nor was a country."""
    *values, name_length, session_length = _DEVICE_BEFORE_4.unpack_from(data, at)
    return *values, values[4], 0, _NOWHERE, name_length, session_length
