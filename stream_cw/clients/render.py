"""Rows as text, for a terminal and for plain lines: functions of the rows, nothing else."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from stream_cw.clients.tail import Update
from stream_cw.core.reasons import in_words
from stream_cw.core.rows import Placement, Row, Tile

TABLE_TILES: Final = 4
LINE_TILES: Final = 5
_BAR: Final = 8
_ID: Final = 24


def table(rows: Sequence[Row], *, height: int = 24) -> Table:
    """Draw rows as a table, in the order given.

    Parameters
    ----------
    rows : sequence of Row
    height : int
        Lines of the terminal; rows that do not fit are left out.
    """
    drawn = Table(expand=True, show_lines=True, title_justify="left")
    for heading, ratio in (("member", 2), ("why", 1), ("place", 1), ("continue watching", 5)):
        drawn.add_column(heading, ratio=ratio, overflow="fold")
    left = height - 4
    for row in rows:
        cells = _cells(row)
        left -= 1 + max(cell.plain.count("\n") + 1 for cell in cells)
        if left < 0:
            break
        drawn.add_row(*cells)
    return drawn


def line(update: Update) -> str:
    """Write an update as one line."""
    row = update.row
    if row is None:
        return f"{update.key.decode(errors='replace')}  erased"
    return (
        f"{row.profile_id}/{row.device_id}  r{row.version.revision}  {row.cause.type}"
        f"  {placement_text(row.placement)}  {'  '.join(_tiles(row, LINE_TILES))}"
    )


def tile_text(tile: Tile) -> str:
    """Write a tile: the show, the episode, how far it was watched, and why it stands there."""
    parts = (_short(tile.show_id), _episode(tile), progress(tile), _why(tile))
    return " ".join(part for part in parts if part)


def progress(tile: Tile) -> str:
    """Draw how far a tile was watched; minutes where its length is unknown."""
    if tile.up_next:
        return "next one"
    if not tile.duration_ms:
        return f"{tile.position_ms // 60_000} min"
    percent = min(100, 100 * tile.position_ms // tile.duration_ms)
    filled = percent * _BAR // 100
    return f"{'━' * filled}{'┄' * (_BAR - filled)} {percent:2d}%"


def placement_text(placement: Placement) -> str:
    """Write where the row belongs and how likely the session goes on with it."""
    return f"slot {placement.slot}, {placement.p_continue / 1e4:.0f}%"


def _cells(row: Row) -> tuple[Text, ...]:
    tiles = Text("\n".join(_tiles(row, TABLE_TILES)), no_wrap=True, overflow="ellipsis")
    member = f"{_short(row.profile_id)}\n{_short(row.device_id)}"
    return (
        Text(member),
        Text(f"r{row.version.revision}\n{row.cause.type}"),
        Text(placement_text(row.placement).replace(", ", "\n")),
        tiles,
    )


def _tiles(row: Row, limit: int) -> list[str]:
    shown = [f"{rank}. {tile_text(tile)}" for rank, tile in enumerate(row.tiles[:limit], start=1)]
    more = len(row.tiles) - len(shown)
    return [*shown, f"+{more} more"] if more else shown or ["nothing to continue"]


def _episode(tile: Tile) -> str:
    if tile.season is None and tile.episode is None:
        return ""
    season = "" if tile.season is None else f"S{tile.season}"
    return season + ("" if tile.episode is None else f"E{tile.episode}")


def _why(tile: Tile) -> str:
    return f"({in_words(tile.reason)})"


def _short(text: str) -> str:
    return text if len(text) <= _ID else f"{text[: _ID - 1]}…"
