"""The named policies: what other systems call started and finished, as data.

Each says what its system documents, or does by its code. What a system does not have is switched
off: of these only `watch-next` asks whether somebody slept, or lets go of what was given up.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from stream_cw.core.rules import Asleep, Policy

WATCH_NEXT: Final = Policy(
    name="watch-next",
    started_ms=120_000,
    started_per_mille=30,
    finished_per_mille=950,
    credits="only",
    left_ms=180_000,
    asleep=Asleep(),
    given_up_per_mille=15,
)
"""After Android TV's guidelines for its Watch Next row: a film from 3 % or 2 minutes on, whichever
is earlier, an episode from 2 minutes on; to the credits. Where these are not known the guidelines
leave the end to the app and name the last 3 minutes; 95 % is ours."""

JELLYFIN: Final = Policy(
    name="jellyfin",
    started_per_mille=50,
    episode_per_mille=50,
    finished_per_mille=900,
    beyond=True,
    short_ms=300_000,
)
"""Less than 5 % watched is dropped, more than 90 % is played, and so is what is shorter than five
minutes altogether, however little of it was watched."""

PLEX: Final = Policy(
    name="plex",
    started_ms=120_000,
    started_per_mille=30,
    finished_per_mille=900,
    credits="earlier",
)
"""Played at 90 % or at the first credits marker, whichever is earlier. What it calls started is not
documented: as in `watch-next`."""

KODI: Final = Policy(name="kodi", started_ms=180_000, finished_per_mille=900)
"""The first three minutes are ignored; played at 90 %. Kodi forgets where to resume in the last 8 %
alone, so what is left between 90 and 92 % is both played and to be resumed there. Here it is played
and leaves the row, and the last 8 % never count."""

STREMIO: Final = Policy(name="stremio", finished_per_mille=900, beyond=True)
"""Whatever was begun, until the position is beyond 90 %, where the credits are taken to begin. That
70 % of the length were watched marks a title as watched there, and takes nothing out of the row."""

POLICIES: Final = {policy.name: policy for policy in (WATCH_NEXT, JELLYFIN, PLEX, KODI, STREMIO)}
"""By name."""


Limit = Literal["started_ms", "started_per_mille", "episode_per_mille", "in_a_row_ms", "asleep"]


class OwnPolicy(Struct, frozen=True, kw_only=True):
    """What a policy of one's own says beside the fields of `Policy`, any of which it may give.

    Attributes
    ----------
    name : str or None
        None: as its file is called.
    base : str or None
        The named policy that says what is left out; None: the defaults of `Policy`.
    without : tuple of str
        Limits that the base has, and this one does not.
    """

    name: str | None = None
    base: Literal["watch-next", "jellyfin", "plex", "kodi", "stremio"] | None = None
    without: tuple[Limit, ...] = ()


def own_policy(told: Mapping[str, object], name: str) -> Policy:
    """Make a policy of one's own.

    Parameters
    ----------
    told : mapping of str to object
        Fields of `OwnPolicy` and of `Policy`, as a file says them.
    name : str
        For one that does not tell its own.

    Returns
    -------
    Policy

    Raises
    ------
    msgspec.ValidationError
        If a field is unknown, missing or wrong; the message names it and what was wanted.
    """
    own = msgspec.convert(told, OwnPolicy)
    limits: dict[str, Any] = {} if own.base is None else msgspec.to_builtins(POLICIES[own.base])
    limits |= {"name": own.name or name} | dict.fromkeys(own.without)
    limits |= {field: value for field, value in told.items() if field not in _BESIDE}
    return msgspec.convert(limits, Policy)


_BESIDE: Final = frozenset(OwnPolicy.__struct_fields__)
