"""Hypothesis strategies: shows and states of any content, not only what some history comes to."""

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from types import MappingProxyType
from typing import Any

from event_strategies import DAY, EPOCH, MINUTE, T0, run
from hypothesis import strategies as st

from stream_cw.core.candidates import candidates
from stream_cw.core.events import DEVICE_TYPES, Episode, Event, Play
from stream_cw.core.extraction import feature_codes
from stream_cw.core.features import FEATURE_NAMES
from stream_cw.core.joined import joined
from stream_cw.core.limits import DEVICES, EPISODES, SHOW_DEVICES, U8, U16, U32
from stream_cw.core.packed_show import pack_show, unpack_show
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.priors import CompiledPriors, Priors
from stream_cw.core.show import HOUR_BINS, ListedEpisode, Show, ShowDevice
from stream_cw.core.show_tail import Bookmark, Nobody
from stream_cw.core.shows import Shows
from stream_cw.core.state import DARK, Device, ProfileState, Source
from stream_cw.core.works import EPISODE, HEAD

NOW = T0 + 400 * DAY
WEEK_MS = 604_800_000

_BOOLEANS = st.booleans()
_SELDOM = st.integers(0, 5).map(lambda n: n == 0)
_TITLE_IDS = st.text("abcXYZ019._~-", min_size=1, max_size=128)
_COUNTS = st.integers(0, 40) | st.integers(0, U16)
_BYTES, _WORDS, _LONGS = st.integers(0, U8), st.integers(0, U16), st.integers(0, U32)
_LENGTHS = st.none() | st.integers(1, WEEK_MS) | st.integers(1, 200).map(lambda m: m * 60_000)
_POSITIONS = st.integers(0, WEEK_MS) | st.integers(0, 12_000_000)
_CREDITS = st.none() | _POSITIONS
_SEASONS = st.integers(0, 30)
_SEASONS_OR_NONE, _WORDS_OR_NONE = st.none() | _SEASONS, st.none() | _WORDS
_NUMBERS = st.none() | _SEASONS | _WORDS
_RATINGS = st.integers(-1, 1)
_BEGUN = st.none() | st.integers(0, U32 - 1)
_PER_MILLE = st.integers(0, 254) | st.just(DARK)
_LISTED = st.integers(0, EPISODES)
_LATELY = st.lists(st.integers(0, 7), max_size=4).map(
    lambda parts: sum((parts + 4 * [15])[n] << 4 * n for n in range(4))
)
_AGES = (
    st.integers(0, 3 * DAY)
    | st.integers(0, 400 * DAY)
    | st.integers(0, 40).map(lambda n: n * MINUTE)
)
_AGES_OR_NONE = st.none() | _AGES
_SLOT = {count: st.integers(0, count - 1) for count in range(1, DEVICES + 1)}
_SLOT_OR_NONE = {count: st.none() | slot for count, slot in _SLOT.items()}
_SEATS = {count: st.lists(s, max_size=SHOW_DEVICES, unique=True) for count, s in _SLOT.items()}
"""What is drawn again and again is made once: making it costs more than drawing from it."""


def _sums(size: int, most: int) -> st.SearchStrategy[list[int]]:
    """All drawn at once: one by one, most of the time would go into numbers."""

    def spread(seed: int) -> list[int]:
        random = Random(seed)
        high = random.choice([1, 500, 20_000, most])
        return [random.choice([0, random.randint(0, high), high]) for _ in range(size)]

    return st.integers(0, 2**16).map(spread)


_MINUTES, _PLAYS = _sums(3, U32), _sums(3, U16)
_HOURS, _TYPES = _sums(HOUR_BINS, U16), _sums(len(DEVICE_TYPES), U16)


@st.composite
def nobodies(draw: st.DrawFn, last: int, title_id: str, *, series: bool) -> Nobody:
    bookmark = None
    if draw(_BOOLEANS):
        other = draw(_TITLE_IDS)
        bookmark = Bookmark(
            other if other != title_id else "another",
            draw(_POSITIONS),
            last - draw(_AGES),
            draw(_SEASONS_OR_NONE) if series else None,
            draw(_WORDS_OR_NONE) if series else None,
            draw(_LENGTHS),
            draw(_CREDITS),
        )
    return Nobody(draw(_PER_MILLE), draw(_COUNTS), bookmark)


