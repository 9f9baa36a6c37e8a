"""Both halves of the client with one face, so that each test serves both."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from stream_cw.client import AsyncClient, AsyncRows, Client
from stream_cw.core.rows import Row

Note = Callable[[httpx.Response], None]


class WaitingRows:
    """`AsyncRows` with the face of `Rows`."""

    def __init__(self, runner: asyncio.Runner, rows: AsyncRows) -> None:
        self._runner = runner
        self._rows = rows

    def __next__(self) -> Row | None:
        async def row() -> Row | None:
            return await anext(self._rows)

        return self._runner.run(row())

    def shown(self, *args: Any, **given: Any) -> Any:
        return self._runner.run(self._rows.shown(*args, **given))

    def close(self) -> None:
        self._runner.run(self._rows.aclose())


class WaitingClient:
    """`AsyncClient` with the face of `Client`."""

    def __init__(self, base_url: str, token: Any, *, note: Note, **given: Any) -> None:
        async def anote(answer: httpx.Response) -> None:
            note(answer)

        if (sleep := given.pop("sleep", None)) is not None:

            async def asleep(seconds: float) -> None:
                sleep(seconds)

            given["sleep"] = asleep
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(timeout=30, event_hooks={"response": [anote]})
        self._client = AsyncClient(base_url, token, http=self._http, **given)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *args, **given: self._runner.run(method(*args, **given))

    def rows(self, profile: str, device: str) -> WaitingRows:
        return WaitingRows(self._runner, self._client.rows(profile, device))

    def close(self) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()


class WatchedClient(Client):
    """`Client`, with all answers noted."""

    def __init__(self, base_url: str, token: Any, *, note: Note, **given: Any) -> None:
        http = httpx.Client(timeout=30, event_hooks={"response": [note]})
        super().__init__(base_url, token, http=http, **given)

    def close(self) -> None:
        self._http.close()


class Connect:
    """Makes clients of one half.

    Attributes
    ----------
    statuses : list of int
        Of all answers that they got.
    resumed_after : list of str or None
        What each of their streams named as the last event.
    """

    def __init__(self, half: type[WaitingClient | WatchedClient]) -> None:
        self.statuses: list[int] = []
        self.resumed_after: list[str | None] = []
        self._half = half
        self._made: list[WaitingClient | WatchedClient] = []

    def __call__(self, base_url: str, token: Any, **given: Any) -> Any:
        self._made.append(self._half(base_url, token, note=self._note, **given))
        return self._made[-1]

    def _note(self, answer: httpx.Response) -> None:
        self.statuses.append(answer.status_code)
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            self.resumed_after.append(answer.request.headers.get("last-event-id"))

    def close(self) -> None:
        for client in self._made:
            client.close()
