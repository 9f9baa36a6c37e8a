"""The schemas of the OpenAPI document: those of the topics, and those of the gateway's own answers.

None is written twice. What stands on a topic comes from the files in `schemas/`, with each of their
definitions as a component of its own; what the gateway alone says comes from the structs that it
reads and answers with.
"""

import json
from typing import Any, Final

import msgspec

from stream_cw.broker.contract import schemas_dir
from stream_cw.gateway import events, opening, rows

Json = dict[str, Any]

EVENT: Final = "Event"
ROW: Final = "Row"
ID: Final = "Row.id"
VERSION: Final = r"^[0-9]{1,16}\.[0-9]{1,16}\.[0-9]{1,16}$"
"""A version as it is written: revision, catalog, model."""

_FILES: Final = {EVENT: "viewing-events.v1", ROW: "row-updates.v1"}
_HEAD: Final = {"$schema", "$id"}


class Ticket(msgspec.Struct):
    """A ticket for one stream."""

    ticket: str
    expires_in_s: int


class ProblemDetails(msgspec.Struct):
    """Why a request is refused (RFC 9457); `reason` is a stable word for programs."""

    status: int
    title: str
    detail: str
    reason: str


STRUCTS: Final = (
    events.Answer,
    opening.Opening,
    opening.Opened,
    rows.Why,
    Ticket,
    ProblemDetails,
)


def ref(name: str) -> Json:
    """Refer to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas() -> Json:
    """Return all components, by their names."""
    found: Json = {}
    for name, file in _FILES.items():
        found |= _of_file(name, file)
    found |= _of_structs()
    found["EventToSend"] = _to_send(found[EVENT])
    found["Opened"]["properties"]["row"] = {"anyOf": [ref(ROW), {"type": "null"}]}
    found["Why"]["properties"]["version"]["pattern"] = VERSION
    return found


def _of_file(name: str, file: str) -> Json:
    """Take a schema file apart: `#/$defs/x` of it is the component `name.x`."""
    schema = json.loads((schemas_dir() / f"{file}.schema.json").read_bytes())
    parts = {f"{name}.{part}": told for part, told in schema.pop("$defs").items()}
    whole = {word: told for word, told in schema.items() if word not in _HEAD}
    found = {name: whole, **parts}
    return {word: _renamed(told, name) for word, told in found.items()}


def _renamed(node: Any, name: str) -> Any:
    if isinstance(node, list):
        return [_renamed(part, name) for part in node]
    if not isinstance(node, dict):
        return node
    made = {word: _renamed(told, name) for word, told in node.items()}
    if isinstance(target := made.get("$ref"), str):
        made["$ref"] = target.replace("#/$defs/", f"#/components/schemas/{name}.")
    return made


def _to_send(event: Json) -> Json:
    """Leave the id out of what an event must have: `Idempotency-Key` may stand for it."""
    required = [name for name in event["required"] if name != "event_id"]
    return {**event, "title": "Event to send", "required": required}


def _of_structs() -> Json:
    template = "#/components/schemas/{name}"
    _, found = msgspec.json.schema_components(STRUCTS, ref_template=template)
    return {name: _portable(schema) for name, schema in found.items()}


def _portable(node: Any) -> Any:
    """Write a schema for all languages: patterns of ECMA 262, no sections of docstrings."""
    if isinstance(node, list):
        return [_portable(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {word: _portable(told) for word, told in node.items()}
    if isinstance(pattern := made.get("pattern"), str):
        made["pattern"] = pattern.replace(r"\Z", "$")
    if isinstance(text := made.get("description"), str):
        made["description"] = text.partition("\n\n")[0]
    return made
