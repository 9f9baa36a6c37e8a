"""What the tests of the contracts share: each topic's schema, decoder and examples."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from stream_cw.core.catalog import decode_catalog_entry
from stream_cw.core.dead_letter import DeadLetter, Headers, decode_dead_letter, letter_key
from stream_cw.core.events import decode_event
from stream_cw.core.rows import decode_row
from stream_cw.errors import RefusedModelError, RefusedRecordError
from stream_cw.model.artefact import read_manifest

SCHEMAS: Final = Path(__file__).parents[2] / "schemas"


@dataclass(frozen=True)
class Contract:
    """The two judges of a topic's records."""

    topic: str
    schema: dict[str, Any]
    validator: jsonschema_rs.Draft202012Validator
    decode: Callable[[bytes], object]

    def schema_accepts(self, value: bytes) -> bool:
        try:
            return self.validator.is_valid(parse_strictly(value))
        except ValueError:
            return False

    def decoder_accepts(self, value: bytes) -> bool:
        return self.refusal(value) is None

    def refusal(self, value: bytes) -> RefusedRecordError | RefusedModelError | None:
        try:
            self.decode(value)
        except (RefusedRecordError, RefusedModelError) as error:
            return error
        return None

    def examples(self, verdict: str) -> list[Path]:
        return sorted((SCHEMAS / "examples" / self.topic / verdict).glob("*.json"))


class RepeatedNameError(Exception):
    """A name stands twice in an object: schemas.README leaves that out of the contract."""


def parse_strictly(value: bytes) -> Any:
    """Parse JSON as schemas/README.md says it is; ValueError otherwise.

    No field is a fraction, so any fraction will do for a number that is written as one: `1.0` must
    not pass for an integer. Integers that a validator may not hold become others as far outside.
    """
    parsed = json.loads(
        value.decode("utf-8"),
        object_pairs_hook=_object,
        parse_constant=_refuse,
        parse_float=lambda _: 0.5,
        parse_int=lambda text: int(text[:20]),
    )
    json.dumps(parsed, ensure_ascii=False).encode()  # refuses half a surrogate pair
    return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise RepeatedNameError
    return made


def _refuse(text: str) -> None:
    raise ValueError(text)


def headers_of(value: bytes) -> Headers:
    """Take the object of headers in an example apart; half a surrogate pair makes bad UTF-8."""
    return [
        (name, None if content is None else content.encode("utf-8", "surrogatepass"))
        for name, content in json.loads(value).items()
    ]


def letter_of(headers: Headers) -> tuple[bytes, bytes, Headers]:
    """Put key and value to the headers of a letter, of a refused record with the key `key`."""
    told = dict(headers)
    try:
        place = [int(told[f"cw-origin-{name}"] or b"") for name in ("partition", "offset")]
    except (KeyError, ValueError):  # they are refused before the key is looked at
        place = [0, 0]
    return letter_key(*place, b"key"), b"" if "cw-value-null" in told else b"value", headers


def _decode_headers(value: bytes) -> DeadLetter:
    return decode_dead_letter(*letter_of(headers_of(value)))


def _contract(topic: str, decode: Callable[[bytes], object]) -> Contract:
    schema = json.loads((SCHEMAS / f"{topic}.schema.json").read_bytes())
    return Contract(topic, schema, jsonschema_rs.Draft202012Validator(schema), decode)


CONTRACTS: Final = {
    contract.topic: contract
    for contract in (
        _contract("viewing-events.v1", decode_event),
        _contract("row-updates.v1", decode_row),
        _contract("catalog.v1", decode_catalog_entry),
        _contract("dead-letters.v1", _decode_headers),
        _contract("models.v1", read_manifest),
    )
}
JSON_TOPICS: Final = [topic for topic in CONTRACTS if topic != "dead-letters.v1"]
EVENTS: Final = CONTRACTS["viewing-events.v1"]
ROWS: Final = CONTRACTS["row-updates.v1"]
CATALOG: Final = CONTRACTS["catalog.v1"]
DEAD_LETTERS: Final = CONTRACTS["dead-letters.v1"]
MODELS: Final = CONTRACTS["models.v1"]

Path_ = tuple[str | int, ...]


def places(node: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Every place in a JSON value below its root."""
    children = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for name, child in children:
        yield (*at, name)
        yield from places(child, (*at, name))


def holder_of(value: Any, at: Path_) -> Any:
    """Find the object or array that a place is in."""
    for name in at[:-1]:
        value = value[name]
    return value
