"""The OpenAPI document of the gateway, made from the table of operations and the schemas.

`python -m stream_cw.gateway.openapi > schemas/openapi.json` writes it anew. Tests hold the
committed file to what is made, and a running gateway to the file.
"""

import json
import sys
from functools import cache
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from stream_cw import __version__
from stream_cw.gateway.components import Json, ref, schemas
from stream_cw.gateway.operations import JSON, OPERATIONS, PARAMETERS, Answer, Operation
from stream_cw.gateway.problems import MEDIA_TYPE

_ABOUT: Final = (
    "Send playback events, receive the Continue Watching row. docs/gateway.md tells it in words; "
    "schemas/README.md says what a schema cannot."
)
_PROBLEMS: Final = {
    400: "The request is cut short.",
    401: "Nothing proves who asks.",
    403: "The token does not name the profile.",
    404: "There is none.",
    410: "There was one; a newer one has taken its place.",
    413: "Too many bytes or events.",
    422: "It breaks the contract.",
    429: "Too much at once; `Retry-After` says when to come back.",
    503: "Not now: brokers do not answer, or the gateway is not ready or full.",
}


def openapi_document() -> Json:
    """Describe the gateway as OpenAPI 3.1 has it; JSON."""
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "stream-cw gateway",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "parameters": {name: {"name": name, **told} for name, told in PARAMETERS.items()},
            "responses": {str(status): _problem(about) for status, about in _PROBLEMS.items()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
            },
        },
    }


async def description(_request: Request) -> Response:
    """Answer `GET /openapi.json`."""
    return Response(openapi_json(), media_type=JSON)


@cache
def openapi_json() -> str:
    """Write the document as it stands in `schemas/openapi.json`."""
    return json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"


def _operation(operation: Operation) -> Json:
    in_path = [name for name in ("profile", "device") if f"{{{name}}}" in operation.path]
    told: Json = {
        "operationId": operation.id,
        "summary": operation.about,
        "security": list(operation.security),
        "parameters": [
            {"$ref": f"#/components/parameters/{name}"}
            for name in (*in_path, *operation.parameters)
        ],
        "responses": _responses(operation),
    }
    if operation.body:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": operation.body}}}
    return told


def _responses(operation: Operation) -> Json:
    told: dict[int, Json] = {status: _answer(a) for status, a in operation.answers.items()}
    for status in operation.problems:
        if status in told:
            told[status]["content"] |= _problem("")["content"]
        else:
            told[status] = {"$ref": f"#/components/responses/{status}"}
    return {str(status): told[status] for status in sorted(told)}


def _answer(answer: Answer) -> Json:
    told: Json = {"description": answer.about}
    if answer.headers:
        told["headers"] = answer.headers
    if answer.media_type is not None:
        told["content"] = {answer.media_type: {"schema": answer.schema} if answer.schema else {}}
    return told


def _problem(about: str) -> Json:
    return {"description": about, "content": {MEDIA_TYPE: {"schema": ref("ProblemDetails")}}}


if __name__ == "__main__":
    sys.stdout.write(openapi_json())
