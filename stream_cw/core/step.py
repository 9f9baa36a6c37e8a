"""The whole flow in one expression: worker, replay, training and oracle run this."""

from typing import Final

import msgspec
from msgspec import Struct

from stream_cw.core.apply import apply, is_repeat
from stream_cw.core.events import Event
from stream_cw.core.state import ProfileState, Source, live_devices

QUIET: Final = frozenset({"progress", "row_seen", "scroll"})
"""Types that change what is known and are no reason to rescore: they come many times a minute."""


class Step(Struct, frozen=True):
    """What came of an event.

    Attributes
    ----------
    state : ProfileState or None
        None: nothing is known of the profile, any more or yet.
    applied : bool
        False for an event at or below the guard, and for a repeated id.
    due : tuple of str
        Devices whose row is due at this state.
    erased : tuple of str
        Devices whose rows are to be erased: those of a forgotten profile, and one that left the
        state, as nobody would know of its row later.
    """

    state: ProfileState | None
    applied: bool
    due: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()


def is_seen(state: ProfileState, source: Source) -> bool:
    """Whether an event at this place was taken already: it is at or below the guard."""
    guard = state.source
    return (
        source.epoch == guard.epoch
        and source.partition == guard.partition
        and source.offset <= guard.offset
    )


def step(state: ProfileState | None, event: Event, source: Source) -> Step:
    """Take one admitted event into a profile's state.

    Parameters
    ----------
    state : ProfileState or None
    event : Event
    source : Source
        Where the event stands in the log.

    Returns
    -------
    Step
    """
    if state is not None:
        if is_seen(state, source):
            return Step(state, applied=False, due=live_devices(state))
        if is_repeat(state, event):
            return Step(msgspec.structs.replace(state, source=source), applied=False)
    after = apply(state, event, source)
    known = [] if state is None else [device.device_id for device in state.devices]
    if after is None:
        mine = [] if event.device_id in known else [event.device_id]
        return Step(None, applied=True, erased=(*known, *mine))
    erased: tuple[str, ...] = ()
    if event.device_id not in known:
        kept = [device.device_id for device in after.devices]
        erased = tuple(name for name in known if name not in kept)
    due = () if after.cause_type in QUIET else live_devices(after)
    return Step(after, applied=True, due=due, erased=erased)
