"""Columns of packed shows hold what unpacking each show gives."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from state_strategies import shows

from stream_cw.core import show as packing
from stream_cw.core.columns import (
    FIXED,
    RATING_SHIFT,
    REMOVED,
    SEAT,
    SERIES,
    WATCHED,
    columns,
    last_ts,
)
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.limits import SHOW_DEVICES, U32
from stream_cw.core.show import Show, ShowDevice, new_show, pack_show, unpack_show

HAS_SEASON, HAS_EPISODE = 8, 16
NO_SLOT = 15


def test_the_dtypes_are_as_long_as_what_is_packed() -> None:
    assert FIXED.itemsize == packing.FIXED.size
    show = new_show(series=False, title_id="film", ts=0)
    without = len(pack_show(show))
    show.devices = [ShowDevice(0, 0)]
    assert SEAT.itemsize == len(pack_show(show)) - without


def expected(show: Show) -> dict[str, object]:
    flags = (
        SERIES * show.series
        + REMOVED * show.removed
        + WATCHED * show.watched
        + HAS_SEASON * (show.season is not None)
        + HAS_EPISODE * (show.episode is not None)
        + ((show.rating + 1) << RATING_SHIFT)
    )
    slot = NO_SLOT if show.position_slot is None else show.position_slot
    return {
        "flags": flags,
        "counts": len(show.devices) + 4 * len(show.episodes) + 16 * slot,
        "last_low": show.last_ts % (U32 + 1),
        "last_high": show.last_ts // (U32 + 1),
        "first_s": show.first_s,
        "position": show.position_ms,
        "duration": show.duration_ms or 0,
        "credits": U32 if show.credits_ms is None else show.credits_ms,
        "season": show.season or 0,
        "episode": show.episode or 0,
        "plays": show.plays,
        "autoplays": show.autoplays,
        "starts": show.starts,
        "sessions": show.sessions,
        "minutes": show.minutes,
        "plays_decayed": show.plays_decayed,
        "hours": show.hours,
        "weekend": show.weekend,
        "types": show.types,
        "sessions_at": show.sessions_at,
        "run": show.run,
        "last_gap_s": show.last_gap_s,
        "title_length": len(show.title_id) if show.series else 0,
    }


def check(listed: list[Show]) -> None:
    packed = [pack_show(show) for show in listed]
    found = columns(packed)
    assert found.shows.shape == (len(listed),)
    assert found.seats.shape == (len(listed), SHOW_DEVICES)
    assert last_ts(found.shows).tolist() == [show.last_ts for show in listed]
    for number, (show, data) in enumerate(zip(listed, packed, strict=True)):
        unpacked = unpack_show(show.title_id, data)
        assert unpacked == show
        row = found.shows[number]
        wanted = expected(unpacked)
        assert set(wanted) == set(FIXED.names or ())
        assert {name: np.asarray(row[name]).tolist() for name in wanted} == wanted
        seats = found.seats[number][: len(unpacked.devices)]
        assert [ShowDevice(*map(int, seat)) for seat in seats.tolist()] == unpacked.devices


@given(st.lists(shows(), max_size=5))
def test_columns_are_what_unpacking_gives(listed: list[Show]) -> None:
    check(listed)


def test_none_and_one_and_the_longest() -> None:
    check([])
    bare = new_show(series=False, title_id="f", ts=0)
    check([bare])
    longest = new_show(series=True, title_id="x" * 128, ts=4_102_444_800_000)
    longest.devices = [ShowDevice(7, U32, 65_535, 65_535) for _ in range(3)]
    longest.types = [65_535] * len(DEVICE_TYPES)
    check([longest])
    check([bare, longest, bare, longest])
