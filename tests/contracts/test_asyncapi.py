"""schemas/asyncapi.yaml is what topics.yaml and the schemas say, in the form of the standard."""

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml
from contract_cases import SCHEMAS, holder_of, places

from stream_cw.broker.asyncapi import asyncapi_yaml

STANDARD: Final = Path(__file__).with_name("asyncapi-3.0.0.json")


@pytest.fixture
def document() -> Any:
    return yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_bytes())


@pytest.fixture
def topics() -> Any:
    return yaml.safe_load((SCHEMAS / "topics.yaml").read_bytes())["topics"]


@pytest.fixture(scope="module")
def standard() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(STANDARD.read_bytes()))


def references(document: Any) -> Iterator[str]:
    for place in places(document):
        if place[-1] == "$ref":
            yield holder_of(document, place)["$ref"]


def test_the_committed_document_is_the_generated_one() -> None:
    written = (SCHEMAS / "asyncapi.yaml").read_text()
    assert written == asyncapi_yaml(), "python -m stream_cw.broker.asyncapi writes it anew"


def test_the_document_is_as_the_standard_says(
    document: Any, standard: jsonschema_rs.Validator
) -> None:
    assert [error.message for error in standard.iter_errors(document)] == []


@pytest.mark.parametrize(
    "place",
    [
        ("channels", "events", "bindings", "kafka", "partitions"),
        ("operations", "worker-send-rows", "action"),
        ("components", "messages", "rows", "payload", "schemaFormat"),
    ],
    ids=lambda place: place[-1],
)
def test_the_standard_refuses_a_wrong_value(
    place: tuple[str, ...], document: Any, standard: jsonschema_rs.Validator
) -> None:
    holder_of(document, place)[place[-1]] = 0
    assert not standard.is_valid(document)


def test_every_reference_leads_somewhere(document: Any) -> None:
    found = list(references(document))
    assert any(reference.startswith("#/channels/") for reference in found)
    for reference in found:
        file, _, pointer = reference.partition("#")
        assert not file or (SCHEMAS / file).is_file(), reference
        if not file:
            assert reduce(lambda node, name: node[name], pointer.split("/")[1:], document)


def test_every_schema_of_a_topic_is_named_once(document: Any) -> None:
    files = [Path(found).name for found in references(document) if not found.startswith("#")]
    assert sorted(files) == sorted(path.name for path in SCHEMAS.glob("*.schema.json"))


def test_every_party_of_every_topic_has_its_operation(document: Any, topics: Any) -> None:
    told = {
        (operation["tags"][0]["name"], operation["action"], operation["channel"]["$ref"])
        for operation in document["operations"].values()
    }
    assert told == {
        (party, action, f"#/channels/{role}")
        for role, topic in topics.items()
        for action, parties in (("send", topic["producers"]), ("receive", topic["consumers"]))
        for party in parties
    }
    assert document["channels"].keys() == topics.keys()
