"""What a playback event does to a profile's state: to its show, its device and the sums."""

from typing import Final

import msgspec
import numpy as np

from stream_cw.core.decay import HALF_LIVES_MS
from stream_cw.core.events import DEVICE_TYPES, Episode, Movie, Play, Playback, Stop
from stream_cw.core.joined import PADDING, as_bytes
from stream_cw.core.limits import RESUME_GAPS, U16
from stream_cw.core.open_show import MOST_BYTES
from stream_cw.core.packed_show import last_slot, last_title
from stream_cw.core.pairing import pair
from stream_cw.core.sessions import excuse
from stream_cw.core.show import HOUR_BINS
from stream_cw.core.state import DARK, GAP_BINS, Device, ProfileState
from stream_cw.core.told import Watch, title_of
from stream_cw.core.watching import watch

_FAST, _SLOW = 3, 6
"""A first act counts 1/8 and 1/64 in the two shares: about the last 8 and 64 sessions."""
_NEW: Final = b""
_MINUTES_END: Final = len(HALF_LIVES_MS)
_HOURS_END: Final = _MINUTES_END + HOUR_BINS


def play(state: ProfileState, event: Playback, title: Movie | Episode, slot: int) -> ProfileState:
    """Take a playback event in, which its device's session has taken already.

    Parameters
    ----------
    state : ProfileState
    event : Playback
    title : Movie or Episode
        Of the event.
    slot : int
        Place of the event's device in the state.
    """
    device = state.devices[slot]
    pairing = pair(device, event, state.off_ts)
    if pairing.hidden:
        device = excuse(device, pairing.ts)
    autoplay = isinstance(event, Play) and event.autoplay
    depth = device.depth
    if pairing.started and autoplay:
        depth = min(depth + 1, DARK - 1) if depth < DARK else DARK
    first_act = pairing.started and not autoplay and not device.acted
    device = msgspec.structs.replace(
        device, open=pairing.open, acted=device.acted or first_act, depth=depth
    )
    show_id, shows = title.show_id, state.shows
    place = shows.find(show_id)
    packed = _NEW if place is None else shows.at(place)
    seen = Watch(
        event.position_ms,
        pairing.ts,
        _tz_offset(event, device),
        DEVICE_TYPES.index(event.device_type),
        slot,
        pairing.credit_ms,
        state.sessions,
        device.sessions,
        depth,
        max(0, pairing.ts - device.deliberate_ts),
        _supersedes(state, packed, slot),
        pairing.started,
        pairing.reported,
        isinstance(event, Play) and (pairing.started or not autoplay),
        autoplay,
        isinstance(event, Stop),
        first_act,
    )
    out, summed = np.empty(MOST_BYTES, np.uint8), np.empty(_HOURS_END, np.int64)
    length, gap = watch(
        as_bytes(packed + PADDING if packed else _NEW),
        as_bytes(show_id.encode()),
        as_bytes(title.id.encode()),
        title_of(title, last_title(show_id, packed) if packed else title.id),
        seen,
        (*state.minutes, *state.hours),
        state.now,
        out,
        summed,
    )
    packed, sums = out[:length].tobytes(), tuple(summed.tolist())
    resumed = place is not None
    return msgspec.structs.replace(
        state,
        devices=(*state.devices[:slot], device, *state.devices[slot + 1 :]),
        shows=shows.added(show_id, packed) if place is None else shows.replaced(place, packed),
        minutes=sums[:_MINUTES_END],
        hours=sums[_MINUTES_END:],
        resumed=state.resumed + (first_act and resumed),
        started=state.started + (first_act and not resumed),
        returning=_returning(state, resumed) if first_act else state.returning,
        resume_gaps=_gap_counted(state.resume_gaps, gap),
    )


def _tz_offset(event: Playback, device: Device) -> int:
    return (event.tz_offset_min if event.tz_offset_min is not None else device.tz_offset_min) or 0


def _supersedes(state: ProfileState, packed: bytes, slot: int) -> bool:
    last = last_slot(packed) if packed else None
    if last is None:
        return True
    return state.devices[slot].device_id >= state.devices[last].device_id


def _returning(state: ProfileState, resumed: bool) -> tuple[int, int]:
    """Weigh one more first act in; a share moves towards 1 or 0 by a part of the distance."""
    aim = U16 if resumed else 0
    fast, slow = state.returning
    return fast + (aim - fast >> _FAST), slow + (aim - slow >> _SLOW)


def _gap_counted(gaps: tuple[int, ...], gap: int) -> tuple[int, ...]:
    """Count the sessions that passed until a show was watched again; old counts fade by halves."""
    if not gap:
        return gaps
    counted = list(gaps)
    counted[min((gap - 1).bit_length(), GAP_BINS - 1)] += 1
    return tuple(n // 2 for n in counted) if sum(counted) > RESUME_GAPS else tuple(counted)
