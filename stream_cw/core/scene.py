"""A row's candidates on a device at the state's now: what several features share."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.columns import FIXED, Columns, Ints
from stream_cw.core.decay import HALF_LIVES_MS
from stream_cw.core.limits import U16
from stream_cw.core.show import HOUR_BINS
from stream_cw.core.state import Device, ProfileState

_SLOTS: Final = 16
"""Slots that a show can name: those of the state, and one for a device that is gone."""

_WORD: Final = np.dtype("<u2")


def _word(name: str, index: int = 0) -> int:
    """Place of a field among the 16-bit words of a packed show's fixed part."""
    return int(FIXED.fields[name][1]) // _WORD.itemsize + index  # type: ignore[index]


FLAGS, LAST_HIGH = _word("flags"), _word("last_high")
EPISODE, PLAYS, AUTOPLAYS, SESSIONS = map(_word, ("episode", "plays", "autoplays", "sessions"))
DECAYED, HOURS, SESSIONS_AT, RUN = map(_word, ("plays_decayed", "hours", "sessions_at", "run"))
_LOW_HALVES: Final = np.array(
    [
        _word("last_low"),
        _word("first_s"),
        _word("position"),
        *(_word("minutes", 2 * n) for n in range(3)),
    ]
)
_HIGH_HALVES: Final = _LOW_HALVES + 1
_HALF_LIVES: Final = np.array(HALF_LIVES_MS)[:, None]
_SEATS: Final = np.arange(3)


class Scene(NamedTuple):
    """The n candidates of a row.

    Attributes
    ----------
    state : ProfileState
    slot : int
        The device's place in the state.
    device : Device
    words : ndarray of int64, shape (words, n)
        The fixed parts of the packed shows in words of 16 bits.
    last, first_s, position : ndarray of int64, shape (n,)
        Last play, ms; first play, s; position in the last title, ms.
    order : ndarray of int64, shape (n,)
        Places of the candidates from the latest played on.
    here, alike : ndarray of int64, shape (n,)
        Last play on this device, and on one of its class, s; 0 for never.
    plays_here : ndarray of int64, shape (n,)
        Decayed plays on this device, half-life 30 days, unit 1/64 play.
    since_here : ndarray of int64, shape (n,)
        Sessions of this device since it was watched there.
    decayed : ndarray of int64, shape (6, n)
        Plays by half-lives of 1, 7 and 30 days, then minutes; the same unit for all shows.
    hours : ndarray of int64, shape (8, n)
        Decayed plays by part of the day; the same unit for all shows.
    """

    state: ProfileState
    slot: int
    device: Device
    words: Ints
    last: Ints
    first_s: Ints
    position: Ints
    order: NDArray[np.intp]
    here: Ints
    alike: Ints
    plays_here: Ints
    since_here: Ints
    decayed: Ints
    hours: Ints


def scene(state: ProfileState, slot: int, found: Columns) -> Scene:
    """Prepare the candidates of a row for the device in a slot.

    Parameters
    ----------
    state : ProfileState
    slot : int
    found : Columns
        The candidates; at least one.

    Returns
    -------
    Scene
    """
    shows, seats = found
    device = state.devices[slot]
    words: Ints = shows.view(_WORD).reshape(len(shows), -1).T.astype(np.int64, order="C")
    doubles = words.take(_LOW_HALVES, axis=0) | words.take(_HIGH_HALVES, axis=0) << 16
    last = doubles[0] | words[LAST_HIGH] << 32
    here, alike, plays_here, since_here = _seated(state, slot, words[FLAGS] >> 8, seats)
    decayed = np.concatenate((words[DECAYED : DECAYED + 3], doubles[3:]))
    passed = state.now // _HALF_LIVES - last // _HALF_LIVES
    return Scene(
        state=state,
        slot=slot,
        device=device,
        words=words,
        last=last,
        first_s=doubles[1],
        position=doubles[2],
        order=np.argsort(-last, kind="stable"),
        here=here,
        alike=alike,
        plays_here=plays_here >> passed[2],
        since_here=since_here,
        decayed=(decayed.reshape(2, 3, -1) >> passed).reshape(6, -1),
        hours=words[HOURS : HOURS + HOUR_BINS] >> passed[2],
    )


def _seated(state: ProfileState, slot: int, counts: Ints, seats: NDArray[Any]) -> Ints:
    """Read off the shows' statistics of this device, and of its class; shape (4, n)."""
    device = state.devices[slot]
    slots = seats["slot"]
    seated = (counts & 3)[:, None] > _SEATS
    mine = seated & (slots == slot)
    same_class = np.zeros(256, bool)
    for other, known in enumerate(state.devices):
        same_class[other] = known.device_type == device.device_type
    last_s = seats["last_s"]
    read = np.zeros((4, *slots.shape), np.int64)
    np.copyto(read[0], last_s, where=mine)
    np.copyto(read[1], last_s, where=seated & same_class[slots])
    np.copyto(read[2], seats["plays"], where=mine)
    np.copyto(read[3], device.sessions - seats["sessions_at"].astype(np.int64) & U16, where=mine)
    found: Ints = np.maximum.reduce(read, axis=2)
    return found


def places(scene: Scene) -> Ints:
    """Where each show was played last.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 here, 1 on another device of this class, 2 on another class, 3 on a device that is gone.
    """
    kinds = [3] * _SLOTS
    for slot, other in enumerate(scene.state.devices):
        kinds[slot] = 1 if other.device_type == scene.device.device_type else 2
    kinds[scene.slot] = 0
    placed: Ints = np.array(kinds)[scene.words[FLAGS] >> 12]
    return placed
