"""What a token must say: the good ones, and what is refused although it is signed."""

import json
from pathlib import Path
from typing import get_args

import pytest

from stream_cw.errors import TokenRefusal
from stream_cw.gateway.claims import MAX_PROFILES, MAX_TOKEN_BYTES
from stream_cw.gateway.keys import MIN_RSA_BITS, MIN_SECRET_BYTES
from stream_cw.gateway.tickets import MAX_USED, TICKET_LIFE_S
from stream_cw.gateway.tokens import LEEWAY_S, Grant, mint
from tests.gateway.forge import (
    AUDIENCE,
    ISSUER,
    KINDS,
    NOW,
    SECRET,
    claims,
    issuer_of,
    refusal,
    signed,
    told,
    verifier,
)

OF_TICKETS: set[str] = {"used", "other_stream", "too_many_tickets"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_token_grants_what_it_says(kind: str) -> None:
    issuer = issuer_of(kind)
    grant = issuer.tokens.verify(issuer.token())
    assert grant == Grant(frozenset({"p1", "p2"}), "member-7", NOW + 60)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": [AUDIENCE]},
        {"aud": ["other", AUDIENCE]},
        {"exp": int(NOW) + 60},
        {"iat": ...},
        {"iat": NOW + LEEWAY_S},
        {"nbf": NOW + LEEWAY_S},
        {"profiles": ["p2", "p1", "p1"]},
        {"roles": {"admin": [True, None, 1e308]}, "ключ": "\U0001f511"},
    ],
    ids=str,
)
def test_what_may_differ(changed: dict[str, object]) -> None:
    grant = verifier().verify(signed(claims(**changed)))
    assert grant == Grant(frozenset({"p1", "p2"}), "member-7", NOW + 60)


def test_a_token_may_name_no_profile() -> None:
    assert verifier().verify(signed(claims(profiles=[]))).profiles == frozenset()


def test_who_is_not_named_is_told_apart_by_the_profiles() -> None:
    def subject(profiles: list[str]) -> str:
        return verifier().verify(signed(claims(sub=..., profiles=profiles))).subject

    assert subject(["p1", "p2"]) == subject(["p2", "p1", "p2"])
    assert len({subject(["p1"]), subject(["p1", "p2"]), subject(["p2"])}) == 3
    assert "p1" not in subject(["p1"])


def test_the_most_profiles_are_taken() -> None:
    most = [f"profile-{number}" for number in range(MAX_PROFILES)]
    assert verifier().verify(signed(claims(profiles=most))).profiles == frozenset(most)


def test_a_minted_token_is_taken() -> None:
    made = mint(
        SECRET,
        issuer=ISSUER,
        audience=AUDIENCE,
        profiles=["p1"],
        lifetime_s=90,
        subject="m",
        clock=lambda: NOW,
    )
    assert verifier().verify(made) == Grant(frozenset({"p1"}), "m", NOW + 90)


