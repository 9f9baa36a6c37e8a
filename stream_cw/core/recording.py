"""What is private: events from the member's switching recording off until it is on again."""

from typing import NamedTuple

from stream_cw.core.events import Event, SetRecording


class Recording(NamedTuple):
    """When recording was last switched off, and when on; ms, 0 never."""

    off_ts: int = 0
    on_ts: int = 0


def switched(recording: Recording, event: SetRecording) -> Recording:
    """Take a switch into account; an older one than those known changes nothing."""
    if event.recording:
        return recording._replace(on_ts=max(recording.on_ts, event.ts))
    return recording._replace(off_ts=max(recording.off_ts, event.ts))


def is_private(recording: Recording, event: Event) -> bool:
    """Whether recording was off at the event's time; the switch itself is no secret."""
    off_ts, on_ts = recording
    if isinstance(event, SetRecording) or not 0 < off_ts <= event.ts:
        return False
    return on_ts <= off_ts or event.ts < on_ts
