"""The named policies: what other systems call started and finished, as data.

The rules are those that the systems document or that their members know them by; what a system
says nothing about is as in `watch-next`.
"""

from typing import Final

from stream_cw.core.rules import Asleep, Policy

WATCH_NEXT: Final = Policy(
    name="watch-next",
    started_ms=120_000,
    started_per_mille=30,
    finished_per_mille=950,
    credits="only",
    left_ms=180_000,
    asleep=Asleep(),
    given_up_per_mille=5,
)
"""After Android TV's guidelines for its Watch Next row: a film from 3 % or 2 minutes on, whichever
is earlier, an episode from 2 minutes on; to the credits, else to 95 % or the last 3 minutes."""

JELLYFIN: Final = Policy(
    name="jellyfin",
    started_per_mille=50,
    episode_per_mille=50,
    finished_per_mille=900,
    beyond=True,
    short_ms=300_000,
)
"""Less than 5 % watched is dropped, more than 90 % is played, and so is what is shorter than five
minutes."""

PLEX: Final = Policy(
    name="plex",
    started_ms=120_000,
    started_per_mille=30,
    finished_per_mille=900,
    credits="earlier",
)
"""Played at 90 % or at the first credits marker, whichever is earlier."""

KODI: Final = Policy(name="kodi", started_ms=180_000, finished_per_mille=900)
"""The first three minutes are ignored; played at 90 %, so that the last 8 % never count."""

STREMIO: Final = Policy(name="stremio", finished_per_mille=900)
"""Whatever was begun, until the credits, taken to begin at 90 %; from 70 % on a title is marked as
watched there, and stays."""

POLICIES: Final = {policy.name: policy for policy in (WATCH_NEXT, JELLYFIN, PLEX, KODI, STREMIO)}
