"""Members at a given rate, and the rows that they wait for: a process of the latency's benchmark.

    python -m benchmarks.load BROKERS EVENTS ROWS PHASES

`PHASES` is JSON, a list of `Phase`. For each one a line of JSON is printed, a `Found`.

The loop is open: when an event is due was decided beforehand, at random moments of the rate, and no
answer is waited for. What is due is sent once each millisecond, at a rate and while saturation is
sought: sent one by one, events cost the broker twice as much of the cores that the system shares
with it, and 90 % of a saturation leaves a tenth only under the same load.

An event's time begins when it was due, also where this process was late, and ends when the broker
has a row of it, or of a later event of its profile. The stamp is in whole milliseconds and is taken
as the end of that millisecond. `arrival` is when a consumer in this process had the row.
"""

import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from statistics import quantiles
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.histories import Histories
from benchmarks.jobs import PARTITIONS
from benchmarks.waiting import DRAIN_SECONDS, Row, Rows, Sending
from stream_cw.core.events import encode_event
from stream_cw.core.partition import partition_for

PROFILES: Final = 2_000
TICK_SECONDS: Final = 0.001
OUTSTANDING: Final = 4_000
"""Events without a row while saturation is sought."""
PERCENTILES: Final = 100


class Phase(Struct, frozen=True, kw_only=True):
    """What is sent.

    Attributes
    ----------
    name : str
    rate : float
        Events a second; 0: as many as can be, see `OUTSTANDING`.
    share : float or None
        Of the saturation that a phase before has found, in the place of a rate.
    warm_up, seconds : float
        The first part is not measured.
    """

    name: str
    rate: float = 0.0
    share: float | None = None
    warm_up: float = 5.0
    seconds: float = 20.0


class Found(Struct, kw_only=True):
    """What came of a phase.

    Attributes
    ----------
    rate : float
        Events a second: as sent, or as saturation was found.
    events : int
        So many were measured.
    rows : float
        Rows for an event.
    p50, p99, most : float
        From due to the broker's stamp, ms.
    arrival_p50, arrival_p99 : float
        From due to the consumer, ms.
    late_p99 : float
        How late this process sent, ms; the times above have it in them.
    """

    name: str
    rate: float
    events: int = 0
    rows: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    most: float = 0.0
    arrival_p50: float = 0.0
    arrival_p99: float = 0.0
    late_p99: float = 0.0


Event = tuple[bytes, bytes, int]


class Load:
    """Goes through phases."""

    def __init__(self, brokers: str, events: str, rows: str) -> None:
        self._rows = Rows(brokers, rows)
        self._sending = Sending(brokers, events)
        self._histories = Histories(PROFILES)
        self._counts = [0] * PROFILES
        self._rng = random.Random(11)  # noqa: S311
        self._saturation = 0.0
        self._rows.start()

    def run(self, phase: Phase) -> Found:
        """Go through a phase."""
        if phase.rate == 0 and phase.share is None:
            return self._saturate(phase)
        rate = phase.rate if phase.share is None else phase.share * self._saturation
        return self._at_rate(phase, rate)

    def _events(self) -> Iterator[Event]:
        while True:
            profile = self._rng.randrange(PROFILES)
            event = self._histories.nth(profile, self._counts[profile])
            self._counts[profile] += 1
            key = event.profile_id.encode()
            yield key, encode_event(event), partition_for(key, PARTITIONS)

    def _at_rate(self, phase: Phase, rate: float) -> Found:
        sending, rows, events = self._sending, self._rows, self._events()
        moments, moment = [], 0.0
        while moment < phase.warm_up + phase.seconds:
            moments.append(moment)
            moment += self._rng.expovariate(rate)
        ready = [next(events) for _ in moments]
        first, first_row = len(sending.offsets), len(rows.found)
        late = []
        begin = time.time() + 0.1
        for after, event in zip(moments, ready, strict=True):
            while (left := begin + after - time.time()) > 0:
                sending.poll()
                time.sleep(TICK_SECONDS)
            sending.send(*event)
            late.append(-left)
        self._drain()
        measured = sum(after < phase.warm_up for after in moments)
        sent = list(zip(ready, sending.offsets[first:], strict=True))
        appended, arrived = _waits(
            sent, [begin + after for after in moments], rows.found[first_row:]
        )
        stamped, there = (_cuts(waits[measured:]) for waits in (appended, arrived))
        return Found(
            name=phase.name,
            rate=rate,
            events=len(moments) - measured,
            rows=(len(rows.found) - first_row) / len(moments),
            p50=stamped(50),
            p99=stamped(99),
            most=1000 * max(appended[measured:]),
            arrival_p50=there(50),
            arrival_p99=there(99),
            late_p99=_cuts(late[measured:])(99),
        )

    def _saturate(self, phase: Phase) -> Found:
        sending, rows, events = self._sending, self._rows, self._events()
        first, first_row = len(sending.offsets), len(rows.found)
        began, at, covered = time.time(), 0.0, 0
        while (now := time.time()) < began + phase.warm_up + phase.seconds:
            done = self._covered()
            if not at and now > began + phase.warm_up:
                at, covered = now, done
            if len(sending.offsets) - done < OUTSTANDING:
                sending.send(*next(events))
            else:
                sending.poll()
                time.sleep(TICK_SECONDS)
        self._saturation = (self._covered() - covered) / (time.time() - at)
        self._drain()
        sent = len(sending.offsets) - first
        share = (len(rows.found) - first_row) / sent
        return Found(name=phase.name, rate=self._saturation, events=sent, rows=share)

    def _covered(self) -> int:
        return sum(self._rows.seen) + PARTITIONS

    def _drain(self) -> None:
        """Wait until the last event of each profile has its row."""
        self._sending.flush()
        deadline, seen = time.monotonic() + DRAIN_SECONDS, self._rows.seen_of
        while left := [p for p, last in self._sending.last_of.items() if seen.get(p, -1) < last]:
            if time.monotonic() > deadline:
                raise SystemExit(f"profiles without their last row: {len(left)}")
            time.sleep(0.05)


def _waits(
    sent: list[tuple[Event, int]], due: list[float], rows: list[Row]
) -> tuple[list[float], list[float]]:
    """Match events with the first row of theirs, or of a later one of their profile."""
    appended, arrived = [0.0] * len(sent), [0.0] * len(sent)
    waiting: dict[bytes, deque[int]] = {}
    for number, ((key, _, _), _) in enumerate(sent):
        waiting.setdefault(key, deque()).append(number)
    for row in rows:
        mine = waiting.get(row.profile, ())
        while mine and sent[mine[0]][1] <= row.offset:
            number = mine.popleft()
            appended[number] = row.appended - due[number]
            arrived[number] = row.arrived - due[number]
    left = sum(map(len, waiting.values()))
    assert not left, f"{left} events have no row"
    return appended, arrived


def _cuts(waits: list[float]) -> Callable[[int], float]:
    """Cut seconds into percentiles; give one in ms."""
    cuts = quantiles(waits, n=PERCENTILES)
    return lambda percent: 1000 * cuts[percent - 1]


def main(brokers: str, events: str, rows: str, phases: str) -> None:
    """Go through all phases, and tell what came of each."""
    sys.setswitchinterval(0.0005)  # the reader of rows and the sender take turns
    load = Load(brokers, events, rows)
    for phase in msgspec.json.decode(phases, type=list[Phase]):
        print(msgspec.json.encode(load.run(phase)).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
