"""The scorer that a command was told to use."""

from pathlib import Path
from typing import Final

from stream_cw.core.learned import Learned
from stream_cw.core.scoring import Recency, Scorer
from stream_cw.files import read_at_most
from stream_cw.model.artefact import MAX_ARTEFACT_BYTES, Artefact, decode_payload, open_envelope
from stream_cw.model.shipped import shipped

SHIPPED: Final = "shipped"
_SIGNED: Final = b'{"format":'


def choose(model: str) -> Scorer:
    """Load a scorer; see `artefact_of`."""
    return scorer_of(artefact_of(model))


def scorer_of(artefact: Artefact | None) -> Scorer:
    """Make the scorer of a model; None is recency."""
    return Recency() if artefact is None else Learned(artefact.model, artefact.ref)


def artefact_of(model: str) -> Artefact | None:
    """Load a model.

    Parameters
    ----------
    model : str
        `shipped`, `recency`, or the path of a model as training wrote it. A signed one is taken as
        well, whoever signed it: what is only measured needs no trust.

    Returns
    -------
    Artefact or None
        None is recency.

    Raises
    ------
    RefusedModelError
        If the file is no model, or one for features that this code does not compute.
    OSError
        If it cannot be read.
    """
    if model == Recency.ref.id:
        return None
    if model == SHIPPED:
        return shipped()
    data = read_at_most(Path(model), MAX_ARTEFACT_BYTES)
    payload = bytes(open_envelope(data).payload) if data.startswith(_SIGNED) else data
    return decode_payload(payload)
