"""The title text of a viewing export, taken apart: show, season, episode, or a film.

A title is a list of parts between colons: `Show: Season 2: Name (Episode 5)`. It is read in this
order, and the first that fits decides (the words stand in `title_words.py`):

1. The first part after the show that is a season (`Temporada 4`, `Limited Series`), or a numbered
   part (`Part 2`, `Book One`) with more behind it: an episode; all before it is the show.
2. An episode's number at the end (`(Episódio 13)`): an episode of a season with a name. The show is
   the longest beginning that some row of the same export tells by rule 1, else the first part.
3. A numbered part at the end, behind the name of a show that is known by rule 1 or 2: an episode.
4. Everything else is a film; so is `Name: Part 2` or `Name: Chapter 2` where no such show is known.

What rules 2 and 3 take from other rows are names of shows, whenever those were watched; nothing of
what was watched, or when, enters.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from stream_cw.core.events import Episode, Movie, Supplemental
from stream_cw.history import title_words

MAX_SERIES: Final = 65_536
"""Names of shows kept as hashes for rules 2 and 3; later ones are told by their first part."""
_SURELY_AN_EPISODE: Final = 3
"""Parts of a title that ends in `(word 7)`, the word being unknown."""


class TitleText(NamedTuple):
    """A title taken apart.

    Attributes
    ----------
    parts : tuple of str
        Between the colons, without the episode's number at the end.
    show_parts : int or None
        How many of the parts are the show's name, where a season follows them.
    season, episode : int or None
    numbered : bool
        Whether the title tells an episode's number.
    ends_in_part : bool
        Whether the last part is a numbered one.
    """

    parts: tuple[str, ...]
    show_parts: int | None
    season: int | None
    episode: int | None
    numbered: bool
    ends_in_part: bool


class SeriesNames:
    """Names of shows that an export tells to be series, at most `MAX_SERIES` of them."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def learn(self, title: TitleText) -> None:
        """Keep the show of a title that is an episode by its own words."""
        length = title.show_parts or int(title.numbered)
        if length and len(self._known) < MAX_SERIES:
            self._known.add(_digest("name", _joined(title.parts[:length])))

    def longest(self, parts: tuple[str, ...]) -> int:
        """Count the parts of the longest known name that the parts begin with, 0 for none."""
        for length in range(len(parts), 0, -1):
            if _digest("name", _joined(parts[:length])) in self._known:
                return length
        return 0


def short_hash(kind: str, text: str) -> str:
    """Hash a text to 16 hexadecimal digits; equal texts of different kinds differ."""
    return _digest(kind, text).hex()


def _digest(kind: str, text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8, person=kind.encode()).digest()


def _joined(parts: tuple[str, ...]) -> str:
    return ": ".join(parts)


@lru_cache(maxsize=4_096)
def take_apart(text: str) -> TitleText:
    """Take a title apart by its own words."""
    name, episode = _without_episode_number(_normal(text))
    parts = tuple(_COLON.split(name))
    numbered = episode is not None
    if episode is None and len(parts) > 1:
        episode = _number(_EPISODE_PART, parts[-1])
        numbered = episode is not None
    if (
        episode is None
        and len(parts) >= _SURELY_AN_EPISODE
        and (found := _ANY_WORD_AND_NUMBER.search(name))
    ):
        episode, numbered = int(found[1] or found[2]), True
    show_parts, season = _season(parts)
    if show_parts is not None and episode is None:
        episode = _number(_CHAPTER_PART, parts[-1])
    return TitleText(
        parts=parts,
        show_parts=show_parts,
        season=season,
        episode=episode,
        numbered=numbered,
        ends_in_part=len(parts) > 1
        and (_PART.fullmatch(_folded(parts[-1])) or _CHAPTER_PART.fullmatch(_folded(parts[-1])))
        is not None,
    )


def named_title(title: TitleText, series: SeriesNames) -> Movie | Episode:
    """Name the film or the episode that a title text tells, by hashes of its texts."""
    length = title.show_parts
    if length is None and title.numbered:
        length = series.longest(title.parts[:-1]) or 1
    if length is None and title.ends_in_part:
        length = series.longest(title.parts[:-1]) or None
    if length is None:
        return Movie(id=short_hash("movie", _joined(title.parts)))
    number = "" if title.episode is None else f" ({title.episode})"
    return Episode(
        id=short_hash("episode", _joined(title.parts) + number),
        series_id=short_hash("series", _joined(title.parts[:length])),
        season=title.season,
        episode=title.episode,
    )


