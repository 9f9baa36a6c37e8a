"""Event logs: JSON lines, either plain events or a recording of the topic.

A *plain* log holds one event a line, as an importer or the simulator writes it. A *recording*
starts with a header line and holds one envelope a line, with the key, partition, offset and append
time of the record, and its value exactly as it was, also where it is no event at all.
"""

import base64
import gzip
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record
from stream_cw.errors import LogFormatError

FORMAT: Final = 1
MAX_LINE_BYTES: Final = 8_388_608
"""A record as large as brokers take, in base64 or with every byte of its key escaped, fits in."""


class LogHeader(Struct, frozen=True, kw_only=True):
    """First line of a recording.

    Attributes
    ----------
    stream_cw_log : int
        Version of the format.
    topic : str
    epoch : str
        The topic's id, 32 hexadecimal digits.
    partitions : int
    """

    stream_cw_log: int
    topic: str
    epoch: str
    partitions: int


class _Envelope(Struct, kw_only=True, omit_defaults=True):
    partition: int
    offset: int
    append_ts: int | None = None
    key: str | None = None
    key_b64: str | None = None
    value: Raw | UnsetType = UNSET
    value_b64: str | None = None


class _Keyed(Struct):
    profile_id: str


_encoder: Final = msgspec.json.Encoder()
_header_decoder: Final = msgspec.json.Decoder(LogHeader)
_envelope_decoder: Final = msgspec.json.Decoder(_Envelope)
_key_decoder: Final = msgspec.json.Decoder(_Keyed)
_json_decoder: Final = msgspec.json.Decoder(Raw)


def open_log(path: Path) -> BinaryIO:
    """Open a log for reading, unpacked where its name ends in `.gz`."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def read_lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the lines of a log, and what is left of one that is begun.

    Raises
    ------
    LogFormatError
        If one is longer than `MAX_LINE_BYTES`.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise LogFormatError(
                f"{path}, line {number}: wanted at most {MAX_LINE_BYTES} bytes, found more"
            )
        yield line


def content_hash(path: Path) -> str:
    """SHA-256 of what is in a log or catalog file, unpacked where its name ends in `.gz`."""
    digest = sha256()
    with open_log(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def encode_header(header: LogHeader) -> bytes:
    """Encode the first line of a recording, without the line's end."""
    return _encoder.encode(header)


def encode_record(record: Record) -> bytes:
    """Encode a record as a line of a recording, without the line's end."""
    envelope = _Envelope(
        partition=record.partition, offset=record.offset, append_ts=record.append_ts
    )
    if record.key is not None:
        try:
            envelope.key = record.key.decode()
        except UnicodeDecodeError:
            envelope.key_b64 = base64.b64encode(record.key).decode()
    if record.value is not None:
        if _stands_in_a_line(record.value):
            envelope.value = Raw(record.value)
        else:
            envelope.value_b64 = base64.b64encode(record.value).decode()
    return _encoder.encode(envelope)


def _stands_in_a_line(value: bytes) -> bool:
    if b"\n" in value or b"\r" in value or value[:1] != b"{" or value[-1:] != b"}":
        return False
    try:
        str(value, "utf-8")
        _json_decoder.decode(value)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False
    return True


class EventLog:
    """An event log on disk, read line by line.

    Parameters
    ----------
    path : Path
    partitions : int, default 1
        How many partitions the records of a plain log are dealt to; a recording says its own.

    Attributes
    ----------
    header : LogHeader or None
        None for a plain log.

    Raises
    ------
    LogFormatError
        If the recording is of a newer format.
    """

    def __init__(self, path: Path, *, partitions: int = 1) -> None:
        self.path = path
        with open_log(path) as file:
            self.header = _read_header(file.readline(MAX_LINE_BYTES), path)
        self.partitions = self.header.partitions if self.header else partitions

    def __iter__(self) -> Iterator[Record]:
        """Yield the records in the log's order."""
        with open_log(self.path) as file:
            lines = read_lines(file, self.path)
            if self.header is None:
                offsets = [0] * self.partitions
                for line in lines:
                    if value := line.strip():
                        yield self._plain(value, offsets)
            else:
                next(lines)
                for number, line in enumerate(lines, start=2):
                    yield self._recorded(line, number)

    def _plain(self, value: bytes, offsets: list[int]) -> Record:
        try:
            key = _key_decoder.decode(value).profile_id.encode()
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            key = b""
        partition = partition_for(key, self.partitions)
        offset = offsets[partition]
        offsets[partition] += 1
        return Record(key, value, partition, offset)

    def _recorded(self, line: bytes, number: int) -> Record:
        try:
            envelope = _envelope_decoder.decode(line)
            key = None if envelope.key is None else envelope.key.encode()
            if envelope.key_b64 is not None:
                key = base64.b64decode(envelope.key_b64, validate=True)
            value = None if envelope.value is UNSET else bytes(envelope.value)
            if envelope.value_b64 is not None:
                value = base64.b64decode(envelope.value_b64, validate=True)
        except ValueError as error:
            raise LogFormatError(f"{self.path}, line {number}: {error}") from None
        return Record(key, value, envelope.partition, envelope.offset, envelope.append_ts)


def _read_header(line: bytes, path: Path) -> LogHeader | None:
    if not line.startswith(b'{"stream_cw_log":'):
        return None
    try:
        header = _header_decoder.decode(line)
    except msgspec.DecodeError as error:
        raise LogFormatError(f"{path}, line 1: {error}") from None
    if header.stream_cw_log > FORMAT:
        raise LogFormatError(
            f"{path}: a recording of format {header.stream_cw_log}, this version reads {FORMAT}"
        )
    return header
