"""Ask an application without a network between: a request goes in, the whole answer comes out."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Asking:
    """Asks one request after the other; none may fail in a way that a server would log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._runner = asyncio.Runner()

    def close(self) -> None:
        self._runner.close()

    def __call__(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        chunk: int = 65_536,
    ) -> Answer:
        return self._runner.run(self._ask(method, target, body, headers or {}, chunk))

    async def _ask(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str], chunk: int
    ) -> Answer:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "state": {},
        }
        pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
        came: list[Message] = []

        async def receive() -> Message:
            if not pieces:
                return {"type": "http.disconnect"}
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: Message) -> None:
            came.append(message)

        await self._app(scope, receive, send)
        assert came[0]["type"] == "http.response.start"
        named = {name.decode(): value.decode() for name, value in came[0]["headers"]}
        content = b"".join(message.get("body", b"") for message in came[1:])
        return Answer(came[0]["status"], named, content)
