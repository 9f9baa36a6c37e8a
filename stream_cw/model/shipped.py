"""The model that is shipped: what rows are made with until an operator publishes another."""

from importlib.resources import files

from stream_cw.model.artefact import Artefact, decode_payload


def shipped() -> Artefact:
    """Read the shipped model; `docs/model-card.md` says what it is."""
    return decode_payload(files("stream_cw.model").joinpath("shipped.json").read_bytes())
