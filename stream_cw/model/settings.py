"""What a model is made of: features and pairs that earn their place, and what else may be tuned."""

from typing import Final, NamedTuple

from stream_cw.core.features import FEATURE_NAMES, SHOW_FEATURES, TITLE_FEATURES
from stream_cw.core.model import PLACEMENT_FEATURES
from stream_cw.model.additive import Shape

SHARE: Final = 0.1
"""Weight of simulated sessions; left-out profiles of the shared export choose none at all."""

_TITLE_NAMES = tuple(feature.name for feature in TITLE_FEATURES)
_CANDIDATE_NAMES = (*(feature.name for feature in SHOW_FEATURES), *_TITLE_NAMES)
_RANKING_PAIRS: Final = (
    ("recency_rank", "known_for"),
    ("recency_rank", "position"),
    ("recency_rank", "plays_7d"),
    ("recency_rank", "device_rank"),
    ("recency_rank", "class_rank"),
    ("recency_rank", "sessions"),
    ("device_rank", "gap"),
    ("run", "gap"),
    ("episode", "position"),
    ("recency_rank", "gap"),
    ("recency_rank", "age"),
    ("recency_rank", "episodes_left"),
    ("finished", "episodes_left"),
    ("hour_lately", "sessions"),
)
RANKING: Final = Shape(_CANDIDATE_NAMES, _RANKING_PAIRS, penalty=15.0)
INTEREST: Final = Shape(
    FEATURE_NAMES,
    (*_RANKING_PAIRS, ("recency_rank", "returning_slow")),
    bins=12,
    penalty=30.0,
)


class Settings(NamedTuple):
    """What may be tuned.

    Attributes
    ----------
    ranking, interest : Shape
    columns : tuple of str
        What trees may ask about, of `PLACEMENT_FEATURES`.
    trees : int
    rate : float
        What each tree adds of what it found.
    leaf : int
        Sessions that each leaf of a tree wants.
    """

    ranking: Shape = RANKING
    interest: Shape = INTEREST
    columns: tuple[str, ...] = PLACEMENT_FEATURES
    trees: int = 120
    rate: float = 0.05
    leaf: int = 60
