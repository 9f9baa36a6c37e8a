"""RocksDB on disk: how a store is opened, and what becomes of one that is damaged.

A store is a copy of the changelog. A damaged one is set aside, for whoever wants to know why, and
an empty one takes its place; recovery fills it. Damage that shows only when a block is read is
noted beside the store, and the worker ends: the next one sets it aside. One thing goes unnoticed: a
log of writes that is gone as a whole while a later one is there.
"""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import rocksdict
from msgspec import Struct

from stream_cw.errors import CorruptStateError

ASIDE: Final = ".damaged"
"""What is set aside has this in place of `.db`; there is one for a partition, the last."""
NOTE: Final = ".unfit"
"""An empty file beside a store that is to be made anew has this in place of `.db`."""

_OPEN_FILES: Final = 512
_LEVELS: Final = 7
_DAMAGE: Final = ("Corruption: ", "IO error: No such file")

log: Final = logging.getLogger("stream_cw.worker")


class Shared(Struct, frozen=True):
    """Memory that the stores of all partitions share."""

    cache: rocksdict.Cache
    buffers: rocksdict.WriteBufferManager


def shared_memory(cache_bytes: int, buffer_bytes: int) -> Shared:
    """Make the block cache and the budget of write buffers for all partitions."""
    cache = rocksdict.Cache(cache_bytes)
    return Shared(cache, rocksdict.WriteBufferManager(buffer_bytes, allow_stall=False))


def open_store(path: Path, shared: Shared, keys: Iterable[bytes] = ()) -> rocksdict.Rdict:
    """Open a store, made where it is missing; a damaged one is set aside and made anew.

    Parameters
    ----------
    path : Path
    shared : Shared
    keys : iterable of bytes
        What the store says of itself: it must be readable.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    damage = _known_damage(path)
    if damage is None:
        try:
            return _opened(path, shared, keys)
        except Exception as error:  # rocksdict has no type of its own for what RocksDB says
            if not _is_damage(error):
                raise
            damage = str(error)
    _set_aside(path, damage)
    return _opened(path, shared, ())


def destroy_store(path: Path, shared: Shared) -> None:
    """Take a store that is closed from the disk."""
    rocksdict.Rdict.destroy(str(path), _options(shared))


def noted(error: Exception, path: Path) -> Exception:
    """Note beside a store what RocksDB said of it while it was used.

    Returns
    -------
    Exception
        To be raised: a CorruptStateError if the store is damaged, it is set aside when it is opened
        next; else the error itself.
    """
    if not _is_damage(error):
        return error
    path.with_suffix(NOTE).touch()
    return CorruptStateError(
        f"the store {path.name} is damaged, the next start rebuilds it: {_line(str(error))}"
    )


def _opened(path: Path, shared: Shared, keys: Iterable[bytes]) -> rocksdict.Rdict:
    db = rocksdict.Rdict(str(path), options=_options(shared))
    try:
        for key in keys:
            db.get(key)
    except Exception:
        db.close()
        raise
    return db


def _known_damage(path: Path) -> str | None:
    if path.with_suffix(NOTE).exists():
        return "it was found unfit when it was used last"
    # RocksDB takes an emptied log of writes for one that was never written to, and goes on with
    # the next one: there would be a hole.
    writes = sorted(path.glob("*.log"), key=lambda file: int(file.stem))
    if any(file.stat().st_size == 0 for file in writes[:-1]):
        return "a log of writes is empty"
    return None


def _is_damage(error: Exception) -> bool:
    return str(error).startswith(_DAMAGE)


def _set_aside(path: Path, damage: str) -> None:
    aside = path.with_suffix(ASIDE)
    shutil.rmtree(aside, ignore_errors=True)
    path.rename(aside)
    path.with_suffix(NOTE).unlink(missing_ok=True)
    log.warning(
        "the store %s is set aside as %s and rebuilt from the changelog: %s",
        *(path.name, aside.name, _line(damage)),
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _options(shared: Shared) -> rocksdict.Options:
    table = rocksdict.BlockBasedOptions()
    table.set_bloom_filter(10, block_based=False)
    table.set_block_cache(shared.cache)
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_max_open_files(_OPEN_FILES)
    options.set_write_buffer_manager(shared.buffers)
    options.set_block_based_table_factory(table)
    options.set_keep_log_file_num(2)
    # What is written often is at the first level for a short time only: to compress it there costs
    # more than a quarter of what a state costs here.
    compression = rocksdict.DBCompressionType
    options.set_compression_per_level([compression.none(), *[compression.lz4()] * (_LEVELS - 1)])
    return options