BAD_TIMES: list[object] = [
    str(int(NOW) + 60),
    True,
    [NOW + 60],
    {},
    -1,
    -1e300,
    (NOW + 60) * 1000,
    10**30,
    10**400,
    1e308,
]
WRONG_CLAIMS: list[tuple[TokenRefusal, dict[str, object]]] = [
    *(("missing_claim", {name: ...}) for name in ("exp", "iss", "aud", "profiles")),
    *(("missing_claim", {name: None}) for name in ("exp", "iss", "aud", "profiles")),
    *(("bad_claim", {"exp": value}) for value in BAD_TIMES),
    *(("bad_claim", {"nbf": value}) for value in [*BAD_TIMES, None]),
    *(("bad_claim", {"iat": value}) for value in [*BAD_TIMES, None]),
    ("expired", {"exp": NOW}),
    ("expired", {"exp": NOW - 1}),
    ("expired", {"exp": 0}),
    ("not_yet_valid", {"nbf": NOW + LEEWAY_S + 0.001}),
    ("not_yet_valid", {"iat": NOW + LEEWAY_S + 0.001}),
    ("wrong_issuer", {"iss": "https://issuer.test/"}),
    ("wrong_issuer", {"iss": "HTTPS://issuer.test"}),
    ("wrong_issuer", {"iss": ""}),
    ("bad_claim", {"iss": [ISSUER]}),
    ("bad_claim", {"iss": 7}),
    ("wrong_audience", {"aud": "stream"}),
    ("wrong_audience", {"aud": f"{AUDIENCE} other"}),
    ("wrong_audience", {"aud": ""}),
    ("wrong_audience", {"aud": []}),
    ("wrong_audience", {"aud": ["stream-cw2", "cw", "*"]}),
    ("bad_claim", {"aud": [AUDIENCE, 7]}),
    ("bad_claim", {"aud": [[AUDIENCE]]}),
    ("bad_claim", {"aud": {AUDIENCE: True}}),
    ("bad_claim", {"sub": 7}),
    ("bad_claim", {"sub": ""}),
    ("bad_claim", {"sub": "x" * 256}),
    ("bad_claim", {"sub": "a\nb"}),
    ("bad_claim", {"sub": "\ud800"}),
    ("bad_profiles", {"profiles": "p1"}),
    ("bad_profiles", {"profiles": {"p1": True}}),
    ("bad_profiles", {"profiles": True}),
    ("bad_profiles", {"profiles": ["p1", 2]}),
    ("bad_profiles", {"profiles": ["p1", None]}),
    ("bad_profiles", {"profiles": [["p1"]]}),
    ("bad_profiles", {"profiles": ["*", "p1"]}),
    ("bad_profiles", {"profiles": ["p1/../p2"]}),
    ("bad_profiles", {"profiles": [""]}),
    ("bad_profiles", {"profiles": ["p1\n"]}),
    ("bad_profiles", {"profiles": ["x" * 129]}),
    ("too_many_profiles", {"profiles": [f"p{n}" for n in range(MAX_PROFILES + 1)]}),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "changed"), WRONG_CLAIMS, ids=told)
def test_a_wrong_claim_is_refused(reason: TokenRefusal, changed: dict[str, object]) -> None:
    assert refusal(verifier(), signed(claims(**changed))) == reason


GOOD = json.dumps(claims()).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        GOOD[:-1],
        GOOD + b"x",
        GOOD[:-1] + b',"profiles":["p9"]}',
        GOOD[:-1] + b',"\\u0070rofiles":["p9"]}',
        GOOD[:-1] + b',"other":{"a":1,"a":2}}',
        GOOD[:-1] + b',"other":NaN}',
        GOOD[:-1] + b',"other":-Infinity}',
        GOOD.replace(b": 1700000060.0", b": NaN"),
        GOOD.replace(b": 1700000060.0", b": Infinity"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        GOOD.decode().encode("utf-32-le"),
        GOOD.replace(b"member-7", b"\xff"),
        GOOD[:-1] + b',"other":' + b"9" * 4400 + b"}",
        GOOD[:-1] + b',"other":' + b"[" * 2900 + b"]" * 2900 + b"}",
        b"[" * 5900,
        b'{"a":' * 1180,
    ],
    ids=told,
)
def test_claims_that_readers_could_read_differently_are_refused(payload: bytes) -> None:
    assert refusal(verifier(), signed(payload)) == "malformed"


def test_every_reason_is_one_that_a_test_here_provokes() -> None:
    seen = {reason for reason, _ in WRONG_CLAIMS}
    seen |= {
        refusal(verifier(), signed(b"")),
        refusal(verifier(), "x" * (MAX_TOKEN_BYTES + 1)),
        refusal(verifier(), signed(claims(), {"alg": "none"})),
        refusal(verifier(), signed(claims())[:-4] + "AAAA"),
        refusal(issuer_of("RS256 JWKS").tokens, issuer_of("RS256 JWKS").token(kid="k9")),
    }
    assert seen == set(get_args(TokenRefusal)) - OF_TICKETS


def test_the_documentation_knows_every_reason_and_limit() -> None:
    told = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text()
    section = told.partition("## Tokens\n")[2].partition("\n## ")[0]
    for reason in get_args(TokenRefusal):
        assert f"`{reason}`" in section, reason
    for limit in (
        f"at most {MAX_TOKEN_BYTES:,} characters",
        f"a list of ids, at most {MAX_PROFILES};",
        f"`nbf` and `iat` may be {LEEWAY_S} s ahead",
        f"RSA of {MIN_RSA_BITS:,} bits or more",
        f"({MIN_SECRET_BYTES} bytes or more)",
        f'"expires_in_s": {TICKET_LIFE_S}',
        f"remember more than {MAX_USED:,} used ones",
    ):
        assert limit in section, limit
