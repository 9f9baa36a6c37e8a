"""`GET …/rows`: a device's rows as server-sent events, for as long as the client reads.

A stream has one mailbox and no queue: what it writes next is taken when the client has read what
was written before, and is then the newest row.
"""

import asyncio
import random
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from stream_cw.core.rows import Version, row_key
from stream_cw.errors import TokenRefusedError
from stream_cw.gateway.access import Asked, asked, device_of, unproved
from stream_cw.gateway.feed import Feed
from stream_cw.gateway.latest import Known
from stream_cw.gateway.problems import Problem, json_response
from stream_cw.gateway.rows import parse_tag
from stream_cw.gateway.server import TRANSPORT
from stream_cw.gateway.subscribers import Mailbox
from stream_cw.gateway.tickets import TICKET_LIFE_S, Tickets
from stream_cw.gateway.tokens import Tokens
from stream_cw.gateway.writing import CutOff, Writer

RETRY_MS: Final = (1_000, 4_000)
"""Clients whose streams end come back after a time between these, and so not all at once."""

HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
HEARTBEAT: Final = b":\n\n"
ERASED: Final = b"event: erased\nid:\ndata:\n\n"
EXPIRED: Final = b"event: expired\ndata:\n\n"


def frame(known: Known) -> bytes:
    """Write a row as an event; it is on one line, the store takes no other."""
    return b"event: row\nid: %b\ndata: %b\n\n" % (known.tag.encode(), known.value)


class Streams:
    """Opens streams, and gives tickets for them.

    Parameters
    ----------
    tokens : Tokens
    tickets : Tickets
    feed : Feed
    """

    def __init__(self, tokens: Tokens, tickets: Tickets, feed: Feed) -> None:
        self._tokens = tokens
        self._tickets = tickets
        self._feed = feed

    async def ticket(self, request: Request) -> Response:
        """Answer `POST …/tickets`."""
        who = asked(request, self._tokens)
        ticket = self._tickets.issue(who.grant, who.profile_id, who.device_id)
        return json_response({"ticket": ticket, "expires_in_s": TICKET_LIFE_S}, 201)

    async def get(self, request: Request) -> Response:
        """Answer `GET …/rows`."""
        shown = parse_tag(request.headers.get("last-event-id", ""))
        who = self._who(request)
        if request.method == "HEAD":
            return Response(headers={name.decode(): value.decode() for name, value in HEADERS})
        return RowStream(self._feed, who, *shown)

    def _who(self, request: Request) -> Asked:
        ticket = request.query_params.get("ticket")
        if ticket is None:
            return asked(request, self._tokens)
        profile_id, device_id = device_of(request)
        try:
            grant = self._tickets.redeem(ticket, profile_id, device_id)
        except TokenRefusedError as error:
            if error.reason == "too_many_tickets":  # the bearer's proof is as good as before
                raise Problem(503, error.reason, str(error), {"retry-after": "1"}) from None
            raise unproved(error.reason, str(error)) from None
        return Asked(grant, profile_id, device_id)


class RowStream(Response):
    """An answer that goes on until the client leaves, its token expires, or the gateway ends.

    Parameters
    ----------
    feed : Feed
    who : Asked
    shown : Version or None
        Of the newest row that the client has.
    tag : str or None
        Its tag, where the client has told it.
    """

    def __init__(self, feed: Feed, who: Asked, shown: Version | None, tag: str | None) -> None:
        super().__init__()
        self._feed = feed
        self._who = who
        self._key = row_key(who.profile_id, who.device_id)
        self._shown = shown
        self._tag = tag

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the stream."""
        feed = self._feed
        writer = Writer(send, scope.get("state", {}).get(TRANSPORT), feed.pace.cut_off)
        with (
            feed.limits.one_more(self._who.grant.subject),
            feed.subscribers.join(self._key) as mailbox,
        ):
            leaving = asyncio.create_task(_left(receive, mailbox))
            beating = asyncio.create_task(_beat(mailbox, feed.pace.heartbeat))
            end = "fault"
            try:
                end = await self._write(writer, mailbox)
            except CutOff:
                end = "cut_off"
                await asyncio.wait({leaving}, timeout=1.0)  # the server hears of it a moment later
            finally:
                leaving.cancel()
                beating.cancel()
                feed.metrics.count("streams_ended", end=end)
                feed.metrics.count("rows_skipped", mailbox.skipped)

    async def _write(self, writer: Writer, mailbox: Mailbox) -> str:
        """Write until the stream ends; tell what ended it."""
        await writer.start(HEADERS)
        left = self._who.grant.expires_at - self._feed.clock()
        try:
            async with asyncio.timeout(left):
                await writer.write(b"retry: %d\n\n" % random.randint(*RETRY_MS))  # noqa: S311
                await self._begin(writer, mailbox)
                while mailbox.closed is None:
                    erased, known = await mailbox.take()
                    if erased or known is not None:
                        await self._pass_on(writer, erased, known)
                    elif mailbox.closed is None:
                        await writer.write(HEARTBEAT)
        except TimeoutError:
            await writer.write(EXPIRED)
            await writer.end()
            return "expired"
        await writer.end()
        return mailbox.closed or "gone"

    async def _begin(self, writer: Writer, mailbox: Mailbox) -> None:
        """Show the newest row to a client that has the row `shown`, or none."""
        erased = False
        while not self._feed.progress.caught_up and mailbox.closed is None:
            was_erased, _ = await mailbox.take()  # the store has the row
            erased = erased or was_erased
            await writer.write(HEARTBEAT)
        erased = mailbox.drop() or erased
        known = self._feed.latest.get(self._key)
        if (
            self._shown is not None
            and not erased
            and (known is None or known.version < self._shown)
        ):
            erased, known = await self._newer(mailbox, self._shown)
        if self._tag and known and known.version == self._shown and known.tag != self._tag:
            erased = True  # what the client has is of a former life
        await self._pass_on(writer, erased, known)

    async def _newer(self, mailbox: Mailbox, shown: Version) -> tuple[bool, Known | None]:
        """Wait for what the client has seen already, as this gateway may be behind."""
        try:
            async with asyncio.timeout(self._feed.pace.former_life):
                while mailbox.closed is None:
                    erased, known = await mailbox.take()
                    if erased or (known is not None and known.version >= shown):
                        return erased, known
        except TimeoutError:
            return True, self._feed.latest.get(self._key)
        return False, None

    async def _pass_on(self, writer: Writer, erased: bool, known: Known | None) -> None:
        if erased and self._shown is not None:
            self._shown = None
            await writer.write(ERASED)
        if known is not None and (self._shown is None or known.version > self._shown):
            self._shown = known.version
            await writer.write(frame(known))
            self._feed.metrics.count("rows_sent")


async def _left(receive: Receive, mailbox: Mailbox) -> None:
    """Close the mailbox when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    mailbox.close("gone")


async def _beat(mailbox: Mailbox, seconds: float) -> None:
    """Wake a stream from time to time, for a heartbeat."""
    while True:
        await asyncio.sleep(seconds)
        mailbox.wake()
