"""The client for asyncio; `stream_cw.client.blocking` is the same and waits."""

import asyncio
import inspect
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx
from httpx_sse import EventSource

from stream_cw.client.answers import Opened, Sent, Why
from stream_cw.client.backoff import Random, Tries
from stream_cw.client.calls import CALL_S, Call, Calls, Opening
from stream_cw.client.following import Clock, Following, ended, unreachable
from stream_cw.core.events import DeviceType, Event
from stream_cw.core.rows import Row, Version
from stream_cw.errors import GatewayError, GatewayUnavailableError

T = TypeVar("T")


class AsyncClient:
    """A client of one gateway, for asyncio; each method is that of `Client`, and awaited.

    Parameters
    ----------
    base_url : str
        Where the gateway is, such as `https://rows.example`.
    token : str or callable
        The bearer's JWT, or what gives a fresh one or an awaitable of one: it is asked before every
        request, and keeps a token for as long as it likes.
    http : httpx.AsyncClient, optional
        One with proxies, certificates or time limits of your own; it is left open.
    sleep, random, clock
        What waits, what draws the pauses between tries, and the seconds that pass.
    """

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str | Awaitable[str]],
        *,
        http: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Random = random.random,
        clock: Clock = time.monotonic,
    ) -> None:
        self._token = token
        self._is_own = http is None
        self._http = http or httpx.AsyncClient(timeout=CALL_S)
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._calls = Calls(base_url)

    async def send(self, events: Event | Iterable[Event]) -> Sent:
        """As `Client.send`."""
        return await self._ask(self._calls.send(events))

    async def open(
        self,
        profile: str,
        device: str,
        device_type: DeviceType,
        *,
        wait_ms: int | None = None,
        **opening: Unpack[Opening],
    ) -> Opened:
        """As `Client.open`."""
        return await self._ask(self._calls.open(profile, device, device_type, opening, wait_ms))

    async def row(self, profile: str, device: str) -> Row | None:
        """As `Client.row`."""
        return await self._ask(self._calls.row(profile, device))

    async def why(self, profile: str, device: str, version: Version | None = None) -> Why | None:
        """As `Client.why`."""
        return await self._ask(self._calls.why(profile, device, version))

    def rows(self, profile: str, device: str) -> "AsyncRows":
        """As `Client.rows`."""
        return AsyncRows(self, profile, device)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._is_own:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _ask(self, call: Call[T]) -> T:
        tries = Tries(self._random)
        while True:
            try:
                return call.read(await self._answer(call))
            except GatewayUnavailableError as failure:
                pause = tries.pause(failure)
            await self._sleep(pause)

    async def _answer(self, call: Call[T]) -> httpx.Response:
        try:
            return await self._http.request(**call.arguments(await self._fresh_token()))
        except httpx.TransportError as error:
            raise unreachable(error) from None

    async def _follow(self, following: Following) -> AsyncGenerator[Row | None]:
        while True:
            try:
                async with aclosing(self._connection(following)) as rows:
                    async for row in rows:
                        yield row
                failure: GatewayError = ended()
            except GatewayError as error:
                failure = error
            await self._sleep(following.pause(failure))

    async def _connection(self, following: Following) -> AsyncGenerator[Row | None]:
        arguments = following.arguments(await self._fresh_token())
        try:
            async with self._http.stream(**arguments) as answer:
                if not answer.is_success:
                    await answer.aread()
                following.connected(answer)
                async with aclosing(EventSource(answer).aiter_sse()) as events:
                    async for event in events:
                        for row in following.take(event):
                            yield row
        except httpx.TransportError as error:
            raise unreachable(error) from None

    async def _fresh_token(self) -> str:
        found = self._token if isinstance(self._token, str) else self._token()
        return await found if inspect.isawaitable(found) else found


class AsyncRows(AsyncIterator[Row | None]):
    """The rows of a device as they come; as `Rows`, and to be closed with `aclose`.

    Parameters
    ----------
    client : AsyncClient
    profile, device : str
    """

    def __init__(self, client: AsyncClient, profile: str, device: str) -> None:
        self._client = client
        self._place = (profile, device)
        self._following = Following(
            client._calls.device(profile, device),
            renewable=callable(client._token),
            random=client._random,
            clock=client._clock,
        )
        self._rows = client._follow(self._following)

    async def __anext__(self) -> Row | None:
        return await anext(self._rows)

    async def shown(self, device_type: DeviceType, **opening: Unpack[Opening]) -> Opened | None:
        """As `Rows.shown`."""
        if not self._following.wants_opening():
            return None
        opening.setdefault("event", "home_view")
        opened = await self._client.open(*self._place, device_type, **opening)
        self._following.was_opened()
        return opened

    async def aclose(self) -> None:
        """End the stream."""
        await self._rows.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
