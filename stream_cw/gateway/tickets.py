"""Tickets: what opens one stream for a client that cannot send headers.

A ticket travels in an address, and addresses are logged: so it tells nothing (it is encrypted), it
opens the stream of one profile and device alone, it does so once, and soon it does so no more. It
carries when the token behind it expires, so that the stream ends with that.
"""

import base64
import os
import re
import time
from collections import deque
from typing import Final

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stream_cw.errors import TokenRefusedError
from stream_cw.gateway.keys import secret_bytes
from stream_cw.gateway.tokens import LEEWAY_S, Clock, Grant

TICKET_SECRET: Final = "STREAM_CW_GATEWAY_TICKET_SECRET"  # noqa: S105 (the setting's name)

TICKET_LIFE_S: Final = 30
MAX_TICKET_BYTES: Final = 2_048
"""Twice that of the longest ids and the longest subject."""

MAX_USED: Final = 100_000
"""How many used tickets are remembered."""

_REMEMBERED_S: Final = TICKET_LIFE_S + LEEWAY_S
"""How long: no ticket is taken that lives longer, by whatever clock it was issued."""

_ID_BYTES: Final = 16
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+")


class _Ticket(msgspec.Struct, array_like=True):
    id: bytes
    until: float
    profile_id: str
    device_id: str
    subject: str
    grant_expires_at: float


class Tickets:
    """Issues tickets, and takes each once.

    Not for several threads.

    Parameters
    ----------
    secret : str or None
        Gateways of one secret take one another's tickets; each remembers which it has taken itself.
        Without one the tickets are this object's alone.
    clock : Clock
    max_used : int
        How many used tickets are remembered. No ticket is taken beyond that: what is forgotten
        could be used again.

    Raises
    ------
    SettingsError
        If the secret is too short.
    """

    def __init__(
        self, secret: str | None = None, clock: Clock = time.time, max_used: int = MAX_USED
    ) -> None:
        key = os.urandom(32) if secret is None else secret_bytes(TICKET_SECRET, secret)
        self._fernet = Fernet(_derived(key))
        self._clock = clock
        self._max_used = max_used
        self._used: set[bytes] = set()
        self._forget: deque[tuple[float, bytes]] = deque()

    def issue(self, grant: Grant, profile_id: str, device_id: str) -> str:
        """Make a ticket for the stream of a device.

        Raises
        ------
        ValueError
            If the grant does not name the profile; that is for the caller to check and answer.
        """
        if profile_id not in grant.profiles:
            raise ValueError("a ticket wants a profile that the grant names")
        now = self._clock()
        ticket = _Ticket(
            id=os.urandom(_ID_BYTES),
            until=now + TICKET_LIFE_S,
            profile_id=profile_id,
            device_id=device_id,
            subject=grant.subject,
            grant_expires_at=grant.expires_at,
        )
        sealed = self._fernet.encrypt_at_time(msgspec.msgpack.encode(ticket), int(now))
        return sealed.rstrip(b"=").decode()

    def redeem(self, ticket: str, profile_id: str, device_id: str) -> Grant:
        """Take a ticket for the stream of a device.

        Returns
        -------
        Grant
            Of this profile alone.

        Raises
        ------
        TokenRefusedError
            If the ticket is `too_long`, `malformed` (or of others, or forged), `expired` (or the
            token behind it), `not_yet_valid` (by a clock that is ahead of ours), of an
            `other_stream`, `used`, or there are `too_many_tickets`.
        """
        found = self._opened(ticket)
        now = self._clock()
        if found.until > now + _REMEMBERED_S:
            raise TokenRefusedError("not_yet_valid", "the ticket is from the future")
        if now >= min(found.until, found.grant_expires_at):
            raise TokenRefusedError("expired", "the ticket, or the token behind it, has expired")
        if (found.profile_id, found.device_id) != (profile_id, device_id):
            raise TokenRefusedError("other_stream", "the ticket is for another profile or device")
        self._use(found.id, now)
        return Grant(frozenset([profile_id]), found.subject, found.grant_expires_at)

    def _opened(self, ticket: str) -> _Ticket:
        if len(ticket) > MAX_TICKET_BYTES:
            raise TokenRefusedError("too_long", f"the ticket is longer than {MAX_TICKET_BYTES}")
        if _SHAPE.fullmatch(ticket):
            try:
                opened = self._fernet.decrypt(ticket + "=" * (-len(ticket) % 4))
                return msgspec.msgpack.decode(opened, type=_Ticket)
            except (InvalidToken, msgspec.DecodeError):
                pass
        raise TokenRefusedError("malformed", "the ticket is none that this gateway takes")

    def _use(self, ticket_id: bytes, now: float) -> None:
        while self._forget and self._forget[0][0] <= now:
            self._used.remove(self._forget.popleft()[1])
        if ticket_id in self._used:
            raise TokenRefusedError("used", "the ticket has been used")
        if len(self._used) >= self._max_used:
            raise TokenRefusedError("too_many_tickets", "too many streams are opened at once")
        self._used.add(ticket_id)
        # By then it has expired; and the first in the queue are always the first to go.
        self._forget.append((now + _REMEMBERED_S, ticket_id))


def _derived(secret: bytes) -> bytes:
    """Make the key of tickets, so that a secret that also signs tokens does one thing a key."""
    return base64.urlsafe_b64encode(
        HKDF(SHA256(), 32, salt=None, info=b"stream-cw stream ticket v1").derive(secret)
    )
