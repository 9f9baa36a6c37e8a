"""What is asked of a gateway, as values: which request, and how its answer is read. No waiting."""

from collections.abc import Callable, Iterable
from secrets import token_hex
from typing import Any, Final, Generic, Literal, TypedDict, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from stream_cw.client.answers import Opened, Sent, Why, decoded, has_no_row, is_problem, refusal
from stream_cw.core.events import BaseEvent, DeviceType, Event
from stream_cw.core.rows import Row, Version

T = TypeVar("T")

CALL_S: Final = 10.0
"""How long a connection, or the next byte of an answer, may take."""
KEPT_ROWS: Final = 1_024
"""Rows that are remembered with their ETag; the one that was asked for longest ago leaves."""


class Opening(TypedDict, total=False):
    """What an opening may say beside the device: see `POST …/open` in docs/gateway.md."""

    event: Literal["session_start", "home_view"]
    event_id: str
    session_id: str
    tz_offset_min: int
    country: str
    ts: int


class Call(Struct, Generic[T], frozen=True, kw_only=True):
    """One request and the reader of its answer.

    Attributes
    ----------
    method, url : str
    read : callable
        From the answer, its body read, to the result; raises GatewayError where it is a refusal.
    params, headers : dict
    content : bytes or None
        JSON.
    """

    method: str
    url: str
    read: Callable[[httpx.Response], T]
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    content: bytes | None = None

    def arguments(self, token: str) -> dict[str, Any]:
        """Arguments of `httpx.Client.request`."""
        headers = self.headers | bearer(token)
        if self.content is not None:
            headers["Content-Type"] = "application/json"
        return {
            "method": self.method,
            "url": self.url,
            "params": self.params,
            "headers": headers,
            "content": self.content,
        }


class Calls:
    """Makes calls, and remembers rows so that they need not be sent again.

    Parameters
    ----------
    base_url : str
        Of the gateway.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._kept: dict[str, tuple[str, Row]] = {}

    def device(self, profile: str, device: str) -> str:
        """Address of a device of a profile."""
        return f"{self._base_url}/v1/profiles/{_segment(profile)}/devices/{_segment(device)}"

    def send(self, events: Event | Iterable[Event]) -> Call[Sent]:
        """Send events; the same `event_id` counts once, so it may be repeated."""
        body = [events] if isinstance(events, BaseEvent) else list(events)
        return Call(
            method="POST", url=f"{self._base_url}/v1/events", read=_read_sent, content=_json(body)
        )

    def open(
        self,
        profile: str,
        device: str,
        device_type: DeviceType,
        opening: Opening,
        wait_ms: int | None,
    ) -> Call[Opened]:
        """Open the app; the event gets its id here, so that a repeated call is one opening."""
        body = {"device_type": device_type, "event_id": token_hex(16), **opening}
        return Call(
            method="POST",
            url=self.device(profile, device) + "/open",
            read=lambda answer: decoded(_good(answer, 200, 202), Opened),
            params={} if wait_ms is None else {"wait_ms": str(wait_ms)},
            content=_json(body),
        )

    def row(self, profile: str, device: str) -> Call[Row | None]:
        """Ask for the newest row; one that is known already is not sent again."""
        url = self.device(profile, device) + "/row"
        kept = self._kept.get(url)

        def read(answer: httpx.Response) -> Row | None:
            self._kept.pop(url, None)
            if has_no_row(answer):
                return None
            found = kept if kept and answer.status_code == httpx.codes.NOT_MODIFIED else None
            etag, row = found or (_etag(answer), decoded(_good(answer, 200), Row))
            self._keep(url, etag, row)
            return row

        headers = {"If-None-Match": kept[0]} if kept else {}
        return Call(method="GET", url=url, read=read, headers=headers)

    def why(self, profile: str, device: str, version: Version | None) -> Call[Why | None]:
        """Ask why the newest row is as it is."""
        return Call(
            method="GET",
            url=self.device(profile, device) + "/row/why",
            read=lambda answer: None if has_no_row(answer) else decoded(_good(answer, 200), Why),
            params={} if version is None else {"version": version_text(version)},
        )

    def _keep(self, url: str, etag: str, row: Row) -> None:
        if not etag:
            return
        while len(self._kept) >= KEPT_ROWS:
            self._kept.pop(next(iter(self._kept)), None)
        self._kept[url] = (etag, row)


def bearer(token: str) -> dict[str, str]:
    """Header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def version_text(version: Version) -> str:
    """Write a version as the gateway does."""
    return f"{version.revision}.{version.catalog}.{version.model}"


def _segment(name: str) -> str:
    # `.` and `..` are ids as good as others, but in a path they would mean another one.
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


def _json(body: Any) -> bytes:
    return msgspec.json.encode(body)


def _read_sent(answer: httpx.Response) -> Sent:
    # Where none was accepted the status is 422, and the answer says of each why all the same.
    return decoded(_good(answer, 202) if is_problem(answer) else _good(answer, 202, 422), Sent)


def _good(answer: httpx.Response, *statuses: int) -> httpx.Response:
    if answer.status_code not in statuses:
        raise refusal(answer)
    return answer


def _etag(answer: httpx.Response) -> str:
    found: str = answer.headers.get("etag", "")
    return found
