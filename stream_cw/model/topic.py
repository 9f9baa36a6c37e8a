"""Keys on the model topic.

The record under the role's key is the model in force. As the topic is compacted, each publication
also stands under its content's hash, which no other publication replaces: rows that name it can be
replayed, and it can be published again.
"""

from typing import Final

RANKER: Final = b"ranker"
"""Role of the model that orders the row and places it."""

_KEPT: Final = b"sha256:"


def kept_key(sha256: str) -> bytes:
    """Key under which an artefact is kept."""
    return _KEPT + sha256.encode()


def is_kept(key: bytes | None) -> bool:
    """Whether a record keeps an artefact, and says nothing of what is in force."""
    return key is not None and key.startswith(_KEPT)
