"""The gateway keeps to its OpenAPI document, whatever it is asked: schemathesis asks."""

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from gateway_in_process import gateway_app
from gateway_support import AUDIENCE, ISSUER, SECRET, bearing
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from starlette.applications import Starlette

from stream_cw.core.events import SessionStart
from stream_cw.gateway.openapi import openapi_document
from stream_cw.gateway.settings import load_gateway_settings

PROFILE: Final = "p1"
DEVICE: Final = "tv-1"
EXAMPLES: Final = 10

REFUSES_VALID: Final = {"sendEvents": 422, "open": 422, "getWhy": 410}
"""What follows the schema may still be from the future, or of a version that is gone."""
SETTINGS: Final[dict[str, Any]] = {
    "max-stream-events": 1,
    "generation": {"max-examples": EXAMPLES},
    "phases": {"stateful": {"generation": {"max-examples": 3}}},
    "checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 413, 422]}},
    "operations": [
        {
            "include-operation-id": name,
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "3xx", 401, 403, 404, status]
                }
            },
        }
        for name, status in REFUSES_VALID.items()
    ]
    # The stream of a device without a row has no event for a long time.
    + [{"include-operation-id": "followRows", "request-timeout": 0.1}],
}


@pytest.fixture
def app() -> Iterator[Starlette]:
    made = load_gateway_settings(
        issuer=ISSUER,
        audience=AUDIENCE,
        secret=SECRET,
        open_wait_ms=0,
        events_per_second=1e6,
        events_at_once=1_000_000,
    )
    opening = SessionStart(
        event_id="e1",
        profile_id=PROFILE,
        device_id=DEVICE,
        device_type="tv",
        ts=int(time.time() * 1000),
    )
    with gateway_app(made, [opening]) as app:
        yield app


def document_of_one_profile() -> dict[str, Any]:
    """Narrow the document to the token's profile, and name a device that has a row.

    Of any other profile the answer is 403, and few ids that are drawn have a row.
    """
    document = openapi_document()
    components = document["components"]
    parameters = components["parameters"]
    parameters["profile"]["schema"] = {"const": PROFILE}
    parameters["device"]["schema"] = {"anyOf": [{"const": DEVICE}, parameters["device"]["schema"]]}
    event = components["schemas"]["EventToSend"]
    event["properties"] = event["properties"] | {"profile_id": {"const": PROFILE}}
    return document


def test_the_gateway_answers_as_its_document_says(app: Starlette) -> None:
    bearer = {"Authorization": bearing(PROFILE)["authorization"]}
    config = SchemathesisConfig.from_dict(SETTINGS | {"headers": bearer})
    schema = schemathesis.openapi.from_dict(document_of_one_profile(), config=config)
    schema.app = app
    failures: list[str] = []
    statuses: dict[str, set[int]] = defaultdict(set)
    for event in engine.from_schema(schema).execute():
        if isinstance(event, NonFatalError | FatalError):
            failures.append(str(event))
        if isinstance(event, ScenarioFinished):
            failures += failures_of(event)
            for name, interaction in event.recorder.interactions.items():
                label = event.recorder.cases[name].value.operation.label
                if interaction.response is not None:
                    statuses[label].add(interaction.response.status_code)
    assert not failures, "\n\n".join(failures)
    assert len(statuses) == len(list(schema.get_all_operations()))
    assert {label: found for label, found in statuses.items() if min(found) >= 300} == {}


def failures_of(event: ScenarioFinished) -> list[str]:
    """What was not as the document says, with how to ask the same again."""
    return [
        f"{event.recorder.label}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]
