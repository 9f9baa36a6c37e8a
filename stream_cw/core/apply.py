"""What an event does to a profile's state."""

from typing import Final

import msgspec

from stream_cw.core.decay import HABIT_MS, HALF_LIVES_MS, SHORTEST_MS, landmarks
from stream_cw.core.events import (
    Episode,
    Event,
    ForgetProfile,
    Movie,
    Playback,
    SetRecording,
)
from stream_cw.core.limits import DEVICES, EVENT_IDS
from stream_cw.core.marks import Word, take_word
from stream_cw.core.pairing import hide_what_begins
from stream_cw.core.playing import play
from stream_cw.core.recording import Recording, is_private, switched
from stream_cw.core.retention import forget_slot, within_limits
from stream_cw.core.sessions import attend
from stream_cw.core.state import Device, ProfileState, Source, digest, find_device

Watchable = Movie | Episode
_ID_BYTES: Final = 8


def is_repeat(state: ProfileState, event: Event) -> bool:
    """Whether the event's id is among the remembered ones."""
    wanted, ids = digest(event.event_id), state.event_ids
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
    if state.private:
        return within_limits(_attend_privately(state, event))
    state, slot, started = _attend(state, event)
    if started:
        state = msgspec.structs.replace(state, sessions=state.sessions + 1)
    if isinstance(event, Playback) and isinstance(event.title, Watchable):
        state = play(state, event, event.title, slot)
    elif isinstance(event, Word):
        state = take_word(state, event)
    elif isinstance(event, SetRecording):
        state = _set_recording(state, event)
    return within_limits(state)


def _set_recording(state: ProfileState, event: SetRecording) -> ProfileState:
    off_ts, on_ts = switched(Recording(state.off_ts, state.on_ts), event)
    devices = state.devices if event.recording else tuple(map(hide_what_begins, state.devices))
    return msgspec.structs.replace(state, off_ts=off_ts, on_ts=on_ts, devices=devices)


def _advance(state: ProfileState, event: Event, source: Source) -> ProfileState:
    """Move the profile's clock and sums to the event, and remember it."""
    now = max(state.now, event.ts)
    private = is_private(Recording(state.off_ts, state.on_ts), event)
    minutes, hours = state.minutes, state.hours
    if landmarks(state.now, now, SHORTEST_MS):
        minutes = tuple(
            total >> landmarks(state.now, now, half_life)
            for total, half_life in zip(minutes, HALF_LIVES_MS, strict=True)
        )
        passed = landmarks(state.now, now, HABIT_MS)
        hours = tuple(total >> passed for total in hours)
    return msgspec.structs.replace(
        state,
        source=source,
        revision=state.revision + 1,
        cause_id=event.event_id,
        cause_type=event.__struct_config__.tag,
        private=private,
        first_ts=state.first_ts if private else min(state.first_ts, event.ts),
        now=now,
        minutes=minutes,
        hours=hours,
        event_ids=(state.event_ids + digest(event.event_id))[-_ID_BYTES * EVENT_IDS :],
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


def _attend_privately(state: ProfileState, event: Event) -> ProfileState:
    """Keep the device's session alive, so that its row is sent, and nothing else."""
    before = state
    state, slot, _ = _attend(state, event)
    device = hide_what_begins(state.devices[slot])
    if slot < len(before.devices) and before.devices[slot].device_id == event.device_id:
        known = before.devices[slot]
        device = msgspec.structs.replace(
            known, session_id=device.session_id, last_ts=device.last_ts, ended=device.ended
        )
    return _with_device(state, slot, device)


def _with_device(state: ProfileState, slot: int, device: Device) -> ProfileState:
    devices = (*state.devices[:slot], device, *state.devices[slot + 1 :])
    return msgspec.structs.replace(state, devices=devices)
