"""Whatever comes as a token: no mutation is taken, and nothing but a refusal comes of it."""

import json
import string
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from stream_cw.errors import TokenRefusedError
from stream_cw.gateway.claims import MAX_PROFILES, MAX_TOKEN_BYTES
from stream_cw.gateway.tokens import LEEWAY_S
from tests.gateway.forge import (
    AUDIENCE,
    ISSUER,
    KINDS,
    NOW,
    claims,
    issuer_of,
    refusal,
    signed,
    verifier,
)
from tests.gateway.mutations import mutations


@cache
def good_token(kind: str) -> str:
    return issuer_of(kind).token()


@settings(max_examples=1_000)
@given(mutate=mutations(), kind=st.sampled_from(KINDS))
def test_no_mutation_of_a_token_is_taken(mutate: Callable[[str], str], kind: str) -> None:
    text = good_token(kind)
    mutated = mutate(text)
    if mutated != text:
        assert refusal(issuer_of(kind).tokens, mutated)


LETTERS = set(string.ascii_letters + string.digits + "._~-")
IDS = st.text(sorted(LETTERS), min_size=1, max_size=12) | st.just("x" * 128)


@given(profiles=st.lists(IDS, max_size=20), other=IDS)
def test_a_profile_is_granted_if_and_only_if_it_is_listed(profiles: list[str], other: str) -> None:
    granted = verifier().verify(signed(claims(profiles=profiles))).profiles
    assert granted == set(profiles)
    assert (other in granted) == (other in profiles)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | IDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
TIMES = st.floats(NOW - 100, NOW + 100) | st.integers(int(NOW) - 100, int(NOW) + 100)
CLAIMS = {
    "exp": TIMES | ANYTHING,
    "nbf": TIMES | ANYTHING,
    "iat": TIMES | ANYTHING,
    "iss": st.just(ISSUER) | ANYTHING,
    "aud": st.lists(st.just(AUDIENCE) | st.text(), max_size=3) | ANYTHING,
    "sub": ANYTHING,
    "profiles": st.lists(IDS, max_size=80) | st.lists(ANYTHING, max_size=3) | ANYTHING,
    "other": ANYTHING,
}


@st.composite
def changes(draw: st.DrawFn) -> dict[str, object]:
    """Up to two claims that may be good or bad: of more some is always bad."""
    names = draw(st.sets(st.sampled_from(sorted(CLAIMS)), max_size=2))
    return {name: draw(CLAIMS[name]) for name in sorted(names)}


@settings(max_examples=500)
@given(changed=changes())
def test_signed_claims_are_granted_or_refused_and_nothing_else(changed: dict[str, object]) -> None:
    given_claims = claims(**changed)
    text = signed(given_claims)
    event("good" if is_plainly_good(given_claims) else "bad")
    try:
        grant = verifier().verify(text)
    except TokenRefusedError:
        assert not is_plainly_good(given_claims) or len(text) > MAX_TOKEN_BYTES
    else:
        assert is_plainly_good(given_claims)
        assert grant.profiles == set(given_claims["profiles"])
        assert grant.expires_at == given_claims["exp"]


def is_plainly_good(found: dict[str, Any]) -> bool:
    """The rules once more, as slowly and plainly as they can be said."""

    def is_number(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def is_id(value: object) -> bool:
        return isinstance(value, str) and 1 <= len(value) <= 128 and set(value) <= LETTERS

    def is_finite(value: object) -> bool:
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            return False
        return True

    audiences = found["aud"] if isinstance(found["aud"], list) else [found["aud"]]
    starts = [found[name] for name in ("nbf", "iat") if name in found]
    subject = found.get("sub")
    return (
        is_finite(found)
        and is_number(found["exp"])
        and NOW < found["exp"] <= 253_402_300_799
        and all(is_number(start) and 0 <= start <= NOW + LEEWAY_S for start in starts)
        and found["iss"] == ISSUER
        and all(isinstance(audience, str) for audience in audiences)
        and AUDIENCE in audiences
        and isinstance(found["profiles"], list)
        and len(found["profiles"]) <= MAX_PROFILES
        and all(is_id(profile) for profile in found["profiles"])
        and (
            subject is None
            or (isinstance(subject, str) and 1 <= len(subject) <= 255 and is_printable(subject))
        )
    )


def is_printable(text: str) -> bool:
    return all(" " <= character <= "~" for character in text)


@settings(max_examples=1_000)
@given(text=st.text(max_size=200) | st.text("abcXYZ019-_.=", max_size=200))
def test_no_text_is_a_token(text: str) -> None:
    assert refusal(verifier(), text) == "malformed"


@settings(max_examples=500)
@given(header=st.binary(max_size=40) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_no_header_brings_anything_but_a_refusal(header: bytes) -> None:
    assert refusal(verifier(), signed(claims(), header)) in ("malformed", "wrong_algorithm")
