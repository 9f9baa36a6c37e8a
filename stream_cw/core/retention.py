"""How a state stays within its limits: what leaves first, and the cost stays flat."""

from typing import Final

import msgspec
import numpy as np

from stream_cw.core.codec import INDEX_BYTES, encoded_size
from stream_cw.core.columns import Ints
from stream_cw.core.compiled import loop
from stream_cw.core.joined import Bytes, laid_out, read_number
from stream_cw.core.limits import SHOWS, STATE_BYTES
from stream_cw.core.order import in_order
from stream_cw.core.packed_show import (
    DEVICE_BYTES,
    EPISODE_BYTES,
    pack_show,
    slimmed,
    unpack_show,
)
from stream_cw.core.shows import Shows
from stream_cw.core.state import ProfileState

LIKELY: Final = 20
"""So many of the newest shows keep their details longest: a row's worth."""


def within_limits(state: ProfileState) -> ProfileState:
    """Take out what is too much: the shows with the oldest last play, or details of theirs."""
    if len(state.shows) > SHOWS:
        names = state.shows.ids()
        oldest, _ = _oldest_first(state.shows, names)
        left = state.shows.without(names[oldest[0]])
        state = msgspec.structs.replace(state, shows=left)
    excess = encoded_size(state) - STATE_BYTES
    if excess > 0:
        state = msgspec.structs.replace(state, shows=trimmed(state.shows, excess))
    return state


def trimmed(shows: Shows, excess: int) -> Shows:
    """Slim shows from the oldest on, then let whole ones go, until so many bytes are saved."""
    names = shows.ids()
    order, counts = _oldest_first(shows, names)
    before = counts.tolist()
    excess = _slim(np.array(order, np.int64), counts, excess)
    for name, had, has in zip(names, before, counts.tolist(), strict=True):
        if has != had:
            shows = shows.with_show(name, slimmed(shows[name], has & 3))
    for n in order:
        if excess <= 0:
            break
        excess -= len(shows[names[n]]) + len(names[n]) + INDEX_BYTES
        shows = shows.without(names[n])
    return shows


def _oldest_first(shows: Shows, names: list[str]) -> tuple[list[int], Ints]:
    """Order shows by their last play, of equal ones by name; tell the counts of each, too."""
    last, counts = np.empty((2, len(names)), np.int64)
    _read(*laid_out(shows), last, counts)
    return in_order(-last, last, names), counts


@loop("void(u1[::1], i8[::1], i8[::1], i8[::1])")
def _read(data: Bytes, lengths: Ints, last: Ints, counts: Ints) -> None:
    """Read the last play and the counts of packed shows."""
    at = 0
    for n in range(len(lengths)):
        counts[n], last[n] = data[at + 1], read_number(data, at + 2, 6)
        at += lengths[n]


@loop("i8(i8[::1], i8[::1], i8)")
def _slim(order: Ints, counts: Ints, excess: int) -> int:
    """Take listed episodes and devices out of counts until so many bytes are saved; tell the rest.

    First of all but the likely shows all devices but one, then that one, then of all shows alike.
    """
    for stage in range(4):
        devices, shows = 1 - stage % 2, len(order) - (LIKELY if stage < 2 else 0)  # noqa: PLR2004
        for place in range(shows):
            had = counts[order[place]]
            kept, listed = min(had & 3, devices), had >> 2 & 3
            if excess > 0:
                excess -= ((had & 3) - kept) * DEVICE_BYTES + listed * EPISODE_BYTES
                counts[order[place]] = had & ~15 | kept
    return excess


def forget_slot(state: ProfileState, slot: int) -> ProfileState:
    """Free a device's slot: no show may take the next device for the one that left."""
    shows = {}
    for show_id, data in state.shows.by_id().items():
        show = unpack_show(show_id, data)
        show.devices = [device for device in show.devices if device.slot != slot]
        if show.position_slot == slot:
            show.position_slot = None
        if show.begun_slot == slot:
            show.begun_slot = None
        shows[show_id] = pack_show(show)
    return msgspec.structs.replace(state, shows=Shows.of(shows))
