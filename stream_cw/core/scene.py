"""A row's candidates on a device at the state's now: what several features share."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.columns import Columns, Ints, last_ts
from stream_cw.core.decay import HALF_LIVES_MS
from stream_cw.core.limits import U16
from stream_cw.core.state import Device, ProfileState

_SLOTS = 16
"""Slots that a show can name: those of the state, and one for a device that is gone."""


class Scene(NamedTuple):
    """The n candidates of a row.

    Attributes
    ----------
    state : ProfileState
    slot : int
        The device's place in the state.
    device : Device
    shows : ndarray of columns.FIXED, shape (n,)
    last : ndarray of int64, shape (n,)
        Last plays, ms.
    order : ndarray of int64, shape (n,)
        Places of the candidates from the latest played on.
    here, alike : ndarray of int64, shape (n,)
        Last play on this device, and on one of its class, s; 0 for never.
    plays_here : ndarray of int64, shape (n,)
        Decayed plays on this device, unit 1/64 play.
    since_here : ndarray of int64, shape (n,)
        Sessions of this device since it was watched there.
    plays, minutes : ndarray of int64, shape (3, n)
        Decayed by half-lives of 1, 7 and 30 days; the same unit for all shows.
    """

    state: ProfileState
    slot: int
    device: Device
    shows: NDArray[Any]
    last: Ints
    order: NDArray[np.intp]
    here: Ints
    alike: Ints
    plays_here: Ints
    since_here: Ints
    plays: Ints
    minutes: Ints


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
    last = last_ts(shows)
    slots = seats["slot"]
    seated = np.arange(slots.shape[1]) < (shows["counts"] & 3)[:, None]
    mine = seated & (slots == slot)
    same_class = seated & _same_class(state, device)[slots & (_SLOTS - 1)]
    seen = seats["last_s"].astype(np.int64)
    since = (device.sessions - seats["sessions_at"].astype(np.int64)) & U16
    half_lives = np.array(HALF_LIVES_MS)[:, None]
    passed = state.now // half_lives - last // half_lives
    return Scene(
        state=state,
        slot=slot,
        device=device,
        shows=shows,
        last=last,
        order=np.argsort(-last, kind="stable"),
        here=(seen * mine).max(axis=1),
        alike=(seen * same_class).max(axis=1),
        plays_here=(seats["plays"].astype(np.int64) * mine).max(axis=1),
        since_here=(since * mine).max(axis=1),
        plays=shows["plays_decayed"].T.astype(np.int64) >> passed,
        minutes=shows["minutes"].T.astype(np.int64) >> passed,
    )


def _same_class(state: ProfileState, device: Device) -> NDArray[np.bool_]:
    known = np.zeros(_SLOTS, bool)
    for slot, other in enumerate(state.devices):
        known[slot] = other.device_type == device.device_type
    return known


def places(scene: Scene) -> Ints:
    """Where each show was played last.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 here, 1 on another device of this class, 2 on another class, 3 on a device that is gone.
    """
    kinds = np.full(_SLOTS, 3, np.int64)
    for slot, other in enumerate(scene.state.devices):
        kinds[slot] = 1 if other.device_type == scene.device.device_type else 2
    kinds[scene.slot] = 0
    placed: Ints = kinds[scene.shows["counts"] >> 4]
    return placed
