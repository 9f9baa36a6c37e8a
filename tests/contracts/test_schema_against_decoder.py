"""Schema and decoder agree far beyond the stored examples.

The one thing that they may disagree on is in schemas/README.md: `parse_strictly` settles it before
the schema is asked, and a test of its own shows that it is there.
"""

import json
import random
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any, Final

import pytest
from contract_cases import (
    CONTRACTS,
    EVENTS,
    JSON_TOPICS,
    Contract,
    Path_,
    RepeatedNameError,
    holder_of,
    places,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_cw.core.catalog import MAX_CATALOG_BYTES
from stream_cw.core.decoding import MAX_DEPTH
from stream_cw.core.events import MAX_EVENT_BYTES, decode_event
from stream_cw.model.artefact import MAX_ARTEFACT_BYTES

RAW: Final = re.compile(r'"@raw (.*?)@"')
"""How a token that json.dumps cannot write stands in a value until it is dumped."""
SURROGATE: Final = re.compile(r"\\ud[89a-f]")
RAW_TOKENS: Final = ["-0", "-0.0", "1.0", "1e3", "1E-2", "0e0", "1e400", "-1e400", "9" * 5000]
STRINGS: Final = [
    "",
    " ",
    "\n",
    "a",
    "A",
    "AA",
    "US\n",
    "US\r\n",
    "a\n",
    "1\n",
    "ÄÖ",
    "0",
    "-1",
    "٣",
    "\u2028",
    "a\u0000",
    "a.b_c~d-9",
    "a/b",
    "🎬",
    "\ud800",
    "a" * 64,
    "f" * 65,
    "a" * 128,
    "a" * 129,
    "🎬" * 150,
    "🎬" * 200,
    "🎬" * 201,
    "é" * 300,
    "é" * 301,
    "x" * 1024,
    "x" * 1025,
    "de-Latn-DE-1996",
    "1712345678901",
    "999999999",
    "1" + "0" * 17,
]
EDGES: Final = [0, 2**31, 2**32, 2**53, 2**63, 2**64, 2**70]
OTHERS: Final = [None, True, False, [], {}, [None], [[]], ["a", "a"], {"id": "a"}, 0.5]


def dumped(value: Any) -> bytes:
    return RAW.sub(r"\1", json.dumps(value)).encode()


def named_in(schema: Any, key: str) -> Iterator[Any]:
    """Yield what stands anywhere in a schema under a keyword."""
    if isinstance(schema, dict):
        if key in schema:
            yield schema[key]
        for child in schema.values():
            yield from named_in(child, key)
    elif isinstance(schema, list):
        for child in schema:
            yield from named_in(child, key)


def boundary_values(contract: Contract) -> list[Any]:
    """Values of every kind, and those on and beside every limit that the schema names."""
    limits = {*EDGES, *named_in(contract.schema, "minimum"), *named_in(contract.schema, "maximum")}
    numbers = sorted({near for limit in limits for near in (limit - 1, limit, limit + 1, -limit)})
    words = {word for words in named_in(contract.schema, "enum") for word in words}
    words |= {word for word in named_in(contract.schema, "const") if isinstance(word, str)}
    lists = [
        [item] * length
        for longest in named_in(contract.schema, "maxItems")
        for length in (longest, longest + 1)
        for item in (0, "DE")
    ]
    raw = [f"@raw {token}@" for token in RAW_TOKENS]
    return [*numbers, *STRINGS, *sorted(words), *OTHERS, *lists, *raw]


@cache
def valid_examples(topic: str) -> list[bytes]:
    """Write the valid examples short: of long lists the first elements stand for all."""
    paths = CONTRACTS[topic].examples("valid")
    return [json.dumps(_shortened(json.loads(path.read_bytes()))).encode() for path in paths]


def _shortened(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortened(child) for child in value[:3]]
    if isinstance(value, dict):
        return {name: _shortened(child) for name, child in value.items()}
    return value


def writable(contract: Contract, value: Any) -> bool:
    """Whether a value can be put on the topic: headers are text or nothing."""
    if contract.topic in JSON_TOPICS:
        return True
    return (
        isinstance(value, dict)
        and all(
            content is None or (isinstance(content, str) and "@raw" not in content)
            for content in value.values()
        )
        and not SURROGATE.search(repr(value))
    )


def assert_one_verdict(contract: Contract, value: bytes) -> bool:
    by_schema = contract.schema_accepts(value)
    refusal = contract.refusal(value)
    assert by_schema == (refusal is None), (value, by_schema, refusal)
    return by_schema


TAGS: Final = {"type", "kind"}


def variants(value: Any, at: Path_, changes: list[Any]) -> Iterator[Any]:
    """Yield a value without what stands at a place, then with each of the changes there."""
    holder, name = holder_of(value, at), at[-1]
    whole = dict(holder) if isinstance(holder, dict) else list(holder)
    del holder[name]
    yield value
    if isinstance(holder, list):
        holder[:] = whole
    for new in changes:
        holder[name] = new
        yield value
    holder[name] = whole[name]


@pytest.mark.parametrize("topic", CONTRACTS)
def test_each_boundary_value_at_each_place_of_each_kind_of_value(topic: str) -> None:
    contract = CONTRACTS[topic]
    boundaries = boundary_values(contract)
    seen: set[tuple[str | None, Path_]] = set()
    accepted = cases = 0
    for value in map(json.loads, valid_examples(topic)):
        for at in list(places(value)):
            common = at[0] in contract.schema["properties"] and at[0] not in TAGS
            place = (None if common else value.get("type", value.get("kind")), at)
            if place in seen:
                continue
            seen.add(place)
            for variant in variants(value, at, boundaries):
                if writable(contract, variant):
                    accepted += assert_one_verdict(contract, dumped(variant))
                    cases += 1
    assert cases > 300
    assert 0.01 * cases < accepted < 0.6 * cases


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=6),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=3), children, max_size=3)
    ),
    max_leaves=6,
)


