"""The shows of a state: packed, one behind the other, as the codec stores them.

What is done with a state touches one show, or reads all of them at once: for neither is an object
made for each. Ids hold no slash, so that a slash parts them.
"""

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from io import BytesIO
from typing import Final

Place = tuple[int, int, int]
"""Where a show stands: its number, and where its bytes begin and end."""

_LENGTH: Final = struct.Struct("<H")
_LENGTH_BYTES: Final = _LENGTH.size
_SLASH: Final = ord("/")


class Shows(Mapping[str, bytes]):
    """Packed shows by id, in the order in which they came; never changed in place.

    Parameters
    ----------
    names : bytes
        Their ids with slashes between them.
    lengths : bytes
        How many bytes each has, 16 bits, little endian.
    data : bytes
        The shows.
    """

    __slots__ = ("data", "lengths", "names")

    def __init__(self, names: bytes = b"", lengths: bytes = b"", data: bytes = b"") -> None:
        self.names = names
        self.lengths = lengths
        self.data = data

    @classmethod
    def of(cls, packed: Mapping[str, bytes]) -> "Shows":
        """Put packed shows one behind the other."""
        shows = packed.values()
        lengths = b"".join(_LENGTH.pack(len(show)) for show in shows)
        return cls("/".join(packed).encode(), lengths, b"".join(shows))

    @classmethod
    def checked(cls, names: bytes, lengths: bytes, data: bytes) -> "Shows":
        """Take shows that were stored.

        Raises
        ------
        ValueError
            If the parts do not fit one another.
        """
        shows = cls(names, lengths, data)
        named = names.count(b"/") + (len(shows) > 0)
        if sum(shows.sizes()) != len(data) or named != len(shows) or not names.isascii():
            raise ValueError(f"{len(shows)} shows that do not fit")
        return shows

    def __getitem__(self, show_id: str) -> bytes:
        if (place := self.find(show_id)) is None:
            raise KeyError(show_id)
        return self.at(place)

    def __contains__(self, show_id: object) -> bool:
        return isinstance(show_id, str) and self.find(show_id) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids())

    def __len__(self) -> int:
        return len(self.lengths) // _LENGTH_BYTES

    def __repr__(self) -> str:
        return f"Shows.of({self.by_id()!r})"

    def ids(self) -> list[str]:
        """Return the ids of all shows."""
        return self.names.decode().split("/") if self.lengths else []

    def sizes(self) -> tuple[int, ...]:
        """Return how many bytes each show has."""
        return _unpacked(self.lengths)

    def packed(self) -> list[bytes]:
        """Return all shows, each on its own."""
        return list(map(BytesIO(self.data).read, self.sizes()))

    def by_id(self) -> dict[str, bytes]:
        """Return all shows by their ids, to be changed at will."""
        return dict(zip(self.ids(), self.packed(), strict=True))

    def find(self, show_id: str) -> Place | None:
        """Find a show."""
        names, name = self.names, show_id.encode()
        at = names.find(name)
        while at >= 0 and not _is_whole(names, at, at + len(name)):
            at = names.find(name, at + 1)
        if at < 0:
            return None
        number = names.count(b"/", 0, at)
        start = sum(_lengths(number).unpack_from(self.lengths))
        (size,) = _LENGTH.unpack_from(self.lengths, number * _LENGTH_BYTES)
        return number, start, start + size

    def at(self, place: Place) -> bytes:
        """Return the show at a place that `find` found."""
        _, start, end = place
        return self.data[start:end]

    def replaced(self, place: Place, packed: bytes) -> "Shows":
        """Return these shows with another content of the one at a place that `find` found."""
        number, start, end = place
        at = number * _LENGTH_BYTES
        length = _LENGTH.pack(len(packed))
        lengths = self.lengths[:at] + length + self.lengths[at + _LENGTH_BYTES :]
        return Shows(self.names, lengths, b"".join((self.data[:start], packed, self.data[end:])))

    def added(self, show_id: str, packed: bytes) -> "Shows":
        """Return these shows and one more behind them."""
        names = b"%b/%b" % (self.names, show_id.encode()) if self.names else show_id.encode()
        return Shows(names, self.lengths + _LENGTH.pack(len(packed)), self.data + packed)

    def with_show(self, show_id: str, packed: bytes) -> "Shows":
        """Return these shows with another one, or with another content of one of them."""
        place = self.find(show_id)
        return self.added(show_id, packed) if place is None else self.replaced(place, packed)

    def without(self, show_id: str) -> "Shows":
        """Return these shows without one of them."""
        shows = self.by_id()
        del shows[show_id]
        return Shows.of(shows)


def _is_whole(names: bytes, start: int, end: int) -> bool:
    """Whether what stands there is a name, and not a part of one."""
    begins = start == 0 or names[start - 1] == _SLASH
    return begins and (end == len(names) or names[end] == _SLASH)


def _unpacked(lengths: bytes) -> tuple[int, ...]:
    return _lengths(len(lengths) // _LENGTH_BYTES).unpack(lengths)


@cache
def _lengths(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}H")
