"""What `stream-cw tail` prints."""

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.live import Live

from stream_cw.clients.render import line, table
from stream_cw.clients.tail import Rows, Update


def as_json(batches: Iterable[list[Update]]) -> None:
    """Print each update as a line `{"key": …, "row": …}`, with the row's bytes as on the topic."""
    out = sys.stdout.buffer
    for updates in batches:
        for update in updates:
            out.write(b'{"key":"%s","row":%s}\n' % (update.key, update.value or b"null"))
        out.flush()


def as_lines(batches: Iterable[list[Update]]) -> None:
    """Print each update as a plain line."""
    for updates in batches:
        for update in updates:
            sys.stdout.write(line(update) + "\n")
        sys.stdout.flush()


def as_table(batches: Iterable[list[Update]], rows: Rows) -> None:
    """Show the newest rows as a table, the last to change first."""
    console = Console()
    with Live(table([]), console=console, auto_refresh=False) as live:
        for updates in batches:
            if updates:
                newest = list(reversed(rows.values()))
                live.update(table(newest, height=console.height), refresh=True)
