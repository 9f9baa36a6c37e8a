"""How a state stays within its limits: what leaves first, and the cost stays flat."""

from collections.abc import Callable
from typing import Final

import msgspec

from stream_cw.core.codec import INDEX_BYTES, encoded_size
from stream_cw.core.limits import SHOWS, STATE_BYTES
from stream_cw.core.packed_show import is_slim, last_play, pack_show, unpack_show
from stream_cw.core.state import ProfileState

LIKELY: Final = 20
"""So many of the newest shows keep their details longest: a row's worth."""


def within_limits(state: ProfileState) -> ProfileState:
    """Take out what is too much: the shows with the oldest last play, or details of theirs."""
    if len(state.shows) > SHOWS:
        oldest = min(state.shows, key=_age(state.shows))
        shows = {show_id: data for show_id, data in state.shows.items() if show_id != oldest}
        state = msgspec.structs.replace(state, shows=shows)
    excess = encoded_size(state) - STATE_BYTES
    if excess > 0:
        state = msgspec.structs.replace(state, shows=_trimmed(state.shows, excess))
    return state


def _age(shows: dict[str, bytes]) -> Callable[[str], tuple[int, str]]:
    return lambda show_id: (last_play(shows[show_id]), show_id)


def _trimmed(shows: dict[str, bytes], excess: int) -> dict[str, bytes]:
    """Slim the shows from the oldest on, then let whole ones go, until so many bytes are saved."""
    shows = dict(shows)
    by_age = sorted(shows, key=_age(shows))
    older = by_age[:-LIKELY]
    for ids, devices in ((older, 1), (older, 0), (by_age, 1), (by_age, 0)):
        for show_id in ids:
            if excess <= 0:
                return shows
            if is_slim(shows[show_id], devices):
                continue
            slim = _slim(show_id, shows[show_id], devices)
            excess -= len(shows[show_id]) - len(slim)
            shows[show_id] = slim
    for show_id in by_age:
        if excess <= 0:
            break
        excess -= len(shows.pop(show_id)) + len(show_id) + INDEX_BYTES
    return shows


def _slim(show_id: str, packed: bytes, devices: int) -> bytes:
    show = unpack_show(show_id, packed)
    show.episodes = []
    del show.devices[devices:]
    return pack_show(show)


def forget_slot(state: ProfileState, slot: int) -> ProfileState:
    """Free a device's slot: no show may take the next device for the one that left."""
    shows = {}
    for show_id, data in state.shows.items():
        show = unpack_show(show_id, data)
        show.devices = [device for device in show.devices if device.slot != slot]
        if show.position_slot == slot:
            show.position_slot = None
        if show.begun_slot == slot:
            show.begun_slot = None
        shows[show_id] = pack_show(show)
    return msgspec.structs.replace(state, shows=shows)
