"""What an event does to a profile's state."""

from hashlib import blake2b
from typing import Final

import msgspec

from stream_cw.core.decay import HABIT_MS, HALF_LIVES_MS, landmarks, term
from stream_cw.core.events import (
    DEVICE_TYPES,
    Event,
    ForgetProfile,
    MarkWatched,
    Pause,
    Play,
    Progress,
    Rating,
    Remove,
    Stop,
    Supplemental,
    UndoRemove,
)
from stream_cw.core.limits import DEVICES, EVENT_IDS, U16
from stream_cw.core.retention import forget_slot, within_limits
from stream_cw.core.sessions import attend
from stream_cw.core.show import Show, new_show, pack_show, unpack_show
from stream_cw.core.state import (
    Device,
    OpenPlayback,
    ProfileState,
    Source,
    find_device,
    hash64,
)
from stream_cw.core.watching import PLAY, Watch, local_hour_bin, minutes_added, watch

_ID_BYTES: Final = 8


def event_hash(event_id: str) -> bytes:
    """Hash that stands for an event id among the remembered ones."""
    return blake2b(event_id.encode(), digest_size=_ID_BYTES).digest()


def is_repeat(state: ProfileState, event: Event) -> bool:
    """Whether the event's id is among the remembered ones."""
    wanted, ids = event_hash(event.event_id), state.event_ids
    at = ids.find(wanted)
    while at > 0 and at % _ID_BYTES:  # found across two hashes
        at = ids.find(wanted, at + 1)
    return at >= 0


def apply(state: ProfileState | None, event: Event, source: Source) -> ProfileState | None:
    """Apply an admitted event that is no repeat.

    Parameters
    ----------
    state : ProfileState or None
        None for a profile of which nothing is known.
    event : Event
    source : Source
        Where the event stands; becomes the state's guard.

    Returns
    -------
    ProfileState or None
        A new state; None after `forget_profile`.
    """
    if isinstance(event, ForgetProfile):
        return None
    if state is None:
        state = ProfileState(source=source, first_ts=event.ts, now=event.ts)
    state = _advance(state, event, source)
    state, slot, started = _attend(state, event)
    if started:
        state = msgspec.structs.replace(state, sessions=state.sessions + 1)
    match event:
        case Play() | Pause() | Stop() | Progress():
            if not isinstance(event.title, Supplemental):
                state = _play(state, event, slot)
        case Remove() | UndoRemove() | MarkWatched() | Rating():
            state = _mark(state, event)
        case _:
            pass
    return within_limits(state)


def _advance(state: ProfileState, event: Event, source: Source) -> ProfileState:
    """Move the profile's clock and sums to the event, and remember it."""
    now = max(state.now, event.ts)
    minutes, hours = state.minutes, state.hours
    if now > state.now:
        minutes = tuple(
            total >> landmarks(state.now, now, half_life)
            for total, half_life in zip(minutes, HALF_LIVES_MS, strict=True)
        )
        if passed := landmarks(state.now, now, HABIT_MS):
            hours = tuple(total >> passed for total in hours)
    return msgspec.structs.replace(
        state,
        source=source,
        revision=state.revision + 1,
        cause_id=event.event_id,
        cause_type=event.__struct_config__.tag,
        first_ts=min(state.first_ts, event.ts),
        now=now,
        minutes=minutes,
        hours=hours,
        event_ids=(state.event_ids + event_hash(event.event_id))[-_ID_BYTES * EVENT_IDS :],
    )


def _attend(state: ProfileState, event: Event) -> tuple[ProfileState, int, bool]:
    """Take the event into its device's session; the device's slot, and whether one started."""
    slot = find_device(state, event.device_id)
    device, started = attend(None if slot is None else state.devices[slot], event)
    if slot is None and len(state.devices) < DEVICES:
        slot = len(state.devices)
        return msgspec.structs.replace(state, devices=(*state.devices, device)), slot, started
    if slot is None:
        slot = min(range(DEVICES), key=lambda i: (state.devices[i].last_ts, i))
        state = forget_slot(state, slot)
    return _with_device(state, slot, device), slot, started


def _with_device(state: ProfileState, slot: int, device: Device) -> ProfileState:
    devices = (*state.devices[:slot], device, *state.devices[slot + 1 :])
    return msgspec.structs.replace(state, devices=devices)


