"""The events of a profile, as they stand on `cw.viewing-events.v1`.

The structs below *are* the contract of the decoder; `schemas/viewing-events.v1.schema.json` says
the same for producers in other languages, and one test holds the two to the same verdicts. Unknown
fields are ignored, so that producers may add some before consumers know them.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stream_cw.core.decoding import decode_json

MAX_EVENT_BYTES: Final = 65_536
"""Longest value that is decoded; real events stay under 2 KiB."""

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]{1,128}\Z")]
Timestamp = Annotated[int, Meta(ge=946_684_800_000, le=4_102_444_800_000)]
"""Event time in ms since 1970, from 2000 to 2100: seconds or microseconds sent by mistake fail."""
Millis = Annotated[int, Meta(ge=0, le=604_800_000)]
"""A position or length within a title in ms, at most seven days."""
Duration = Annotated[int, Meta(ge=1, le=604_800_000)]
Ordinal = Annotated[int, Meta(ge=0, le=65_535)]
Rank = Annotated[int, Meta(ge=0, le=999)]
Count = Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)]
"""A number that every JSON reader holds exactly: up to 2^53 - 1."""
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
DeviceType = Literal["tv", "phone", "tablet", "computer", "console", "stick", "other"]
DEVICE_TYPES: Final[tuple[DeviceType, ...]] = (
    "tv",
    "phone",
    "tablet",
    "computer",
    "console",
    "stick",
    "other",
)
Surface = Literal["row", "search", "browse", "autoplay", "deeplink", "other"]


class _Titled(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    id: Id
    duration_ms: Duration | None = None
    credits_ms: Millis | None = None


class Movie(_Titled, frozen=True, kw_only=True, omit_defaults=True, tag="movie"):
    """A film, or anything that stands alone; it is its own show."""

    @property
    def show_id(self) -> str:
        """The show that the title belongs to."""
        return self.id


class Episode(_Titled, frozen=True, kw_only=True, omit_defaults=True, tag="episode"):
    """An episode of a series; the series is the show."""

    series_id: Id
    season: Ordinal | None = None
    episode: Ordinal | None = None

    @property
    def show_id(self) -> str:
        """The show that the title belongs to."""
        return self.series_id


class Supplemental(_Titled, frozen=True, kw_only=True, omit_defaults=True, tag="supplemental"):
    """A trailer, hook or recap: a sign of life on the device, never a reason for a tile."""

    series_id: Id | None = None


Title = Movie | Episode | Supplemental


class Origin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a play was started from: the surface, and for the row its revision and rank."""

    surface: Surface
    revision: Count | None = None
    rank: Rank | None = None


class BaseEvent(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every event says: who, on which device, when (event time, ms)."""

    event_id: Id
    profile_id: Id
    device_id: Id
    device_type: DeviceType
    ts: Timestamp
    session_id: Id | None = None
    tz_offset_min: Annotated[int, Meta(ge=-840, le=840)] | None = None
    country: Country | None = None


class _Playback(BaseEvent, frozen=True, kw_only=True, omit_defaults=True):
    title: Title
    position_ms: Millis


class Play(_Playback, frozen=True, kw_only=True, omit_defaults=True, tag="play"):
    """Playback starts or goes on; `autoplay` when no member asked for it."""

    autoplay: bool = False
    origin: Origin | None = None


class Pause(_Playback, frozen=True, kw_only=True, omit_defaults=True, tag="pause"):
    """Playback rests; a play of the same title goes on with it."""


class Stop(_Playback, frozen=True, kw_only=True, omit_defaults=True, tag="stop"):
    """Playback ends."""


class Progress(_Playback, frozen=True, kw_only=True, omit_defaults=True, tag="progress"):
    """Playback reports where it is."""


class SessionStart(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="session_start"):
    """The member opened the app; `inferred` when an importer made the event from a play."""

    inferred: bool = False


class HomeView(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="home_view"):
    """The home page is shown."""


class Browse(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="browse"):
    """The member looks around, away from the row."""


class RowSeen(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="row_seen"):
    """A row was on the screen: its revision, and the ranks that were visible."""

    revision: Count
    ranks: Annotated[list[Rank], Meta(max_length=64)] = []


class Scroll(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="scroll"):
    """The page moved."""


class Skip(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="skip"):
    """The member passed over what was offered; the show, where one is meant."""

    show_id: Id | None = None


class Rating(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="rating"):
    """A thumb: -1 down, 0 taken back, 1 up, 2 two up."""

    show_id: Id
    rating: Annotated[int, Meta(ge=-1, le=2)]


class DisplayOff(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="display_off"):
    """The display went dark, whatever the player does."""


class Remove(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="remove"):
    """The member takes a show out of the row; its position is kept."""

    show_id: Id


class UndoRemove(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="undo_remove"):
    """The member takes a removal back."""

    show_id: Id


class MarkWatched(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="mark_watched"):
    """The member says that a title is finished."""

    title: Title


class SetRecording(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="set_recording"):
    """The member switches recording off, or on again; what is watched meanwhile is private."""

    recording: bool


class ForgetProfile(BaseEvent, frozen=True, kw_only=True, omit_defaults=True, tag="forget_profile"):
    """Everything known of the profile is erased."""


Playback = Play | Pause | Stop | Progress
Event = (
    Playback
    | SessionStart
    | HomeView
    | Browse
    | RowSeen
    | Scroll
    | Skip
    | Rating
    | DisplayOff
    | Remove
    | UndoRemove
    | MarkWatched
    | SetRecording
    | ForgetProfile
)

_decoder: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)
_encoder: Final = msgspec.json.Encoder()


def decode_event(value: bytes | None) -> Event:
    """Decode one event.

    Parameters
    ----------
    value : bytes or None
        A record's value: one JSON object in UTF-8.

    Returns
    -------
    Event

    Raises
    ------
    RefusedRecordError
        If the value is not an event; the message names the field and the kind of value found.
    """
    return decode_json(_decoder, value, MAX_EVENT_BYTES)


def encode_event(event: Event) -> bytes:
    """Encode one event as JSON; fields at their default are left out."""
    return _encoder.encode(event)
