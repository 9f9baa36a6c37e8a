"""The catalog on its topic: a file's entries are published, what it no longer has can go."""

import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from stream_cw.broker.connection import Brokers
from stream_cw.clients.delivery import BATCH_BYTES, Delivery, ctrl_c, replay_producer
from stream_cw.clients.progress import Window
from stream_cw.clients.read import read
from stream_cw.clients.topic import describe
from stream_cw.core.records import Record
from stream_cw.errors import InputError
from stream_cw.history.catalog_file import RefusedLine, read_lines


class CatalogImport(Struct):
    """What an import did.

    Attributes
    ----------
    published : int
        Records of the file.
    taken_away : int
        Entries that the topic had and the file has not.
    refused : int
        Lines that were left out.
    """

    published: int = 0
    taken_away: int = 0
    refused: int = 0


def import_catalog(
    path: Path,
    brokers: Brokers,
    *,
    topic: str,
    replace: bool = False,
    refuse: Callable[[RefusedLine], None] = lambda _line: None,
) -> CatalogImport:
    """Publish the entries of a catalog file; idempotent producer, all replicas acknowledge.

    Parameters
    ----------
    path : Path
        As `catalog_file.read_lines` reads it.
    brokers : str or Connection
    topic : str
    replace : bool, default False
        Also take away what the topic has and the file has not.
    refuse : callable, optional
        Called with each line that is left out.

    Raises
    ------
    BrokerError
        If the broker is not reached, refuses a record, or acknowledges nothing for a minute.
    TopicMismatchError
        If there is no such topic.
    InputError
        If the file cannot be used; or, with `replace`, has no entry, or a line that is refused:
        then its entries are published, and nothing is taken away.
    """
    target = describe(brokers, topic)
    had = _ids(brokers, topic) if replace else set()
    most_bytes = int(target.settings.get("max.message.bytes", BATCH_BYTES))
    report = CatalogImport()
    with ctrl_c() as interrupted:
        run = Delivery(
            replay_producer(brokers, most_bytes=most_bytes),
            topic,
            Window(0),
            keep=lambda _prefix: None,  # to import a file once more does no harm
            clock=time.monotonic,
            is_interrupted=interrupted,
        )
        try:
            kept = _publish(path, run, report, refuse)
            if replace:
                _check_whole(path, kept, report)
                gone = sorted(had - kept)
                for key in gone:
                    run.produce(Record(key, None, 0, 0))
                report.taken_away = len(gone)
            run.drain()
        except BaseException:
            run.interrupt()
            raise
    return report


def _publish(
    path: Path, run: Delivery, report: CatalogImport, refuse: Callable[[RefusedLine], None]
) -> set[bytes]:
    """Produce the file's records; return the keys that have an entry after them."""
    kept: set[bytes] = set()
    for line in read_lines(path):
        if isinstance(line, RefusedLine):
            refuse(line)
            report.refused += 1
            continue
        key = line.id.encode()
        (kept.discard if line.value is None else kept.add)(key)
        run.produce(Record(key, line.value, 0, 0))
        report.published += 1
    return kept


def _check_whole(path: Path, kept: set[bytes], report: CatalogImport) -> None:
    # The entry of a line that cannot be read may be one of those that would go.
    if report.refused or not kept:
        raise InputError(
            f"{path}: {report.published} records published, nothing taken away: "
            f"{report.refused} lines are refused, {len(kept)} entries found"
        )


def _ids(brokers: Brokers, topic: str) -> set[bytes]:
    """Read which keys have an entry."""
    found: set[bytes] = set()
    for records in read(brokers, topic, 1, from_beginning=True, to_end=True):
        for record in records:
            key = record.key or b""
            (found.discard if record.value is None else found.add)(key)
    return found
