"""An artefact is taken as it was signed, or not at all, and the refusal says why."""

import hashlib
import json
import pickle
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from signed_models import Signer, a_manifest, a_model, a_payload

from stream_cw.core.features import features_hash
from stream_cw.core.priors import MAX_TITLES, Priors, title_hash
from stream_cw.errors import InputError, RefusedModelError
from stream_cw.model.artefact import (
    MAX_ARTEFACT_BYTES,
    decode_payload,
    encode_payload,
    open_envelope,
    pack,
    read_manifest,
    sign,
    unpack,
)
from stream_cw.model.chosen import choose
from stream_cw.model.keys import generate_key, key_id, load_private, load_trusted, public_path

SIGNER = Signer()
OTHER = Signer()
DATA = SIGNER.artefact()


def refusal(act: Callable[[], object]) -> RefusedModelError:
    with pytest.raises(RefusedModelError) as refused:
        act()
    return refused.value


def unsigned_parts(data: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(data, type=dict[str, msgspec.Raw])


def with_payload(payload: bytes) -> bytes:
    """Sign a payload that `sign` would refuse to sign."""
    signature = SIGNER.key.sign(b"stream-cw model artefact 1\n" + payload).hex()
    seal = f'{{"format":1,"key":"{SIGNER.id}","signature":"{signature}","payload":'
    return seal.encode() + payload + b"}"


def test_what_was_packed_is_unpacked() -> None:
    model = a_model()
    manifest = a_manifest(model)
    data = pack(manifest, model, SIGNER.key)
    found = unpack(data, {**OTHER.trusted, **SIGNER.trusted})
    assert found.manifest == manifest == read_manifest(data)
    assert found.model == model
    payload = bytes(unsigned_parts(data)["payload"])
    assert found.sha256 == hashlib.sha256(payload).hexdigest() == open_envelope(data).sha256
    assert (found.ref.id, found.ref.sha256) == (manifest.id, found.sha256)
    assert decode_payload(payload) == found
    assert pack(manifest, model, SIGNER.key) == data
    assert with_payload(payload) == data


def test_the_identity_is_that_of_the_content_whoever_signed_it() -> None:
    assert OTHER.artefact() != DATA
    assert open_envelope(OTHER.artefact()).sha256 == open_envelope(DATA).sha256
    assert open_envelope(SIGNER.artefact(oldest_first=True)).sha256 != open_envelope(DATA).sha256


@given(at=st.integers(0, len(DATA) - 1), byte=st.integers(1, 255))
def test_no_byte_can_be_changed(at: int, byte: int) -> None:
    damaged = bytearray(DATA)
    damaged[at] ^= byte
    assert isinstance(refusal(lambda: unpack(bytes(damaged), SIGNER.trusted)), RefusedModelError)


REGIONS = ["format", "key", "signature", "payload"]


@pytest.mark.parametrize("region", REGIONS)
@given(data=st.data())
def test_no_region_can_be_changed(region: str, data: st.DataObject) -> None:
    """Every part of the artefact, and every byte of the part, is held by a check."""
    part = bytes(unsigned_parts(DATA)[region])
    start = DATA.index(part, DATA.index(f'"{region}":'.encode()))
    at = start + data.draw(st.integers(0, len(part) - 1))
    new = data.draw(st.binary(max_size=3).filter(lambda new: new != DATA[at : at + 1]))
    damaged = DATA[:at] + new + DATA[at + 1 :]
    assert refusal(lambda: unpack(damaged, SIGNER.trusted)).message


@given(at=st.integers(0, len(DATA)), new=st.sampled_from([b" ", b"\n", b"\t", b"0", b'"a":1,']))
def test_nothing_can_be_put_in(at: int, new: bytes) -> None:
    assert refusal(lambda: unpack(DATA[:at] + new + DATA[at:], SIGNER.trusted)).message


@given(st.integers(0, len(DATA) - 1))
def test_nothing_can_be_cut_off(length: int) -> None:
    assert refusal(lambda: unpack(DATA[:length], SIGNER.trusted)).message


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    assert refusal(lambda: unpack(data, SIGNER.trusted)).message


class Trap:
    """Says so in a file when it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.sprung,))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_never_run(tmp_path: Path, protocol: int) -> None:
    sprung = tmp_path / "sprung"
    trap = pickle.dumps(Trap(sprung), protocol)
    for act in (
        lambda: unpack(trap, SIGNER.trusted),
        lambda: unpack(with_payload(trap), SIGNER.trusted),
        lambda: decode_payload(trap),
        lambda: read_manifest(trap),
    ):
        assert refusal(act).reason in {"bad_utf8", "bad_json"}
    path = tmp_path / "model.json"
    path.write_bytes(trap)
    assert refusal(lambda: choose(str(path))).reason in {"bad_utf8", "bad_json"}
    assert not sprung.exists()
    pickle.loads(trap)  # noqa: S301 (the trap works, else nothing above would be shown)
    assert sprung.exists()


def test_written_otherwise_it_is_not_what_was_signed() -> None:
    spaced = json.dumps(json.loads(DATA)).encode()
    assert refusal(lambda: unpack(spaced, SIGNER.trusted)).reason == "bad_signature"


@pytest.mark.parametrize("known", [{}, OTHER.trusted])
def test_an_unknown_key_is_named(known: dict) -> None:
    refused = refusal(lambda: unpack(DATA, known))
    assert refused.reason == "unknown_key"
    assert SIGNER.id in refused.message
    assert ", ".join(known) in refused.message


def test_a_signature_of_another_key_under_a_trusted_ones_name() -> None:
    forged = OTHER.artefact().replace(OTHER.id.encode(), SIGNER.id.encode())
    refused = refusal(lambda: unpack(forged, {**SIGNER.trusted, **OTHER.trusted}))
    assert refused.reason == "bad_signature"
    assert SIGNER.id in refused.message
    assert open_envelope(forged).sha256 in refused.message


def test_a_signature_over_the_payload_alone_does_not_fit() -> None:
    """What the key signed for another purpose cannot become a model."""
    payload = a_payload()
    fitting = open_envelope(DATA).signature.encode()
    bare = SIGNER.key.sign(payload).hex().encode()
    refused = refusal(lambda: unpack(DATA.replace(fitting, bare), SIGNER.trusted))
    assert refused.reason == "bad_signature"


def test_features_of_another_code_are_refused_before_their_tables_are_read() -> None:
    model = a_model()
    manifest = msgspec.json.encode(a_manifest(model, "newer", "0" * 64))
    payload = b'{"manifest":' + manifest + b',"model":{"of":"another shape"}}'
    refused = refusal(lambda: unpack(with_payload(payload), SIGNER.trusted))
    assert refused.reason == "other_features"
    for told in ("newer", features_hash(), "0" * 64):
        assert told in refused.message
    assert refusal(lambda: sign(payload, SIGNER.key)).reason == "other_features"


def test_tables_of_another_shape_are_refused() -> None:
    manifest = msgspec.json.encode(a_manifest(a_model()))
    payload = b'{"manifest":' + manifest + b',"model":{"of":"another shape"}}'
    refused = refusal(lambda: unpack(with_payload(payload), SIGNER.trusted))
    assert refused.reason == "bad_field"
    assert "`$.model`" in refused.message


def test_a_model_that_this_code_cannot_serve_is_refused() -> None:
    model = a_model()
    short = msgspec.structs.replace(model.hazard, values=())
    manifest = a_manifest(model)
    unfit = msgspec.structs.replace(model, hazard=short)
    refused = refusal(lambda: encode_payload(manifest, unfit))
    assert refused.reason == "bad_field"
    assert "hazard" in refused.message


def test_manifest_and_model_must_name_the_same_features() -> None:
    model = a_model()
    manifest = msgspec.structs.replace(a_manifest(model), feature_names=("another",))
    assert "wanted as in the manifest" in refusal(lambda: encode_payload(manifest, model)).message


def test_manifest_and_model_must_know_as_many_titles() -> None:
    model = msgspec.structs.replace(a_model(), priors=Priors({"00ff00ff00ff00ff": (1, 2, 3)}))
    manifest = a_manifest(model)
    refused = refusal(lambda: encode_payload(manifest, model))
    assert refused.reason == "bad_field"
    assert "title priors wanted as in the manifest (0), found 1" in refused.message
    knowing = msgspec.structs.replace(manifest, title_priors=1)
    assert decode_payload(encode_payload(knowing, model)).model == model


def test_as_many_titles_as_may_be_carried_fit_into_an_artefact() -> None:
    """Beside a ranking of the size of the shipped one, a quarter of the limit."""
    titles = {title_hash(2**64 - 1 - number): (126, 126, 126) for number in range(MAX_TITLES)}
    model = msgspec.structs.replace(a_model(), priors=Priors(titles))
    manifest = msgspec.structs.replace(a_manifest(model), title_priors=MAX_TITLES)
    assert len(pack(manifest, model, SIGNER.key)) < MAX_ARTEFACT_BYTES // 2


def test_a_newer_format_is_told_from_a_damaged_one() -> None:
    newer = DATA.replace(b'"format":1', b'"format":2')
    refused = refusal(lambda: unpack(newer, SIGNER.trusted))
    assert refused.reason == "newer_format"
    assert "wanted 1, found 2" in refused.message
    none = refusal(lambda: unpack(b"{}", SIGNER.trusted))
    assert none.reason == "bad_field"
    assert "`format`" in none.message


def padded(size: int) -> bytes:
    """A payload of this size: whoever holds the key may sign what has a longer field."""
    short = msgspec.json.decode(a_payload())
    short["manifest"]["later"] = ""
    missing = size - len(msgspec.json.encode(short))
    short["manifest"]["later"] = "x" * missing
    return msgspec.json.encode(short)


def test_the_size_limit_is_exact() -> None:
    seal = len(DATA) - len(a_payload())
    largest = padded(MAX_ARTEFACT_BYTES - seal)
    assert len(sign(largest, SIGNER.key)) == MAX_ARTEFACT_BYTES
    assert unpack(sign(largest, SIGNER.key), SIGNER.trusted).manifest.id == "ranker-1"
    larger = padded(MAX_ARTEFACT_BYTES - seal + 1)
    assert refusal(lambda: sign(larger, SIGNER.key)).reason == "too_large"
    refused = refusal(lambda: unpack(with_payload(larger), SIGNER.trusted))
    assert refused.reason == "too_large"
    assert str(MAX_ARTEFACT_BYTES + 1) in refused.message
    assert str(MAX_ARTEFACT_BYTES) in refused.message


# Key files


def test_a_pair_of_key_files_signs_and_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = generate_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = load_private(path)
    trusted = load_trusted([public_path(path)])
    assert list(trusted) == [made] == [key_id(key.public_key())]
    assert unpack(sign(a_payload(), key), trusted).manifest.id == "ranker-1"
    assert b"PRIVATE" not in public_path(path).read_bytes()


@pytest.mark.parametrize("there", [0, 1])
def test_a_file_that_is_there_is_kept(tmp_path: Path, there: int) -> None:
    path = tmp_path / "key"
    kept = [path, public_path(path)][there]
    kept.write_text("kept")
    with pytest.raises(FileExistsError):
        generate_key(path)
    assert {file.read_text() for file in tmp_path.iterdir()} == {"kept"}


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    generate_key(path)
    path.chmod(0o640)
    with pytest.raises(InputError, match="mode wanted 600, found 640"):
        load_private(path)


def other_keys() -> dict[str, bytes]:
    elliptic = generate_private_key(SECP256R1())
    locked = SIGNER.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    pem = elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"text": b"a secret", "empty": b"", "elliptic": pem, "locked": locked}


@pytest.mark.parametrize("kind", other_keys())
def test_a_file_without_a_key_is_refused_and_not_quoted(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(other_keys()[kind])
    path.chmod(0o600)
    for load in (load_private, lambda path: load_trusted([path])):
        with pytest.raises(InputError, match="Ed25519") as refused:
            load(path)
        assert "secret" not in str(refused.value)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_missing_public_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        load_trusted([tmp_path / "nowhere"])
