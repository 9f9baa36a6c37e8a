"""Keys on the model topic.

The record under the role's key is the model in force. As the topic is compacted, each publication
also stands under its content's hash, which no other publication replaces: rows that name it can be
replayed, and it can be published again. A header of the record under the role lists the hashes of
all models that were in force, in the order of their first publication: what stands under its hash
and is not in the list was never in force, its publication broke off.
"""

import re
from collections.abc import Iterable
from typing import Final

RANKER: Final = b"ranker"
"""Role of the model that orders the row and places it."""

ORDER_HEADER: Final = "cw-published"
MOST_ORDERED: Final = 500
"""So many hashes are listed, the latest: 33 kB, which fit beside the largest artefact."""

_KEPT: Final = b"sha256:"
_SHA256: Final = re.compile(rb"[0-9a-f]{64}")


def kept_key(sha256: str) -> bytes:
    """Key under which an artefact is kept."""
    return _KEPT + sha256.encode()


def is_kept(key: bytes | None) -> bool:
    """Whether a record keeps an artefact, and says nothing of what is in force."""
    return key is not None and key.startswith(_KEPT)


def encode_order(hashes: Iterable[str]) -> bytes:
    """Write the list of the header, the first published first."""
    return ",".join(list(hashes)[-MOST_ORDERED:]).encode()


def decode_order(headers: Iterable[tuple[str, bytes | None]]) -> list[str]:
    """Read the list of the header; what is no hash is left out."""
    told = b",".join(value or b"" for name, value in headers if name == ORDER_HEADER)
    return [part.decode() for part in told.split(b",") if _SHA256.fullmatch(part)]
