"""Tokens: what a bearer proves, and so what it may see.

A token is a JWT (RFC 7519) under the advice of RFC 8725: the algorithm is pinned by the setting, a
key is never taken from a token, every claim that decides is required and read without coercion.
PyJWT verifies the signature; the claims are read here, by the clock that is given, since it would
take the string "1" for a time and reads a clock of its own.
"""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, Protocol

import jwt
import msgspec

from stream_cw.core.events import Id
from stream_cw.errors import SettingsError, TokenRefusal, TokenRefusedError
from stream_cw.gateway.keys import SECRET, Algorithm, KeyOf, load_keys, secret_bytes

Clock = Callable[[], float]
"""Seconds since 1970."""

MAX_TOKEN_BYTES: Final = 8_192
MAX_PROFILES: Final = 64

LEEWAY_S: Final = 5
"""How far the issuer's clock may be ahead of ours, so that a fresh token works at once.

It is not given to `exp`: nothing is shown after it.
"""

LAST_TIME_S: Final = 253_402_300_799
"""The end of the year 9999: a later time is one in milliseconds, or a token for ever."""

_SHAPE: Final = re.compile(r"(?:[A-Za-z0-9_-]+\.){2}[A-Za-z0-9_-]+")
_REQUIRED: Final = ("exp", "iss", "aud", "profiles")

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=LAST_TIME_S)]
_Subject = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,255}\Z")]


class Grant(msgspec.Struct, frozen=True):
    """What a bearer may see, and until when.

    Parameters
    ----------
    profiles : frozenset of str
        Ids of the profiles whose rows it may see and whose events it may send; may be empty.
    subject : str
        Who it is: the claim `sub`, or where there is none a digest of the profiles.
    expires_at : float
        Seconds since 1970; from then on it may see nothing, also on a stream that runs.
    """

    profiles: frozenset[str]
    subject: str
    expires_at: float

    def __repr__(self) -> str:
        """Tell nothing that must stay out of logs."""
        return f"Grant({len(self.profiles)} profiles, expires_at={self.expires_at})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Tell as little where rich prints it."""
        return [("expires_at", self.expires_at)]


class TokenSettings(Protocol):
    """What the settings of a gateway say about tokens."""

    @property
    def algorithm(self) -> Algorithm: ...  # noqa: D102
    @property
    def secret(self) -> str | None: ...  # noqa: D102
    @property
    def keys(self) -> Path | None: ...  # noqa: D102
    @property
    def issuer(self) -> str: ...  # noqa: D102
    @property
    def audience(self) -> str: ...  # noqa: D102


def tokens_of(settings: TokenSettings, clock: Clock = time.time) -> "Tokens":
    """Make what verifies the tokens of a gateway.

    Raises
    ------
    SettingsError
        If a setting is missing or of the wrong kind.
    """
    for name, value in (("ISSUER", settings.issuer), ("AUDIENCE", settings.audience)):
        if not value:
            raise SettingsError(f"STREAM_CW_GATEWAY_{name}: wanted, found none")
    key_of = load_keys(settings.algorithm, settings.secret, settings.keys)
    return Tokens(settings.algorithm, key_of, settings.issuer, settings.audience, clock)


