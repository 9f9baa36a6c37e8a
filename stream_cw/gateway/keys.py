"""Keys that tokens are verified with: a secret, or public keys of a file (PEM or JWKS).

Which kind is wanted follows from the pinned algorithm alone. What is not of that kind is refused
here, at the start: above all a public key where a secret is wanted, since everybody knows it and
could sign with it. No message ever quotes what a setting or a file holds.
"""

import base64
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_der_public_key,
    load_pem_public_key,
)
from cryptography.x509 import load_der_x509_certificate

from stream_cw.errors import InputError, SettingsError
from stream_cw.files import read_at_most

Algorithm = Literal["HS256", "RS256", "EdDSA"]
PublicKey = RSAPublicKey | Ed25519PublicKey
Key = bytes | PublicKey
KeyOf = Callable[[str | None], Key | None]
"""From the `kid` of a token's header to the key that must have signed it, if there is one."""

SECRET: Final = "STREAM_CW_GATEWAY_SECRET"  # noqa: S105 (the setting's name)
KEYS: Final = "STREAM_CW_GATEWAY_KEYS"

MIN_SECRET_BYTES: Final = 32
"""As many as SHA-256 gives: a shorter secret is the weakest part (RFC 7518, 3.2)."""

MIN_RSA_BITS: Final = 2048
MAX_KEYS_BYTES: Final = 1_048_576
_OF_A_PAIR: Final = re.compile(
    rb"-{4,5} ?BEGIN |\A\s*(?:sk-)?(?:ssh|ecdsa)-|\A\s*\{.*\}\s*\Z", re.DOTALL
)
"""PEM, OpenSSH's form, JWK."""

_WANTED: Final[dict[Algorithm, str]] = {
    "RS256": f"an RSA public key of {MIN_RSA_BITS} bits or more",
    "EdDSA": "an Ed25519 public key",
}


def secret_bytes(setting: str, secret: str | None) -> bytes:
    """Check a secret that signs.

    Parameters
    ----------
    setting : str
        What it is called, for messages.
    secret : str or None
        As it was given.

    Raises
    ------
    SettingsError
        If there is none, if it is shorter than `MIN_SECRET_BYTES`, or if it is a key of another
        kind: that of a pair, public or not, is no secret to sign with.
    """
    if not secret:
        raise SettingsError(f"{setting}: wanted a secret, found none")
    found = secret.encode("utf-8", "surrogateescape")
    if len(found) < MIN_SECRET_BYTES:
        raise SettingsError(f"{setting}: wanted {MIN_SECRET_BYTES} bytes, found {len(found)}")
    if _is_no_secret(found):
        raise SettingsError(f"{setting}: wanted a secret, found a key of a pair or a certificate")
    return found


def _is_no_secret(found: bytes) -> bool:
    if _OF_A_PAIR.search(found):
        return True
    try:
        # Asked now: what it minds must not first be found while a client waits.
        jwt.get_algorithm_by_name("HS256").prepare_key(found)
    except jwt.InvalidKeyError:
        return True
    try:
        bare = base64.b64decode(found)  # a PEM without its first and last line
    except ValueError:
        bare = found
    for load in (load_der_public_key, load_der_x509_certificate):
        with suppress(ValueError, UnsupportedAlgorithm):
            load(bare)
            return True
    return False


def load_keys(algorithm: Algorithm, secret: str | None, keys: Path | None) -> KeyOf:
    """Find the keys that tokens of an algorithm are verified with.

    Parameters
    ----------
    algorithm : Algorithm
        The pinned one.
    secret : str or None
        For HS256.
    keys : Path or None
        For the others: a file with one public key (PEM), which serves whatever `kid` a token
        names, or with a JWKS, of which those keys serve that are of the algorithm's type and
        have a `kid` and `use` `sig`.

    Raises
    ------
    SettingsError
        If what the algorithm wants is not there or is of another kind, or if secret and keys
        are both given: which one decides must not be a guess.
    """
    if secret and keys:
        raise SettingsError(f"{SECRET}, {KEYS}: wanted one of them, found both")
    if algorithm == "HS256":
        only = secret_bytes(SECRET, secret)
        return lambda _kid: only
    if keys is None:
        raise SettingsError(f"{KEYS}: wanted a file for {algorithm}, found none")
    try:
        data = read_at_most(keys, MAX_KEYS_BYTES)
    except OSError as error:
        raise SettingsError(f"{KEYS}: {keys}: {error.strerror}") from None
    except InputError as error:
        raise SettingsError(f"{KEYS}: {error}") from None
    if data.lstrip().startswith(b"{"):
        return _key_set(algorithm, data, keys).get
    key = _of_pem(algorithm, data, keys)
    return lambda _kid: key


def _of_pem(algorithm: Algorithm, data: bytes, path: Path) -> PublicKey:
    try:
        key: object = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    return _fit(algorithm, key, f"{path}")


def _fit(algorithm: Algorithm, key: object, where: str) -> PublicKey:
    if algorithm == "RS256" and isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if algorithm == "EdDSA" and isinstance(key, Ed25519PublicKey):
        return key
    raise SettingsError(f"{KEYS}: {where}: wanted {_WANTED[algorithm]}, found none")


class _Jwk(msgspec.Struct):
    """What decides whether a key of a set is ours to use (RFC 7517, RFC 8037)."""

    kty: str
    crv: str | None = None
    kid: str | None = None
    use: str | None = None
    alg: str | None = None

    def serves(self, algorithm: Algorithm) -> bool:
        kind = {"RS256": ("RSA", None), "EdDSA": ("OKP", "Ed25519")}[algorithm]
        return (
            (self.kty, self.crv) == kind
            and bool(self.kid)
            and self.use == "sig"
            and self.alg in (None, algorithm)
        )


class _Jwks(msgspec.Struct):
    keys: list[dict[str, Any]]


def _key_set(algorithm: Algorithm, data: bytes, path: Path) -> dict[str | None, PublicKey]:
    try:
        found = msgspec.json.decode(data, type=_Jwks).keys
        ours = [
            (told.kid, jwk)
            for jwk in found
            if (told := msgspec.convert(jwk, _Jwk)).serves(algorithm)
        ]
    except (msgspec.DecodeError, RecursionError):
        raise SettingsError(f"{KEYS}: {path}: wanted a JWKS, found something else") from None
    if not ours:
        raise SettingsError(
            f"{KEYS}: {path}: wanted a key for {algorithm} with `kid` and `use` `sig`, found none"
        )
    if max(Counter(kid for kid, _ in ours).values()) > 1:
        raise SettingsError(f"{KEYS}: {path}: wanted one key a `kid`, found several")
    return {
        kid: _fit(algorithm, _of_jwk(algorithm, jwk), f"{path}: key {kid}") for kid, jwk in ours
    }


def _of_jwk(algorithm: Algorithm, jwk: dict[str, Any]) -> object:
    try:
        return jwt.PyJWK.from_dict(jwk, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
