"""Bytes of others as text that is safe on a terminal."""

from typing import Final

_SHORT: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONE_BYTES: Final = range(0xDC80, 0xDD00)
"""What Python makes of bytes that are no UTF-8, under `surrogateescape`."""
_LAST_BYTE: Final = 0x7F
_LAST_SHORT: Final = 0xFFFF


def printable(data: bytes, most: int | None = None) -> str:
    r"""Write bytes as text without control characters, from which the bytes can be told.

    UTF-8 stands as it is, as far as it can be printed. Everything else is escaped as in Python:
    `\xff` for a byte, `\u202e` for a character that a terminal would act on, `\\` for a backslash.

    Parameters
    ----------
    data : bytes
    most : int, optional
        Longest text; of a longer one the start is given, and `…`.
    """
    text = "".join(map(_escaped, data.decode("utf-8", "surrogateescape")))
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    number = ord(character)
    if number in _LONE_BYTES:
        return f"\\x{number - 0xDC00:02x}"
    if number <= _LAST_BYTE:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= _LAST_SHORT else f"\\U{number:08x}"
