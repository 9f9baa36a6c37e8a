"""What a learned row costs: the parts of one rescoring of a full profile, in microseconds.

    python benchmarks/learned_row.py [--json FILE] [--check]

A state with 64 shows on three devices, of which all belong in the row. Each part is run for some
thousand times in rounds that alternate; CPU time of the process, so that what else runs on the
machine weighs less; median of the rounds and the quartiles. A part that has a bar is held to it by
its median; with `--check` the command fails where one does not hold.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stream_cw.core.candidates import candidates
from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.compiled_model import CompiledAdditive
from stream_cw.core.events import Episode, Event, Play, SessionStart, Stop
from stream_cw.core.extraction import feature_codes
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.row import RECENCY, View, row
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.model.chosen import choose
from stream_cw.model.shipped import shipped

ROUNDS, CALLS = 60, 60
SCORE, FEATURES_AND_SCORE = "score of 20 candidates, features built", "features and score"
BARS = {SCORE: 10.0, FEATURES_AND_SCORE: 80.0}
"""Medians wanted below, microseconds."""
DEVICES = ("tv", "phone", "tablet")
START = 1_750_000_000_000
MINUTE = 60_000


def full_profile() -> ProfileState:
    """Watch 64 series on three devices, three times each, and open the app."""
    state: ProfileState | None = None
    events: list[Event] = []
    for number in range(3 * 64):
        device = DEVICES[number % 3]
        common = {
            "profile_id": "profile",
            "device_id": f"{device}-0123456789",
            "device_type": device,
        }
        ts = START + number * 97 * MINUTE
        show = number * 7 % 64
        title = Episode(id=f"episode-{show:08d}", series_id=f"series-{show:09d}", episode=number)
        events.append(SessionStart(event_id=f"s{number}", ts=ts, **common))
        events.append(Play(event_id=f"p{number}", ts=ts, title=title, position_ms=0, **common))
        events.append(
            Stop(
                event_id=f"e{number}",
                ts=ts + 20 * MINUTE,
                title=title,
                position_ms=20 * MINUTE,
                **common,
            )
        )
    for offset, event in enumerate(events):
        state = step(state, event, Source(bytes(16), 0, offset)).state
    assert state is not None
    return decode_state(encode_state(state))


def measured(parts: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float, float]]:
    """Quartiles of each part in microseconds, the rounds of all parts alternating."""
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(ROUNDS):
        for name, call in parts.items():
            began = time.process_time()
            for _ in range(CALLS):
                call()
            times[name].append((time.process_time() - began) / CALLS * 1e6)
    return {name: tuple(statistics.quantiles(found, n=4)) for name, found in times.items()}  # type: ignore[misc]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    state = full_profile()
    learned = View(scorer=choose("shipped"))
    found = candidates(state, WATCH_NEXT)
    codes = feature_codes(state, 0, found)
    twenty = np.ascontiguousarray(codes[:, :20])
    ranking = CompiledAdditive(shipped().model.ranking)
    figures = measured(
        {
            SCORE: lambda: ranking.score(twenty),
            "which shows belong": lambda: candidates(state, WATCH_NEXT),
            "features": lambda: feature_codes(state, 0, found),
            FEATURES_AND_SCORE: lambda: ranking.score(feature_codes(state, 0, found)),
            "ranking, placement, reasons": lambda: learned.scorer.rank(state, 0, found),
            "row, learned": lambda: row(state, "profile", "tv-0123456789", learned),
            "row, by recency": lambda: row(state, "profile", "tv-0123456789", RECENCY),
        }
    )
    print(f"{len(found.ids)} candidates; microseconds of CPU, median [quartiles]")
    for name, (low, median, high) in figures.items():
        print(f"{name:<42} {median:7.1f} [{low:.1f}, {high:.1f}]{against(BARS.get(name), median)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    if arguments.check and not all(figures[name][1] < bar for name, bar in BARS.items()):
        raise SystemExit("a bar does not hold")


def against(bar: float | None, median: float) -> str:
    """Say whether a bar holds, if there is one."""
    if bar is None:
        return ""
    return f"  wanted below {bar:g}: {'holds' if median < bar else 'DOES NOT HOLD'}"


if __name__ == "__main__":
    main()
