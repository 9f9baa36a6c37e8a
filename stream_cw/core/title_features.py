"""What is said of a title itself, whoever looks at it; `stream_cw.core.priors` looks it up."""

from typing import Final, NamedTuple


class TitleFeature(NamedTuple):
    """A feature of a title that a model carries.

    Attributes
    ----------
    name : str
    formula : str
        What it is, with its unit.
    reason : str
        What a tile says for which it speaks most.
    """

    name: str
    formula: str
    reason: str


TITLE_FEATURES: Final = (
    TitleFeature(
        "title_popularity",
        "thousandths of the profiles that could go on with it, quarter octaves",
        "popular",
    ),
    TitleFeature(
        "title_resumed",
        "how often profiles that could go on with it did, shrunk; 32nds of the mean of titles",
        "popular",
    ),
    TitleFeature(
        "title_stopped",
        "mean code of the `position` at which profiles left it, shrunk",
        "unfinished",
    ),
)
"""In the order of the codes of `priors.Priors`; all unknown for a title that a model lacks."""
