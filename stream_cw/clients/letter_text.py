"""Dead letters as text: bytes of others never reach a terminal unescaped."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
from rich.table import Table
from rich.text import Text

from stream_cw.clients.letter_replay import Plan
from stream_cw.clients.letters import Found
from stream_cw.clients.printable import printable

SHOWN: Final = 4_096
"""Of a value; `--raw` gives all of it."""
_KEY: Final = 40
_COLUMNS: Final = ("origin", "reason", "refused", "bytes", "key", "why")


def line(found: Found) -> str:
    """Write a letter as one line."""
    origin, reason, when, size, key, why = _cells(found)
    return f"{origin}  {reason}  {when}  {size} bytes  key {key}  {why}"


def table(letters: Iterable[Found]) -> Table:
    """Draw letters as a table."""
    drawn = Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        drawn.add_column(name, overflow="fold", justify="right" if name == "bytes" else "left")
    for found in letters:
        drawn.add_row(*map(Text, _cells(found)))
    return drawn


def json_line(found: Found) -> str:
    """Write a letter as one line of JSON; the key as it is printed, null where there is none."""
    letter = found.letter
    told = {
        "origin": found.origin,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "message": printable(letter.message.encode()),
        "key": None if letter.key is None else printable(letter.key),
        "refused_ms": found.record.append_ts,
        "bytes": _size(found),
        "cut": letter.value_bytes is not None,
    }
    return msgspec.json.encode(told).decode()


def details(judged: Plan) -> Iterator[str]:
    """Write all that is known of a letter, line by line."""
    found, letter = judged.found, judged.found.letter
    yield f"origin   {letter.topic} {found.origin}"
    yield f"refused  {_when(found.record.append_ts)}"
    yield f"reason   {letter.reason}: {printable(letter.message.encode())}"
    yield f"today    {verdict(judged)}"
    yield f"key      {_key(letter.key)}"
    for name, content in found.record.headers:
        shown = "none" if content is None else printable(content, SHOWN)
        yield f"header   {printable(name.encode('utf-8', 'replace'), _KEY)}: {shown}"
    if letter.value is None:
        yield "value    none"
        return
    cut = "" if letter.value_bytes is None else f", the first of {letter.value_bytes:,}"
    yield f"value    {len(letter.value):,} bytes{cut}"
    yield printable(letter.value, SHOWN)


def verdict(judged: Plan) -> str:
    """Say what would become of a letter that is sent again."""
    if judged.refusal is not None:
        refusal = judged.refusal
        return f"still refused: {refusal.reason}: {printable(refusal.message.encode())}"
    record = judged.record
    size = len(record.value or b"")
    return f"taken: partition {record.partition}, key {_key(record.key)}, {size:,} bytes"


def _cells(found: Found) -> tuple[str, ...]:
    letter = found.letter
    return (
        found.origin,
        letter.reason,
        _when(found.record.append_ts),
        f"{_size(found):,}",
        _key(letter.key, _KEY),
        printable(letter.message.encode()),
    )


def _size(found: Found) -> int:
    letter = found.letter
    return len(letter.value or b"") if letter.value_bytes is None else letter.value_bytes


def _key(key: bytes | None, most: int | None = None) -> str:
    return "none" if key is None else printable(key, most)


def _when(ts: int | None) -> str:
    return "-" if ts is None else datetime.fromtimestamp(ts / 1000, UTC).isoformat("T", "seconds")