def _play(state: ProfileState, event: Play | Pause | Stop | Progress, slot: int) -> ProfileState:
    title = event.title
    assert not isinstance(title, Supplemental)  # noqa: S101 - told apart by the caller
    device = state.devices[slot]
    title_hash = hash64(title.id)
    playback = device.open if device.open and device.open.title == title_hash else None
    late = playback is not None and event.ts < playback.ts
    started = isinstance(event, Play) and (
        playback is None or (playback.session != device.sessions and not late)
    )
    credit = 0
    if playback and not late:
        credit = max(0, min(event.ts - playback.ts, event.position_ms - playback.position_ms))

    packed = state.shows.get(title.show_id)
    known = packed is not None
    show = unpack_show(title.show_id, packed) if packed else _show_of(event)
    tz = _tz_offset(event, device)
    autoplay = isinstance(event, Play) and event.autoplay
    watch(
        show,
        Watch(
            title=title,
            position_ms=event.position_ms,
            ts=event.ts,
            tz_offset_min=tz,
            device_type=DEVICE_TYPES.index(event.device_type),
            slot=slot,
            supersedes=_supersedes(state, show, slot),
            started=started,
            reported=playback is not None and not late,
            autoplay=autoplay,
            credit_ms=credit,
            session=state.sessions,
            device_session=device.sessions,
        ),
    )
    device = msgspec.structs.replace(
        device, open=_opened(event, device, playback, title_hash, started=started, late=late)
    )
    resumed, fresh = state.resumed, state.started
    if started and not autoplay and not device.acted:
        device = msgspec.structs.replace(device, acted=True)
        show.starts = min(show.starts + 1, U16)
        resumed, fresh = resumed + known, fresh + (not known)
    state = _with_device(state, slot, device)
    return msgspec.structs.replace(
        state,
        shows={**state.shows, title.show_id: pack_show(show)},
        minutes=tuple(minutes_added(state.minutes, state.now, credit, event.ts)),
        hours=_hours(state, event.ts, tz) if started else state.hours,
        resumed=resumed,
        started=fresh,
    )


def _show_of(event: Play | Pause | Stop | Progress) -> Show:
    title = event.title
    return new_show(series=title.show_id != title.id, title_id=title.id, ts=event.ts)


def _tz_offset(event: Event, device: Device) -> int:
    return (event.tz_offset_min if event.tz_offset_min is not None else device.tz_offset_min) or 0


def _supersedes(state: ProfileState, show: Show, slot: int) -> bool:
    if show.position_slot is None:
        return True
    return state.devices[slot].device_id >= state.devices[show.position_slot].device_id


def _opened(
    event: Play | Pause | Stop | Progress,
    device: Device,
    playback: OpenPlayback | None,
    title_hash: int,
    *,
    started: bool,
    late: bool,
) -> OpenPlayback | None:
    """Work out the device's open playback after the event."""
    if started:
        return OpenPlayback(title_hash, event.position_ms, event.ts, device.sessions)
    if playback is None or late:
        return device.open
    if isinstance(event, Stop):
        return None
    return msgspec.structs.replace(playback, position_ms=event.position_ms, ts=event.ts)


def _hours(state: ProfileState, ts: int, tz_offset_min: int) -> tuple[int, ...]:
    habit = term(PLAY, ts, HABIT_MS) >> landmarks(ts, state.now, HABIT_MS)
    hours = list(state.hours)
    hour = local_hour_bin(ts, tz_offset_min)
    hours[hour] = min(hours[hour] + habit, U16)
    return tuple(hours)


def _mark(state: ProfileState, event: Remove | UndoRemove | MarkWatched | Rating) -> ProfileState:
    """Take the member's word on a show that the state knows."""
    show_id = _show_id(event)
    packed = state.shows.get(show_id)
    if packed is None:
        return state
    show = unpack_show(show_id, packed)
    match event:
        case Remove():
            show.removed = True
        case UndoRemove():
            show.removed = False
        case Rating():
            show.rating = event.rating
        case MarkWatched():
            show.watched = show.watched or event.title.id == show.title_id
    return msgspec.structs.replace(state, shows={**state.shows, show_id: pack_show(show)})


def _show_id(event: Remove | UndoRemove | MarkWatched | Rating) -> str:
    if not isinstance(event, MarkWatched):
        return event.show_id
    title = event.title
    return title.id if isinstance(title, Supplemental) else title.show_id
