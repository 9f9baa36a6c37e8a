"""What the learned row looks at: whole numbers, all computed from the state at its now.

Every feature is a small code, 0 to 126, so that a model is a table and its scores are equal to the
last bit on every machine; `UNKNOWN` is the code of what is not known. Each entry below states what
its feature is; where none is named, the source is what carried the measurements on real accounts
that the design tells. `stream_cw.core.extraction` computes them.
"""

from hashlib import sha256
from typing import Final, Literal, NamedTuple

CODES: Final = 128
UNKNOWN: Final = CODES - 1
PARTS: Final = 32

Coding = Literal["number", "amount", "share"]


class Feature(NamedTuple):
    """A feature of a candidate or of a session.

    Attributes
    ----------
    name : str
    coding : {'number', 'amount', 'share'}
        As it is; in quarter octaves (`octave`); in 32nds of the sum over the row's candidates.
    formula : str
        What it is, with its unit.
    reason : str
        What a tile says for which it speaks most.
    """

    name: str
    coding: Coding
    formula: str
    reason: str = ""


def octave(amount: int) -> int:
    """Code an amount on a logarithmic scale, four codes an octave; -1 is unknown.

    The exponent and the first two bits of the mantissa of `1 + amount`: there is no logarithm,
    whose last bit would differ between machines.
    """
    if amount < 0:
        return UNKNOWN
    exponent = (amount + 1).bit_length() - 1
    mantissa = (amount + 1 << 2 >> exponent) & 3
    return min(4 * exponent + mantissa, UNKNOWN - 1)


SHOW_FEATURES: Final = (
    Feature(
        "recency_rank",
        "number",
        "how many candidates were played later",
        "recently_watched",
    ),
    Feature(
        "device_rank",
        "number",
        "how many were played later on this device; unknown: never played on it",
        "on_this_device",
    ),
    Feature(
        "class_rank",
        "number",
        "how many were played later on this class of device; unknown: never played on it",
        "on_this_device",
    ),
    Feature(
        "last_place",
        "number",
        "0 played last here, 1 on this class, 2 on another, 3 on a device that is gone",
        "on_this_device",
    ),
    Feature(
        "device_share",
        "number",
        "32nds of its chosen plays on single devices that were on this one, decayed",
        "on_this_device",
    ),
    Feature(
        "class_share",
        "number",
        "32nds of its chosen plays that were on this class of device, decayed",
        "on_this_device",
    ),
    Feature(
        "begun_here",
        "number",
        "1 begun on this device, 0 on another; unknown: on one that is gone",
        "on_this_device",
    ),
    Feature(
        "hour_lately",
        "number",
        "32nds of its last four sessions in this part of the day and 0.6 of those in the parts "
        "beside it; each weighs 3/4 of the one after it",
        "around_this_time",
    ),
    Feature(
        "hour_share",
        "number",
        "32nds of its chosen plays in this part of the day and 0.6 of those in the parts beside it",
        "around_this_time",
    ),
    Feature("series", "number", "1 series, 0 film", "unfinished"),
    Feature("finished", "number", "1 the last title is finished, 0 not", "unfinished"),
    Feature("kids", "number", "1 made for children, 0 not, by the catalog", "unfinished"),
    Feature(
        "sessions_since",
        "amount",
        "sessions of the profile since it was watched",
        "recently_watched",
    ),
    Feature(
        "device_sessions_since",
        "amount",
        "sessions of this device since it was watched on it",
        "on_this_device",
    ),
    Feature("age", "amount", "minutes since the last play", "recently_watched"),
    Feature(
        "device_age",
        "amount",
        "minutes since the last play on this device",
        "on_this_device",
    ),
    Feature(
        "behind_first",
        "amount",
        "minutes from its last play to the latest of all",
        "recently_watched",
    ),
    Feature(
        "ahead_of_next",
        "amount",
        "minutes from the last play of the next in recency to its own",
        "recently_watched",
    ),
    Feature("position", "amount", "minutes into the last title", "unfinished"),
    Feature("left", "amount", "minutes left of the last title", "unfinished"),
    Feature("run", "amount", "consecutive sessions in which it was watched", "binge"),
    Feature("sessions", "amount", "sessions in which it was watched", "watched_often"),
    Feature("episode", "amount", "number of the last episode", "binge"),
    Feature("known_for", "amount", "minutes since the first play", "recently_watched"),
    Feature(
        "episodes_left",
        "amount",
        "episodes after the last one that can be played, by the catalog",
        "unfinished",
    ),
    Feature(
        "new_for",
        "amount",
        "minutes since the next episode came, if that was after the last play, by the catalog",
        "new_episode",
    ),
    Feature("in_catalog_for", "amount", "minutes since it entered the catalog", "recently_added"),
    Feature("plays_1d", "share", "plays, half-life 1 day", "binge"),
    Feature("plays_7d", "share", "plays, half-life 7 days", "watched_often"),
    Feature("plays_30d", "share", "plays, half-life 30 days", "watched_often"),
    Feature("minutes_1d", "share", "minutes, half-life 1 day", "binge"),
    Feature("minutes_7d", "share", "minutes, half-life 7 days", "watched_often"),
    Feature(
        "device_plays", "share", "chosen plays on this device, half-life 30 days", "on_this_device"
    ),
)
"""Of a candidate."""

