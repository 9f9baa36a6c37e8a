"""Bytes of a state: MessagePack behind a version, equal for equal states.

::

    version  u16, little-endian
    state    an array with the fields of `ProfileState` in their order, structs in it likewise;
             shows as their ids joined by "/", the length of each (u16, little-endian), and all as
             `pack_show` made them, one behind the other

A field that is to come goes to the end: what was written before it has its default.
"""

import struct
from typing import Any, Final

import msgspec
from msgspec import Struct

from stream_cw.core.older_codec import NEWEST, decode_older, source_of_older
from stream_cw.core.shows import Shows
from stream_cw.core.state import ProfileState, Source
from stream_cw.errors import CorruptStateError, NewerStateError

VERSION: Final = 5

INDEX_BYTES: Final = 3
"""What a show costs beside its own bytes and its id: a length, and the slash before the next."""

_VERSION: Final = struct.Struct("<H")
_SHORT: Final = 255
"""Bytes whose length takes one more; two from this length on, for all that a state may have."""
_NO_SHOWS: Final = Shows()
_OURS: Final = _VERSION.pack(VERSION)


class _Guard(Struct, array_like=True):
    """How a state begins."""

    source: Source


def _parts(shows: Any) -> tuple[bytes, bytes, bytes]:
    return shows.names, shows.lengths, shows.data


def _whole(_: type, parts: Any) -> Shows:
    return Shows.checked(*parts)


_NO_STATE: Final = (msgspec.DecodeError, struct.error, IndexError, ValueError)

_encode: Final = msgspec.msgpack.Encoder(enc_hook=_parts).encode
_decode: Final = msgspec.msgpack.Decoder(ProfileState, dec_hook=_whole).decode
_decode_guard: Final = msgspec.msgpack.Decoder(_Guard).decode


def encode_state(state: ProfileState) -> bytes:
    """Encode a state."""
    return _OURS + _encode(state)


def encoded_size(state: ProfileState) -> int:
    """Bytes that `encode_state` would make, without making the most of them."""
    parts = (state.event_ids, *_parts(state.shows))
    rest = msgspec.structs.replace(state, event_ids=b"", shows=_NO_SHOWS)
    long = sum(len(part) > _SHORT for part in parts)
    return len(_OURS) + len(_encode(rest)) + sum(map(len, parts)) + long


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
        if version > NEWEST:
            return _decode(memoryview(data)[_VERSION.size :])
        return decode_older(data, version)
    except _NO_STATE as error:
        raise CorruptStateError(f"a state of {len(data)} bytes: {error}") from None


def decode_source(data: bytes) -> Source:
    """Decode where a state stands in the log, and make nothing of the rest.

    Raises
    ------
    NewerStateError
        If a newer version wrote it.
    CorruptStateError
        If the bytes do not begin as a state does.
    """
    version = _version_of(data)
    try:
        if version > NEWEST:
            return _decode_guard(memoryview(data)[_VERSION.size :]).source
        return source_of_older(data)
    except _NO_STATE as error:
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
