"""Keys that models are signed with, and files of them.

A private key's file (PEM, PKCS 8) is for its owner's eyes alone; the public one beside it, with
`.pub` behind the name, goes to the workers. No message ever quotes what a file holds.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from stream_cw.errors import InputError
from stream_cw.files import read_at_most

OWNER_ONLY: Final = 0o600
OTHERS: Final = 0o077
MAX_KEY_BYTES: Final = 65_536


def key_id(key: Ed25519PublicKey) -> str:
    """Name a public key: 32 hexadecimal digits of its SHA-256."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:32]


def public_path(private: Path) -> Path:
    """Where the public key of a private one lies."""
    return private.with_name(private.name + ".pub")


def generate_key(path: Path) -> str:
    """Make a pair of keys and write both files; files that are there are never overwritten.

    Parameters
    ----------
    path : Path
        Of the private key.

    Returns
    -------
    str
        The key's id.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with public_path(path).open("xb") as file:
        file.write(public_pem)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except OSError:
        public_path(path).unlink()
        raise
    with os.fdopen(handle, "wb") as file:
        file.write(private_pem)
    return key_id(public)


def load_private(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises
    ------
    InputError
        If the file holds no Ed25519 private key, or others than its owner may read it.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        pem = file.read(MAX_KEY_BYTES)
    if mode & OTHERS:
        raise InputError(f"{path}: mode wanted {OWNER_ONLY:o}, found {mode:o}")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: wanted an Ed25519 private key without password, found none")
    return key


def load_trusted(paths: Iterable[Path]) -> dict[str, Ed25519PublicKey]:
    """Read public keys, one a file, by their id.

    Raises
    ------
    InputError
        If a file cannot be read or holds no Ed25519 public key.
    """
    return {key_id(key): key for key in map(_load_public, paths)}


def _load_public(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(read_at_most(path, MAX_KEY_BYTES))
    except OSError as error:
        raise InputError(f"{path}: wanted a public key: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path}: wanted an Ed25519 public key, found none")
    return key
