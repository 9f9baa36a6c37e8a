"""Forged tokens: of another algorithm, key or spelling; and refusals that quote nothing."""

import json
import sys
import traceback
from contextlib import suppress

import pytest
import rich.pretty

from stream_cw.errors import TokenRefusedError
from stream_cw.gateway.claims import MAX_TOKEN_BYTES
from stream_cw.gateway.keys import Algorithm
from tests.gateway.forge import (
    ASYMMETRIC,
    KINDS,
    NOW,
    SECRET,
    b64,
    claims,
    hs256,
    issuer_of,
    jwk,
    key_for,
    pem,
    refusal,
    signed,
    signer,
    token,
    told,
    unb64,
    verifier,
)

ALGORITHMS: list[object] = [
    *("none", "None", "NONE", "nOnE", " none", "none ", "", "null", "hs256", "HS256 ", "HS384"),
    *("HS512", "RS384", "RS512", "PS256", "ES256", "ES256K", "dir", "RSA1_5", "HS256\x00"),
    *("Ed25519", None, True, 0, ["HS256"], ["RS256"], {"alg": "HS256"}, ["none"]),
]  # fmt: skip


@pytest.mark.parametrize("alg", ALGORITHMS, ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_the_algorithm_is_the_settings_and_never_the_tokens(kind: str, alg: object) -> None:
    issuer = issuer_of(kind)
    text = issuer.token(alg=alg)
    assert refusal(issuer.tokens, text) == "wrong_algorithm"
    unsigned = text.rpartition(".")[0]
    assert refusal(issuer.tokens, f"{unsigned}.AAAA") == "wrong_algorithm"
    assert refusal(issuer.tokens, f"{unsigned}.") == "malformed"
    assert refusal(issuer.tokens, unsigned) == "malformed"


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_without_an_algorithm_is_refused(kind: str) -> None:
    issuer = issuer_of(kind)
    assert refusal(issuer.tokens, token({"typ": "JWT"}, claims(), issuer.sign)) == "wrong_algorithm"


def test_algorithms_of_others_are_refused_by_every_gateway() -> None:
    for gateway in map(issuer_of, KINDS):
        for issuer in map(issuer_of, KINDS):
            if gateway.algorithm != issuer.algorithm:
                assert refusal(gateway.tokens, issuer.token()) == "wrong_algorithm"


def public_forms(algorithm: Algorithm) -> list[bytes]:
    """The public key as an attacker may write it."""
    key = key_for(algorithm)
    armored = pem(key)
    body = b"".join(armored.split(b"\n")[1:-2])
    members = jwk(key, "k1")
    return [
        armored,
        armored.rstrip(),
        armored.replace(b"\n", b"\r\n"),
        body,
        unb64(body.decode().replace("+", "-").replace("/", "_").rstrip("=")),
        json.dumps(members).encode(),
        json.dumps({"keys": [members]}).encode(),
        unb64(members.get("n") or members["x"]),
        b"",
    ]


@pytest.mark.parametrize("kind", ASYMMETRIC)
@pytest.mark.parametrize("form", range(9))
def test_a_public_key_is_no_secret(kind: str, form: int) -> None:
    issuer = issuer_of(kind)
    known = hs256(public_forms(issuer.algorithm)[form])
    for alg in ("HS256", "HS384", "HS512"):
        forged = token(issuer.header | {"alg": alg}, claims(), known)
        assert refusal(issuer.tokens, forged) == "wrong_algorithm"
    assert refusal(issuer.tokens, token(issuer.header, claims(), known)) == "bad_signature"


@pytest.mark.parametrize("kind", ASYMMETRIC)
def test_a_key_that_comes_with_the_token_is_not_looked_at(kind: str) -> None:
    issuer = issuer_of(kind)
    own = key_for(issuer.algorithm, 9)
    for header in (
        {"jwk": jwk(own, "k1")},
        {"jwk": jwk(own, None), "x5c": [b64(pem(own))]},
        {"jku": "http://127.0.0.1:9/jwks.json"},
        {"x5u": "http://127.0.0.1:9/cert.pem", "x5t": "AAAA"},
    ):
        forged = token(issuer.header | header, claims(), signer(own))
        assert refusal(issuer.tokens, forged) == "bad_signature", header
        # They do no harm either: the issuer's own key is the one that counts.
        assert issuer.tokens.verify(issuer.token(**header)).subject == "member-7"


KIDS: list[object] = ["", "k9", "K1", "k1 ", "../k1", "/dev/null", "' OR 1=1 --", "x" * 1000]


@pytest.mark.parametrize("kind", ["RS256 JWKS", "EdDSA JWKS"])
@pytest.mark.parametrize("kid", [*KIDS, ["k1"], {"k1": 1}, 1, True, None], ids=told)
def test_an_unknown_kid_is_refused(kind: str, kid: object) -> None:
    issuer = issuer_of(kind)
    assert refusal(issuer.tokens, issuer.token(kid=kid)) == "unknown_key"


@pytest.mark.parametrize("kind", ["RS256 JWKS", "EdDSA JWKS"])
def test_a_kid_names_the_key_that_must_have_signed(kind: str) -> None:
    issuer = issuer_of(kind)
    assert refusal(issuer.tokens, issuer.token(kid="k2")) == "bad_signature"
    bare = {"alg": issuer.algorithm}
    assert refusal(issuer.tokens, token(bare, claims(), issuer.sign)) == "unknown_key"
    other = signer(key_for(issuer.algorithm, 1))
    assert issuer.tokens.verify(token(bare | {"kid": "k2"}, claims(), other))


@pytest.mark.parametrize("kind", ["HS256", "RS256 PEM", "EdDSA PEM"])
@pytest.mark.parametrize("kid", KIDS, ids=told)
def test_a_single_key_serves_whatever_the_kid(kind: str, kid: object) -> None:
    assert issuer_of(kind).tokens.verify(issuer_of(kind).token(kid=kid))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": NOW},
        {"crit": []},
        {"crit": "b64"},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"b64": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_header_wants_and_is_not_done_here_is_refused(
    kind: str, header: dict[str, object]
) -> None:
    issuer = issuer_of(kind)
    assert refusal(issuer.tokens, issuer.token(**header)) == "malformed"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"null",
        b'"HS256"',
        b'{"alg":"HS256"',
        b'{"alg":"none","alg":"HS256"}',
        b'{"alg":"HS256","alg":"HS256"}',
        b'{"alg":"HS256","x":NaN}',
        b'\xef\xbb\xbf{"alg":"HS256"}',
        '{"alg":"HS256"}'.encode("utf-16"),
        b'{"alg":"HS256","x":"\xff"}',
        b'{"alg":"HS256","x":' + b"[" * 2900 + b"]" * 2900 + b"}",
        b"[" * 5900,
    ],
    ids=told,
)
def test_a_header_that_is_not_one_is_refused(header: bytes) -> None:
    assert refusal(verifier(), signed(claims(), header)) == "malformed"


