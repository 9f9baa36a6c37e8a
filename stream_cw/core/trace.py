"""The trace that an event belongs to, handed on from its request to its record, and to the row's.

A header `traceparent` (W3C Trace Context) goes on as it came. No span is made here: whoever follows
the trace sees the producer's span as the parent of the consumer's.
"""

import re
from collections.abc import Iterable
from typing import Final

TRACEPARENT: Final = "traceparent"

_FORM: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


def trace_of(headers: Iterable[tuple[str, bytes | None]]) -> bytes | None:
    """Return the `traceparent` among headers, named in lower case; None: missing or malformed.

    A second one makes it unclear, and counts as none.
    """
    found = [value for name, value in headers if name == TRACEPARENT]
    if len(found) != 1 or found[0] is None or not _FORM.fullmatch(found[0]):
        return None
    return bytes(found[0])
