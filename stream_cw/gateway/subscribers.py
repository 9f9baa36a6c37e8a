"""Who waits for the rows of which device, each with a mailbox that holds the newest one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from stream_cw.gateway.latest import Change, Known


class Mailbox:
    """Holds what is new, and of rows the newest alone: whoever is slow skips the others.

    Attributes
    ----------
    skipped : int
        Rows that were replaced before they were taken.
    closed : str or None
        Why nothing more comes.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self.closed: str | None = None
        self._erased = False
        self._known: Known | None = None
        self._news = asyncio.Event()

    def put(self, change: Change) -> None:
        """Put a change in the place of what waits; that the rows before it were erased stays."""
        self.skipped += self._known is not None
        self._erased = self._erased or change.known is None
        self._known = change.known
        self._news.set()

    def drop(self) -> bool:
        """Leave out what waits, for one who reads the store now; tell whether rows were erased."""
        erased = self._erased
        self._erased, self._known = False, None
        return erased

    def wake(self) -> None:
        """Wake the one who waits, without news."""
        self._news.set()

    def close(self, why: str) -> None:
        """Wake the one who waits: nothing more comes."""
        self.closed = self.closed or why
        self._news.set()

    async def take(self) -> tuple[bool, Known | None]:
        """Wait for news.

        Returns
        -------
        erased : bool
            The rows before this were erased; versions begin anew.
        known : Known or None
            The newest row since.
        """
        await self._news.wait()
        self._news.clear()
        erased, known = self._erased, self._known
        self._erased, self._known = False, None
        return erased, known


class Subscribers:
    """The mailboxes of all devices that somebody waits for."""

    def __init__(self) -> None:
        self._mailboxes: dict[bytes, set[Mailbox]] = {}
        self._closed = False

    @contextmanager
    def join(self, key: bytes) -> Iterator[Mailbox]:
        """Give a mailbox that gets what is new of a device for as long as the context lasts."""
        mailbox = Mailbox()
        if self._closed:
            mailbox.close("closed")
        self._mailboxes.setdefault(key, set()).add(mailbox)
        try:
            yield mailbox
        finally:
            others = self._mailboxes[key]
            others.discard(mailbox)
            if not others:
                del self._mailboxes[key]

    def publish(self, change: Change) -> None:
        """Put a change into the mailboxes of its device."""
        for mailbox in self._mailboxes.get(change.key, ()):
            mailbox.put(change)

    def close(self) -> None:
        """Close all mailboxes, also those that come: the gateway ends."""
        self._closed = True
        for mailbox in self._all():
            mailbox.close("closed")

    def wake(self) -> None:
        """Wake all who wait, without news: what they ask of the gateway may have changed."""
        for mailbox in self._all():
            mailbox.wake()

    def _all(self) -> Iterator[Mailbox]:
        for mailboxes in self._mailboxes.values():
            yield from mailboxes
