"""Who asks, and whether it may: every way under `/v1` goes through here."""

import re
from typing import Final, NamedTuple

from starlette.requests import Request

from stream_cw.errors import TokenRefusedError
from stream_cw.gateway.problems import Problem
from stream_cw.gateway.tokens import Grant, Tokens

_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class Asked(NamedTuple):
    """A device of a profile that the bearer may see."""

    grant: Grant
    profile_id: str
    device_id: str


def bearer(request: Request, tokens: Tokens) -> Grant:
    """Tell what the token of a request grants.

    Raises
    ------
    Problem
        401 without a token that proves anything.
    """
    found = _BEARER.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise unproved("no_token", "wanted `Authorization: Bearer` and a token")
    try:
        return tokens.verify(found[1])
    except TokenRefusedError as error:
        raise unproved(error.reason, str(error)) from None


def unproved(reason: str, detail: str) -> Problem:
    """Return the problem of one that has not proved who it is."""
    challenge = "Bearer" if reason == "no_token" else 'Bearer error="invalid_token"'
    return Problem(401, reason, detail, {"www-authenticate": challenge})


def asked(request: Request, tokens: Tokens) -> Asked:
    """Tell whose row a request is about, and see that the bearer may have it.

    Raises
    ------
    Problem
        401 without a token, 403 for another profile, 422 where the device's id cannot be one.
    """
    grant = bearer(request, tokens)
    check_profile(grant, request.path_params["profile"])
    return Asked(grant, *device_of(request))


def device_of(request: Request) -> tuple[str, str]:
    """Read profile and device from the path.

    Raises
    ------
    Problem
        422 where one cannot be an id.
    """
    profile_id, device_id = request.path_params["profile"], request.path_params["device"]
    if not _ID.fullmatch(device_id) or not _ID.fullmatch(profile_id):
        raise Problem(422, "bad_id", "an id has 1 to 128 letters, digits or `.`, `_`, `~`, `-`")
    return profile_id, device_id


def check_profile(grant: Grant, profile_id: str) -> None:
    """See that a grant names a profile.

    Raises
    ------
    Problem
        403 if it does not.
    """
    if profile_id not in grant.profiles:
        raise Problem(403, "other_profile", "the token does not name this profile")
