"""An idempotency key names events that have no id, and only such a key does."""

import asyncio
import json

import httpx
from gateway_in_process import gateway_app
from gateway_support import AUDIENCE, ISSUER, SECRET, an_event, bearing

from stream_cw.gateway.settings import load_gateway_settings


def answers(*keys: str) -> list[httpx.Response]:
    """Send the same event without an id under each of these keys."""
    settings = load_gateway_settings(issuer=ISSUER, audience=AUDIENCE, secret=SECRET)
    event = an_event(1)
    del event["event_id"]

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        headers = bearing("ann")
        return [
            await client.post(
                "/v1/events", content=json.dumps(event), headers={**headers, "idempotency-key": key}
            )
            for key in keys
        ]

    async def ask_all() -> list[httpx.Response]:
        with gateway_app(settings) as app:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await ask(client)

    return asyncio.run(ask_all())


def test_the_same_key_gives_the_same_id() -> None:
    ids = [answer.json()["accepted"][0]["event_id"] for answer in answers("a", "a", "b")]
    assert ids[0] == ids[1] != ids[2]


def test_an_empty_key_gives_none() -> None:
    [answer] = answers("")
    assert answer.status_code == 422
    assert [refused["reason"] for refused in answer.json()["refused"]] == ["bad_field"]