@lru_cache(maxsize=4_096)
def _supplemental_parts(text: str) -> tuple[str, ...]:
    name = _TECHNICAL_END.sub("", _BRACKETS_END.sub("", _normal(text)))
    parts = tuple(_COLON.split(name))
    return parts[1:] if len(parts) > 1 and _TRAILER.fullmatch(_folded(parts[0])) else parts


def named_supplemental(text: str, series: SeriesNames) -> Supplemental:
    """Name a trailer, hook or recap, and its series where the export tells it."""
    parts = _supplemental_parts(text)
    length = _season(parts)[0] or series.longest(parts)
    return Supplemental(
        id=short_hash("supplemental", _normal(text)),
        series_id=short_hash("series", _joined(parts[:length])) if length else None,
    )


def _normal(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _MARKS.sub("", text.replace(_WIDE_COLON, ": ")))
    return " ".join(text.split())


def _folded(part: str) -> str:
    return part.casefold()


def _without_episode_number(text: str) -> tuple[str, int | None]:
    if not text.endswith(")"):
        return text, None
    start = text.rfind("(")
    number = _number(_EPISODE_END, text[start + 1 : -1]) if start > 0 else None
    return (text, None) if number is None else (text[:start].rstrip(), number)


def _season(parts: tuple[str, ...]) -> tuple[int | None, int | None]:
    """Count the parts before the first season, and read the season's number."""
    for index, part in enumerate(parts[1:], start=1):
        folded = _folded(part)
        if found := _SEASON.match(folded):
            return index, _value(found)
        if _UNNUMBERED_SEASON.fullmatch(folded):
            return index, 1
        if index < len(parts) - 1 and (found := _PART.fullmatch(folded)):
            return index, _value(found)
    return None, None


def _number(pattern: re.Pattern[str], part: str) -> int | None:
    found = pattern.fullmatch(_folded(part))
    return _value(found) if found else None


def _value(found: re.Match[str]) -> int:
    text = found[1] or found[2]
    return _WRITTEN_OUT[text] if text in _WRITTEN_OUT else int(text)


def _any_of(words: Iterable[str]) -> str:
    longest_first = sorted({word.casefold() for word in words}, key=lambda word: (-len(word), word))
    return "(?:" + "|".join(map(re.escape, longest_first)) + ")"


def _words(*tables: Mapping[str, tuple[str, ...]]) -> str:
    return _any_of(
        unicodedata.normalize("NFKC", word)
        for table in tables
        for words in table.values()
        for word in words
    )


def _counted(*tables: Mapping[str, tuple[str, ...]]) -> re.Pattern[str]:
    """Match a word with its number: `season 2`, `book one`, `1. sezon`, `2nd season`, `第 1 季`."""
    word = _words(*tables)
    number = rf"(?:\d{{1,4}}|{_any_of(_WRITTEN_OUT)})"
    return re.compile(
        rf"(?:the )?{word}\W{{0,2}}({number})(?![^\W_])"
        rf"|[第제]? ?({number})(?:\W{{0,2}}|(?<=\d)(?:-?\w{{1,2}}) ){word}(?![^\W_])"
    )


_WRITTEN_OUT: Final = {
    word: number for number, words in title_words.NUMBERS.items() for word in words.split()
}
_WIDE_COLON: Final = "\uff1a"
_COLON: Final = re.compile(r" ?: ")
_MARKS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SEASON: Final = _counted(title_words.SEASONS)
_UNNUMBERED_SEASON: Final = re.compile(_words(title_words.UNNUMBERED_SEASONS))
_PART: Final = _counted(title_words.PARTS)
_EPISODE_PART: Final = _counted(title_words.EPISODES)
_CHAPTER_PART: Final = _counted(title_words.CHAPTERS)
_EPISODE_END: Final = _counted(title_words.EPISODES, title_words.CHAPTERS)
_ANY_WORD_AND_NUMBER: Final = re.compile(
    r"\((?:[^\W\d]{2,20} ?(\d{1,4})|(\d{1,4})[.ªº]? ?[^\W\d]{2,20})\)$"
)
_TRAILER: Final = re.compile(rf"(?:.* )?{_words(title_words.TRAILERS)}(?: \d+)?")
_BRACKETS_END: Final = re.compile(r" ?\([^()]*\)$")
_TECHNICAL_END: Final = re.compile(r"_[a-z]+_.*$")
