"""What an event does to a profile's state."""

from typing import Final

import msgspec

from stream_cw.core.decay import HABIT_MS, HALF_LIVES_MS, landmarks
from stream_cw.core.events import (
    DEVICE_TYPES,
    Episode,
    Event,
    ForgetProfile,
    MarkWatched,
    Movie,
    Play,
    Playback,
    Rating,
    Remove,
    SetRecording,
    Stop,
    Supplemental,
    UndoRemove,
)
from stream_cw.core.limits import DEVICES, EVENT_IDS, RESUME_GAPS, U16
from stream_cw.core.packed_show import pack_show, unpack_show
from stream_cw.core.pairing import hide_what_begins, pair
from stream_cw.core.recording import Recording, is_private, switched
from stream_cw.core.retention import forget_slot, within_limits
from stream_cw.core.sessions import attend, excuse
from stream_cw.core.show import Show, new_show
from stream_cw.core.standing import forget_marks, mark_watched
from stream_cw.core.state import (
    DARK,
    GAP_BINS,
    Device,
    ProfileState,
    Source,
    digest,
    find_device,
)
from stream_cw.core.sums import hours_added, minutes_added
from stream_cw.core.watching import Watch, watch

Watchable = Movie | Episode
Mark = Remove | UndoRemove | MarkWatched | Rating
"""The member's word on a show."""

_ID_BYTES: Final = 8
_FAST, _SLOW = 3, 6
"""A first act counts 1/8 and 1/64 in the two shares: about the last 8 and 64 sessions."""


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
        state = _play(state, event, event.title, slot)
    elif isinstance(event, Mark):
        state = _mark(state, event)
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


def _play(state: ProfileState, event: Playback, title: Watchable, slot: int) -> ProfileState:
    """Take a playback event into its show, its device and the profile's sums."""
    device = state.devices[slot]
    pairing = pair(device, event, state.off_ts)
    if pairing.hidden:
        device = excuse(device, pairing.ts)
    depth = device.depth
    if pairing.started and isinstance(event, Play) and event.autoplay:
        depth = min(depth + 1, DARK - 1) if depth < DARK else DARK
    show_id = title.show_id
    place = state.shows.find(show_id)
    show = (
        unpack_show(show_id, state.shows.at(place))
        if place
        else new_show(series=isinstance(title, Episode), title_id=title.id, ts=event.ts, slot=slot)
    )
    seen = Watch(
        title=title,
        position_ms=event.position_ms,
        ts=pairing.ts,
        tz_offset_min=_tz_offset(event, device),
        device_type=DEVICE_TYPES.index(event.device_type),
        slot=slot,
        supersedes=_supersedes(state, show, slot),
        started=pairing.started,
        reported=pairing.reported,
        pressed=isinstance(event, Play) and (pairing.started or not event.autoplay),
        autoplay=isinstance(event, Play) and event.autoplay,
        stopped=isinstance(event, Stop),
        credit_ms=pairing.credit_ms,
        session=state.sessions,
        device_session=device.sessions,
        depth=depth,
        idle_ms=max(0, pairing.ts - device.deliberate_ts),
    )
    gap = watch(show, seen)
    first_act = pairing.started and not seen.autoplay and not device.acted
    if first_act:
        show.starts = min(show.starts + 1, U16)
    device = msgspec.structs.replace(
        device, open=pairing.open, acted=device.acted or first_act, depth=depth
    )
    return msgspec.structs.replace(
        _with_device(state, slot, device),
        shows=(
            state.shows.replaced(place, pack_show(show))
            if place
            else state.shows.added(show_id, pack_show(show))
        ),
        minutes=tuple(minutes_added(state.minutes, state.now, pairing.credit_ms, event.ts)),
        hours=(
            tuple(hours_added(state.hours, state.now, event.ts, seen.tz_offset_min))
            if pairing.started
            else state.hours
        ),
        resumed=state.resumed + (first_act and place is not None),
        started=state.started + (first_act and place is None),
        returning=_returning(state, place is not None) if first_act else state.returning,
        resume_gaps=_gap_counted(state.resume_gaps, gap),
    )


def _gap_counted(gaps: tuple[int, ...], gap: int) -> tuple[int, ...]:
    """Count the sessions that passed until a show was watched again; old counts fade by halves."""
    if not gap:
        return gaps
    counted = list(gaps)
    counted[min((gap - 1).bit_length(), GAP_BINS - 1)] += 1
    return tuple(n // 2 for n in counted) if sum(counted) > RESUME_GAPS else tuple(counted)


def _returning(state: ProfileState, resumed: bool) -> tuple[int, int]:
    """Weigh one more first act in; a share moves towards 1 or 0 by a part of the distance."""
    aim = U16 if resumed else 0
    fast, slow = state.returning
    return fast + (aim - fast >> _FAST), slow + (aim - slow >> _SLOW)


def _tz_offset(event: Event, device: Device) -> int:
    return (event.tz_offset_min if event.tz_offset_min is not None else device.tz_offset_min) or 0


def _supersedes(state: ProfileState, show: Show, slot: int) -> bool:
    if show.position_slot is None:
        return True
    return state.devices[slot].device_id >= state.devices[show.position_slot].device_id


def _mark(state: ProfileState, event: Mark) -> ProfileState:
    """Take the member's word on a show that the state knows."""
    show_id = _show_id(event)
    place = state.shows.find(show_id)
    if place is None:
        return state
    show = unpack_show(show_id, state.shows.at(place))
    match event:
        case Remove() if event.ts > show.removal_ts:
            show.removed, show.removal_ts = True, event.ts
        case UndoRemove() if event.ts >= show.removal_ts:
            show.removed, show.removal_ts = False, event.ts
        case Rating():
            show.rating = event.rating
        case MarkWatched(title=Movie() | Episode() as title):
            mark_watched(show, title, event.ts)
    forget_marks(show)
    shows = state.shows.replaced(place, pack_show(show))
    return msgspec.structs.replace(state, shows=shows)


def _show_id(event: Mark) -> str:
    if not isinstance(event, MarkWatched):
        return event.show_id
    title = event.title
    return title.id if isinstance(title, Supplemental) else title.show_id
