"""Codes of fixed states: who changes how they come out raises `features.EXTRACTION`."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

from msgspec.structs import replace
from shows_by_hand import new_show
from state_strategies import DAY, MINUTE, NOW, state_of

from stream_cw.core.candidates import candidates
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.extraction import feature_codes
from stream_cw.core.features import EXTRACTION, FEATURES
from stream_cw.core.joined import joined
from stream_cw.core.limits import U8, U16
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.priors import CompiledPriors, Priors, title_hash
from stream_cw.core.show import HOUR_BINS, Show, ShowDevice
from stream_cw.core.state import Device, ProfileState, hash64
from stream_cw.core.windows import NO_END
from stream_cw.core.works import EPISODE, HEAD
from stream_cw.history.simulator.dice import Dice

POLICY = replace(WATCH_NEXT, given_up_per_mille=0)

T = TypeVar("T")

DIGESTS = {1: "5ba5f908c6477c63acf007479e32397a477b7781288cec7905c6fad0488a4efa"}
"""Of the codes below by each number that there was. A model is refused by code of another number:
where another digest is found, add it under the next number, and fit the shipped model anew."""


def one(dice: Dice, of: Sequence[T]) -> T:
    return of[dice.below(len(of))]


def some(dice: Dice, count: int, most: int) -> list[int]:
    high = one(dice, [0, 64, most])
    return [dice.between(0, high) for _ in range(count)]


def a_show(dice: Dice, devices: int) -> Show:
    """A show of any content, so that each number that features read differs from show to show."""
    series = dice.chance(70)
    last = NOW - one(dice, [0, MINUTE, DAY, 30 * DAY, 300 * DAY]) - dice.below(DAY)
    seats = [slot for slot in range(devices) if dice.chance(50)][:3]
    return replace(
        new_show(series=series, title_id="title", ts=last, slot=one(dice, [None, *seats])),
        season=one(dice, [None, 1, 2]) if series else None,
        episode=one(dice, [None, 1, 5, 40]) if series else None,
        position_ms=dice.below(4 * 60 * MINUTE),
        duration_ms=one(dice, [None, 45 * MINUTE, 120 * MINUTE]),
        position_slot=one(dice, [None, *range(devices)]),
        first_s=last // 1000 - dice.below(400 * DAY // 1000),
        sessions=dice.below(200),
        minutes=some(dice, 3, 10**9),
        plays_decayed=some(dice, 3, U16),
        hours=some(dice, HOUR_BINS, U16),
        types=some(dice, len(DEVICE_TYPES), U16),
        sessions_at=dice.between(0, U16),
        run=dice.between(0, U8),
        lately=one(dice, [U16, dice.below(8) | 0xFFF0, dice.below(0o10000) & 0x7777]),
        devices=[
            ShowDevice(slot, last // 1000 - dice.below(10**6), *some(dice, 2, U16))
            for slot in seats
        ],
    )


def a_work(dice: Dice, show: Show) -> bytes:
    """What a catalog may say: the last episode and others, there, gone, and yet to come."""
    now_s = NOW // 1000
    numbers = [(show.season or 1, (show.episode or 0) + n) for n in range(dice.below(7))]
    windows = [(0, NO_END), (now_s - 9999, NO_END), (now_s + 9999, NO_END), (0, now_s - 9)]
    head = HEAD.pack(dice.below(16), 0, len(numbers), now_s - dice.below(10**8), 0)
    return head + b"".join(EPISODE.pack(*each, *one(dice, windows)) for each in numbers)


def a_state(dice: Dice) -> tuple[ProfileState, dict[str, Show]]:
    devices = [
        Device(
            device_id=f"device-{number}",
            device_type=dice.below(len(DEVICE_TYPES)),
            tz_offset_min=one(dice, [None, -180, 330]),
            session_id=None,
            session_start=NOW,
            last_ts=NOW,
            sessions=dice.between(0, U16),
        )
        for number in range(dice.between(1, 4))
    ]
    shows = {f"show-{n}": a_show(dice, len(devices)) for n in range(dice.between(1, 40))}
    fields = {
        "first_ts": NOW - dice.below(400 * DAY),
        "now": NOW + dice.below(7 * DAY),
        "sessions": dice.below(2 * U16),
        "minutes": tuple(dice.below(10 ** (6 + n)) for n in range(3)),
        "returning": (dice.between(0, U16), dice.between(0, U16)),
    }
    return state_of(shows, devices, **fields), shows


def digest_of_codes() -> tuple[str, list[set[int]]]:
    """Digest of the codes of fixed states, and which values each feature took."""
    dice, digest = Dice(11), sha256()
    values: list[set[int]] = [set() for _ in FEATURES]
    for _ in range(25):
        state, shows = a_state(dice)
        works = {name: a_work(dice, show) for name, show in shows.items() if dice.chance(80)}
        priors = CompiledPriors(
            Priors({title_hash(hash64(f"show-{n}")): (n, 2 * n, 3 * n) for n in range(20)})
        )
        for known in ({}, works):
            found = candidates(state, POLICY)
            found = found._replace(works=joined([known.get(name, b"") for name in found.ids]))
            for slot in range(len(state.devices) if found.ids else 0):
                codes = feature_codes(state, slot, found, priors)
                digest.update(codes.astype("<i8").tobytes())
                for told, row in zip(values, codes.tolist(), strict=True):
                    told.update(row)
    return digest.hexdigest(), values


def test_other_codes_have_another_number() -> None:
    found, _ = digest_of_codes()
    assert DIGESTS[EXTRACTION] == found
    assert len(set(DIGESTS.values())) == len(DIGESTS)
    assert list(DIGESTS) == list(range(1, EXTRACTION + 1))


def test_the_fixed_states_differ_in_every_feature() -> None:
    _, values = digest_of_codes()
    for feature, told in zip(FEATURES, values, strict=True):
        assert len(told) > 1, feature.name
