"""Tokens: what a bearer proves, and so what it may see.

A token is a JWT (RFC 7519) under the advice of RFC 8725: the algorithm is pinned by the setting, a
key is never taken from a token, every claim that decides is required and read without coercion.
PyJWT verifies the signature; the claims are read here, by the clock that is given, since it would
take the string "1" for a time and reads a clock of its own.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Protocol

import jwt
import msgspec

from stream_cw.errors import SettingsError, TokenRefusedError
from stream_cw.gateway.claims import Claims, read_claims, read_header
from stream_cw.gateway.keys import SECRET, Algorithm, KeyOf, load_keys, secret_bytes

Clock = Callable[[], float]
"""Seconds since 1970."""

LEEWAY_S: Final = 5
"""How far the issuer's clock may be ahead of ours, so that a fresh token works at once.

It is not given to `exp`: nothing is shown after it.
"""

_NOT_DONE: Final = ("crit", "b64")
"""Members of a header that change what a token is (RFC 7515, 4.1.11; RFC 7797)."""


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
        return self._grant(read_claims(self._signed(token)))

    def _signed(self, token: str) -> bytes:
        """Check the signature, and return the payload that it is of."""
        header = read_header(token)
        if not header.keys().isdisjoint(_NOT_DONE):
            raise TokenRefusedError("malformed", "the header wants what is not done here")
        if header.get("alg") != self._algorithm:
            raise TokenRefusedError("wrong_algorithm", f"`alg`: wanted {self._algorithm}")
        kid = header.get("kid")
        key = self._key_of(kid) if isinstance(kid, str | None) else None
        if key is None:
            raise TokenRefusedError("unknown_key", "`kid`: wanted that of a known key")
        try:
            payload: bytes = self._jws.decode(token, key, algorithms=[self._algorithm])
        except jwt.InvalidSignatureError:
            raise TokenRefusedError("bad_signature", "the key has not signed this") from None
        except (jwt.PyJWTError, RecursionError):
            raise TokenRefusedError("malformed", "the token cannot be read") from None
        return payload

    def _grant(self, claims: Claims) -> Grant:
        if claims.iss != self._issuer:
            raise TokenRefusedError("wrong_issuer", "`iss`: wanted another issuer")
        if self._audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
            raise TokenRefusedError("wrong_audience", "`aud`: wanted another audience")
        now = self._clock()
        if max(claims.nbf, claims.iat) > now + LEEWAY_S:
            raise TokenRefusedError("not_yet_valid", "`nbf`, `iat`: the token is not valid yet")
        if claims.exp <= now:
            raise TokenRefusedError("expired", "`exp`: the token has expired")
        return Grant(
            profiles=frozenset(claims.profiles),
            subject=claims.sub or _nameless(claims.profiles),
            expires_at=claims.exp,
        )


def _nameless(profiles: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(set(profiles))).encode()).hexdigest()


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