SESSION_FEATURES: Final = (
    Feature("gap", "amount", "minutes since the last play of all"),
    Feature("place_of_last", "number", "`last_place` of the latest"),
    Feature("hour", "number", "local part of the day, three hours each"),
    Feature("weekend", "number", "1 on a Saturday or Sunday"),
    Feature("device_type", "number", "index in DEVICE_TYPES"),
    Feature("candidates", "number", "shows that belong in the row"),
    Feature("tenure", "amount", "minutes since the profile's first event"),
    Feature("sessions_of_all", "amount", "sessions of the profile"),
    Feature("sessions_here", "amount", "sessions of the device"),
    Feature("returning_fast", "number", "of the last 8, 64ths"),
    Feature("returning_slow", "number", "of the last 64, 64ths"),
    Feature("minutes_of_1d", "amount", "watched, half-life 1 day"),
    Feature("minutes_of_7d", "amount", "watched, half-life 7 days"),
    Feature("minutes_of_30d", "amount", "watched, half-life 30 days"),
    Feature("lead", "amount", "minutes from the second latest to the latest"),
    Feature("run_of_latest", "amount", "`run` of the latest"),
    Feature("series_of_latest", "number", "1 series, 0 film"),
    Feature("position_of_latest", "amount", "minutes into the latest"),
)
"""Of the session, the same for all its candidates."""

TITLE_FEATURES: Final = (
    Feature(
        "title_popularity",
        "number",
        "thousandths of the profiles that could go on with it, quarter octaves",
        "popular",
    ),
    Feature(
        "title_resumed",
        "number",
        "how often profiles that could go on with it did, shrunk; 32nds of the mean of titles",
        "popular",
    ),
    Feature(
        "title_stopped",
        "number",
        "mean code of the `position` at which profiles left it, shrunk",
        "unfinished",
    ),
)
"""Of a title itself, whoever looks at it, as a model carries it (`stream_cw.core.priors`)."""

FEATURES: Final = (*SHOW_FEATURES, *SESSION_FEATURES, *TITLE_FEATURES)
"""In the order of the rows of `extraction.feature_codes`."""
FEATURE_NAMES: Final = tuple(feature.name for feature in FEATURES)


def features_hash() -> str:
    """SHA-256 over the definitions: a model is for the code that computes the same."""
    lines = (f"{f.name}: {f.coding}, {f.formula}" for f in FEATURES)
    return sha256("\n".join(lines).encode()).hexdigest()
