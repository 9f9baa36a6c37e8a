"""The features once more, slowly: each as its formula says it, from unpacked shows."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from stream_cw.core.candidates import candidates
from stream_cw.core.decay import POW2
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.show import Show, ShowDevice
from stream_cw.core.state import Device, ProfileState
from stream_cw.core.works import Work, WorkEpisode, unpack_work

UNKNOWN = 127
MOST = 126
MINUTE, DAY = 60_000, 86_400_000


class Seen(NamedTuple):
    """A row's candidates on a device."""

    state: ProfileState
    slot: int
    ids: list[str]
    shows: list[Show]
    works: list[Work | None]
    finished: list[bool]

    @property
    def device(self) -> Device:
        return self.state.devices[self.slot]


def seen(state: ProfileState, slot: int, works: Mapping[str, bytes] = MappingProxyType({})) -> Seen:
    found = candidates(state, WATCH_NEXT)
    ids = found.ids
    return Seen(
        state,
        slot,
        ids,
        [unpack_show(show_id, state.shows[show_id]) for show_id in ids],
        [unpack_work(works[show_id]) if show_id in works else None for show_id in ids],
        found.finished.tolist(),
    )


def octave(amount: int | None) -> int:
    """Four codes an octave of 1 + amount, exactly."""
    if amount is None:
        return UNKNOWN
    value, exponent = Fraction(1 + amount), 0
    while value >= 2:
        value /= 2
        exponent += 1
    return min(4 * exponent + int(4 * (value - 1)), MOST)


def share(values: list[int]) -> list[int]:
    """In 32nds of the sum, rounded down; nothing of nothing is nothing."""
    total = sum(values)
    return [int(Fraction(32 * value, total)) if total else 0 for value in values]


def _later(values: list[int | None]) -> list[int]:
    known = [value for value in values if value is not None]
    return [UNKNOWN if value is None else sum(other > value for other in known) for value in values]


def _on(show: Show, slot: int) -> ShowDevice | None:
    return next((device for device in show.devices if device.slot == slot), None)


def here(s: Seen) -> list[int | None]:
    found = [_on(show, s.slot) for show in s.shows]
    return [None if device is None else device.last_s for device in found]


def alike(s: Seen) -> list[int | None]:
    """Last play on a device of this class."""
    classes = [device.device_type for device in s.state.devices]
    found = []
    for show in s.shows:
        times = [d.last_s for d in show.devices if classes[d.slot] == s.device.device_type]
        found.append(max(times, default=None))
    return found


def place_of(s: Seen, show: Show) -> int:
    if show.position_slot is None:
        return 3
    if show.position_slot == s.slot:
        return 0
    same = s.state.devices[show.position_slot].device_type == s.device.device_type
    return 1 if same else 2


def by_recency(s: Seen) -> list[int]:
    """From the latest on; what was played at the same ms stands as in the state."""
    return sorted(range(len(s.shows)), key=lambda n: -s.shows[n].last_ts)


def latest(s: Seen) -> Show:
    return s.shows[by_recency(s)[0]]


def local_ms(s: Seen) -> int:
    return s.state.now + (s.device.tz_offset_min or 0) * MINUTE


def part_of_day(s: Seen) -> int:
    return local_ms(s) % DAY // (3 * 3_600_000)


def hour_share(s: Seen) -> list[int]:
    at = part_of_day(s)
    codes = []
    for show in s.shows:
        beside = show.hours[at - 1] + show.hours[(at + 1) % 8]
        near, total = show.hours[at] + Fraction(6, 10) * beside, sum(show.hours)
        codes.append(int(32 * near / total) if total else UNKNOWN)
    return codes


