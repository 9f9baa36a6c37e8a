"""Which dead letters are meant: a small grammar for the command line.

A condition is `NAME=VALUE`. Conditions of one name are alternatives, those of different names must
all hold; without any, all letters are meant. `after` and `before` stand once.

    reason=bad_json              one of the reasons of `errors.RefusalReason`
    partition=3                  of the event topic
    key=profile-7                the refused record's key as `dlq list` prints it; `key=`: none
    after=2026-01-31T12:00:00Z   refused then or later: ISO 8601 with an offset, or ms since 1970
    before=1767225600000         refused earlier
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, get_args

from msgspec import Struct

from stream_cw.clients.printable import printable
from stream_cw.core.dead_letter import DeadLetter
from stream_cw.errors import RefusalReason

NAMES: Final = ("reason", "partition", "key", "after", "before")
_REASONS: Final = get_args(RefusalReason)
_MAX_DIGITS: Final = 15


class Filter(Struct, frozen=True):
    """Conditions on a letter.

    Attributes
    ----------
    reasons, partitions, keys : frozenset
        Empty: any.
    after, before : int or None
        When it was refused, ms since 1970: from the one on, and earlier than the other.
    """

    reasons: frozenset[str] = frozenset()
    partitions: frozenset[int] = frozenset()
    keys: frozenset[str] = frozenset()
    after: int | None = None
    before: int | None = None

    def takes(self, letter: DeadLetter, refused_ms: int | None) -> bool:
        """Tell whether a letter is meant; one of an unknown time never is where a time is asked."""
        if (self.after, self.before) != (None, None):
            if refused_ms is None:
                return False
            if self.after is not None and refused_ms < self.after:
                return False
            if self.before is not None and refused_ms >= self.before:
                return False
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.partitions or letter.partition in self.partitions)
            and (not self.keys or printable(letter.key or b"") in self.keys)
        )


def parse_filter(conditions: Iterable[str]) -> Filter:
    """Read conditions.

    Raises
    ------
    ValueError
        If one is none; the message says what was wanted.
    """
    told: dict[str, list[str]] = {name: [] for name in NAMES}
    for condition in conditions:
        name, sign, value = condition.partition("=")
        if name not in told or not sign:
            raise ValueError(f"wanted NAME=VALUE with one of {', '.join(NAMES)}, got {condition!r}")
        told[name].append(value)
    for reason in told["reason"]:
        if reason not in _REASONS:
            raise ValueError(f"reason: wanted one of {', '.join(_REASONS)}, got {reason!r}")
    return Filter(
        frozenset(told["reason"]),
        frozenset(_number("partition", value) for value in told["partition"]),
        frozenset(told["key"]),
        _time("after", told["after"]),
        _time("before", told["before"]),
    )


def parse_origin(text: str) -> tuple[int, int]:
    """Read where a refused record stands, `PARTITION:OFFSET`.

    Raises
    ------
    ValueError
        If it is none.
    """
    partition, sign, offset = text.partition(":")
    if not sign:
        raise ValueError(f"wanted PARTITION:OFFSET, got {text!r}")
    return _number("partition", partition), _number("offset", offset)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise ValueError(f"{name}: wanted a number, got {text!r}")
    return int(text)


def _time(name: str, texts: list[str]) -> int | None:
    if not texts:
        return None
    if len(texts) > 1:
        raise ValueError(f"{name}: wanted once, got {', '.join(texts)}")
    text = texts[0]
    if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError(
            f"{name}: wanted a time such as 2026-01-31T12:00:00Z, or ms since 1970, got {text!r}"
        )
    return round(time.timestamp() * 1000)
