"""Cases as they are run: what happens, what the service has, and the row that must be there."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from stream_cw.core.catalog import CatalogEntry
from stream_cw.core.events import Event
from stream_cw.core.policies import POLICIES
from stream_cw.core.row import View, row
from stream_cw.core.rules import Policy
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import Step, step
from stream_cw.core.works import pack_work

SECOND = 1_000
OURS = "of our own"
"""Stands for the thread of a case that nobody complained about."""
SAID = ("asleep", "new_episode")
"""Reasons that a tile must give where a case names them, and only there."""


class Catalog(NamedTuple):
    """What the service has from here on."""

    entries: tuple[CatalogEntry, ...]

    def view(self, policy: Policy) -> View:
        works = {entry.id: pack_work(entry) for entry in self.entries}
        return View(policy=policy, works=works, catalog=len(works))


class Shown(NamedTuple):
    """The row that a device must have here, the newest tile first, and whether it was recorded."""

    on: str
    pushed: bool
    tiles: tuple[str, ...]
    recorded: bool = True


Part = list[Event] | Catalog | Shown


class Case(NamedTuple):
    """A complaint about some system, and what ours does after the same events.

    Attributes
    ----------
    complaint : str
        The thread, as its site names it; or `OURS`.
    name : str
        What it is about.
    expected : str
        What its member expected, in our words.
    script : tuple of Part
    under : tuple of str
        The policies that it holds under.
    """

    complaint: str
    name: str
    expected: str
    script: tuple[Part, ...]
    under: tuple[str, ...] = tuple(POLICIES)


def numbered(events: Iterable[Event], first: int = 0) -> list[Event]:
    """Give each event an id of its own."""
    return [
        msgspec.structs.replace(event, event_id=f"e{number}")
        for number, event in enumerate(events, first)
    ]


def take(state: ProfileState | None, event: Event) -> Step:
    """Take an event at the next offset."""
    offset = 0 if state is None else state.source.offset + 1
    return step(state, event, Source(bytes(16), 0, offset))


def is_recorded(state: ProfileState, device: str, view: View) -> bool:
    return row(state, "p", device, view).cause.recorded


def tiles_in_words(state: ProfileState, device: str, view: View) -> tuple[str, ...]:
    return tuple(
        told(
            tile.title_id,
            tile.position_ms,
            up_next=tile.up_next,
            because=tile.reason if tile.reason in SAID else None,
        )
        for tile in row(state, "p", device, view).tiles
    )


def told(
    title_id: str, position_ms: int, *, up_next: bool = False, because: str | None = None
) -> str:
    """Tell a tile in words."""
    seconds = position_ms // SECOND
    where = f"resume {title_id} at {seconds // 60}:{seconds % 60:02}"
    begun = f"after {title_id}" if up_next else where if position_ms else f"start {title_id}"
    return f"{begun}, because {because}" if because else begun
