"""schemas/openapi.json is what the table and the schemas say, in the form of the standard."""

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import schemathesis
from gateway_in_process import gateway_app
from gateway_support import AUDIENCE, ISSUER, SECRET
from starlette.routing import Route

from stream_cw.gateway.openapi import openapi_json
from stream_cw.gateway.settings import load_gateway_settings

SCHEMAS: Final = Path(__file__).parents[2] / "schemas"
TOPICS: Final = {"Event": "viewing-events.v1", "Row": "row-updates.v1"}


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads((SCHEMAS / "openapi.json").read_bytes())


def component(document: Any, name: str) -> jsonschema_rs.Draft202012Validator:
    whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(whole)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(target := node.get("$ref"), str):
            yield target
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_the_committed_document_is_the_generated_one() -> None:
    written = (SCHEMAS / "openapi.json").read_text()
    assert written == openapi_json(), "python -m stream_cw.gateway.openapi writes it anew"


def test_the_document_is_as_the_standard_says(document: Any) -> None:
    schemathesis.openapi.from_dict(document).validate()
    broken = document | {"paths": {"/v1/events": {"post": {"responses": []}}}}
    with pytest.raises(Exception, match="not of type"):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_reference_leads_somewhere_and_every_component_is_referred_to(document: Any) -> None:
    found = set(references(document))
    for target in found:
        assert reduce(lambda node, name: node[name], target.split("/")[1:], document)
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in document["components"].items()
        if kind != "securitySchemes"
        for name in named
    }
    assert components - found == {"#/components/schemas/Event"}  # it is what EventToSend is made of


def test_every_way_into_the_gateway_is_described(document: Any) -> None:
    told = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    settings = load_gateway_settings(issuer=ISSUER, audience=AUDIENCE, secret=SECRET)
    with gateway_app(settings) as app:
        ways = {
            (method, route.path)
            for route in app.routes
            if isinstance(route, Route)
            for method in (route.methods or set()) - {"HEAD"}
        }
    assert told <= ways
    assert {way for way in ways if way[1].startswith("/v1/")} <= told


def test_every_component_is_a_schema(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name


@pytest.mark.parametrize("name", TOPICS)
def test_what_stands_on_a_topic_is_judged_as_by_its_own_schema(name: str, document: Any) -> None:
    judge = component(document, name)
    own = jsonschema_rs.Draft202012Validator(
        json.loads((SCHEMAS / f"{TOPICS[name]}.schema.json").read_bytes())
    )
    seen = set()
    for path in (SCHEMAS / "examples" / TOPICS[name]).rglob("*.json"):
        if path.name.startswith(("bad_json", "bad_utf8", "empty")):
            continue  # no JSON at all
        value = json.loads(path.read_bytes())
        assert judge.is_valid(value) == own.is_valid(value), path.name
        seen.add(own.is_valid(value))
    assert seen == {True, False}


def test_an_event_may_be_sent_without_an_id(document: Any) -> None:
    event = json.loads(
        (SCHEMAS / "examples" / TOPICS["Event"] / "valid" / "stop.minimal.json").read_bytes()
    )
    del event["event_id"]
    assert component(document, "EventToSend").is_valid(event)
    assert not component(document, "Event").is_valid(event)
    del event["ts"]
    assert not component(document, "EventToSend").is_valid(event)
