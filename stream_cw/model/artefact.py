"""A model as it travels: manifest and model as canonical JSON, signed with Ed25519.

::

    {"format":1,"key":…,"signature":…,"payload":{"manifest":{…},"model":{…}}}

The payload alone is what training writes; its SHA-256 is the model's identity, which rows name. The
signature is over the payload's bytes, and nothing of them is looked at before it holds. An artefact
has one way to be written: with any byte changed it is refused.
"""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Raw, Struct

from stream_cw.core.decoding import decode_json
from stream_cw.core.features import features_hash
from stream_cw.core.model import Model, faults
from stream_cw.core.rows import ModelRef
from stream_cw.errors import RefusedModelError, RefusedRecordError
from stream_cw.model.keys import key_id
from stream_cw.model.manifest import Manifest

FORMAT: Final = 1
MAX_ARTEFACT_BYTES: Final = 1_000_000
"""Of the whole artefact, and of a payload that is not signed yet."""

_DOMAIN: Final = b"stream-cw model artefact 1\n"
"""Stands before what is signed: a signature made for something else never fits."""


class Artefact(Struct, frozen=True):
    """A model that may be used.

    Attributes
    ----------
    manifest : Manifest
    model : Model
    sha256 : str
        Of the payload.
    """

    manifest: Manifest
    model: Model
    sha256: str

    @property
    def ref(self) -> ModelRef:
        """How rows name the model."""
        return ModelRef(self.manifest.id, self.sha256)


class _Seal(Struct, frozen=True):
    format: Literal[1]
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]


class Envelope(_Seal, frozen=True):
    """The signed form; `key` names the public key that the signature fits."""

    payload: Raw

    @property
    def sha256(self) -> str:
        """Identity of the model inside."""
        return hashlib.sha256(self.payload).hexdigest()


class _Format(Struct):
    format: int


class Outline(Struct):
    """A payload of which only the manifest is read: the model's shape is bound to the features."""

    manifest: Manifest
    model: dict[str, Raw]


class _Signed(_Seal, frozen=True):
    payload: Outline


class _Payload(Struct):
    manifest: Manifest
    model: Model


_T = TypeVar("_T")
_encoder: Final = msgspec.json.Encoder(order="deterministic")
_format: Final = msgspec.json.Decoder(_Format)
_envelope: Final = msgspec.json.Decoder(Envelope)
_signed: Final = msgspec.json.Decoder(_Signed)
_outline: Final = msgspec.json.Decoder(Outline)
_payload: Final = msgspec.json.Decoder(_Payload)


def encode_payload(manifest: Manifest, model: Model) -> bytes:
    """Write manifest and model as canonical JSON: equal ones are equal bytes.

    Raises
    ------
    RefusedModelError
        If the payload cannot be used as it is, so that no such file comes to be.
    """
    payload = _encoder.encode(_Payload(manifest, model))
    decode_payload(payload)
    return payload


def decode_payload(payload: bytes) -> Artefact:
    """Read a payload, which must come from a trusted place: a checked signature, an own file.

    Parameters
    ----------
    payload : bytes

    Returns
    -------
    Artefact

    Raises
    ------
    RefusedModelError
        If it is too large or has another shape, or was made for features that this code does not
        compute.
    """
    manifest = _decoded(_outline, payload).manifest
    if manifest.features_hash != (wanted := features_hash()):
        raise RefusedModelError(
            "other_features",
            f"model {manifest.id}: hash of the features wanted {wanted}, "
            f"found {manifest.features_hash}",
        )
    model = _decoded(_payload, payload).model
    if model.feature_names != manifest.feature_names:
        raise RefusedModelError(
            "bad_field",
            f"model {manifest.id}: names of the features wanted as in the manifest "
            f"({len(manifest.feature_names)}), found others ({len(model.feature_names)})",
        )
    if (told := manifest.title_priors) != (count := len(model.priors.titles)):
        raise RefusedModelError(
            "bad_field",
            f"model {manifest.id}: title priors wanted as in the manifest ({told}), found {count}",
        )
    if found := faults(model):
        raise RefusedModelError("bad_field", f"model {manifest.id}: {'; '.join(found)}")
    return Artefact(manifest, model, hashlib.sha256(payload).hexdigest())


def sign(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Make the artefact of a payload.

    Parameters
    ----------
    payload : bytes
        As `encode_payload` writes it.
    key : Ed25519PrivateKey

    Returns
    -------
    bytes

    Raises
    ------
    RefusedModelError
        If the payload cannot be used, or the artefact would be too large.
    """
    decode_payload(payload)
    signature = key.sign(_DOMAIN + payload).hex()
    data = _encoder.encode(Envelope(FORMAT, key_id(key.public_key()), signature, Raw(payload)))
    open_envelope(data)
    return data


def pack(manifest: Manifest, model: Model, key: Ed25519PrivateKey) -> bytes:
    """Make a signed artefact; see `encode_payload` and `sign`."""
    return sign(encode_payload(manifest, model), key)


def open_envelope(data: bytes) -> Envelope:
    """Take an artefact apart, without a word on whether it can be trusted.

    Raises
    ------
    RefusedModelError
        If it is too large, of a newer format, or has another shape.
    """
    return _opened(_envelope, data)


def read_manifest(data: bytes) -> Manifest:
    """Read what an artefact says of itself, whoever signed it and whatever features it is for.

    Raises
    ------
    RefusedModelError
        As for `open_envelope`.
    """
    return _opened(_signed, data).payload.manifest


def _opened(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T:
    found = _decoded(_format, data).format
    if found > FORMAT:
        raise RefusedModelError(
            "newer_format", f"format of the artefact wanted {FORMAT}, found {found}"
        )
    return _decoded(decoder, data)


def unpack(data: bytes, trusted: Mapping[str, Ed25519PublicKey]) -> Artefact:
    """Check a signed artefact and read it.

    Parameters
    ----------
    data : bytes
    trusted : mapping of str to Ed25519PublicKey
        Public keys by their id, as `keys.load_trusted` reads them.

    Returns
    -------
    Artefact

    Raises
    ------
    RefusedModelError
        If it fails any check; the message says what was wanted and what was found.
    """
    envelope = open_envelope(data)
    if _encoder.encode(envelope) != data:
        raise RefusedModelError(
            "bad_signature", "artefact wanted as it was signed, found written otherwise"
        )
    key = trusted.get(envelope.key)
    if key is None:
        raise RefusedModelError(
            "unknown_key",
            f"key of the signature wanted one of {', '.join(sorted(trusted)) or 'none'}, "
            f"found {envelope.key}",
        )
    payload = bytes(envelope.payload)
    try:
        key.verify(bytes.fromhex(envelope.signature), _DOMAIN + payload)
    except InvalidSignature:
        raise RefusedModelError(
            "bad_signature",
            f"signature wanted of key {envelope.key} over payload {envelope.sha256}, "
            "found one that does not fit",
        ) from None
    return decode_payload(payload)


def _decoded(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T:
    try:
        return decode_json(decoder, data, MAX_ARTEFACT_BYTES)
    except RefusedRecordError as error:
        raise RefusedModelError(error.reason, f"artefact: {error.message}") from None