class Tokens:
    """Verifies tokens.

    Parameters
    ----------
    algorithm : Algorithm
        The one that tokens are signed with.
    key_of : KeyOf
        From a `kid` to the key.
    issuer, audience : str
        What the claims `iss` and `aud` must say; `aud` may be a list that holds it.
    clock : Clock
    """

    def __init__(
        self, algorithm: Algorithm, key_of: KeyOf, issuer: str, audience: str, clock: Clock
    ) -> None:
        self._algorithm = algorithm
        self._key_of = key_of
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._jws = jwt.PyJWS(algorithms=[algorithm])

    def verify(self, token: str) -> Grant:
        """Tell what the bearer of a token may see.

        Raises
        ------
        TokenRefusedError
            If the token proves nothing; see `TokenRefusal` for the reasons.
        """
        return self._grant(_claims(self._signed(token)))

    def _signed(self, token: str) -> bytes:
        """Check the signature, and return the payload that it is of."""
        header = _object(_parts(token)[0], "header")
        if header.get("alg") != self._algorithm:
            _refuse("wrong_algorithm", f"`alg`: wanted {self._algorithm}")
        kid = header.get("kid")
        key = self._key_of(kid) if isinstance(kid, str | None) else None
        if key is None:
            _refuse("unknown_key", "`kid`: wanted that of a known key")
        try:
            payload: bytes = self._jws.decode(token, key, algorithms=[self._algorithm])
        except jwt.InvalidSignatureError:
            _refuse("bad_signature", "the signature is not that of the key")
        except (jwt.PyJWTError, RecursionError):
            _refuse("malformed", "the header is not that of a token")
        return payload

    def _grant(self, claims: "_Claims") -> Grant:
        if claims.iss != self._issuer:
            _refuse("wrong_issuer", "`iss`: wanted another issuer")
        if self._audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
            _refuse("wrong_audience", "`aud`: wanted another audience")
        now = self._clock()
        if max(claims.nbf, claims.iat) > now + LEEWAY_S:
            _refuse("not_yet_valid", "`nbf`, `iat`: the token is not valid yet")
        if claims.exp <= now:
            _refuse("expired", "`exp`: the token has expired")
        return Grant(
            profiles=frozenset(claims.profiles),
            subject=claims.sub or _nameless(claims.profiles),
            expires_at=claims.exp,
        )


class _Claims(msgspec.Struct):
    exp: _Seconds
    iss: str
    aud: str | list[str]
    profiles: list[Id]
    nbf: _Seconds = 0.0
    iat: _Seconds = 0.0
    sub: _Subject | None = None


def _parts(token: str) -> list[bytes]:
    """Decode header, claims and signature; of each there is one spelling, without padding."""
    if len(token) > MAX_TOKEN_BYTES:
        _refuse(
            "too_long", f"the token has {len(token)} characters, the limit is {MAX_TOKEN_BYTES}"
        )
    if _SHAPE.fullmatch(token):
        parts = token.encode().split(b".")
        try:
            data = [base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)) for part in parts]
        except ValueError:
            data = []
        if [base64.urlsafe_b64encode(part).rstrip(b"=") for part in data] == parts:
            return data
    _refuse("malformed", "the token is not three parts of base64url")


def _object(data: bytes, part: str) -> dict[str, Any]:
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        _refuse("malformed", f"the {part} is not one JSON object whose names are unique")
    return found


def _claims(payload: bytes) -> _Claims:
    found = _object(payload, "payload")
    for name in _REQUIRED:
        if found.get(name) is None:
            _refuse("missing_claim", f"`{name}`: wanted, found none")
    profiles = found["profiles"]
    if isinstance(profiles, list) and len(profiles) > MAX_PROFILES:
        _refuse("too_many_profiles", f"`profiles`: {len(profiles)}, the limit is {MAX_PROFILES}")
    try:
        return msgspec.convert(found, _Claims)
    except msgspec.ValidationError as error:
        told = str(error)  # the claim, and what was wanted of it: never what it holds
        reason: TokenRefusal = "bad_profiles" if "`$.profiles" in told else "bad_claim"
        raise TokenRefusedError(reason, told) from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that comes twice: of two readers each may take another (RFC 7519, 4)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _nameless(profiles: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(set(profiles))).encode()).hexdigest()


def _refuse(reason: TokenRefusal, message: str) -> NoReturn:
    raise TokenRefusedError(reason, message) from None


def mint(
    secret: str,
    *,
    issuer: str,
    audience: str,
    profiles: Iterable[str],
    lifetime_s: float,
    subject: str | None = None,
    clock: Clock = time.time,
) -> str:
    """Make an HS256 token, as an issuer would: for development, the demo and tests.

    Raises
    ------
    SettingsError
        If the secret is too short or none.
    """
    now = clock()
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "iat": now,
        "exp": now + lifetime_s,
        "profiles": sorted(set(profiles)),
    }
    if subject is not None:
        claims["sub"] = subject
    return jwt.encode(claims, secret_bytes(SECRET, secret), algorithm="HS256")
