"""The scorer that a command was told to use."""

from pathlib import Path
from typing import Final

from stream_cw.core.learned import Learned
from stream_cw.core.scoring import Recency, Scorer
from stream_cw.model.artefact import decode_payload, open_envelope
from stream_cw.model.shipped import shipped

SHIPPED: Final = "shipped"
_SIGNED: Final = b'{"format":'


def choose(model: str) -> Scorer:
    """Load a scorer.

    Parameters
    ----------
    model : str
        `shipped`, `recency`, or the path of a model as training wrote it. A signed one is taken as
        well, whoever signed it: what is only measured needs no trust.

    Returns
    -------
    Scorer

    Raises
    ------
    RefusedModelError
        If the file is no model, or one for features that this code does not compute.
    OSError
        If it cannot be read.
    """
    if model == Recency.ref.id:
        return Recency()
    if model == SHIPPED:
        artefact = shipped()
        return Learned(artefact.model, artefact.ref)
    data = Path(model).read_bytes()
    payload = bytes(open_envelope(data).payload) if data.startswith(_SIGNED) else data
    artefact = decode_payload(payload)
    return Learned(artefact.model, artefact.ref)
