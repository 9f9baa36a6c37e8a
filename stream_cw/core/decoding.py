"""Bytes to structs, alike for every JSON topic, and what of them is refused."""

import re
from itertools import accumulate
from typing import Final, TypeVar

import msgspec

from stream_cw.errors import RefusedRecordError

MAX_DEPTH: Final = 64
"""Deepest nesting of arrays and objects; ours go to 5.

The interpreter has a limit of its own, but where it lies depends on the caller's stack, and a
record must be judged alike by the worker and by a replay.
"""

_T = TypeVar("_T")
_STRING: Final = re.compile(rb'"(?:[^"\\]+|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_QUOTED: Final = re.compile(r"\AInvalid (?:enum )?value .*?(?= - at `[^`]*`\Z|\Z)", re.DOTALL)


def decode_json(decoder: msgspec.json.Decoder[_T], value: bytes | None, max_bytes: int) -> _T:
    """Decode one JSON value that stands on a topic.

    Parameters
    ----------
    decoder : msgspec.json.Decoder
    value : bytes or None
        A record's value.
    max_bytes : int
        Longest value that is decoded.

    Returns
    -------
    The decoder's type

    Raises
    ------
    RefusedRecordError
        If the value is not what the decoder wants; the message names the field and the kind of
        value found, never the value itself.
    """
    if not value:
        raise RefusedRecordError("empty", "the record has no value")
    if len(value) > max_bytes:
        raise RefusedRecordError(
            "too_large", f"the value has {len(value)} bytes, the limit is {max_bytes}"
        )
    if value.count(b"[") + value.count(b"{") > MAX_DEPTH and _is_too_deep(value):
        raise RefusedRecordError("too_deep", f"the value is nested deeper than {MAX_DEPTH} levels")
    try:
        str(value, "utf-8")  # the decoder skips unknown fields without looking at their bytes
        return decoder.decode(value)
    except UnicodeDecodeError as error:
        raise RefusedRecordError(
            "bad_utf8", f"the value is not UTF-8 at byte {error.start}"
        ) from None
    except msgspec.ValidationError as error:
        raise refused_field(error) from None
    except msgspec.DecodeError as error:
        raise RefusedRecordError("bad_json", str(error)) from None


def refused_field(error: msgspec.ValidationError) -> RefusedRecordError:
    """Turn the decoder's complaint into ours; it quotes an unknown tag or enum, we do not."""
    return RefusedRecordError("bad_field", _QUOTED.sub("Invalid value", str(error)))


def _is_too_deep(value: bytes) -> bool:
    brackets = _STRING.sub(b"", value).translate(None, _NOT_BRACKETS)
    return any(map(MAX_DEPTH.__lt__, accumulate(map(_STEPS.__getitem__, brackets))))
