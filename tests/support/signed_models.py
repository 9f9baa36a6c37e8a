"""Models for tests: small, real, and different in what they put first."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stream_cw.core.features import CODES, FEATURE_NAMES, features_hash
from stream_cw.core.model import (
    LEAVES,
    PLACEMENT_FEATURES,
    QUESTIONS,
    Additive,
    Curve,
    Model,
    Pair,
    Trees,
)
from stream_cw.model.artefact import encode_payload, sign
from stream_cw.model.keys import key_id
from stream_cw.model.manifest import Calibration, Manifest, Metric


def a_model(*, oldest_first: bool = False) -> Model:
    """A model that goes by recency, or against it."""
    step = 1000 if oldest_first else -1000
    zeros = (0,) * CODES
    pair = Pair("hour", "weekend", zeros, zeros, (0,))
    even = Curve(low=0, width=1, values=(500_000,))
    return Model(
        feature_names=FEATURE_NAMES,
        ranking=Additive({"recency_rank": tuple(step * code for code in range(CODES))}, (pair,)),
        interest=Additive({"recency_rank": zeros}, (pair,)),
        hazard=even,
        combined=even,
        placement=Trees(PLACEMENT_FEATURES, (0,) * QUESTIONS, (0,) * QUESTIONS, (0,) * LEAVES, 0),
        dedicated=even,
    )


def a_manifest(model: Model, name: str = "ranker-1", of: str | None = None) -> Manifest:
    """Manifest of a model; `of` is the hash of other features than this code's."""
    return Manifest(
        id=name,
        created_ts=1_782_864_000_000,
        feature_names=model.feature_names,
        features_hash=of or features_hash(),
        data_hash="cd" * 32,
        code_version="0.1.0",
        created_from=("simulated members, weight 1",),
        calibration=Calibration("isotonic", "platt"),
        metrics=(Metric("p_at_1", 784_000),),
    )


def a_payload(name: str = "ranker-1", *, oldest_first: bool = False) -> bytes:
    model = a_model(oldest_first=oldest_first)
    return encode_payload(a_manifest(model, name), model)


class Signer:
    """A key that signs models, and what workers know of it."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.id = key_id(self.key.public_key())
        self.trusted = {self.id: self.key.public_key()}

    def write_public(self, path: Path) -> Path:
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        path.write_bytes(pem)
        return path

    def artefact(self, name: str = "ranker-1", *, oldest_first: bool = False) -> bytes:
        return sign(a_payload(name, oldest_first=oldest_first), self.key)
