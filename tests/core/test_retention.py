"""What leaves a state that is too large: told in words, and held against the loops."""

import random

from event_strategies import DAY, T0
from hypothesis import given
from hypothesis import strategies as st
from shows_by_hand import new_show

from stream_cw.core.codec import INDEX_BYTES
from stream_cw.core.limits import EPISODES, SHOW_DEVICES
from stream_cw.core.packed_show import pack_show, unpack_show
from stream_cw.core.retention import LIKELY, trimmed
from stream_cw.core.show import ListedEpisode, ShowDevice
from stream_cw.core.show_tail import Bookmark, Nobody
from stream_cw.core.shows import Shows


def some_shows(dice: random.Random) -> Shows:
    packed = {}
    for number in range(dice.choice((0, 1, LIKELY, LIKELY + 1, 40))):
        last = T0 + dice.randrange(20) * DAY
        show = new_show(series=dice.random() < 0.7, title_id=f"title-{number}", ts=last, slot=0)
        show.devices = [ShowDevice(slot, 1) for slot in range(dice.randrange(SHOW_DEVICES + 1))]
        listed = range(dice.randrange(EPISODES + 1))
        show.episodes = [ListedEpisode(n, 1, None, last - n) for n in listed]
        show.nobody = dice.choice((None, Nobody(3, 70, Bookmark("before", 1, last - DAY))))
        packed[f"show-{dice.randrange(10**6)}"] = pack_show(show)
    return Shows.of(packed)


def size(shows: dict[str, bytes]) -> int:
    return sum(len(name) + INDEX_BYTES + len(packed) for name, packed in shows.items())


def slowly_trimmed(shows: dict[str, bytes], most: int) -> dict[str, bytes]:
    """Let details go one show at a time, and then shows, and look at the whole size each time."""
    shows = dict(shows)
    oldest = sorted(shows, key=lambda name: (unpack_show(name, shows[name]).last_ts, name))
    unlikely = oldest[: max(0, len(oldest) - LIKELY)]
    for names, devices in ((unlikely, 1), (unlikely, 0), (oldest, 1), (oldest, 0)):
        for name in names:
            if size(shows) <= most:
                return shows
            show = unpack_show(name, shows[name])
            show.episodes, show.devices = [], show.devices[:devices]
            shows[name] = pack_show(show)
    for name in oldest:
        if size(shows) > most:
            del shows[name]
    return shows


@given(st.integers(0, 10**9), st.floats(0, 1.1))
def test_no_more_leaves_than_must_and_the_least_likely_first(seed: int, share: float) -> None:
    shows = some_shows(random.Random(seed))
    before = shows.by_id()
    excess = round(share * size(before))
    assert trimmed(shows, excess).by_id() == slowly_trimmed(before, size(before) - excess)
