"""What a model says of itself."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from stream_cw.core.events import Id, Timestamp
from stream_cw.core.priors import MAX_TITLES
from stream_cw.core.rows import Score

MOST_LOGS: Final = 5_000
"""So many are 400 kB, which fit into an artefact."""

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Text = Annotated[str, Meta(max_length=200)]


class Metric(Struct, frozen=True):
    """A figure; `value` is in micro-units where the name says nothing else."""

    name: Text
    value: Score


class LogUse(Struct, frozen=True):
    """A log that a model was fitted to.

    Attributes
    ----------
    sha256 : str
        Of what is in it, unpacked.
    before_ts : int or None
        Only sessions whose label was known before were learned from, ms; None: all.
    """

    sha256: Sha256
    before_ts: Timestamp | None = None


class Calibration(Struct, frozen=True):
    """How each probability of placement was calibrated, such as `isotonic` or `platt`."""

    combined: Text
    dedicated: Text


class Manifest(Struct, frozen=True, kw_only=True):
    """What a model is and where it comes from.

    Attributes
    ----------
    id : str
        Name of the model, as rows name it.
    created_ts : int
        When training ended, ms.
    feature_names : tuple of str
        The features that the model reads.
    features_hash : str
        SHA-256 over the names and formulas of the features that it was trained on.
    data_hash : str
        SHA-256 over the hashes of the logs, one a line.
    code_version : str
        Version of the training code.
    created_from : tuple of str
        The logs and the weights that they had, in words.
    calibration : Calibration
    metrics : tuple of Metric
        What was measured on held-out data.
    title_priors : int
        Of how many titles the model carries something.
    logs : tuple of LogUse
        What it was fitted to, added logs too; none where that is not told.
    catalogs : tuple of str
        SHA-256 of the catalogs that it was fitted with.
    """

    id: Id
    created_ts: Timestamp
    feature_names: Annotated[tuple[Text, ...], Meta(max_length=500)]
    features_hash: Sha256
    data_hash: Sha256
    code_version: Text
    created_from: Annotated[tuple[Text, ...], Meta(max_length=100)]
    calibration: Calibration
    metrics: Annotated[tuple[Metric, ...], Meta(max_length=200)]
    title_priors: Annotated[int, Meta(ge=0, le=MAX_TITLES)] = 0
    logs: Annotated[tuple[LogUse, ...], Meta(max_length=MOST_LOGS)] = ()
    catalogs: Annotated[tuple[Sha256, ...], Meta(max_length=100)] = ()