COUNTS: Final = st.integers(1, 4)
KINDS: Final = st.sampled_from(["drop", "replace", "add", "text"])
TEXTS: Final = st.text(st.characters(), max_size=2)
FIELDS: Final = st.sampled_from(["id", "kind", "origin", "series_id", "title", "ranks", "seasons"])
NAMES: Final = st.text(st.characters(), max_size=4) | FIELDS
ANYWHERE: Final = st.integers(0, 2**16)


@st.composite
def mutated(
    draw: st.DrawFn, examples: st.SearchStrategy[bytes], values: st.SearchStrategy[Any]
) -> Any:
    """Draw a valid example with one to four changes."""
    value = json.loads(draw(examples))
    for _ in range(draw(COUNTS)):
        known = list(places(value))
        at = known[draw(ANYWHERE) % len(known)]
        holder, name = holder_of(value, at), at[-1]
        new = deepcopy(draw(values))
        kind = draw(KINDS)
        if kind == "replace":
            holder[name] = new
        elif kind == "add" and isinstance(holder, dict):
            holder[draw(NAMES)] = new
        elif kind == "text" and isinstance(old := holder[name], str):
            cut = draw(ANYWHERE) % (len(old) + 1)
            holder[name] = old[:cut] + draw(TEXTS) + old[cut:]
        elif kind == "drop" and len(value) > 1:
            del holder[name]
    return value