def hour_lately(s: Seen) -> list[int]:
    at = part_of_day(s)
    worth = {at: Fraction(1), (at - 1) % 8: Fraction(6, 10), (at + 1) % 8: Fraction(6, 10)}
    codes = []
    for show in s.shows:
        parts = [show.lately // 16**n % 16 for n in range(4)]
        weights = {n: Fraction(3, 4) ** n for n, part in enumerate(parts) if part != 15}
        near = sum(weight * worth.get(parts[n], 0) for n, weight in weights.items())
        codes.append(int(32 * near / sum(weights.values())) if weights else UNKNOWN)
    return codes


def begun_here(s: Seen) -> list[int]:
    return [
        UNKNOWN if show.begun_slot is None else int(show.begun_slot == s.slot) for show in s.shows
    ]


def _known_work(ask: Callable[[Work, Show, int], int | None]) -> Callable[[Seen], list[int | None]]:
    return lambda s: [
        None if work is None else ask(work, show, s.state.now // 1000)
        for work, show in zip(s.works, s.shows, strict=True)
    ]


def _after(work: Work, show: Show) -> list[WorkEpisode] | None:
    """Episodes behind the last one played; None where that is not found."""
    season = show.season or 0
    for number, each in enumerate(work.episodes):
        if show.episode and each.season == season and each.episode >= show.episode:
            return work.episodes[number + 1 :]
    return None


def _open_after(work: Work, show: Show, now_s: int) -> list[WorkEpisode] | None:
    after = _after(work, show)
    return None if after is None else [e for e in after if e.from_s <= now_s < e.until_s]


def _left(work: Work, show: Show, now_s: int) -> int | None:
    found = _open_after(work, show, now_s)
    return None if found is None else len(found)


def _new_for(work: Work, show: Show, now_s: int) -> int | None:
    found = _open_after(work, show, now_s)
    if not found or found[0].from_s <= show.last_ts // 1000:
        return None
    return (now_s - found[0].from_s) // 60


def by_catalog(ask: Callable[[Work, Show, int], int | None]) -> Callable[[Seen], list[int]]:
    return lambda s: [octave(amount) for amount in _known_work(ask)(s)]


def ahead_of_next(s: Seen) -> list[int]:
    order = by_recency(s)
    codes = [UNKNOWN] * len(order)
    for number, following in pairwise(order):
        ms = s.shows[number].last_ts - s.shows[following].last_ts
        codes[number] = octave(ms // MINUTE)
    return codes


def decayed(s: Seen, sums: Callable[[Show], int], days: int) -> list[int]:
    """Sums at now's landmark, each halved once for every landmark since its show's last play."""
    half_life = days * DAY
    return [
        sums(show) // 2 ** (s.state.now // half_life - show.last_ts // half_life)
        for show in s.shows
    ]


def _minutes_ago(s: Seen, seconds: int) -> int:
    return (s.state.now // 1000 - seconds) // 60


def _each(amount: Callable[[Seen, Show], int | None]) -> Callable[[Seen], list[int]]:
    return lambda s: [octave(amount(s, show)) for show in s.shows]


def _device_age(s: Seen, show: Show) -> int | None:
    device = _on(show, s.slot)
    return None if device is None else _minutes_ago(s, device.last_s)


def _device_sessions_since(s: Seen, show: Show) -> int | None:
    device = _on(show, s.slot)
    return None if device is None else (s.device.sessions - device.sessions_at) % 65_536


def _device_plays(s: Seen) -> list[int]:
    def plays(show: Show) -> int:
        device = _on(show, s.slot)
        return 0 if device is None else device.plays

    return share(decayed(s, plays, 30))


def _lead(s: Seen) -> int | None:
    order = by_recency(s)
    if len(order) == 1:
        return None
    return (s.shows[order[0]].last_ts - s.shows[order[1]].last_ts) // MINUTE


def _watched(s: Seen, which: int, days: int) -> int:
    """Minutes at now: a sum stands scaled up by its age since its landmark."""
    scale = POW2[s.state.now % (days * DAY) * 4096 // (days * DAY)]
    return int(Fraction(s.state.minutes[which] * 65_536, scale)) // 1024


SHOW: dict[str, Callable[[Seen], list[int]]] = {
    "recency_rank": lambda s: _later([show.last_ts for show in s.shows]),
    "device_rank": lambda s: _later(here(s)),
    "class_rank": lambda s: _later(alike(s)),
    "last_place": lambda s: [place_of(s, show) for show in s.shows],
    "begun_here": begun_here,
    "hour_lately": hour_lately,
    "hour_share": hour_share,
    "series": lambda s: [int(show.series) for show in s.shows],
    "finished": lambda s: [int(each) for each in s.finished],
    "sessions_since": _each(lambda s, show: (s.state.sessions - show.sessions_at) % 65_536),
    "device_sessions_since": _each(_device_sessions_since),
    "age": _each(lambda s, show: (s.state.now - show.last_ts) // MINUTE),
    "device_age": _each(_device_age),
    "behind_first": _each(lambda s, show: (latest(s).last_ts - show.last_ts) // MINUTE),
    "ahead_of_next": ahead_of_next,
    "position": _each(lambda _, show: show.position_ms // MINUTE),
    "run": _each(lambda _, show: show.run),
    "sessions": _each(lambda _, show: show.sessions),
    "episode": _each(lambda _, show: show.episode or 0),
    "known_for": _each(lambda s, show: _minutes_ago(s, show.first_s)),
    "episodes_left": by_catalog(_left),
    "new_for": by_catalog(_new_for),
    "plays_1d": lambda s: share(decayed(s, lambda show: show.plays_decayed[0], 1)),
    "plays_7d": lambda s: share(decayed(s, lambda show: show.plays_decayed[1], 7)),
    "plays_30d": lambda s: share(decayed(s, lambda show: show.plays_decayed[2], 30)),
    "minutes_1d": lambda s: share(decayed(s, lambda show: show.minutes[0], 1)),
    "minutes_7d": lambda s: share(decayed(s, lambda show: show.minutes[1], 7)),
    "device_plays": _device_plays,
}
"""Codes of each candidate."""

SESSION: dict[str, Callable[[Seen], int]] = {
    "gap": lambda s: octave((s.state.now - latest(s).last_ts) // MINUTE),
    "place_of_last": lambda s: place_of(s, latest(s)),
    "hour": part_of_day,
    "weekend": lambda s: int((local_ms(s) // DAY + 3) % 7 >= 5),  # 1970 began on a Thursday
    "device_type": lambda s: s.device.device_type,
    "returning_fast": lambda s: 64 * s.state.returning[0] // 65_536,
    "returning_slow": lambda s: 64 * s.state.returning[1] // 65_536,
    "minutes_of_1d": lambda s: octave(_watched(s, 0, 1)),
    "minutes_of_7d": lambda s: octave(_watched(s, 1, 7)),
    "minutes_of_30d": lambda s: octave(_watched(s, 2, 30)),
    "lead": lambda s: octave(_lead(s)),
}
"""Codes of the session."""
