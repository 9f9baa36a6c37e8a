"""The partition mark: how far the states of a partition have come.

A state guards its own profile. A record that was refused has no state, and a forgotten profile has
none any more; for these the mark says that the record was dealt with. In the changelog it follows
the states that are written with it and precedes the tombstones: a mark without a state then means
that nothing is left to do, wherever a crash cut what was written.

Where the share of refused records is limited, the mark also says which of the last were refused.
"""

from typing import Final

import msgspec
from msgspec import Struct

from stream_cw.errors import CorruptStateError

MARK_KEY: Final = b"!applied"
"""Outside the alphabet of ids, so no profile can have it."""
AGAIN_HEADER: Final = "cw-again"
"""Stands with a state that the mark was past when it was written. Without it, a state that the mark
is past, and of whose profile nothing is known, is an older one of a profile forgotten since."""

_VERSION: Final = 1


class Mark(Struct, frozen=True, array_like=True):
    """Epoch of the log, and highest offset that was dealt with, -1 for none.

    `refused` is as `refusals.Refusals` writes it; empty where no limit is set, or none was refused.
    """

    epoch: bytes
    offset: int
    version: int = _VERSION
    refused: bytes = b""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Mark)


def encode_mark(mark: Mark) -> bytes:
    """Encode a mark as it stands in the changelog and in the store."""
    return _encoder.encode(mark)


def decode_mark(data: bytes) -> Mark:
    """Decode a mark.

    Raises
    ------
    CorruptStateError
        If the bytes are no mark.
    """
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise CorruptStateError(f"the mark of a partition is damaged: {error}") from None
