"""A show that is laid open for loops is the show that was packed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from shows_by_hand import new_show
from state_strategies import NOW, shows

from stream_cw.core.joined import PADDING, as_bytes
from stream_cw.core.limits import EPISODES, SHOW_DEVICES
from stream_cw.core.open_show import MOST_BYTES, new_open
from stream_cw.core.packed_show import FIXED, pack_show
from stream_cw.core.show import ListedEpisode, Show, ShowDevice
from stream_cw.core.show_bytes import read_show, write_show
from stream_cw.core.show_tail import Bookmark, Nobody

FILM = b"film"


def laid_open(packed: bytes) -> bytes:
    """Read, and write again."""
    show, out = new_open(), np.empty(MOST_BYTES, np.uint8)
    read_show(as_bytes(packed + PADDING), as_bytes(FILM), show)
    return out[: write_show(show, out)].tobytes()


@given(shows())
def test_nothing_is_lost(show: Show) -> None:
    packed = pack_show(show)
    assert laid_open(packed) == packed


def test_the_longest_show_has_room() -> None:
    show = new_show(series=True, title_id="t" * 128, ts=NOW, slot=0)
    show.devices = [ShowDevice(slot, 1) for slot in range(SHOW_DEVICES)]
    show.episodes = [ListedEpisode(n, 1, 1, NOW - n) for n in range(EPISODES)]
    show.removal_ts, show.watched_ts = NOW, NOW
    show.nobody = Nobody(1, 1, Bookmark("b" * 128, 1, NOW, 1, 1, 1, 1))
    packed = pack_show(show)
    assert laid_open(packed) == packed
    assert len(packed) + 128 < MOST_BYTES  # a byte each says how long its two ids are


@given(st.binary(min_size=FIXED.size, max_size=FIXED.size + 300))
def test_damaged_bytes_do_no_harm(packed: bytes) -> None:
    """Whatever their counts claim, nothing is read or written where nothing is."""
    assert len(laid_open(packed)) <= MOST_BYTES