def test_no_depth_of_a_header_is_too_much_for_some_and_not_for_others() -> None:
    # Each reader of the header stands elsewhere on the stack, and so has another limit.
    for depth in range(sys.getrecursionlimit() - 300, sys.getrecursionlimit() + 10):
        header = b'{"alg":"HS256","x":' + b"[" * depth + b"]" * depth + b"}"
        with suppress(TokenRefusedError):
            verifier().verify(signed(claims(), header))


def spelled_otherwise(text: str) -> list[str]:
    head, body, mark = text.split(".")
    return [
        *(f"{text}{pad}" for pad in ("=", "==", "\n", " ", ".", ".AAAA", "\x00", "é", "\ud800")),
        *(f"{pad}{text}" for pad in (" ", "\n", ".", "Bearer ", "\ufeff")),
        f"{head}=.{body}.{mark}",
        f"{head}.{body}",
        f"{head}..{mark}",
        f".{body}.{mark}",
        f"{head}.{body}.{mark[:10]}\n{mark[10:]}",
        f"{head}.{body}.{mark[:-1]}{chr(ord(mark[-1]) + 1)}",
        text.replace(".", ","),
        json.dumps({"protected": head, "payload": body, "signature": mark}),
        "",
        ".",
        "..",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_has_one_spelling(kind: str) -> None:
    issuer = issuer_of(kind)
    for text in spelled_otherwise(issuer.token()):
        assert refusal(issuer.tokens, text) in ("malformed", "bad_signature"), text


def test_a_token_that_is_too_long_is_refused_unread() -> None:
    room = MAX_TOKEN_BYTES - len(signed(claims(other="")))
    longest = signed(claims(other="x" * (room * 3 // 4 - 2)))
    assert MAX_TOKEN_BYTES - 4 <= len(longest) <= MAX_TOKEN_BYTES
    assert verifier().verify(longest)
    for text in (signed(claims(other="x" * room)), "é" * 9_000, "." * 100_000):
        assert refusal(verifier(), text) == "too_long"


MARK = "tell-nobody"


@pytest.mark.parametrize(
    ("payload", "header"),
    [
        *((claims(**{name: MARK}), {}) for name in ("exp", "nbf", "iss", "aud", "profiles")),
        (claims(profiles=[MARK, f"{MARK}!"]), {}),
        (claims(exp=NOW - 1, profiles=[MARK], sub=MARK), {}),
        (claims(sub=f"{MARK}\n"), {}),
        (claims(aud={MARK: MARK}), {}),
        (claims(iss=[MARK]), {}),
        (f'{{"{MARK}":1,"{MARK}":2}}'.encode(), {}),
        (MARK.encode(), {}),
        (claims(), {"alg": MARK}),
        (claims(), {"kid": MARK}),
        (claims(), {"crit": [MARK]}),
        (claims(), {"crit": MARK}),
        (claims(sub=MARK), {"kid": "k2"}),
    ],
    ids=told,
)
def test_a_refusal_quotes_nothing(payload: object, header: dict[str, object]) -> None:
    issuer = issuer_of("EdDSA JWKS")
    text = issuer.token(payload, **header)
    with pytest.raises(TokenRefusedError) as refused:
        issuer.tokens.verify(text)
    shown = "".join(traceback.format_exception(refused.value))
    for seen in (shown, repr(refused.value), refused.value.message):
        assert MARK not in seen
        assert text[:20] not in seen


def test_a_grant_and_a_verifier_do_not_show_what_they_hold() -> None:
    grant = verifier().verify(signed(claims(profiles=[MARK], sub=MARK)))
    for shown in (repr(grant), f"{grant}", rich.pretty.pretty_repr(grant)):
        assert MARK not in shown
        assert str(NOW + 60) in shown
    assert SECRET not in rich.pretty.pretty_repr(verifier()) + repr(verifier())
