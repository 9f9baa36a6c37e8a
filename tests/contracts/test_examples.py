"""Every example has the verdict that its folder says, from schema and decoder alike."""

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import msgspec
import pytest
from contract_cases import (
    CATALOG,
    CONTRACTS,
    DEAD_LETTERS,
    EVENTS,
    MODELS,
    ROWS,
    SCHEMAS,
    Contract,
    headers_of,
    letter_of,
)

from stream_cw.core.catalog import (
    EpisodeEntry,
    MovieEntry,
    Season,
    SeriesEntry,
    decode_catalog_entry,
    encode_catalog_entry,
)
from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.dead_letter import _LetterHeaders, dead_letter, decode_dead_letter
from stream_cw.core.events import Event, Origin, Title, decode_event, encode_event
from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record, admit
from stream_cw.core.row import row
from stream_cw.core.rows import (
    Cause,
    ModelRef,
    Placement,
    Row,
    Tile,
    Version,
    decode_row,
    encode_row,
)
from stream_cw.core.state import Source
from stream_cw.core.step import step
from stream_cw.errors import RefusedRecordError
from stream_cw.model.artefact import Envelope, Outline
from stream_cw.model.manifest import Calibration, LogUse, Manifest, Metric

EPOCH = bytes(range(16))
EVENT_TYPES = get_args(Event)


def cases(verdict: str) -> list[Any]:
    return [
        pytest.param(contract, path, id=f"{topic}/{path.stem}")
        for topic, contract in CONTRACTS.items()
        for path in contract.examples(verdict)
    ]


def of(contract: Contract) -> Any:
    return pytest.mark.parametrize("path", contract.examples("valid"), ids=lambda path: path.stem)


@pytest.mark.parametrize(("contract", "path"), cases("valid"))
def test_a_valid_example_is_accepted_by_schema_and_decoder(contract: Contract, path: Path) -> None:
    value = path.read_bytes()
    assert contract.schema_accepts(value)
    assert contract.refusal(value) is None


@pytest.mark.parametrize(("contract", "path"), cases("invalid"))
def test_an_invalid_example_is_refused_by_both_for_the_reason_in_its_name(
    contract: Contract, path: Path
) -> None:
    value = path.read_bytes()
    assert not contract.schema_accepts(value)
    refusal = contract.refusal(value)
    assert refusal is not None
    assert refusal.reason == path.stem.split(".")[0]


@pytest.mark.parametrize("topic", CONTRACTS)
def test_every_schema_is_a_schema_and_has_examples_of_both_kinds(topic: str) -> None:
    jsonschema_rs.meta.validate(CONTRACTS[topic].schema)
    assert CONTRACTS[topic].schema["$id"] == f"urn:stream-cw:{topic.replace('.', ':')}"
    assert len(CONTRACTS[topic].examples("valid")) >= 2
    assert len(CONTRACTS[topic].examples("invalid")) >= 20


def test_no_schema_and_no_example_is_left_out() -> None:
    assert {path.name for path in SCHEMAS.glob("*.schema.json")} == {
        f"{topic}.schema.json" for topic in CONTRACTS
    }
    driven = {
        path
        for contract in CONTRACTS.values()
        for verdict in ("valid", "invalid")
        for path in contract.examples(verdict)
    }
    stored = {path for path in (SCHEMAS / "examples").rglob("*") if path.is_file()}
    assert stored - driven == {SCHEMAS / "examples" / ".gitattributes"}


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: event.__struct_config__.tag)
def test_every_event_type_has_a_full_and_a_minimal_example(event: type[msgspec.Struct]) -> None:
    folder = SCHEMAS / "examples" / EVENTS.topic / "valid"
    tag = event.__struct_config__.tag
    full = json.loads((folder / f"{tag}.full.json").read_bytes())
    minimal = json.loads((folder / f"{tag}.minimal.json").read_bytes())
    fields = msgspec.structs.fields(event)
    assert full["type"] == minimal["type"] == tag
    assert full.keys() == {"type", *(field.name for field in fields)}
    assert minimal.keys() == {"type", *(field.name for field in fields if field.required)}


