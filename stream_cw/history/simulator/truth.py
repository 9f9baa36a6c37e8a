"""What the simulator knows and the log does not say: chances, attention, endings."""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct


class SessionTruth(Struct, frozen=True, kw_only=True, tag_field="type", tag="session"):
    """A session and how it might have gone on.

    Attributes
    ----------
    profile_id, device_id : str
    ts : int
        Time of its `session_start`, ms.
    event_id : str
        Id of its `session_start`.
    scored : bool
        False: nothing was watched, or it began while another session of the profile went on; the
        chances are then absent.
    discovery : int or None
        Probability, in micro-units, that the first show is one never seen before.
    shows : dict
        Probability of each show begun before; shows of probability zero are left out. With
        `discovery` they sum to one million: the draw was made from these very numbers.
    target : str or None
        The show that was drawn, or that was found.
    returned : bool or None
        Whether the target is one of `shows`.
    """

    profile_id: str
    device_id: str
    ts: int
    event_id: str
    scored: bool
    discovery: int | None = None
    shows: dict[str, int] = {}
    target: str | None = None
    returned: bool | None = None


class PlaybackTruth(Struct, frozen=True, kw_only=True, tag_field="type", tag="playback"):
    """A playback and whether anybody watched.

    Attributes
    ----------
    profile_id, device_id : str
    ts : int
        Time of its `play`, ms.
    event_id : str
        Id of its `play`.
    show_id, title_id : str
    attended : bool
        False: the member fell asleep in it, or slept all through it.
    asleep_from_ms : int or None
        Position at which the member fell asleep.
    """

    profile_id: str
    device_id: str
    ts: int
    event_id: str
    show_id: str
    title_id: str
    attended: bool
    asleep_from_ms: int | None = None


class AbandonedTruth(Struct, frozen=True, kw_only=True, tag_field="type", tag="abandoned"):
    """A show whose interest begins to fade at `ts`: it may be played again, ever more rarely."""

    profile_id: str
    ts: int
    show_id: str


class FinishedTruth(Struct, frozen=True, kw_only=True, tag_field="type", tag="finished"):
    """A title that the member saw to its credits; `show_finished`: nothing more is released."""

    profile_id: str
    ts: int
    show_id: str
    title_id: str
    show_finished: bool


Truth = SessionTruth | PlaybackTruth | AbandonedTruth | FinishedTruth

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[Truth]] = msgspec.json.Decoder(Truth)


def encode_truth(truth: Truth) -> bytes:
    """Encode one line of the truth, without the line's end."""
    return _encoder.encode(truth)


def read_truth(lines: Iterator[bytes]) -> Iterator[Truth]:
    """Decode the lines of a truth file.

    Raises
    ------
    msgspec.ValidationError, msgspec.DecodeError
        If a line is not of a truth file.
    """
    return map(_decoder.decode, lines)
