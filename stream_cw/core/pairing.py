"""Pairs play, pause and stop of one device, whatever of them is lost or late.

A player that rests on pause may report for hours that it is where it was, while the member has gone
on elsewhere. Such a report is as old as the first one of its position.
"""

import msgspec
from msgspec import Struct

from stream_cw.core.events import Play, Playback, Stop
from stream_cw.core.state import Device, OpenPlayback, hash64


class Pairing(Struct, frozen=True):
    """What a playback event means for its device's open playback.

    Attributes
    ----------
    started : bool
        A new playback begins.
    reported : bool
        The open playback goes on, or ends.
    credit_ms : int
        Watched time that the event proves: not more than has passed since the last report, not
        more than the position has moved.
    open : OpenPlayback or None
        The device's open playback after the event.
    ts : int
        When the position was reached, ms: before the event's time for a player that rests.
    hidden : bool
        What led to the position may be private.
    """

    started: bool
    reported: bool
    credit_ms: int
    open: OpenPlayback | None
    ts: int
    hidden: bool = False


def hide_what_begins(device: Device) -> Device:
    """Let a device on which nothing is open have something that nobody knows, as of long ago."""
    if device.open is not None:
        return device
    return msgspec.structs.replace(device, open=OpenPlayback(0, 0, 0, device.sessions))


def pair(device: Device, event: Playback, off_ts: int) -> Pairing:
    """Pair a playback event with what is open on its device.

    Parameters
    ----------
    device : Device
    event : Playback
    off_ts : int
        When recording was last switched off, ms; 0 never. Nothing is credited across it, and what
        goes on behind it may have begun in private.
    """
    title, position, ts = hash64(event.title.id), event.position_ms, event.ts
    last = device.open if device.open and device.open.title == title else None
    if last and ts < last.ts:
        return Pairing(False, False, 0, device.open, ts)
    hidden = device.open is not None and device.open.ts < off_ts <= ts
    credit = 0
    if last and not hidden:
        credit = max(0, min(ts - last.ts, position - last.position_ms))
    if isinstance(event, Play) and (last is None or hidden or last.session != device.sessions):
        opened = OpenPlayback(title, position, ts, device.sessions)
        return Pairing(True, last is not None, credit, opened, ts, hidden)
    if last is None and not hidden:
        return Pairing(False, False, 0, device.open, ts)
    if last and position == last.position_ms and not isinstance(event, Play):
        ts, hidden = last.ts, False
    session = last.session if last else device.sessions
    going = None if isinstance(event, Stop) else OpenPlayback(title, position, ts, session)
    return Pairing(False, last is not None, credit, going, ts, hidden)
