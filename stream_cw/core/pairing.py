"""Pairs play, pause and stop of one device, whatever of them is lost or late.

A player that rests on pause may report for hours that it is where it was, while the member has gone
on elsewhere. Such a report is as old as the first one of its position.
"""

from typing import NamedTuple

from stream_cw.core.events import Play, Playback, Stop
from stream_cw.core.state import Device, OpenPlayback, hash64


class Pairing(NamedTuple):
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
    """

    started: bool
    reported: bool
    credit_ms: int
    open: OpenPlayback | None
    ts: int


def pair(device: Device, event: Playback) -> Pairing:
    """Pair a playback event with what is open on its device."""
    title, position, ts = hash64(event.title.id), event.position_ms, event.ts
    last = device.open if device.open and device.open.title == title else None
    if last and ts < last.ts:
        return Pairing(False, False, 0, device.open, ts)
    credit = max(0, min(ts - last.ts, position - last.position_ms)) if last else 0
    if isinstance(event, Play) and (last is None or last.session != device.sessions):
        opened = OpenPlayback(title, position, ts, device.sessions)
        return Pairing(True, last is not None, credit, opened, ts)
    if last is None:
        return Pairing(False, False, 0, device.open, ts)
    if position == last.position_ms and not isinstance(event, Play):
        ts = last.ts
    if isinstance(event, Stop):
        return Pairing(False, True, credit, None, ts)
    return Pairing(False, True, credit, OpenPlayback(title, position, ts, last.session), ts)
