"""The AsyncAPI document of the topics, made from `schemas/`: channels, messages, who sends what.

`python -m stream_cw.broker.asyncapi > schemas/asyncapi.yaml` writes it anew; a test holds the
committed file to what `topics.yaml` and the schemas beside it say.
"""

import re
import sys
from typing import Any, Final

import yaml

from stream_cw import __version__
from stream_cw.broker.contract import DEFAULT_APP_ID, TopicSpec, schemas_dir, topics_contract

_KAFKA_BINDING: Final = "0.5.0"
_SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
_HEAD: Final = (
    "# Made from topics.yaml and the schemas: python -m stream_cw.broker.asyncapi > {file}\n"
)
_ABOUT: Final = (
    "The topics of stream-cw. An operation is told from the side of the party in its tag: a "
    "producer sends, a consumer receives. schemas/README.md says what a schema cannot; records of "
    "a profile lie in the partition of its id (murmur2, Kafka's default partitioner)."
)

Json = dict[str, Any]


def asyncapi_document() -> Json:
    """Describe every topic of `topics.yaml` as AsyncAPI 3.0 has it.

    Returns
    -------
    dict
        JSON; `$ref` of a payload names the schema file, from the folder `schemas`.
    """
    contract = topics_contract()
    specs = contract.topics
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "stream-cw",
            "version": __version__,
            "description": _ABOUT,
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "servers": {
            "kafka": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "STREAM_CW_BROKERS names it.",
            }
        },
        "channels": {
            role: _channel(role, spec, spec.partitions or contract.partitions)
            for role, spec in specs.items()
        },
        "operations": {
            name: operation
            for role, spec in specs.items()
            for name, operation in _operations(role, spec).items()
        },
        "components": {"messages": {role: _message(spec) for role, spec in specs.items()}},
    }


def asyncapi_yaml() -> str:
    """Write the document as it stands in `schemas/asyncapi.yaml`."""
    text = yaml.safe_dump(asyncapi_document(), sort_keys=False, width=100, allow_unicode=True)
    return _HEAD.format(file="schemas/asyncapi.yaml") + text


def _channel(role: str, spec: TopicSpec, partitions: int) -> Json:
    channel: Json = {
        "address": spec.name,
        "description": f"{spec.holds} {spec.compatibility}",
        "messages": {role: {"$ref": f"#/components/messages/{role}"}},
        "bindings": {
            "kafka": {
                "partitions": partitions,
                "topicConfiguration": _configuration(spec),
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }
    if "{app_id}" in spec.name:
        about = {"default": DEFAULT_APP_ID, "description": "What the workers have in common."}
        channel["parameters"] = {"app_id": about}
    return channel


def _configuration(spec: TopicSpec) -> Json:
    config: Json = dict(spec.config)
    config["cleanup.policy"] = str(config["cleanup.policy"]).split(",")
    return config


def _message(spec: TopicSpec) -> Json:
    message: Json = {
        "name": spec.name.removeprefix("{app_id}-"),
        "summary": spec.holds,
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": spec.key},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }
    headers = spec.name.removeprefix("cw.") + ".schema.json"
    if spec.value.endswith(".json"):
        message["contentType"] = "application/json"
        message["payload"] = _schema_file(spec.value)
    else:
        message["description"] = f"Value: {spec.value}."
        if (schemas_dir() / headers).is_file():
            message["headers"] = _schema_file(headers)
    return message


def _schema_file(name: str) -> Json:
    return {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"./{name}"}}


def _operations(role: str, spec: TopicSpec) -> dict[str, Json]:
    told = [("send", party) for party in spec.producers]
    told += [("receive", party) for party in spec.consumers]
    return {
        f"{_slug(party)}-{action}-{role}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{role}"},
            "title": party,
            "tags": [{"name": party}],
        }
        for action, party in told
    }


def _slug(party: str) -> str:
    return re.sub(r"[^a-z]+", "-", party.removeprefix("stream-cw ")).strip("-")


if __name__ == "__main__":
    sys.stdout.write(asyncapi_yaml())
