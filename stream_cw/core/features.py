"""What the learned row looks at: whole numbers, all computed from the state at its now.

Every feature is a small code, 0 to 127, so that a model is a table and its scores are equal to the
last bit on every machine. Each entry below states what its feature is; where none is named, the
source is what carried the measurements on real accounts that the design tells. An *amount* is coded
in quarter octaves (`octaves`), a *share* of the row's candidates and a *part* of a whole in 32nds.
The feature that nothing is known of has the code `UNKNOWN`.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

import numpy as np

from stream_cw.core.coding import CODES, PARTS, UNKNOWN, Feature, octave, octaves
from stream_cw.core.columns import SERIES, Ints
from stream_cw.core.decay import HALF_LIVES_MS, current
from stream_cw.core.limits import U8, U16
from stream_cw.core.scene import (
    AUTOPLAYS,
    EPISODE,
    FLAGS,
    PLAYS,
    RUN,
    SESSIONS,
    SESSIONS_AT,
    Scene,
    places,
)
from stream_cw.core.title_features import TITLE_FEATURES
from stream_cw.core.watching import MINUTE, PLAY, is_weekend, local_hour_bin

__all__ = [
    "CODES",
    "PARTS",
    "UNKNOWN",
    "Feature",
    "octave",
    "octaves",
    "SHOW_FEATURES",
    "show_codes",
    "SESSION_FEATURES",
    "session_codes",
    "TITLE_FEATURES",
    "FEATURE_NAMES",
    "features_hash",
]

_MINUTE: Final = 60_000
_IMAGINED: Final = 4 * PLAY
"""Four plays at the row's common hours stand beside a show's own: one play is no habit."""


def _ranks(values: Ints) -> Ints:
    """Count how many values are greater; equals are equal."""
    negative = -values
    return np.sort(negative).searchsorted(negative)


def _ranks_of_known(values: Ints) -> Ints:
    return np.where(values > 0, _ranks(values), UNKNOWN)


def _ahead_of_next(scene: Scene) -> Ints:
    by_time = scene.last.take(scene.order)
    ahead = np.full(len(by_time), -1, np.int64)
    ahead[scene.order[:-1]] = (by_time[:-1] - by_time[1:]) // _MINUTE
    return ahead


def _autoplayed(scene: Scene) -> Ints:
    autoplays, plays = scene.words[AUTOPLAYS], scene.words[PLAYS]
    part: Ints = autoplays * PARTS // np.maximum(plays, 1)
    return part


def _local_hour(scene: Scene) -> int:
    return local_hour_bin(scene.state.now, scene.device.tz_offset_min or 0)


def _hour_lift(scene: Scene) -> Ints:
    """Compare a show's share of plays at this part of the day with the row's; 8 is alike."""
    now, of_show = scene.hours[_local_hour(scene)], np.add.reduce(scene.hours)
    common, of_all = int(now.sum()), int(of_show.sum())
    if not common:
        return np.full(len(now), UNKNOWN, np.int64)
    share = (now * of_all + _IMAGINED * common) * 8
    lift: Ints = share // ((of_show + _IMAGINED) * common)
    return np.minimum(lift, UNKNOWN - 1)


CODED: Final = (
    Feature(
        "recency_rank",
        "how many candidates were played later",
        "recently_watched",
        lambda s: _ranks(s.last),
    ),
    Feature(
        "device_rank",
        "how many were played later on this device; unknown: never played on it",
        "on_this_device",
        lambda s: _ranks_of_known(s.here),
    ),
    Feature(
        "class_rank",
        "how many were played later on this class of device; unknown: never played on it",
        "on_this_device",
        lambda s: _ranks_of_known(s.alike),
    ),
    Feature(
        "last_place",
        "0 played last here, 1 on this class, 2 on another, 3 on a device that is gone",
        "on_this_device",
        places,
    ),
    Feature(
        "hour_lift",
        "eighths of the row's share of decayed plays in this part of the day, four plays imagined",
        "around_this_time",
        _hour_lift,
    ),
    Feature(
        "autoplayed",
        "part of its plays that were autoplayed",
        "binge",
        _autoplayed,
    ),
    Feature("series", "1 series, 0 film", "unfinished", lambda s: s.words[FLAGS] & SERIES),
)

AMOUNTS: Final = (
    Feature(
        "sessions_since",
        "sessions of the profile since it was watched",
        "recently_watched",
        lambda s: s.state.sessions - s.words[SESSIONS_AT] & U16,
    ),
    Feature(
        "device_sessions_since",
        "sessions of this device since it was watched on it",
        "on_this_device",
        lambda s: np.where(s.here > 0, s.since_here, -1),
    ),
    Feature(
        "age",
        "minutes since the last play",
        "recently_watched",
        lambda s: (s.state.now - s.last) // _MINUTE,
    ),
    Feature(
        "device_age",
        "minutes since the last play on this device",
        "on_this_device",
        lambda s: np.where(s.here > 0, (s.state.now // 1000 - s.here) // 60, -1),
    ),
    Feature(
        "behind_first",
        "minutes from its last play to the latest of all",
        "recently_watched",
        lambda s: (s.last[s.order[0]] - s.last) // _MINUTE,
    ),
    Feature(
        "ahead_of_next",
        "minutes from the last play of the next in recency to its own",
        "recently_watched",
        _ahead_of_next,
    ),
    Feature(
        "position",
        "minutes into the last title",
        "unfinished",
        lambda s: s.position // _MINUTE,
    ),
    Feature(
        "run",
        "consecutive sessions in which it was watched",
        "binge",
        lambda s: s.words[RUN] & U8,
    ),
    Feature(
        "sessions",
        "sessions in which it was watched",
        "watched_often",
        lambda s: s.words[SESSIONS],
    ),
    Feature(
        "episode",
        "number of the last episode",
        "binge",
        lambda s: s.words[EPISODE],
    ),
    Feature(
        "known_for",
        "minutes since the first play",
        "recently_watched",
        lambda s: np.maximum(s.state.now // 1000 - s.first_s, 0) // 60,
    ),
)

SHARES: Final = (
    Feature("plays_1d", "plays, half-life 1 day", "binge", lambda s: s.decayed[0]),
    Feature("plays_7d", "plays, half-life 7 days", "watched_often", lambda s: s.decayed[1]),
    Feature("plays_30d", "plays, half-life 30 days", "watched_often", lambda s: s.decayed[2]),
    Feature("minutes_1d", "minutes, half-life 1 day", "binge", lambda s: s.decayed[3]),
    Feature("minutes_7d", "minutes, half-life 7 days", "watched_often", lambda s: s.decayed[4]),
    Feature(
        "device_plays", "plays on this device, 30 days", "on_this_device", lambda s: s.plays_here
    ),
)

SHOW_FEATURES: Final = (*CODED, *AMOUNTS, *SHARES)
"""In the order of the rows of `show_codes`."""

_AMOUNTS_AT: Final = len(CODED)
_SHARES_AT: Final = _AMOUNTS_AT + len(AMOUNTS)


def show_codes(scene: Scene) -> Ints:
    """Compute the features of each candidate.

    Returns
    -------
    ndarray of int64, shape (len(SHOW_FEATURES), n)
    """
    codes = np.empty((len(SHOW_FEATURES), len(scene.last)), np.int64)
    for row, feature in enumerate(SHOW_FEATURES):
        codes[row] = feature.compute(scene)
    codes[_AMOUNTS_AT:_SHARES_AT] = octaves(codes[_AMOUNTS_AT:_SHARES_AT])
    shares = codes[_SHARES_AT:]
    codes[_SHARES_AT:] = shares * PARTS // np.maximum(shares.sum(axis=1, keepdims=True), 1)
    return codes


def _lead(scene: Scene) -> int:
    if len(scene.order) < 2:  # noqa: PLR2004
        return -1
    return int(scene.last[scene.order[0]] - scene.last[scene.order[1]]) // _MINUTE


def _minutes(scene: Scene, which: int) -> int:
    now, half_life = scene.state.now, HALF_LIVES_MS[which]
    return octave(current(scene.state.minutes[which], now, now, half_life) // MINUTE)


def _session(name: str, formula: str, compute: Callable[[Scene], int]) -> Feature:
    return Feature(name, formula, "", compute)


SESSION_FEATURES: Final = (
    _session(
        "gap",
        "minutes since the last play of all",
        lambda s: octave((s.state.now - int(s.last[s.order[0]])) // _MINUTE),
    ),
    _session("place_of_last", "`last_place` of the latest", lambda s: int(places(s)[s.order[0]])),
    _session("hour", "local part of the day, three hours each", _local_hour),
    _session(
        "weekend",
        "1 on a Saturday or Sunday",
        lambda s: int(is_weekend(s.state.now, s.device.tz_offset_min or 0)),
    ),
    _session("device_type", "index in DEVICE_TYPES", lambda s: s.device.device_type),
    _session("candidates", "shows that belong in the row", lambda s: len(s.last)),
    _session(
        "tenure",
        "minutes since the profile's first event",
        lambda s: octave((s.state.now - s.state.first_ts) // _MINUTE),
    ),
    _session("sessions_of_all", "sessions of the profile", lambda s: octave(s.state.sessions)),
    _session("sessions_here", "sessions of the device", lambda s: octave(s.device.sessions)),
    _session("returning_fast", "of the last 8, 64ths", lambda s: s.state.returning[0] >> 10),
    _session("returning_slow", "of the last 64, 64ths", lambda s: s.state.returning[1] >> 10),
    _session("minutes_of_1d", "watched, half-life 1 day", lambda s: _minutes(s, 0)),
    _session("minutes_of_7d", "watched, half-life 7 days", lambda s: _minutes(s, 1)),
    _session("minutes_of_30d", "watched, half-life 30 days", lambda s: _minutes(s, 2)),
    _session("lead", "minutes from the second latest to the latest", lambda s: octave(_lead(s))),
    _session(
        "run_of_latest", "`run` of the latest", lambda s: octave(int(s.words[RUN, s.order[0]]) & U8)
    ),
    _session(
        "series_of_latest", "1 series, 0 film", lambda s: int(s.words[FLAGS, s.order[0]]) & SERIES
    ),
    _session(
        "position_of_latest",
        "minutes into the latest",
        lambda s: octave(int(s.position[s.order[0]]) // _MINUTE),
    ),
)
"""In the order of `session_codes`."""


def session_codes(scene: Scene) -> Ints:
    """Compute the features of the session.

    Returns
    -------
    ndarray of int64, shape (len(SESSION_FEATURES),)
    """
    return np.array([feature.compute(scene) for feature in SESSION_FEATURES], np.int64)


_ALL: Final = (*SHOW_FEATURES, *SESSION_FEATURES, *TITLE_FEATURES)

FEATURE_NAMES: Final = tuple(feature.name for feature in _ALL)
"""In the order of the rows of `learned.feature_codes`."""


def features_hash() -> str:
    """SHA-256 over the names and formulas: a model is for the code that computes the same."""
    lines = (f"{feature.name}: {feature.formula}" for feature in _ALL)
    return sha256("\n".join(lines).encode()).hexdigest()
