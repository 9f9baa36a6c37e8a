"""What the learned row looks at: whole numbers, all computed from the state at its now.

Every feature is a small code, 0 to 126, so that a model is a table and its scores are equal to the
last bit on every machine; `UNKNOWN` is the code of what is not known. Each entry below states what
its feature is and where it comes from, `stream_cw.core.extraction` computes them, and
`docs/learning.md` says what each of them earns, and what was tried and is not here.
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
    unit : str
        Of the number before it is coded.
    formula : str
        What it is.
    source : str
        What of the state, the catalog, the event at hand or the model it is computed from.
    reason : str
        What a tile says for which it speaks most.
    """

    name: str
    coding: Coding
    unit: str
    formula: str
    source: str
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
        "shows",
        "candidates that were played later",
        "Show.last_ts",
        "recently_watched",
    ),
    Feature(
        "device_rank",
        "number",
        "shows",
        "candidates that were played later on this device; unknown: never played on it",
        "ShowDevice.last_s",
        "on_this_device",
    ),
    Feature(
        "class_rank",
        "number",
        "shows",
        "candidates that were played later on this class of device; unknown: never played on it",
        "ShowDevice.last_s Device.device_type",
        "on_this_device",
    ),
    Feature(
        "last_place",
        "number",
        "code",
        "played last: 0 here, 1 on this class, 2 on another, 3 on a device that is gone",
        "Show.position_slot Device.device_type",
        "on_this_device",
    ),
    Feature(
        "begun_here",
        "number",
        "flag",
        "1 begun on this device, 0 on another; unknown: on one that is gone",
        "Show.begun_slot",
        "on_this_device",
    ),
    Feature(
        "hour_lately",
        "number",
        "32nds",
        "of its last four sessions those in this part of the day and 0.6 of those in the "
        "parts beside it; each weighs 3/4 of the one after it",
        "Show.lately",
        "around_this_time",
    ),
    Feature(
        "hour_share",
        "number",
        "32nds",
        "of its chosen plays those in this part of the day and 0.6 of those in the parts beside it",
        "Show.hours",
        "around_this_time",
    ),
    Feature("series", "number", "flag", "1 series, 0 film", "Show.series", "unfinished"),
    Feature(
        "finished",
        "number",
        "flag",
        "1 the last title is finished, 0 not",
        "Show.watched Show.position_ms Show.duration_ms Show.credits_ms",
        "unfinished",
    ),
    Feature(
        "sessions_since",
        "amount",
        "sessions",
        "of the profile since it was watched",
        "ProfileState.sessions Show.sessions_at",
        "recently_watched",
    ),
    Feature(
        "device_sessions_since",
        "amount",
        "sessions",
        "of this device since it was watched on it",
        "Device.sessions ShowDevice.sessions_at",
        "on_this_device",
    ),
    Feature("age", "amount", "minutes", "since the last play", "Show.last_ts", "recently_watched"),
    Feature(
        "device_age",
        "amount",
        "minutes",
        "since the last play on this device",
        "ShowDevice.last_s",
        "on_this_device",
    ),
    Feature(
        "behind_first",
        "amount",
        "minutes",
        "from its last play to the latest of all",
        "Show.last_ts",
        "recently_watched",
    ),
    Feature(
        "ahead_of_next",
        "amount",
        "minutes",
        "from the last play of the next in recency to its own",
        "Show.last_ts",
        "recently_watched",
    ),
    Feature(
        "position",
        "amount",
        "minutes",
        "into the last title",
        "Show.position_ms",
        "unfinished",
    ),
    Feature("run", "amount", "sessions", "in a row in which it was watched", "Show.run", "binge"),
    Feature(
        "sessions",
        "amount",
        "sessions",
        "in which it was watched",
        "Show.sessions",
        "watched_often",
    ),
    Feature("episode", "amount", "ordinal", "number of the last episode", "Show.episode", "binge"),
    Feature(
        "known_for",
        "amount",
        "minutes",
        "since the first play",
        "Show.first_s",
        "recently_watched",
    ),
    Feature(
        "episodes_left",
        "amount",
        "episodes",
        "after the last one that can be played",
        "Work.episodes Show.season Show.episode",
        "unfinished",
    ),
    Feature(
        "new_for",
        "amount",
        "minutes",
        "since the next episode came, if that was after the last play",
        "Work.episodes Show.last_ts",
        "new_episode",
    ),
    Feature("plays_1d", "share", "plays", "half-life 1 day", "Show.plays_decayed", "binge"),
    Feature(
        "plays_7d",
        "share",
        "plays",
        "half-life 7 days",
        "Show.plays_decayed",
        "watched_often",
    ),
    Feature(
        "plays_30d",
        "share",
        "plays",
        "half-life 30 days",
        "Show.plays_decayed",
        "watched_often",
    ),
    Feature("minutes_1d", "share", "minutes", "watched, half-life 1 day", "Show.minutes", "binge"),
    Feature(
        "minutes_7d",
        "share",
        "minutes",
        "watched, half-life 7 days",
        "Show.minutes",
        "watched_often",
    ),
    Feature(
        "device_plays",
        "share",
        "plays",
        "chosen ones on this device, half-life 30 days",
        "ShowDevice.plays",
        "on_this_device",
    ),
)
"""Of a candidate."""

