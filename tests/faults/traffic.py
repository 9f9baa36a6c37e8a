"""Seeded events of many profiles, a few of them busy, and now and then what goes wrong upstream."""

import random
from collections import deque
from collections.abc import Iterator
from itertools import accumulate

from msgspec import Struct
from worker_support import endless_events, forget

from stream_cw.core.events import encode_event

BEGIN = 1_262_304_000_000
"""2010: the busiest profile's clock runs for years in a long run, and must not pass our own."""
BAD_ONE_IN = 400
REPEAT_ONE_IN = 100
FORGET_ONE_IN = 1_000
REMEMBERED = 20
"""A repeat comes within so many events of its profile."""


class Sent(Struct, frozen=True):
    """What a producer sends: `bad` breaks the contract."""

    key: bytes
    value: bytes | None
    bad: bool = False


def traffic(seed: int, profiles: int, *, kept: int) -> Iterator[Sent]:
    """Events without end: Zipf over profiles, with bad records, repeats and forgotten profiles.

    Parameters
    ----------
    seed : int
    profiles : int
    kept : int
        So many of the busiest profiles are never forgotten: somebody looks at their rows.
    """
    rng = random.Random(seed)
    weights = list(accumulate(1 / (rank + 1) for rank in range(profiles)))

    def next_profile() -> int:
        return rng.choices(range(profiles), cum_weights=weights)[0]

    lately: dict[bytes, deque[bytes]] = {}
    for number, event in enumerate(endless_events(rng, next_profile, BEGIN)):
        key, value = event.profile_id.encode(), encode_event(event)
        yield Sent(key, value)
        lately.setdefault(key, deque(maxlen=REMEMBERED)).append(value)
        if rng.randrange(REPEAT_ONE_IN) == 0:
            yield Sent(key, rng.choice(lately[key]))
        if rng.randrange(BAD_ONE_IN) == 0:
            yield Sent(key, rng.choice([None, value[:-5], b"\xff" + value]), bad=True)
        if rng.randrange(FORGET_ONE_IN) == 0:
            gone = rng.randrange(kept, profiles)
            last = forget(gone, number, BEGIN)
            yield Sent(last.profile_id.encode(), encode_event(last))
            lately.pop(last.profile_id.encode(), None)
