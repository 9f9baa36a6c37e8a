"""Binge responsibly: how long a show has been watched in a row, and when it gives way."""

from typing import Final

from stream_cw.core.decay import HALF_LIVES_MS, current
from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.rules import Policy
from stream_cw.core.show import Show
from stream_cw.core.state import ProfileState
from stream_cw.core.sums import MINUTE

GIVES_WAY: Final = "long_in_a_row"
"""Reason of a tile that would have stood first."""


def watched_in_a_row(state: ProfileState, show: Show) -> int:
    """Estimate for how long a show has been watched without a break, ms.

    A break is 30 minutes without the show. What was watched is the show's minutes decayed with a
    half-life of a day: of five hours on end 4.7 are left. Where its device's session has an id and
    began with a break, it is no more than has passed since then; else time watched before the
    break is still in it, half of it after a day.

    Parameters
    ----------
    state : ProfileState
    show : Show
        One of the state's.
    """
    if show.position_slot is None or state.now - show.last_ts > SESSION_GAP_MS:
        return 0
    half_life = HALF_LIVES_MS[0]
    minutes = current(show.minutes[0], show.last_ts, show.last_ts, half_life)
    watched = minutes * 60_000 // MINUTE
    device = state.devices[show.position_slot]
    after_a_break = show.sessions == 1 or show.last_gap_s * 1000 > SESSION_GAP_MS
    if device.session_id is None or device.session_start > show.last_ts or not after_a_break:
        return watched
    return min(watched, show.last_ts - device.session_start)


def gives_way(policy: Policy, state: ProfileState, show_id: str, packed: bytes) -> bool:
    """Whether a show that would stand first gives way to the second tile."""
    if policy.in_a_row_ms is None:
        return False
    return watched_in_a_row(state, unpack_show(show_id, packed)) >= policy.in_a_row_ms
