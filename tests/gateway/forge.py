"""Tokens written by hand, right and wrong ones: nothing of PyJWT, and nothing of ours."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stream_cw.errors import TokenRefusal, TokenRefusedError
from stream_cw.gateway.keys import Algorithm
from stream_cw.gateway.tokens import Tokens, tokens_of

NOW = 1_700_000_000.0
ISSUER = "https://issuer.test"
AUDIENCE = "stream-cw"
SECRET = "0e5b1f7c-a secret of these tests"  # noqa: S105 (theirs alone)
KINDS = ["HS256", "RS256 PEM", "RS256 JWKS", "EdDSA PEM", "EdDSA JWKS"]
ASYMMETRIC = KINDS[1:]

Sign = Callable[[bytes], bytes]
Private = RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True)
class Asked:
    """Settings of a gateway, as far as tokens go."""

    algorithm: Algorithm = "HS256"
    secret: str | None = SECRET
    keys: Path | None = None
    issuer: str = ISSUER
    audience: str = AUDIENCE


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hs256(secret: str | bytes) -> Sign:
    key = secret.encode() if isinstance(secret, str) else secret
    return lambda data: hmac.digest(key, data, hashlib.sha256)


def signer(key: Private) -> Sign:
    if isinstance(key, RSAPrivateKey):
        return lambda data: key.sign(data, PKCS1v15(), SHA256())
    return key.sign


def token(header: object, payload: object, sign: Sign) -> str:
    """Put a token together; header and payload may be bytes, and then stand as they are."""
    head, body = (
        b64(part if isinstance(part, bytes) else json.dumps(part).encode())
        for part in (header, payload)
    )
    return f"{head}.{body}.{b64(sign(f'{head}.{body}'.encode()))}"


def claims(**changed: object) -> dict[str, Any]:
    """Good claims with some changed; `...` leaves one out."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": NOW + 60,
        "iat": NOW - 1,
        "sub": "member-7",
        "profiles": ["p1", "p2"],
    }
    return {name: value for name, value in (good | changed).items() if value is not ...}


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> RSAPrivateKey:
    """Of each number its own."""
    return generate_private_key(65_537, bits)


@cache
def ed25519_key(number: int = 0) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def key_for(algorithm: Algorithm, number: int = 0) -> Private:
    return rsa_key(number) if algorithm == "RS256" else ed25519_key(number)


def pem(key: Private) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: Private, kid: str | None, /, **changed: object) -> dict[str, Any]:
    """Write the public key as a JWK; `...` leaves a member out."""
    members: dict[str, object] = {"kid": ... if kid is None else kid, "use": "sig"}
    if isinstance(key, RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        members |= {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    else:
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        members |= {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    return {name: value for name, value in (members | changed).items() if value is not ...}


def write_jwks(path: Path, keys: Iterable[object]) -> Path:
    path.write_text(json.dumps({"keys": list(keys)}))
    return path


def _number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """One who signs tokens of a kind, and the gateway that trusts it."""

    def __init__(self, kind: str) -> None:
        algorithm, _, form = kind.partition(" ")
        self.algorithm: Algorithm = msgspec.convert(algorithm, Algorithm)
        self.header: dict[str, Any] = {"alg": algorithm, "typ": "JWT"}
        self.sign = hs256(SECRET)
        asked = Asked()
        with TemporaryDirectory() as folder:
            if form:
                self.sign = signer(key_for(self.algorithm))
                asked = Asked(self.algorithm, secret=None, keys=self._key_file(form, Path(folder)))
            self.tokens = tokens_of(asked, lambda: NOW)

    def _key_file(self, form: str, folder: Path) -> Path:
        """Write the public key, in a set beside one more of its type and one of another."""
        key, path = key_for(self.algorithm), folder / form
        if form == "PEM":
            path.write_bytes(pem(key))
            return path
        self.header["kid"] = "k1"
        second = jwk(key_for(self.algorithm, 1), "k2")
        other = jwk(key_for("EdDSA" if self.algorithm == "RS256" else "RS256", 2), "k3")
        return write_jwks(path, [second, other, jwk(key, "k1")])

    def token(self, payload: object = None, **header: object) -> str:
        return token(self.header | header, claims() if payload is None else payload, self.sign)


@cache
def issuer_of(kind: str) -> Issuer:
    return Issuer(kind)


def verifier() -> Tokens:
    """Of the gateway that the tokens of `signed` are for."""
    return issuer_of("HS256").tokens


def signed(payload: object, header: object = None) -> str:
    return token({"alg": "HS256"} if header is None else header, payload, hs256(SECRET))


def refusal(tokens: Tokens, text: str) -> TokenRefusal:
    with pytest.raises(TokenRefusedError) as refused:
        tokens.verify(text)
    return refused.value.reason


def told(case: object) -> str:
    """Name a case of a test in few characters."""
    return repr(case)[:60]
