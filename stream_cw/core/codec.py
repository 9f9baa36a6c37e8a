"""Bytes of a state: a fixed layout, versioned, equal for equal states.

::

    version  u16
    header   epoch, partition, offset, revision, times, sums, counters, lengths
    shares   of returning sessions (from version 2 on)
    habits   gaps until a show was watched again, recording off and on, private (from version 4 on)
    cause    event id
    devices  fixed part, device id, session id; one after the other
    ids      8 bytes for each remembered event id
    shows    length of each (u16), their ids joined by "/", then each as `pack_show` made it
             (shorter before versions 3 and 4)

All numbers are little-endian. Ids hold no slash.
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
from stream_cw.errors import CorruptStateError, NewerStateError

VERSION: Final = 4

INDEX_BYTES: Final = 3
"""What a show costs beside its own bytes and its id: a length, and the slash before the next."""

_VERSION: Final = struct.Struct("<H")
# epoch, partition, offset: how each header begins
_SOURCE: Final = struct.Struct("<16sIQ")
# revision | first, now | minutes | hours | sessions, resumed, started |
# cause: type and length | devices, event ids, shows, length of the shows' ids
_HEADER: Final = struct.Struct(f"{_SOURCE.format}QQQ3I8HIIIBBBHBH")
_SHARES: Final = struct.Struct("<HH")
_HABITS: Final = struct.Struct(f"<{GAP_BINS}HQQB")
# all three at once
_HEAD: Final = struct.Struct(f"{_HEADER.format}{_SHARES.format[1:]}{_HABITS.format[1:]}")
# type, flags | offset of local time | session start, newest event | sessions |
# open playback: title, position, time, session | deliberate act, depth, country |
# lengths of device id and session id
_DEVICE: Final = struct.Struct("<BBhQQHQIQHQB2sBB")
_DEVICE_BEFORE_4: Final = struct.Struct("<BBhQQHQIQHBB")
_ENDED, _ACTED, _OPEN, _HAS_TZ, _HAS_SESSION = 1, 2, 4, 8, 16
_NOWHERE: Final = bytes(2)
_EVENT_TYPE: Final = {name: index for index, name in enumerate(EVENT_TYPES)}


def encode_state(state: ProfileState) -> bytes:
    """Encode a state."""
    cause = state.cause_id.encode()
    shows = state.shows
    head = _HEAD.pack(
        state.source.epoch,
        state.source.partition,
        state.source.offset,
        state.revision,
        state.first_ts,
        state.now,
        *state.minutes,
        *state.hours,
        state.sessions,
        state.resumed,
        state.started,
        _EVENT_TYPE[state.cause_type],
        len(cause),
        len(state.devices),
        len(state.event_ids) // 8,
        len(shows),
        len(shows.names),
        *state.returning,
        *state.resume_gaps,
        state.off_ts,
        state.on_ts,
        state.private,
    )
    return b"".join(
        (
            _VERSION.pack(VERSION),
            head,
            cause,
            *map(_encode_device, state.devices),
            state.event_ids,
            shows.lengths,
            shows.names,
            shows.data,
        )
    )


def _encode_device(device: Device) -> bytes:
    playback = device.open or OpenPlayback(0, 0, 0, 0)
    name = device.device_id.encode()
    session = (device.session_id or "").encode()
    flags = (
        (_ENDED if device.ended else 0)
        | (_ACTED if device.acted else 0)
        | (_OPEN if device.open else 0)
        | (_HAS_TZ if device.tz_offset_min is not None else 0)
        | (_HAS_SESSION if device.session_id is not None else 0)
    )
    fixed = _DEVICE.pack(
        device.device_type,
        flags,
        device.tz_offset_min or 0,
        device.session_start,
        device.last_ts,
        device.sessions,
        playback.title,
        playback.position_ms,
        playback.ts,
        playback.session,
        device.deliberate_ts,
        device.depth,
        (device.country or "").encode(),
        len(name),
        len(session),
    )
    return fixed + name + session


def encoded_size(state: ProfileState) -> int:
    """Bytes that `encode_state` would make, without making them."""
    devices = sum(_DEVICE.size + len(d.device_id) + len(d.session_id or "") for d in state.devices)
    head = _VERSION.size + _HEAD.size + len(state.cause_id) + devices + len(state.event_ids)
    shows = state.shows
    return head + len(shows.lengths) + len(shows.names) + len(shows.data)


def decode_state(data: bytes) -> ProfileState:
    """Decode a state.

    Raises
    ------
    NewerStateError
        If a newer version wrote it.
    CorruptStateError
        If the bytes are no state.
    """
    version = _version_of(data)
    try:
        return _decode(data, version)
    except (struct.error, UnicodeDecodeError, IndexError, ValueError) as error:
        raise CorruptStateError(f"a state of {len(data)} bytes: {error}") from None


def decode_source(data: bytes) -> Source:
    """Decode where a state stands in the log, and look at nothing behind that.

    Raises
    ------
    NewerStateError
        If a newer version wrote it.
    CorruptStateError
        If the bytes do not begin as a state does.
    """
    _version_of(data)
    try:
        return Source(*_SOURCE.unpack_from(data, _VERSION.size))
    except struct.error as error:
        raise CorruptStateError(f"a state of {len(data)} bytes: {error}") from None


def _version_of(data: bytes) -> int:
    if len(data) < _VERSION.size:
        raise CorruptStateError(f"a state of {len(data)} bytes")
    version: int = _VERSION.unpack_from(data)[0]
    if version > VERSION:
        raise NewerStateError(
            f"the state was written in version {version}, this program reads up to {VERSION}"
        )
    if version < 1:
        raise CorruptStateError(f"a state of version {version}")
    return version


def _decode(data: bytes, version: int) -> ProfileState:
    if version == VERSION:
        values, at = _HEAD.unpack_from(data, _VERSION.size), _VERSION.size + _HEAD.size
    else:
        values, at = _unpack_older_head(data, version)
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
    shows = _decode_shows(data, at, n_shows, names_length)
    if version < VERSION:
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


def _unpack_older_head(data: bytes, version: int) -> tuple[tuple[Any, ...], int]:
    """Unpack a header that was shorter, and tell where it ends."""
    values = _HEADER.unpack_from(data, _VERSION.size)
    at = _VERSION.size + _HEADER.size
    if version == 1:
        shares = _upgraded_shares(*values[18:20])
    else:
        shares = _SHARES.unpack_from(data, at)
        at += _SHARES.size
    return (*values, *shares, *bytes(GAP_BINS + 3)), at


def _decode_shows(data: bytes, at: int, count: int, names_length: int) -> Shows:
    names_at = at + 2 * count
    shows_at = names_at + names_length
    shows = Shows(data[names_at:shows_at], data[at:names_at], data[shows_at:])
    named = shows.names.count(b"/") + (count > 0)
    if sum(shows.sizes()) != len(shows.data) or named != count or not shows.names.isascii():
        raise CorruptStateError(f"a state of {len(data)} bytes with {count} shows that do not fit")
    return shows


def _upgraded_shares(resumed: int, started: int) -> tuple[int, int]:
    """Take the share of all first acts for the newest ones, which version 1 did not keep."""
    if not resumed + started:
        return RETURNING, RETURNING
    share = U16 * resumed // (resumed + started)
    return share, share


def _decode_device(data: bytes, at: int, version: int) -> tuple[Device, int]:
    if version > 3:  # noqa: PLR2004 - a version says what it is
        values, name_at = _DEVICE.unpack_from(data, at), at + _DEVICE.size
    else:
        values, name_at = _unpack_device_before_4(data, at), at + _DEVICE_BEFORE_4.size
    device_type, flags, tz, start, last, sessions, title, position, ts, opened_in = values[:10]
    deliberate_ts, depth, country, name_length, session_length = values[10:]
    session_at = name_at + name_length
    end = session_at + session_length
    if device_type >= len(DEVICE_TYPES):
        raise CorruptStateError(f"a device of type {device_type}")
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
