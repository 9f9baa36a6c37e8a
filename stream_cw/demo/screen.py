"""How the demo shows itself: plain lines, or a table that moves."""

import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from stream_cw.clients.render import line, table
from stream_cw.clients.tail import Rows, Update
from stream_cw.core import events
from stream_cw.core.records import Record, admit
from stream_cw.demo.play import Play


class Screen(Protocol):
    """What the demo tells; `updates` counts the row updates that were shown."""

    updates: int

    def say(self, text: str) -> None:
        """Tell what the demo does now."""

    def offer(self, link: str) -> None:
        """Give the link to the page."""

    def sent(self, record: Record) -> None:
        """Take note of an event that was produced; called from the replay's thread."""

    def show(self, updates: list[Update], rows: Rows) -> None:
        """Show what came, and the newest row of each device."""


class PlainScreen:
    """A line for each update."""

    def __init__(self, play: Play) -> None:
        self.updates = 0
        self.say(f"{play.title}, {play.events:,} events")

    def say(self, text: str) -> None:
        """Print a line."""
        sys.stdout.write(f"== {text}\n")
        sys.stdout.flush()

    def offer(self, link: str) -> None:
        """Print nothing: output that is kept should hold no token."""

    def sent(self, record: Record) -> None:
        """Print nothing: the rows tell their cause."""

    def show(self, updates: list[Update], rows: Rows) -> None:
        """Print the updates."""
        del rows
        self.updates += len(updates)
        for update in updates:
            sys.stdout.write(line(update) + "\n")
        sys.stdout.flush()


class LiveScreen:
    """The newest rows as a table, under it the last event and how far the replay is."""

    def __init__(self, console: Console, play: Play) -> None:
        self.updates = 0
        self._play = play
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._said = ""
        self._last: Record | None = None
        self._count = 0
        self._rows: Rows = {}

    def __enter__(self) -> "LiveScreen":
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        """Put a text in the headline."""
        self._said = text
        self._draw()

    def offer(self, link: str) -> None:
        """Print it above the table, where it stays, in one piece."""
        self._console.print(f"open  {link}\n", soft_wrap=True, highlight=False, markup=False)

    def sent(self, record: Record) -> None:
        """Keep the event for the next time that the table is drawn."""
        self._last = record
        self._count += 1

    def show(self, updates: list[Update], rows: Rows) -> None:
        """Draw the table anew."""
        self.updates += len(updates)
        self._rows = rows
        self._draw()

    def _draw(self) -> None:
        head = Text(f"{self._play.title} — {self._said}", style="bold")
        last = Text(event_line(self._last) if self._last else "", no_wrap=True)
        counts = Text(
            f"{self._count:,} of {self._play.events:,} events, {self.updates:,} row updates"
        )
        newest = list(reversed(self._rows.values()))
        rows = table(newest, height=self._console.height - 4)
        self._live.update(Group(head, rows, last, counts), refresh=True)


def event_line(record: Record) -> str:
    """Tell an event: its time (UTC), who, and what."""
    event = admit(record, partitions=None)
    when = datetime.fromtimestamp(event.ts / 1000, UTC).strftime("%a %d %b %Y %H:%M")
    what = f" {event.title.id}" if isinstance(event, events.Playback) else ""
    return f"{when}  {event.profile_id}/{event.device_id}  {event.__struct_config__.tag}{what}"
