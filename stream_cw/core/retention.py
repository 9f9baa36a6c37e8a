"""How a state stays within its limits: what leaves first, and the cost stays flat."""

from typing import Final

import msgspec

from stream_cw.core.codec import INDEX_BYTES, encoded_size
from stream_cw.core.columns import LAST, columns
from stream_cw.core.joined import joined_shows
from stream_cw.core.limits import SHOWS, STATE_BYTES
from stream_cw.core.packed_show import is_slim, pack_show, unpack_show
from stream_cw.core.shows import Shows
from stream_cw.core.state import ProfileState

LIKELY: Final = 20
"""So many of the newest shows keep their details longest: a row's worth."""


def within_limits(state: ProfileState) -> ProfileState:
    """Take out what is too much: the shows with the oldest last play, or details of theirs."""
    if len(state.shows) > SHOWS:
        oldest = _ids_by_age(state.shows)[0]
        state = msgspec.structs.replace(state, shows=state.shows.without(oldest))
    excess = encoded_size(state) - STATE_BYTES
    if excess > 0:
        state = msgspec.structs.replace(state, shows=_trimmed(state.shows, excess))
    return state


def _ids_by_age(shows: Shows) -> list[str]:
    """Order ids by the last play of their shows, the oldest first; of equal ones by themselves."""
    last = columns(joined_shows(shows))[LAST].tolist()
    return [show_id for _, show_id in sorted(zip(last, shows.ids(), strict=True))]


def _trimmed(all_shows: Shows, excess: int) -> Shows:
    """Slim the shows from the oldest on, then let whole ones go, until so many bytes are saved."""
    shows = all_shows.by_id()
    by_age = _ids_by_age(all_shows)
    older = by_age[:-LIKELY]
    for ids, devices in ((older, 1), (older, 0), (by_age, 1), (by_age, 0)):
        for show_id in ids:
            if excess <= 0:
                return Shows.of(shows)
            if is_slim(shows[show_id], devices):
                continue
            slim = _slim(show_id, shows[show_id], devices)
            excess -= len(shows[show_id]) - len(slim)
            shows[show_id] = slim
    for show_id in by_age:
        if excess <= 0:
            break
        excess -= len(shows.pop(show_id)) + len(show_id) + INDEX_BYTES
    return Shows.of(shows)


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
