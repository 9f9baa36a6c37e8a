"""What a token says, read without coercion: a claim is of its type and in its range, or refused.

JSON readers differ in what they do with a name that comes twice, with `NaN` or with UTF-16; here
each of them is refused, so that no one else can have read the same bytes as something else.
"""

import base64
import json
import re
from typing import Annotated, Any, Final, NoReturn

import msgspec

from stream_cw.core.events import Id
from stream_cw.errors import TokenRefusal, TokenRefusedError

MAX_TOKEN_BYTES: Final = 8_192
MAX_PROFILES: Final = 64

LAST_TIME_S: Final = 253_402_300_799
"""The end of the year 9999: a later time is one in milliseconds, or a token for ever."""

_SHAPE: Final = re.compile(r"(?:[A-Za-z0-9_-]+\.){2}[A-Za-z0-9_-]+")
_REQUIRED: Final = ("exp", "iss", "aud", "profiles")

Seconds = Annotated[float, msgspec.Meta(ge=0, le=LAST_TIME_S)]
Subject = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,255}\Z")]


class Claims(msgspec.Struct):
    """The claims that decide, of their types; what they say is still to be checked."""

    exp: Seconds
    iss: str
    aud: str | list[str]
    profiles: list[Id]
    nbf: Seconds = 0.0
    iat: Seconds = 0.0
    sub: Subject | None = None


def read_header(token: str) -> dict[str, Any]:
    """Read the header of a token that is well formed; nothing of it is proven.

    Raises
    ------
    TokenRefusedError
        If the token is `too_long`, or `malformed`: not three parts of base64url without padding,
        each spelled in the one way that encodes its bytes, or without an object as header.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRefusedError(
            "too_long", f"the token has {len(token)} characters, the limit is {MAX_TOKEN_BYTES}"
        )
    parts = token.encode().split(b".") if _SHAPE.fullmatch(token) else []
    try:
        data = [base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)) for part in parts]
    except ValueError:
        data = []
    if not data or [base64.urlsafe_b64encode(part).rstrip(b"=") for part in data] != parts:
        raise TokenRefusedError("malformed", "the token is not three parts of base64url")
    return _object("header", data[0])


def read_claims(payload: bytes) -> Claims:
    """Read the claims of a token.

    Raises
    ------
    TokenRefusedError
        If the payload is `malformed`, or a claim is a `missing_claim` or a `bad_claim`; of the
        profiles `bad_profiles` or `too_many_profiles`. The message names the claim and what was
        wanted of it, never what it holds.
    """
    found = _object("payload", payload)
    for name in _REQUIRED:
        if found.get(name) is None:
            raise TokenRefusedError("missing_claim", f"`{name}`: wanted, found none")
    profiles = found["profiles"]
    if isinstance(profiles, list) and len(profiles) > MAX_PROFILES:
        raise TokenRefusedError(
            "too_many_profiles", f"`profiles`: found {len(profiles)}, the limit is {MAX_PROFILES}"
        )
    try:
        return msgspec.convert(found, Claims)
    except msgspec.ValidationError as error:
        told = str(error)
    reason: TokenRefusal = "bad_profiles" if "`$.profiles" in told else "bad_claim"
    raise TokenRefusedError(reason, told)


def _object(part: str, data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise TokenRefusedError(
            "malformed", f"the {part} is not one JSON object whose names are unique"
        )
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
