"""How far a replay is acknowledged, so that it can go on after an interrupt.

Only a *prefix* of the log is ever saved: all records before it are acknowledged. Records behind it
may be acknowledged too, and are produced again on resume. The worker recognises a repeat among the
last 256 event ids of a profile, so no profile may have more than that behind the saved prefix; the
limit here leaves room for the repeats that are in the log itself.
"""

import hashlib
import os
from collections import Counter, deque
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from stream_cw.errors import InputError

MAX_UNSAVED_OF_KEY: Final = 190
"""Records of one key that may be behind the saved prefix."""
MAX_UNSAVED: Final = 50_000
"""Records in all that may be behind it: bounds the memory, and the producer's queue."""
_FINGERPRINT_BYTES: Final = 1 << 20


class Progress(Struct, frozen=True, kw_only=True):
    """Content of a progress file.

    Attributes
    ----------
    log : str
        Fingerprint of the log.
    epoch : str
        Id of the topic that the log is replayed to.
    acknowledged : int
        So many leading records are acknowledged.
    """

    log: str
    epoch: str
    acknowledged: int


def fingerprint(path: Path) -> str:
    """Tell one log from another: its size and the SHA-256 of its first MiB."""
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_FINGERPRINT_BYTES)).hexdigest()
    return f"{path.stat().st_size}-{digest[:32]}"


def progress_path(log: Path) -> Path:
    """Where the progress of a log's replay is kept, unless it is said otherwise."""
    return log.with_name(log.name + ".progress")


def load(path: Path, log: str, epoch: str) -> int:
    """Return how many leading records of the log this topic has acknowledged; 0 without a file.

    Raises
    ------
    InputError
        If the file is damaged, or belongs to another log or topic.
    """
    try:
        progress = msgspec.json.decode(path.read_bytes(), type=Progress)
    except FileNotFoundError:
        return 0
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: no progress of a replay ({error}); remove it") from None
    for what, wanted, found in (("log", log, progress.log), ("topic", epoch, progress.epoch)):
        if wanted != found:
            raise InputError(
                f"{path}: an interrupted replay of another {what} "
                f"(wanted {wanted}, found {found}); remove it to begin anew"
            )
    return progress.acknowledged


def save(path: Path, progress: Progress) -> None:
    """Write the progress so that a crash leaves the old or the new one, whole."""
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(progress))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class Sent(Struct):
    """A record that was handed to the producer."""

    key: bytes | None
    acknowledged: bool = False


class Window:
    """The records behind the saved prefix, in the order of the log.

    Parameters
    ----------
    prefix : int
        How many leading records are known to be acknowledged.
    """

    def __init__(self, prefix: int) -> None:
        self.prefix = prefix
        self._sent: deque[Sent] = deque()
        self._of_key: Counter[bytes | None] = Counter()

    def add(self, key: bytes | None) -> Sent:
        """Note a record that is about to be produced; its delivery marks it acknowledged."""
        sent = Sent(key)
        self._sent.append(sent)
        self._of_key[key] += 1
        return sent

    def full_for(self, key: bytes | None) -> bool:
        """Tell whether another record of the key must wait for the prefix to move."""
        return self._of_key[key] >= MAX_UNSAVED_OF_KEY or len(self._sent) >= MAX_UNSAVED

    def advance(self) -> bool:
        """Move the prefix over what is acknowledged; True if it moved. Save it at once."""
        before = self.prefix
        while self._sent and self._sent[0].acknowledged:
            key = self._sent.popleft().key
            self._of_key[key] -= 1
            if not self._of_key[key]:
                del self._of_key[key]
            self.prefix += 1
        return self.prefix > before
