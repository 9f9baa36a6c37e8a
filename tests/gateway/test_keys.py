"""Which secrets and key files a gateway starts with, and which it refuses."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from stream_cw.errors import SettingsError
from stream_cw.gateway.keys import MIN_SECRET_BYTES, Algorithm
from stream_cw.gateway.tokens import tokens_of
from tests.gateway.forge import (
    NOW,
    SECRET,
    Asked,
    claims,
    ed25519_key,
    hs256,
    jwk,
    key_for,
    pem,
    rsa_key,
    signer,
    token,
    told,
    write_jwks,
)

ASYMMETRIC: list[Algorithm] = ["RS256", "EdDSA"]


def refused(asked: Asked) -> str:
    with pytest.raises(SettingsError) as error:
        tokens_of(asked)
    return str(error.value)


def certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer.test")])
    begin = datetime.fromtimestamp(NOW, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa_key().public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=9))
    )
    return builder.sign(rsa_key(), SHA256())


def public(key: Any, encoding: Encoding, form: PublicFormat) -> bytes:
    made: bytes = key.public_key().public_bytes(encoding, form)
    return made


def private_pem(key: Any) -> bytes:
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made


def one_line(data: bytes) -> bytes:
    """Write DER as base64, as some issuers show their public key."""
    return base64.b64encode(data)


SPKI, PKCS1, OPENSSH = (
    PublicFormat.SubjectPublicKeyInfo,
    PublicFormat.PKCS1,
    PublicFormat.OpenSSH,
)
NO_SECRETS: dict[str, Callable[[], bytes]] = {
    "RSA, PEM": lambda: pem(rsa_key()),
    "RSA, PEM, on one line": lambda: pem(rsa_key()).replace(b"\n", b"\\n"),
    "RSA, PEM, with spaces": lambda: b"\n  " + pem(rsa_key()),
    "RSA, PEM, PKCS 1": lambda: public(rsa_key(), Encoding.PEM, PKCS1),
    "RSA, base64": lambda: one_line(public(rsa_key(), Encoding.DER, SPKI)),
    "RSA, base64, lines": lambda: b"\n".join(pem(rsa_key()).split(b"\n")[1:-2]),
    "RSA, JWK": lambda: json.dumps(jwk(rsa_key(), "k1")).encode(),
    "RSA, JWKS": lambda: json.dumps({"keys": [jwk(rsa_key(), "k1")]}).encode(),
    "RSA, OpenSSH": lambda: public(rsa_key(), Encoding.OpenSSH, OPENSSH),
    "RSA, JWK, its names escaped": lambda: (
        json.dumps(jwk(rsa_key(), "k1")).replace("kty", "k\\u0074y").encode()
    ),
    "RSA, private": lambda: private_pem(rsa_key()),
    "certificate, PEM": lambda: certificate().public_bytes(Encoding.PEM),
    "certificate, base64": lambda: one_line(certificate().public_bytes(Encoding.DER)),
    "Ed25519, PEM": lambda: pem(ed25519_key()),
    "Ed25519, base64": lambda: one_line(public(ed25519_key(), Encoding.DER, SPKI)),
    "Ed25519, JWK": lambda: json.dumps(jwk(ed25519_key(), "k1"), separators=(",", ":")).encode(),
    "Ed25519, OpenSSH": lambda: public(ed25519_key(), Encoding.OpenSSH, OPENSSH),
    "P-256, PEM": lambda: public(ec.generate_private_key(ec.SECP256R1()), Encoding.PEM, SPKI),
    "P-256, OpenSSH": lambda: public(
        ec.generate_private_key(ec.SECP256R1()), Encoding.OpenSSH, OPENSSH
    ),
}


@pytest.mark.parametrize("form", NO_SECRETS)
def test_a_key_of_a_pair_is_no_secret(form: str) -> None:
    text = NO_SECRETS[form]().decode()
    message = refused(Asked(secret=text))
    assert message == (
        "STREAM_CW_GATEWAY_SECRET: wanted a secret, found a key of a pair or a certificate"
    )


@pytest.mark.parametrize("secret", [None, "", "x", "x" * (MIN_SECRET_BYTES - 1), "é" * 15])
def test_a_short_secret_is_refused(secret: str | None) -> None:
    message = refused(Asked(secret=secret))
    assert message.startswith("STREAM_CW_GATEWAY_SECRET: wanted")
    assert not secret or f"wanted 32 bytes, found {len(secret.encode())}" in message


@pytest.mark.parametrize(
    "secret",
    [
        "x" * MIN_SECRET_BYTES,
        "é" * (MIN_SECRET_BYTES // 2),
        base64.b64encode(bytes(range(48))).decode(),
        base64.urlsafe_b64encode(bytes(range(200, 248))).decode(),
        bytes(range(32)).hex(),
        '{"not": "JSON", or not all of it',
        "-----THE BEGIN of a key looks otherwise",
        "my ssh-rsa is elsewhere, and so is my {kty}",
        " a secret keeps its spaces, and \n its lines ",
        b"\xff\xfe not the bytes of any text at all \x80\x81".decode("utf-8", "surrogateescape"),
    ],
    ids=told,
)
def test_any_other_secret_is_taken_byte_by_byte(secret: str) -> None:
    tokens = tokens_of(Asked(secret=secret), lambda: NOW)
    key = secret.encode("utf-8", "surrogateescape")
    assert tokens.verify(token({"alg": "HS256"}, claims(), hs256(key)))


@pytest.mark.parametrize("name", ["issuer", "audience"])
def test_issuer_and_audience_have_no_default(name: str) -> None:
    message = refused(Asked(**{name: ""}))  # type: ignore[arg-type]
    assert message.startswith(f"STREAM_CW_GATEWAY_{name.upper()}: wanted")


def test_a_secret_and_keys_are_not_given_together(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(rsa_key()))
    for algorithm in ("HS256", *ASYMMETRIC):
        message = refused(Asked(algorithm, SECRET, path))
        assert "wanted one of them, found both" in message


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_pair_wants_a_file_of_keys(algorithm: Algorithm, tmp_path: Path) -> None:
    assert "wanted a file" in refused(Asked(algorithm, None, None))
    assert "wanted a file" in refused(Asked(algorithm, SECRET, None))
    missing = tmp_path / "nowhere.pem"
    assert str(missing) in refused(Asked(algorithm, None, missing))
    assert str(tmp_path) in refused(Asked(algorithm, None, tmp_path))


def wrong_files() -> dict[str, tuple[Algorithm, Callable[[], bytes]]]:
    p256, p448 = ec.generate_private_key(ec.SECP256R1()), ed448.Ed448PrivateKey.generate()
    cases: dict[str, tuple[Algorithm, Callable[[], bytes]]] = {
        "RS256, Ed25519": ("RS256", lambda: pem(ed25519_key())),
        "RS256, P-256": ("RS256", lambda: public(p256, Encoding.PEM, SPKI)),
        "RS256, 1024 bits": ("RS256", lambda: pem(rsa_key(0, 1024))),
        "EdDSA, RSA": ("EdDSA", lambda: pem(rsa_key())),
        "EdDSA, Ed448": ("EdDSA", lambda: public(p448, Encoding.PEM, SPKI)),
    }
    for algorithm in ASYMMETRIC:
        key = key_for(algorithm)
        cases |= {
            f"{algorithm}, private": (algorithm, lambda key=key: private_pem(key)),
            f"{algorithm}, cut": (algorithm, lambda key=key: pem(key)[:-40]),
            f"{algorithm}, DER": (algorithm, lambda key=key: public(key, Encoding.DER, SPKI)),
            f"{algorithm}, empty": (algorithm, lambda: b""),
            f"{algorithm}, secret": (algorithm, SECRET.encode),
        }
    return cases


@pytest.mark.parametrize("case", wrong_files())
def test_a_file_without_the_wanted_key_is_refused(case: str, tmp_path: Path) -> None:
    algorithm, make = wrong_files()[case]
    path = tmp_path / "key.pem"
    path.write_bytes(make())
    message = refused(Asked(algorithm, None, path))
    assert message.startswith(f"STREAM_CW_GATEWAY_KEYS: {path}: wanted an ")
    assert SECRET not in message


NOT_OURS: list[dict[str, Any]] = [
    {"use": "enc"},
    {"use": ...},
    {"use": None},
    {"use": "SIG"},
    {"kid": ...},
    {"kid": ""},
    {"alg": "RS512"},
    {"alg": "HS256"},
    {"alg": "none"},
    {"kty": "oct"},
    {"kty": "EC"},
    {"crv": "Ed448"},
    {"crv": "X25519"},
]


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("changed", NOT_OURS, ids=told)
def test_keys_of_a_set_that_are_not_meant_for_this_are_left_alone(
    algorithm: Algorithm, changed: dict[str, Any], tmp_path: Path
) -> None:
    left_alone = jwk(key_for(algorithm), "k1", **changed)
    path = write_jwks(tmp_path / "keys.json", [left_alone])
    assert "found none" in refused(Asked(algorithm, None, path))

    write_jwks(path, [left_alone, jwk(key_for(algorithm, 1), "k2", alg=algorithm)])
    tokens = tokens_of(Asked(algorithm, None, path), lambda: NOW)
    header = {"alg": algorithm, "kid": "k2"}
    assert tokens.verify(token(header, claims(), signer(key_for(algorithm, 1))))


SHARED = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "k1", "use": "sig"}


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize(
    "keys",
    [
        [],
        [SHARED],
        [SHARED | {"alg": "HS256"}],
        [{"kid": "k1"}],
        [7],
        ["key"],
        [{"kty": 7}],
        [{"kty": "RSA", "kid": ["k1"]}],
    ],
    ids=told,
)
def test_a_set_without_a_key_is_refused(
    algorithm: Algorithm, keys: list[object], tmp_path: Path
) -> None:
    path = write_jwks(tmp_path / "keys.json", keys)
    message = refused(Asked(algorithm, None, path))
    assert message.startswith(f"STREAM_CW_GATEWAY_KEYS: {path}: wanted a ")
    assert SHARED["k"] not in message


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_two_keys_of_one_kid_are_refused(algorithm: Algorithm, tmp_path: Path) -> None:
    keys = [jwk(key_for(algorithm, number), "k1") for number in range(2)]
    path = write_jwks(tmp_path / "keys.json", keys)
    assert "wanted one key a `kid`" in refused(Asked(algorithm, None, path))


@pytest.mark.parametrize(
    ("algorithm", "broken"),
    [
        ("RS256", {"n": "AQAB"}),
        ("RS256", {"n": ...}),
        ("RS256", {"n": 7}),
        ("RS256", {"n": "!!!"}),
        ("RS256", {"e": "AA"}),
        ("RS256", {"d": "AQAB"}),
        ("EdDSA", {"x": "AQAB"}),
        ("EdDSA", {"x": ...}),
        ("EdDSA", {"x": 7}),
        ("EdDSA", {"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}),
    ],
    ids=told,
)
def test_a_key_that_is_ours_and_broken_or_private_is_refused(
    algorithm: Algorithm, broken: dict[str, Any], tmp_path: Path
) -> None:
    good, bad = jwk(key_for(algorithm), "k1"), jwk(key_for(algorithm, 1), "k2", **broken)
    path = write_jwks(tmp_path / "keys.json", [good, bad])
    message = refused(Asked(algorithm, None, path))
    assert message.startswith(f"STREAM_CW_GATEWAY_KEYS: {path}: key k2: wanted an ")
    assert "nWGx" not in message


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": null}',
        b'{"keys": [{"kty": "RSA", "n": ' + b"[" * 200_000,
        b'{"keys": [' + b'{"kty":' * 100_000,
        b'{"keys": ["\xff"]}',
    ],
    ids=told,
)
def test_a_file_that_is_no_set_is_refused(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(text)
    assert "wanted a JWKS, found something else" in refused(Asked("RS256", None, path))
