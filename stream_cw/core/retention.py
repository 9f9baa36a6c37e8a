"""How a state stays within its limits: what leaves first, and the cost stays flat."""

from typing import Final

import msgspec

from stream_cw.core.codec import INDEX_BYTES, encoded_size
from stream_cw.core.columns import COUNTS, LAST, Ints, columns
from stream_cw.core.joined import joined_shows
from stream_cw.core.limits import SHOWS, STATE_BYTES
from stream_cw.core.order import in_order
from stream_cw.core.packed_show import counts_of, is_slim, pack_show, unpack_show
from stream_cw.core.shows import Shows
from stream_cw.core.state import ProfileState

LIKELY: Final = 20
"""So many of the newest shows keep their details longest: a row's worth."""


def within_limits(state: ProfileState) -> ProfileState:
    """Take out what is too much: the shows with the oldest last play, or details of theirs."""
    if len(state.shows) > SHOWS:
        oldest = _by_age(columns(joined_shows(state.shows)), state.shows.ids())[0]
        state = msgspec.structs.replace(state, shows=state.shows.without(oldest))
    excess = encoded_size(state) - STATE_BYTES
    if excess > 0:
        state = msgspec.structs.replace(state, shows=_trimmed(state.shows, excess))
    return state


def _by_age(table: Ints, ids: list[str]) -> list[str]:
    """Order ids by the last play of their shows, the oldest first; of equal ones by themselves."""
    last = table[LAST]
    return [ids[n] for n in in_order(-last, last, ids)]


def _trimmed(shows: Shows, excess: int) -> Shows:
    """Slim the shows from the oldest on, then let whole ones go, until so many bytes are saved."""
    table, names = columns(joined_shows(shows)), shows.ids()
    counts = dict(zip(names, table[COUNTS].tolist(), strict=True))
    by_age = _by_age(table, names)
    older = by_age[:-LIKELY]
    for ids, devices in ((older, 1), (older, 0), (by_age, 1), (by_age, 0)):
        for show_id in [name for name in ids if not is_slim(counts[name], devices)]:
            if excess <= 0:
                return shows
            packed = shows[show_id]
            slim = _slim(show_id, packed, devices)
            excess -= len(packed) - len(slim)
            shows, counts[show_id] = shows.with_show(show_id, slim), counts_of(slim)
    for show_id in by_age:
        if excess <= 0:
            break
        excess -= len(shows[show_id]) + len(show_id) + INDEX_BYTES
        shows = shows.without(show_id)
    return shows


def _slim(show_id: str, packed: bytes, devices: int) -> bytes:
    show = unpack_show(show_id, packed)
    show.episodes = []
    del show.devices[devices:]
    return pack_show(show)


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
