"""Reasons of tiles, in words."""

from typing import Final

WORDS: Final = {
    "recently_watched": "you just watched this",
    "on_this_device": "you watch this here",
    "around_this_time": "you watch this around this time",
    "binge": "next in a binge",
    "watched_often": "you watch this often",
    "unfinished": "you left in the middle",
    "popular": "many go on with this",
    "next_episode": "the next episode",
    "new_episode": "a new episode is here",
    "asleep": "you may have slept through the rest",
    "long_in_a_row": "you watched this for hours",
}


def in_words(reason: str) -> str:
    """Say a reason as a member would read it; one that is not known here loses its underscores."""
    return WORDS.get(reason, reason.replace("_", " "))
