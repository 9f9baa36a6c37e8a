"""Columns of packed shows hold what unpacking each show gives."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from shows_by_hand import new_show
from state_strategies import shows

from stream_cw.core import packed_show as packing
from stream_cw.core.columns import (
    DEPTH,
    FIXED,
    FURTHEST,
    FURTHEST_LENGTH,
    IDLE,
    NO_SEAT,
    RATING_SHIFT,
    REMOVED,
    ROW,
    ROWS,
    SEAT,
    SEATS,
    SERIES,
    WATCHED,
    columns,
)
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.joined import joined
from stream_cw.core.limits import SHOW_DEVICES, U32
from stream_cw.core.packed_show import pack_show, unpack_show
from stream_cw.core.show import Show, ShowDevice

HAS_SEASON, HAS_EPISODE = 8, 16
NO_SLOT = 15


def test_the_columns_are_as_long_as_what_is_packed() -> None:
    assert sum(size * many for _, size, many in FIXED) == packing.FIXED.size
    show = new_show(series=False, title_id="film", ts=0)
    without = len(pack_show(show))
    show.devices = [ShowDevice(0, 0)]
    assert sum(size for _, size in SEAT) == len(pack_show(show)) - without


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
        "last": show.last_ts,
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
        "lately": show.lately,
        "begun": NO_SLOT if show.begun_slot is None else show.begun_slot,
        "started_ago": U32 if show.started_ts is None else show.last_ts - show.started_ts,
        "furthest": list(show.furthest),
        "longest_gap": show.longest_gap,
        "tail": tail_flags(show),
        "title_length": len(show.title_id) if show.series else 0,
    }


def tail_flags(show: Show) -> int:
    nobody = show.nobody
    bookmark = nobody and nobody.bookmark
    marked = bool(show.removal_ts or show.watched_ts)
    elsewhere = bool(bookmark and bookmark.title_id != show.title_id)
    told = (show.stopped, nobody is not None, bookmark is not None, elsewhere, marked)
    return sum(1 << bit for bit, there in enumerate(told) if there)


def check(listed: list[Show]) -> None:
    packed = [pack_show(show) for show in listed]
    found = columns(joined(packed))
    assert found.shape == (ROWS, len(listed))
    for show, data, column in zip(listed, packed, found.T.tolist(), strict=True):
        unpacked = unpack_show(show.title_id, data)
        assert unpacked == show
        wanted = expected(unpacked)
        assert list(wanted) == list(ROW)
        told = {
            name: column[ROW[name] : ROW[name] + many] if many > 1 else column[ROW[name]]
            for name, _, many in FIXED
        }
        assert told == wanted
        seats = batched(column[SEATS:FURTHEST], len(SEAT))
        free = SHOW_DEVICES - len(show.devices)
        none = (NO_SEAT,) * len(SEAT)
        assert list(seats) == [tuple(vars_of(d)) for d in show.devices] + free * [none]
        positions = [episode.position_ms for episode in show.episodes]
        assert column[FURTHEST] == max(positions, default=-1)
        first = positions.index(column[FURTHEST]) if positions else None
        length = None if first is None else show.episodes[first].duration_ms
        assert column[FURTHEST_LENGTH] == (length or 0)
        nobody = show.nobody
        assert column[DEPTH] == (-1 if nobody is None else nobody.depth)
        assert column[IDLE] == (-1 if nobody is None else nobody.idle_min)


def vars_of(device: ShowDevice) -> list[int]:
    return [device.slot, device.last_s, device.plays, device.sessions_at]


def batched(numbers: list[int], size: int) -> Iterator[tuple[int, ...]]:
    return (tuple(numbers[n : n + size]) for n in range(0, len(numbers), size))


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
