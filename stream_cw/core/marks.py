"""What the member's word does to a show that the state knows."""

from typing import Final

import msgspec
import numpy as np

from stream_cw.core.columns import FLAGS, RATING_SHIFT, REMOVED
from stream_cw.core.compiled import loop
from stream_cw.core.events import MarkWatched, Rating, Remove, Supplemental, UndoRemove
from stream_cw.core.joined import PADDING, Bytes, as_bytes
from stream_cw.core.open_show import MOST_BYTES, REMOVAL_TS, new_open
from stream_cw.core.packed_show import last_title
from stream_cw.core.show_bytes import read_show, write_show
from stream_cw.core.standing import forget_marks, mark_watched
from stream_cw.core.state import ProfileState
from stream_cw.core.told import NO_TITLE, TITLE, Title, title_of

Word = Remove | UndoRemove | MarkWatched | Rating
"""The member's word on a show."""

_KINDS: Final = (Remove, UndoRemove, MarkWatched, Rating)
_REMOVE, _UNDO_REMOVE, _MARK_WATCHED, _RATE = range(len(_KINDS))
_ALL_BUT_RATING: Final = (1 << RATING_SHIFT) - 1


def take_word(state: ProfileState, event: Word) -> ProfileState:
    """Take the member's word on a show; on one that the state does not know it says nothing."""
    watched, show_id = (
        (event.title, event.title.id) if isinstance(event, MarkWatched) else (None, event.show_id)
    )
    if isinstance(watched, Supplemental):
        return state
    show_id = show_id if watched is None else watched.show_id
    place = state.shows.find(show_id)
    if place is None:
        return state
    packed, name, title = state.shows.at(place), b"", NO_TITLE
    if watched is not None:
        name, title = watched.id.encode(), title_of(watched, last_title(show_id, packed))
    out = np.empty(MOST_BYTES, np.uint8)
    length = _mark(
        as_bytes(packed + PADDING),
        as_bytes(show_id.encode()),
        as_bytes(name),
        title,
        _KINDS.index(type(event)),
        event.ts,
        event.rating if isinstance(event, Rating) else 0,
        out,
    )
    shows = state.shows.replaced(place, out[:length].tobytes())
    return msgspec.structs.replace(state, shows=shows)


@loop(f"i8(u1[::1], u1[::1], u1[::1], {TITLE}, i8, i8, i8, u1[::1])")
def _mark(
    packed: Bytes, show_id: Bytes, name: Bytes, title: Title, kind: int, ts: int, rating: int,
    out: Bytes,
) -> int:  # fmt: skip
    """Take a word on a packed show into `out`; give its bytes there. The show is padded."""
    show = new_open()
    read_show(packed, show_id, show)
    numbers = show.numbers
    if kind == _REMOVE and ts > numbers[REMOVAL_TS]:
        numbers[FLAGS] |= REMOVED
        numbers[REMOVAL_TS] = ts
    elif kind == _UNDO_REMOVE and ts >= numbers[REMOVAL_TS]:
        numbers[FLAGS] &= ~REMOVED
        numbers[REMOVAL_TS] = ts
    elif kind == _RATE:
        numbers[FLAGS] = numbers[FLAGS] & _ALL_BUT_RATING | (rating + 1) << RATING_SHIFT
    elif kind == _MARK_WATCHED:
        mark_watched(show, name, Title(*title), ts)
    forget_marks(numbers)
    return write_show(show, out)
