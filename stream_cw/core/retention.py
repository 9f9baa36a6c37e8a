"""How a state stays within its limits: what leaves first, and the cost stays flat."""

from typing import Final

import msgspec

from stream_cw.core.limits import SHOWS, STATE_BYTES
from stream_cw.core.show import Show, last_play, pack_show, unpack_show
from stream_cw.core.state import ProfileState

_OVERHEAD: Final = 3
"""Bytes that a show costs beside its own: its length and the separator of its id."""

_HEAD: Final = 400
"""Header, cause id and device structs are shorter; ids of devices are counted."""


def within_limits(state: ProfileState) -> ProfileState:
    """Take out what is too much: the shows with the oldest last play, or details of theirs."""
    shows = state.shows
    if len(shows) > SHOWS:
        oldest = min(shows, key=lambda show_id: (last_play(shows[show_id]), show_id))
        shows = {show_id: data for show_id, data in shows.items() if show_id != oldest}
    excess = _fixed_bytes(state) + _show_bytes(shows) - STATE_BYTES
    if excess > 0:
        shows = _trimmed(shows, excess)
    return state if shows is state.shows else msgspec.structs.replace(state, shows=shows)


def _fixed_bytes(state: ProfileState) -> int:
    devices = sum(len(d.device_id) + len(d.session_id or "") + 48 for d in state.devices)
    return _HEAD - 128 + len(state.cause_id) + len(state.event_ids) + devices


def _show_bytes(shows: dict[str, bytes]) -> int:
    return sum(map(len, shows.values())) + sum(map(len, shows)) + _OVERHEAD * len(shows)


def _trimmed(shows: dict[str, bytes], excess: int) -> dict[str, bytes]:
    """Take listed episodes, then devices, then whole shows, each from the oldest show on."""
    shows = dict(shows)
    by_age = sorted(shows, key=lambda show_id: (last_play(shows[show_id]), show_id))
    for slim in (_without_episodes, _with_newest_device):
        for show_id in by_age:
            if excess <= 0:
                return shows
            packed = pack_show(slim(unpack_show(show_id, shows[show_id])))
            excess -= len(shows[show_id]) - len(packed)
            shows[show_id] = packed
    for show_id in by_age:
        if excess <= 0:
            break
        excess -= len(shows.pop(show_id)) + len(show_id) + _OVERHEAD
    return shows


def _without_episodes(show: Show) -> Show:
    show.episodes = []
    return show


def _with_newest_device(show: Show) -> Show:
    del show.devices[1:]
    return show


def forget_slot(state: ProfileState, slot: int) -> ProfileState:
    """Free a device's slot: no show may take the next device for the one that left."""
    shows = {}
    for show_id, data in state.shows.items():
        show = unpack_show(show_id, data)
        show.devices = [device for device in show.devices if device.slot != slot]
        if show.position_slot == slot:
            show.position_slot = None
        shows[show_id] = pack_show(show)
    return msgspec.structs.replace(state, shows=shows)