SESSION_FEATURES: Final = (
    Feature("gap", "amount", "minutes", "since the last play of all", "Show.last_ts"),
    Feature(
        "place_of_last",
        "number",
        "code",
        "`last_place` of the latest",
        "Show.position_slot Device.device_type",
    ),
    Feature("hour", "number", "3 hours", "local part of the day", "Event.ts Device.tz_offset_min"),
    Feature(
        "weekend",
        "number",
        "flag",
        "1 on a Saturday or Sunday",
        "Event.ts Device.tz_offset_min",
    ),
    Feature("device_type", "number", "code", "index in DEVICE_TYPES", "Device.device_type"),
    Feature(
        "returning_fast",
        "number",
        "64ths",
        "of the last 8 sessions those that went on with a known show",
        "ProfileState.returning",
    ),
    Feature(
        "returning_slow",
        "number",
        "64ths",
        "of the last 64 sessions those that went on with a known show",
        "ProfileState.returning",
    ),
    Feature(
        "minutes_of_1d",
        "amount",
        "minutes",
        "watched, half-life 1 day",
        "ProfileState.minutes",
    ),
    Feature(
        "minutes_of_7d",
        "amount",
        "minutes",
        "watched, half-life 7 days",
        "ProfileState.minutes",
    ),
    Feature(
        "minutes_of_30d",
        "amount",
        "minutes",
        "watched, half-life 30 days",
        "ProfileState.minutes",
    ),
    Feature("lead", "amount", "minutes", "from the second latest to the latest", "Show.last_ts"),
)
"""Of the session, the same for all its candidates."""

TITLE_FEATURES: Final = (
    Feature(
        "title_popularity",
        "number",
        "code",
        "thousandths of the profiles that could go on with it, quarter octaves",
        "Priors.titles",
        "popular",
    ),
    Feature(
        "title_resumed",
        "number",
        "32nds",
        "how often profiles that could go on with it did, shrunk, of the mean of titles",
        "Priors.titles",
        "popular",
    ),
    Feature(
        "title_stopped",
        "number",
        "code",
        "mean code of the `position` at which profiles left it, shrunk",
        "Priors.titles",
        "unfinished",
    ),
)
"""Of a title itself, whoever looks at it, as a model carries it (`stream_cw.core.priors`)."""

FEATURES: Final = (*SHOW_FEATURES, *SESSION_FEATURES, *TITLE_FEATURES)
"""In the order of the rows of `extraction.feature_codes`."""
FEATURE_NAMES: Final = tuple(feature.name for feature in FEATURES)


def features_hash() -> str:
    """SHA-256 over the definitions: a model is for the code that computes the same."""
    lines = (f"{f.name}: {f.coding}, {f.unit} {f.formula}" for f in FEATURES)
    return sha256("\n".join(lines).encode()).hexdigest()
