"""The newest row of each device, in a store on disk behind a cache of bounded size.

The store is a folder of this process alone: the push topic is compacted, and a gateway that starts
reads it again.
"""

import struct
import tempfile
from hashlib import blake2b
from types import TracebackType
from typing import Any, Final

import rocksdict
from msgspec import Struct
from msgspec.json import Decoder

from stream_cw.core.decoding import decode_json
from stream_cw.core.events import Id
from stream_cw.core.rows import MAX_ROW_BYTES, SOURCE_OFFSET, Version, row_key
from stream_cw.errors import RefusedRecordError

BUFFER_BYTES: Final = 33_554_432
OPEN_FILES: Final = 256
MARK_BYTES: Final = 4

_PLACES: Final = struct.Struct(">3Q2q")


class Known(Struct, frozen=True):
    """A row as it stands on the push topic.

    Attributes
    ----------
    version : Version
    source : int
        Offset of the event that it follows from, -1 where nobody said.
    offset : int
        Its own on the push topic.
    value : bytes
    """

    version: Version
    source: int
    offset: int
    value: bytes

    @property
    def name(self) -> str:
        """The version as clients write it."""
        version = self.version
        return f"{version.revision}.{version.catalog}.{version.model}"

    @property
    def tag(self) -> str:
        """The version, and a mark of the bytes: versions begin anew when a profile is forgotten."""
        return f"{self.name}-{blake2b(self.value, digest_size=MARK_BYTES).hexdigest()}"


class Change(Struct, frozen=True):
    """What is new of a device: a row, or None where it was erased; and its offset on the topic."""

    key: bytes
    known: Known | None
    offset: int


class Latest:
    """Keeps the newest rows; a context that takes its folder away.

    Parameters
    ----------
    cache_bytes : int
        Memory for what is read.
    keep_s : int
        A row that was not replaced for so long may be forgotten: the topic keeps none for longer.
    """

    def __init__(self, cache_bytes: int, keep_s: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stream-cw-gateway-")
        self._db = rocksdict.Rdict(
            self._folder.name,
            options=_options(cache_bytes),
            access_type=rocksdict.AccessType.read_write().with_ttl(keep_s),
        )
        self._db.set_write_options(_without_log())

    def __enter__(self) -> "Latest":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()
        self._folder.cleanup()

    def get(self, key: bytes) -> Known | None:
        """Return the newest row of a device."""
        data: bytes | None = self._db.get(key)
        return None if data is None else _unpacked(data)

    def accept(self, record: Any) -> Change | None:
        """Take a record of the push topic, if it is newer than what is known.

        A row of a lower version is dropped: after a crash or a hand-over some may follow. So is one
        of the same version, except where it answers a later event: a device that asks twice by the
        same event is sent the same row. A tombstone clears the device, whose versions begin anew.

        Returns
        -------
        Change or None
            None where nothing changes.

        Raises
        ------
        RefusedRecordError
            If the value is not the row of its key; what is known stays.
        """
        key = record.key or b""
        before = self.get(key)
        if record.value is None:
            if before is None:
                return None
            self._db.delete(key)
            return Change(key, None, record.offset)
        known = Known(
            _version(key, record.value), _source(record.headers), record.offset, record.value
        )
        if before is not None and (known.version, known.source) <= (before.version, before.source):
            return None
        self._db.put(key, _packed(known))
        return Change(key, known, record.offset)


class _Head(Struct):
    profile_id: Id
    device_id: Id
    version: Version


_head: Final = Decoder(_Head)


def _version(key: bytes, value: bytes) -> Version:
    head = decode_json(_head, value, MAX_ROW_BYTES)
    if row_key(head.profile_id, head.device_id) != key:
        raise RefusedRecordError("key_mismatch", "the row is not that of the record's key")
    if b"\n" in value or b"\r" in value:
        raise RefusedRecordError("bad_json", "the row is not on one line")  # it would end an event
    return head.version


def _source(headers: list[tuple[str, bytes]]) -> int:
    found = dict(headers).get(SOURCE_OFFSET, b"-1")
    return int(found)


def _packed(known: Known) -> bytes:
    v = known.version
    return _PLACES.pack(v.revision, v.catalog, v.model, known.source, known.offset) + known.value


def _unpacked(data: bytes) -> Known:
    revision, catalog, model, source, offset = _PLACES.unpack_from(data)
    return Known(Version(revision, catalog, model), source, offset, data[_PLACES.size :])


def _without_log() -> rocksdict.WriteOptions:
    # Nobody comes back to this folder after a crash.
    options = rocksdict.WriteOptions()
    options.disable_wal = True
    return options


def _options(cache_bytes: int) -> rocksdict.Options:
    table = rocksdict.BlockBasedOptions()
    table.set_bloom_filter(10, block_based=False)
    table.set_block_cache(rocksdict.Cache(cache_bytes))
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_max_open_files(OPEN_FILES)
    options.set_write_buffer_manager(rocksdict.WriteBufferManager(BUFFER_BYTES, allow_stall=False))
    options.set_block_based_table_factory(table)
    options.set_keep_log_file_num(2)
    return options
