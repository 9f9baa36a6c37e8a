"""The rows of `cw.row-updates.v1`, as they stand on the topic: the same row, the same bytes."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stream_cw.core.decoding import decode_json
from stream_cw.core.events import Count, Duration, Id, Millis, Ordinal, Rank, Timestamp

MAX_TILES: Final = 20
MAX_ROW_BYTES: Final = 65_536
"""Longest value that is decoded; a full row with the longest ids and reasons has 25 kB."""

SOURCE_PARTITION: Final = "cw-source-partition"
SOURCE_OFFSET: Final = "cw-source-offset"
"""Headers of a row's record, and of a tombstone in the changelog: the event behind it."""

Score = Annotated[int, Meta(ge=-9_007_199_254_740_991, le=9_007_199_254_740_991)]
MicroShare = Annotated[int, Meta(ge=0, le=1_000_000)]

ShowKind = Literal["movie", "series"]


class Version(Struct, frozen=True, order=True):
    """Order of the rows of one device, compared field by field.

    Attributes
    ----------
    revision : int
        How many events of the profile were applied.
    catalog : int
        How many records of the catalog topic were read; 0 without one.
    model : int
        The offset on the model topic of the artefact in force, and one; 0 without one.
    """

    revision: Count
    catalog: Count
    model: Count


class Cause(Struct, frozen=True):
    """The event that the row answers; not `recorded`: a private one, which changed nothing."""

    event_id: Id
    type: Id
    recorded: bool = True


class ModelRef(Struct, frozen=True):
    """The scorer that ordered the row; `sha256` of the artefact, None for a built-in rule."""

    id: Id
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")] | None


class Placement(Struct, frozen=True):
    """Where the row belongs on the page.

    Attributes
    ----------
    p_continue : int
        Likelihood, in micro-units, that this session goes on with a show of the row.
    slot : int
        Place from the top, 0 is the first.
    method : str
        How the likelihood was estimated.
    """

    p_continue: MicroShare
    slot: Rank
    method: Id


class Tile(Struct, frozen=True):
    """One show of the row and what to play.

    Attributes
    ----------
    show_id : str
        The series, or the film itself.
    kind : {'movie', 'series'}
    title_id : str
        The title to play; for `up_next` the one after it.
    season, episode : int or None
    position_ms : int
    duration_ms : int or None
    up_next : bool
        `title_id` is finished: the one after it is meant.
    score : int
        What the row is ordered by, micro-units where the scorer says nothing else; `row.row` says
        what stands first of equal ones.
    reason : str
        Why the tile stands where it stands.
    """

    show_id: Id
    kind: ShowKind
    title_id: Id
    season: Ordinal | None
    episode: Ordinal | None
    position_ms: Millis
    duration_ms: Duration | None
    up_next: bool
    score: Score
    reason: Annotated[str, Meta(max_length=200)]


class Row(Struct, frozen=True, kw_only=True):
    """The Continue Watching row of one device of a profile; `ts` is event time in ms."""

    profile_id: Id
    device_id: Id
    session_id: Id | None
    version: Version
    ts: Timestamp
    cause: Cause
    model: ModelRef
    placement: Placement
    arm: Id | None
    tiles: Annotated[list[Tile], Meta(max_length=MAX_TILES)]


_SEEN_FROM: Final = b',"model":{'
"""Where a row's bytes begin to tell what a member sees. The version's own model is a number, and in
a string there is no quote without a backslash."""

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Row)


def row_key(profile_id: str, device_id: str) -> bytes:
    """Key of a device's rows on the push topic; ids hold no slash."""
    return f"{profile_id}/{device_id}".encode()


def encode_row(row: Row) -> bytes:
    """Encode a row; fields stand in a fixed order, so equal rows are equal bytes."""
    return _encoder.encode(row)


def decode_row(value: bytes | None) -> Row:
    """Decode a row from the push topic; fields that a newer version added are ignored.

    Raises
    ------
    RefusedRecordError
        If the value is not a row; a tombstone has none.
    """
    return decode_json(_decoder, value, MAX_ROW_BYTES)


def row_content(row: Row) -> bytes:
    """Encode what a member can see of a row: all but version, stamp and which event caused it."""
    return _encoder.encode(
        (row.session_id, row.cause.recorded, row.model, row.placement, row.arm, row.tiles),
    )


def seen_of(row: Row, value: bytes) -> bytes:
    """Tell by a row's bytes what `row_content` tells, without encoding it again.

    Parameters
    ----------
    row : Row
    value : bytes
        The row as `encode_row` gives it.

    Returns
    -------
    bytes
        Equal to that of another row if and only if their contents are.
    """
    session = b"" if row.session_id is None else b"\n" + row.session_id.encode()
    return b"%b\n%d%b" % (value[value.index(_SEEN_FROM) :], row.cause.recorded, session)