@pytest.mark.parametrize("topic", CONTRACTS)
def test_several_changes_at_once(topic: str) -> None:
    contract = CONTRACTS[topic]
    values = mutated(
        st.sampled_from(valid_examples(topic)),
        st.sampled_from(boundary_values(contract)) | anything,
    )

    @settings(max_examples=200, deadline=None)
    @given(value=values.filter(lambda value: writable(contract, value)))
    def check(value: Any) -> None:
        assert_one_verdict(contract, dumped(value))

    check()


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Change, insert, repeat or take away a few bytes."""
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(data) + 1)
        length = dice.choice((1, 1, 2, 8))
        other = dice.choice((dice.randbytes(length), dice.choice(TOKENS), data[at : at + 30]))
        data = data[:at] + other + data[at + dice.choice((0, length)) :]
    return data


TOKENS: Final = [
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u00", b"\\ud83c\\udfac", b"\\udc00"),
    *(b"null", b"true", b"NaN", b"-", b"0", b".", b"e9", b"\x00", b"\n", b"\xef\xbb\xbf", b"\xff"),
    *(b"\xc3\xa9", b"\xed\xa0\x80", b"\xf0\x9f\x8e\xac", b"/*", b'"x":', b'"":1,', b" "),
]


@pytest.mark.parametrize("topic", JSON_TOPICS)
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_damaged_bytes(topic: str, seed: int) -> None:
    contract = CONTRACTS[topic]
    dice = random.Random(seed)
    for _ in range(40):
        value = damaged(dice.choice(valid_examples(topic)), dice)
        try:
            by_schema = contract.schema_accepts(value)
        except RepeatedNameError:
            contract.refusal(value)  # out of the contract, and yet nothing else may be raised
            continue
        assert by_schema == contract.decoder_accepts(value), value


def event_with(raw: bytes) -> bytes:
    path = next(p for p in EVENTS.examples("valid") if p.stem == "home_view.minimal")
    return b"{" + raw + b"," + path.read_bytes().lstrip()[1:]


def test_a_whole_number_with_a_fraction_is_the_one_exception() -> None:
    value = event_with(b'"tz_offset_min": 60.0')
    assert EVENTS.validator.is_valid(json.loads(value))
    refusal = EVENTS.refusal(value)
    assert refusal is not None
    assert "`$.tz_offset_min`" in refusal.message


def test_of_two_fields_with_one_name_both_are_checked_and_the_last_is_kept() -> None:
    event = decode_event(event_with(b'"country": "BR", "country": "DE"'))
    assert event.country == "DE"
    for twice in (b'"country": "br", "country": "DE"', b'"type": "scroll"'):
        assert not EVENTS.decoder_accepts(event_with(twice))


def test_a_string_of_a_megabyte_is_refused_in_a_field_by_both_and_elsewhere_by_its_size() -> None:
    long = b"x" * 1_000_000
    known, unknown = event_with(b'"session_id": "%s"' % long), event_with(b'"note": "%s"' % long)
    assert not EVENTS.schema_accepts(known)
    for value in (known, unknown):
        refusal = EVENTS.refusal(value)
        assert refusal is not None
        assert refusal.reason == "too_large"


@pytest.mark.parametrize(
    ("topic", "limit"),
    [
        ("viewing-events.v1", MAX_EVENT_BYTES),
        ("row-updates.v1", 65_536),
        ("catalog.v1", MAX_CATALOG_BYTES),
        ("models.v1", MAX_ARTEFACT_BYTES),
    ],
)
def test_the_size_limit_is_exact(topic: str, limit: int) -> None:
    contract = CONTRACTS[topic]
    value = contract.examples("valid")[0].read_bytes()
    assert contract.decoder_accepts(value.ljust(limit))
    refusal = contract.refusal(value.ljust(limit + 1))
    assert refusal is not None
    assert refusal.reason == "too_large"


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * levels + closing * levels


@pytest.mark.parametrize("raw", [nested(63), b'{"a":' * 63 + b"1" + b"}" * 63])
def test_nesting_is_taken_up_to_the_limit(raw: bytes) -> None:
    assert EVENTS.decoder_accepts(event_with(b'"note": ' + raw))
    one_more = b"[" + raw + b"]"
    refusal = EVENTS.refusal(event_with(b'"note": ' + one_more))
    assert refusal is not None
    assert refusal.reason == "too_deep"


@pytest.mark.parametrize(
    "raw",
    [
        rb'"' + b"[" * 500 + rb'"',
        rb'"\"' + b"{" * 500 + rb'\\\" "',
        rb'"\\", "' + b"[" * 500 + rb'\"" : "[[["',
        b"[" + b",".join([nested(2)] * 300) + b"]",
    ],
)
def test_brackets_in_strings_and_side_by_side_are_no_depth(raw: bytes) -> None:
    assert raw.count(b"[") + raw.count(b"{") > MAX_DEPTH
    value = event_with(b'"note": ' + raw)
    assert EVENTS.schema_accepts(value)
    assert EVENTS.decoder_accepts(value)
