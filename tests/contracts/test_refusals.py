"""What is refused is refused for good, says where, and says nothing of what it found."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from contract_cases import CATALOG, CONTRACTS, EVENTS, JSON_TOPICS, holder_of, places
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_cw.core.dead_letter import dead_letter
from stream_cw.core.events import decode_event
from stream_cw.core.partition import partition_for
from stream_cw.core.records import MAX_AHEAD_MS, Record, admit
from stream_cw.errors import RefusedRecordError

MARK = "Mallory-4711"
PLANTS: list[Any] = [
    f"{MARK} ",
    f"{MARK}\n",
    f"'{MARK}' - at `$.type`",
    f"\n'{MARK}'\n\"",
    f"Invalid value '{MARK}\n' x '{MARK}",
    {MARK: MARK},
    {"kind": f"{MARK}\n", "type": MARK, "surface": MARK, "id": f"{MARK}/"},
    [MARK],
    [[{MARK: MARK}]],
]


def read(path: Any) -> Any:
    return json.loads(path.read_bytes())


def path_in_message(at: tuple[str | int, ...]) -> str:
    return "`$" + "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in at)


@pytest.mark.parametrize("topic", CONTRACTS)
def test_no_refusal_tells_the_value_that_it_found(topic: str) -> None:
    contract = CONTRACTS[topic]
    refused = 0
    for example in map(read, contract.examples("valid")):
        for at in list(places(example)):
            holder, name = holder_of(example, at), at[-1]
            old = holder[name]
            for plant in PLANTS if topic in JSON_TOPICS else PLANTS[:5]:
                holder[name] = plant
                if refusal := contract.refusal(json.dumps(example).encode()):
                    refused += 1
                    assert "Mallory" not in refusal.message, (at, plant)
                    assert "Mallory" not in str(refusal)
                    assert refusal.__cause__ is None
                    assert refusal.__suppress_context__
            holder[name] = old
    assert refused > 50


@pytest.mark.parametrize("topic", JSON_TOPICS)
def test_a_refusal_names_the_field_by_its_path(topic: str) -> None:
    contract = CONTRACTS[topic]
    known = 0
    for example in map(read, contract.examples("valid")):
        for at in list(places(example)):
            holder, name = holder_of(example, at), at[-1]
            old = holder[name]
            holder[name] = {"x": 1}
            refusal = contract.refusal(json.dumps(example).encode())
            holder[name] = old
            if refusal is not None:
                known += 1
                assert path_in_message(at) in refusal.message
    assert known > 30


def test_a_refusal_names_the_missing_field() -> None:
    for example in map(read, EVENTS.examples("valid")):
        for name in ("event_id", "profile_id", "device_id", "device_type", "ts", "type"):
            rest = {key: child for key, child in example.items() if key != name}
            refusal = EVENTS.refusal(json.dumps(rest).encode())
            assert refusal is not None
            assert f"`{name}`" in refusal.message


@pytest.mark.parametrize("topic", JSON_TOPICS)
def test_unknown_fields_are_ignored(topic: str) -> None:
    contract = CONTRACTS[topic]
    new = {"a": [1.5, None, {"b": "🎬"}]}
    for path in contract.examples("valid"):
        plain, extended = read(path), read(path)
        for at in [(), *places(plain)]:
            child = holder_of(extended, (*at, ""))
            if isinstance(child, dict):
                child["later"] = new
        assert extended != plain
        value = json.dumps(extended).encode()
        assert contract.decode(value) == contract.decode(path.read_bytes())
        assert contract.schema_accepts(value)


@pytest.mark.parametrize("topic", JSON_TOPICS)
@settings(max_examples=150, deadline=None)
@given(value=st.binary(max_size=60) | st.text().map(str.encode))
def test_arbitrary_bytes_are_refused(topic: str, value: bytes) -> None:
    assert CONTRACTS[topic].refusal(value) is not None


@pytest.mark.parametrize("topic", JSON_TOPICS)
@pytest.mark.parametrize("value", [None, b""])
def test_no_value_is_refused_as_empty(topic: str, value: bytes | None) -> None:
    refusal = CONTRACTS[topic].refusal(value)  # type: ignore[arg-type]
    assert refusal is not None
    assert refusal.reason == "empty"


HOSTILE = {
    "nested arrays": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "open arrays": b"[" * 65_000,
    "open objects": b'{"a":' * 13_000,
    "a huge integer": b"9" * 20_000,
    "a huge negative integer": b"-" + b"9" * 20_000,
    "a huge exponent": b"1e" + b"9" * 20_000,
    "a long fraction": b"0." + b"1" * 20_000,
    "half a surrogate pair": rb'"\ud800"',
    "halves of surrogate pairs": b'"' + rb"\udfff" * 10_000 + b'"',
    "a long string": b'"' + b"x" * 1_000_000 + b'"',
    "an open string of escaped quotes": b'"' + rb"\"" * 32_000,
    "an open string of backslashes": b'"' + b"\\" * 64_001,
    "many small objects": b"[" + b"{}," * 20_000 + b"{}]",
}
HARMLESS_WHEN_UNKNOWN = {
    "a huge integer",
    "a huge negative integer",
    "a huge exponent",
    "a long fraction",
    "many small objects",
}


@pytest.mark.parametrize("topic", JSON_TOPICS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_values_are_refused_in_known_fields_and_skipped_or_refused_elsewhere(
    topic: str, kind: str
) -> None:
    contract = CONTRACTS[topic]
    raw = HOSTILE[kind]
    assert contract.refusal(raw) is not None
    example = read(min(contract.examples("valid"), key=lambda path: path.stat().st_size))
    for name in example:
        planted = json.dumps({**example, name: "@"}).encode().replace(b'"@"', raw)
        assert contract.refusal(planted) is not None
    unknown = json.dumps({"note": "@", **example}).encode().replace(b'"@"', raw)
    skipped = contract.refusal(unknown) is None
    assert skipped == (kind in HARMLESS_WHEN_UNKNOWN)


def at_depth(frames: int, call: Callable[[], Any]) -> Any:
    return call() if frames == 0 else at_depth(frames - 1, call)


@pytest.mark.parametrize("levels", [1, 40, 63, 64, 900, 5_000])
@pytest.mark.parametrize("place", ["note", "ranks"])
def test_the_verdict_on_nesting_does_not_depend_on_the_callers_stack(
    levels: int, place: str
) -> None:
    example = read(next(p for p in EVENTS.examples("valid") if p.stem == "row_seen.full"))
    raw = b"[" * levels + b"]" * levels
    value = json.dumps({**example, place: "@"}).encode().replace(b'"@"', raw)
    here = len(_frames())
    shallow = EVENTS.refusal(value)
    deep = at_depth(sys.getrecursionlimit() - here - 120, lambda: EVENTS.refusal(value))
    if place == "note" and levels < 64:
        assert shallow is None
        assert deep is None
    elif place == "ranks" and levels == 1:
        assert (shallow, deep) == (None, None)
    else:
        assert shallow is not None
        assert deep is not None
        assert (deep.reason, deep.message) == (shallow.reason, shallow.message)
        assert shallow.reason == ("too_deep" if levels >= 64 else "bad_field")


def _frames() -> list[Any]:
    found, frame = [], sys._getframe()
    while frame is not None:
        found.append(frame)
        frame = frame.f_back  # type: ignore[assignment]
    return found


def example_record(**changes: Any) -> Record:
    path = next(p for p in EVENTS.examples("valid") if p.stem == "play.full")
    event = decode_event(path.read_bytes())
    key = event.profile_id.encode()
    fields = {
        "key": key,
        "value": path.read_bytes(),
        "partition": partition_for(key, 4),
        "offset": 7,
        "append_ts": event.ts - MAX_AHEAD_MS,
    }
    return Record(**(fields | changes))


def test_a_record_is_admitted_up_to_five_minutes_ahead_of_its_append_time() -> None:
    record = example_record()
    assert admit(record, 4).profile_id.encode() == record.key
    assert admit(example_record(append_ts=None), 4)
    assert admit(example_record(partition=(record.partition + 1) % 4), None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key": None}, "key_mismatch"),
        ({"key": b""}, "key_mismatch"),
        ({"key": b"p-4712"}, "key_mismatch"),
        ({"key": b"p-4711\n"}, "key_mismatch"),
        ({"key": b'"p-4711"'}, "key_mismatch"),
        ({"key": b"\xff"}, "key_mismatch"),
        ({"partition": partition_for(b"p-4711", 4) ^ 1}, "wrong_partition"),
        ({"append_ts": 1712345678901 - MAX_AHEAD_MS - 1}, "from_the_future"),
        ({"value": None}, "empty"),
        ({"value": b"\xff"}, "bad_utf8"),
    ],
)
def test_a_record_that_breaks_a_rule_is_not_admitted(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedRecordError) as refused:
        admit(example_record(**changes), 4)
    assert refused.value.reason == reason
    assert "4711" not in refused.value.message


@pytest.mark.parametrize("path", EVENTS.examples("invalid"), ids=lambda path: path.stem)
def test_every_refused_event_makes_a_dead_letter_that_quotes_nothing_but_its_value(
    path: Any,
) -> None:
    value = path.read_bytes()
    record = Record(b"p-4711", value, 3, 17)
    with pytest.raises(RefusedRecordError) as refused:
        admit(record, 4)
    key, kept, headers = dead_letter(record, "cw.viewing-events.v1", refused.value)
    assert (key, kept) == (b"3/17/p-4711", value)
    assert dict(headers)["cw-reason"].decode() == path.stem.split(".")[0]
    assert b"4711" not in dict(headers)["cw-message"]


def test_a_refusal_in_a_long_series_names_the_episode() -> None:
    episodes = [{"id": f"e{n}"} for n in range(2_000)]
    episodes[1_234]["id"] = "e 1234"
    series = {"kind": "series", "id": "s", "seasons": [{"episodes": episodes}]}
    refusal = CATALOG.refusal(json.dumps(series).encode())
    assert refusal is not None
    assert "`$.seasons[0].episodes[1234].id`" in refusal.message