@st.composite
def shows(draw: st.DrawFn, *, slots: int = DEVICES) -> Show:
    def before(ago: int | None) -> int:
        return 0 if ago is None else last - ago

    series = draw(_BOOLEANS)
    last = NOW - draw(_AGES)
    title_id = draw(_TITLE_IDS)
    plays = draw(_COUNTS)
    seats = draw(_SEATS[slots])
    episodes = draw(_LISTED) if series else 0
    return Show(
        series=series,
        title_id=title_id,
        season=draw(_NUMBERS) if series else None,
        episode=draw(_NUMBERS) if series else None,
        position_ms=draw(_POSITIONS),
        duration_ms=draw(_LENGTHS),
        credits_ms=draw(_CREDITS),
        position_slot=draw(_SLOT_OR_NONE[slots]),
        removed=draw(_SELDOM),
        watched=draw(_SELDOM),
        rating=draw(_RATINGS),
        first_s=last // 1000 - draw(_AGES) // 1000,
        last_ts=last,
        position_ts=last,
        plays=plays,
        autoplays=draw(st.integers(0, plays)),
        starts=draw(_COUNTS),
        sessions=draw(_COUNTS),
        minutes=draw(_MINUTES),
        plays_decayed=draw(_PLAYS),
        hours=draw(_HOURS),
        weekend=draw(_COUNTS),
        types=draw(_TYPES),
        sessions_at=draw(_COUNTS),
        run=draw(_BYTES),
        last_gap_s=draw(_LONGS),
        lately=draw(_LATELY),
        begun_slot=draw(_SLOT_OR_NONE[slots]),
        started_ts=None if (begun := draw(_BEGUN)) is None else last - begun,
        furthest=(draw(_SEASONS), draw(_WORDS)) if series else (0, 0),
        longest_gap=draw(_BYTES),
        stopped=draw(_BOOLEANS),
        removal_ts=before(draw(_AGES_OR_NONE)),
        watched_ts=before(draw(_AGES_OR_NONE)),
        nobody=draw(nobodies(last, title_id, series=series)) if draw(_BOOLEANS) else None,
        devices=[
            ShowDevice(slot, (last - draw(_AGES)) // 1000, draw(_COUNTS), draw(_COUNTS))
            for slot in seats
        ],
        episodes=[
            ListedEpisode(draw(_LONGS), draw(_POSITIONS), draw(_LENGTHS), last)
            for _ in range(episodes)
        ],
    )


def devices(number: int) -> st.SearchStrategy[Device]:
    return st.builds(
        Device,
        device_id=st.just(f"device-{number}"),
        device_type=st.integers(0, len(DEVICE_TYPES) - 1),
        tz_offset_min=st.none() | st.integers(-840, 840),
        session_id=st.none(),
        session_start=st.just(NOW),
        last_ts=st.just(NOW),
        sessions=_COUNTS,
    )


_OWNED = {
    count: st.tuples(*(devices(number) for number in range(count)))
    for count in range(1, DEVICES + 1)
}


def state_of(packed: dict[str, Show], owned: Sequence[Device], **fields: Any) -> ProfileState:
    known: dict[str, Any] = {"first_ts": T0, "now": NOW, "cause_id": "cause", "sessions": 7}
    return ProfileState(
        source=Source(EPOCH, 0, 0),
        shows=Shows.of({show_id: pack_show(show) for show_id, show in packed.items()}),
        devices=tuple(owned),
        **known | fields,
    )


_HELD = {count: shows(slots=count) for count in range(1, DEVICES + 1)}
_OWNERS = st.integers(1, 4) | st.just(DEVICES)


@st.composite
def states(draw: st.DrawFn, *, most_shows: int = 6) -> ProfileState:
    count = draw(_OWNERS)
    owned = draw(_OWNED[count])
    listed = draw(st.lists(_HELD[count], max_size=most_shows))
    return state_of(
        {f"show-{number}": show for number, show in enumerate(listed)},
        owned,
        first_ts=NOW - draw(_AGES),
        sessions=draw(_COUNTS | _LONGS),
        minutes=tuple(draw(_MINUTES)),
        returning=(draw(_WORDS), draw(_WORDS)),
    )


@cache
def full_state() -> ProfileState:
    history: list[Event] = []
    for number in range(400):
        at = T0 + number * (DAY // 3 + 17 * MINUTE)
        title = Episode(
            id=f"ep-{number % 70}-{number}", series_id=f"series-{number % 70}", season=1,
            episode=number // 70, duration_ms=50 * MINUTE,
        )  # fmt: skip
        for kind, later in ((Play, 0), (Play, 30 * MINUTE)):
            history.append(
                kind(
                    event_id=f"{number}-{later}", profile_id="p", device_id=f"d{number % 9}",
                    device_type="tv" if number % 9 < 5 else "phone", ts=at + later,
                    title=title, position_ms=later, autoplay=number % 3 == 0,
                )
            )  # fmt: skip
    state, _ = run(history)
    assert state is not None
    assert len(state.shows) == 64
    assert len(state.devices) == 8
    return state


def codes_of(
    state: ProfileState,
    slot: int,
    priors: Priors | None = None,
    works: Mapping[str, bytes] = MappingProxyType({}),
) -> dict[str, list[int]]:
    """Codes by feature and candidate; empty where there is none."""
    found = candidates(state, WATCH_NEXT)
    if not found.ids:
        return {}
    found = found._replace(works=joined([works.get(show_id, b"") for show_id in found.ids]))
    codes = feature_codes(state, slot, found, CompiledPriors(priors or Priors()))
    return dict(zip(FEATURE_NAMES, codes.tolist(), strict=True))


@st.composite
def catalogs(draw: st.DrawFn, state: ProfileState) -> dict[str, bytes]:
    """Works of some of a state's shows: the last episode among others, before and after now."""
    works = {}
    for show_id, data in state.shows.items():
        if not draw(st.booleans()):
            continue
        show = unpack_show(show_id, data)
        numbers = st.tuples(
            st.just(show.season or 0) | st.integers(0, 3),
            st.just(show.episode or 0) | st.integers(0, U16),
        )
        times = st.just(0) | st.integers(-60, 60).map(lambda n: (NOW + n * DAY) // 1000)
        times |= st.just(NOW // 1000) | st.just(show.last_ts // 1000)
        ends = st.just(U32) | times
        episodes = draw(st.lists(st.tuples(numbers, times, ends), max_size=6))
        head = HEAD.pack(draw(st.integers(0, 15)), 0, len(episodes), draw(times), 0)
        packed = [EPISODE.pack(*n, a, b) for n, a, b in episodes]
        works[show_id] = b"".join((head, *packed))
    return works