STRUCTS = {
    EVENTS.topic: (*EVENT_TYPES, *get_args(Title), Origin),
    ROWS.topic: (Row, Version, Cause, ModelRef, Placement, Tile),
    CATALOG.topic: (MovieEntry, SeriesEntry, Season, EpisodeEntry),
    DEAD_LETTERS.topic: (_LetterHeaders,),
    MODELS.topic: (Envelope, Outline, Manifest, LogUse, Calibration, Metric),
}


@pytest.mark.parametrize("topic", CONTRACTS)
def test_schema_and_structs_name_the_same_fields_and_the_schema_explains_each(topic: str) -> None:
    told = _properties(CONTRACTS[topic].schema)
    structs = STRUCTS[topic]
    read = {field.encode_name for struct in structs for field in msgspec.structs.fields(struct)}
    tags = {struct.__struct_config__.tag_field for struct in structs} - {None}
    assert told.keys() == read | tags
    for name, descriptions in told.items():
        assert any(descriptions), name
        if name.endswith(("_ms", "_ts")) or name == "ts":
            assert any("millisecond" in text.lower() for text in descriptions), name


def _properties(schema: Any, into: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
    into = {} if into is None else into
    if isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            texts = into.setdefault(name, [])
            texts += [field[key] for key in ("title", "description") if key in field]
            texts += field.get("enum", [])
        for child in schema.values():
            _properties(child, into)
    elif isinstance(schema, list):
        for child in schema:
            _properties(child, into)
    return into


@of(EVENTS)
def test_a_valid_event_is_admitted_and_taken_into_a_state(path: Path) -> None:
    value = path.read_bytes()
    event = decode_event(value)
    assert decode_event(encode_event(event)) == event
    key = event.profile_id.encode()
    place = partition_for(key, 4)
    assert admit(Record(key, value, place, 7, event.ts), 4) == event
    taken = step(None, event, Source(EPOCH, place, 7))
    assert taken.applied
    if taken.state is None:
        assert taken.erased == (event.device_id,)
        return
    assert decode_state(encode_state(taken.state)) == taken.state
    assert not step(taken.state, event, Source(EPOCH, place, 7)).applied
    made = row(taken.state, event.profile_id, event.device_id)
    assert ROWS.schema_accepts(encode_row(made))
    assert decode_row(encode_row(made)) == made


@of(ROWS)
def test_a_valid_row_is_encoded_to_canonical_bytes(path: Path) -> None:
    value = path.read_bytes()
    written = json.loads(value)
    made = decode_row(value)
    canonical = encode_row(made)
    assert encode_row(decode_row(canonical)) == canonical
    known = _without_unknown(written)
    assert canonical == json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode()


def _without_unknown(written: dict[str, Any]) -> dict[str, Any]:
    known = {name: child for name, child in written.items() if name in Row.__struct_fields__}
    known["cause"] = written["cause"] | {"recorded": written["cause"].get("recorded", True)}
    known["tiles"] = [
        {name: child for name, child in tile.items() if name in Tile.__struct_fields__}
        for tile in written["tiles"]
    ]
    return known


@of(CATALOG)
def test_a_valid_catalog_entry_survives_writing_and_reading(path: Path) -> None:
    entry = decode_catalog_entry(path.read_bytes())
    written = encode_catalog_entry(entry)
    assert decode_catalog_entry(written) == entry
    assert CATALOG.schema_accepts(written)
    assert entry.id == json.loads(path.read_bytes())["id"]


@of(DEAD_LETTERS)
def test_a_valid_dead_letter_tells_what_its_headers_say(path: Path) -> None:
    headers = headers_of(path.read_bytes())
    letter = decode_dead_letter(*letter_of(headers))
    told = dict(headers)
    assert letter.identity() == (
        told["cw-origin-topic"].decode(),
        int(told["cw-origin-partition"]),
        int(told["cw-origin-offset"]),
    )
    error = RefusedRecordError(letter.reason, letter.message)
    record = Record(b"key", letter.value, letter.partition, letter.offset)
    again = dead_letter(record, letter.topic, error)
    cut = {"cw-value-bytes", "cw-value-sha256"}
    assert dict(again[2]) == {k: v for k, v in told.items() if k.startswith("cw-") and k not in cut}
