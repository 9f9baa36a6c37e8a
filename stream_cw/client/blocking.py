"""The client that waits; `stream_cw.client.awaiting` is the same for asyncio."""

import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator
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


class Client:
    """A client of one gateway.

    Parameters
    ----------
    base_url : str
        Where the gateway is, such as `https://rows.example`.
    token : str or callable
        The bearer's JWT, or what gives a fresh one: it is asked before every request, and keeps a
        token for as long as it likes.
    http : httpx.Client, optional
        One with proxies, certificates or time limits of your own; it is left open.
    sleep, random, clock
        What waits, what draws the pauses between tries, and the seconds that pass.
    """

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str],
        *,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Random = random.random,
        clock: Clock = time.monotonic,
    ) -> None:
        self._token = token
        self._is_own = http is None
        self._http = http or httpx.Client(timeout=CALL_S)
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._calls = Calls(base_url)

    def send(self, events: Event | Iterable[Event]) -> Sent:
        """Send up to 500 events; those that break the contract are named, the others are kept.

        Raises
        ------
        GatewayError
            If nothing of it is kept; GatewayUnavailableError if, after some tries, nobody knows.
            Then send the same again: an `event_id` counts once.
        """
        return self._ask(self._calls.send(events))

    def open(
        self,
        profile: str,
        device: str,
        device_type: DeviceType,
        *,
        wait_ms: int | None = None,
        **opening: Unpack[Opening],
    ) -> Opened:
        """Begin a session, or show the home page: the row is computed for this moment.

        Parameters
        ----------
        profile, device : str
        device_type : DeviceType
        wait_ms : int, optional
            How long the gateway may wait for that row before it gives the newest one.
        **opening
            `event` ("session_start", or "home_view"), `event_id`, `session_id`, `tz_offset_min`,
            `country`, `ts`.

        Raises
        ------
        GatewayError
        """
        return self._ask(self._calls.open(profile, device, device_type, opening, wait_ms))

    def row(self, profile: str, device: str) -> Row | None:
        """Ask for the newest row of a device; None where there is none.

        Raises
        ------
        GatewayError
        """
        return self._ask(self._calls.row(profile, device))

    def why(self, profile: str, device: str, version: Version | None = None) -> Why | None:
        """Ask why the newest row of a device is as it is; None where there is none.

        Raises
        ------
        GatewayError
            With status 410 if the newest row is newer than the version asked for.
        """
        return self._ask(self._calls.why(profile, device, version))

    def rows(self, profile: str, device: str) -> "Rows":
        """Follow the rows of a device."""
        return Rows(self, profile, device)

    def close(self) -> None:
        """Close the connections."""
        if self._is_own:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, call: Call[T]) -> T:
        tries = Tries(self._random)
        while True:
            try:
                return call.read(self._answer(call))
            except GatewayUnavailableError as failure:
                pause = tries.pause(failure)
            self._sleep(pause)

    def _answer(self, call: Call[T]) -> httpx.Response:
        try:
            return self._http.request(**call.arguments(self._fresh_token()))
        except httpx.TransportError as error:
            raise unreachable(error) from None

    def _follow(self, following: Following) -> Generator[Row | None]:
        while True:
            try:
                yield from self._connection(following)
                failure: GatewayError = ended()
            except GatewayError as error:
                failure = error
            self._sleep(following.pause(failure))

    def _connection(self, following: Following) -> Generator[Row | None]:
        arguments = following.arguments(self._fresh_token())
        try:
            with self._http.stream(**arguments) as answer:
                if not answer.is_success:
                    answer.read()
                following.connected(answer)
                for event in EventSource(answer).iter_sse():
                    yield from following.take(event)
        except httpx.TransportError as error:
            raise unreachable(error) from None

    def _fresh_token(self) -> str:
        return self._token if isinstance(self._token, str) else self._token()


class Rows(Iterator[Row | None]):
    """The rows of a device as they come, each newer than the one before; None: it is gone.

    Lost connections are made again, with pauses that grow, and go on with what is newer. The
    iterator ends with GatewayError where that does not help: TokenExpiredError above all.

    Parameters
    ----------
    client : Client
    profile, device : str
    """

    def __init__(self, client: Client, profile: str, device: str) -> None:
        self._client = client
        self._place = (profile, device)
        self._following = Following(
            client._calls.device(profile, device),
            renewable=callable(client._token),
            random=client._random,
            clock=client._clock,
        )
        self._rows = client._follow(self._following)

    def __next__(self) -> Row | None:
        return next(self._rows)

    def shown(self, device_type: DeviceType, **opening: Unpack[Opening]) -> Opened | None:
        """Say that the row comes to be shown again, as when the app comes to the front.

        Time changes the row: 15 minutes after it was opened last, it is opened anew with
        `home_view`. What that answers also comes by the stream.

        Returns
        -------
        Opened or None
            None where the row still holds.

        Raises
        ------
        GatewayError
        """
        if not self._following.wants_opening():
            return None
        opening.setdefault("event", "home_view")
        opened = self._client.open(*self._place, device_type, **opening)
        self._following.was_opened()
        return opened

    def close(self) -> None:
        """End the stream."""
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
