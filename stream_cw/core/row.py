"""The row of a device, from the state alone and what the view adds."""

from typing import Final

from msgspec import Struct

from stream_cw.core.placement import place
from stream_cw.core.rows import MAX_TILES, Cause, Row, Tile, Version
from stream_cw.core.rules import WATCH_NEXT, Policy, is_finished, is_started
from stream_cw.core.scoring import Recency, Scorer
from stream_cw.core.show import Show, unpack_show
from stream_cw.core.state import ProfileState, find_device


class View(Struct, frozen=True, kw_only=True):
    """What a row depends on beside the state.

    Attributes
    ----------
    scorer : Scorer
    policy : Policy
    catalog, model : int
        Parts of the row's version; see `rows.Version`.
    """

    scorer: Scorer = Recency()
    policy: Policy = WATCH_NEXT
    catalog: int = 0
    model: int = 0


RECENCY: Final = View()


def row(state: ProfileState, profile_id: str, device_id: str, view: View = RECENCY) -> Row:
    """Build the row of one device at the state's now.

    Parameters
    ----------
    state : ProfileState
    profile_id : str
    device_id : str
        A device that the state knows.
    view : View

    Returns
    -------
    Row

    Raises
    ------
    KeyError
        If the state does not know the device.
    """
    slot = find_device(state, device_id)
    if slot is None:
        raise KeyError(device_id)
    device = state.devices[slot]
    candidates = [
        (show_id, show)
        for show_id, data in state.shows.items()
        if belongs(show := unpack_show(show_id, data), view.policy)
    ]
    scores = view.scorer.score(state, device, candidates)
    ranked = sorted(
        zip(candidates, scores, strict=True), key=lambda item: (-item[1][0], item[0][0])
    )
    tiles = [
        _tile(show_id, show, view.policy, score, reason)
        for (show_id, show), (score, reason) in ranked[:MAX_TILES]
    ]
    return Row(
        profile_id=profile_id,
        device_id=device_id,
        session_id=device.session_id,
        version=Version(state.revision, view.catalog, view.model),
        ts=state.now,
        cause=Cause(state.cause_id, state.cause_type),
        model=view.scorer.ref,
        placement=place(state, tiles=len(tiles)),
        arm=None,
        tiles=tiles,
    )


def belongs(show: Show, policy: Policy) -> bool:
    """Whether a show is started and not finished; a finished episode keeps its series."""
    if show.removed:
        return False
    if show.series:
        return is_started(
            policy, series=True, position_ms=show.position_ms, duration_ms=show.duration_ms
        ) or any(
            is_started(policy, series=True, position_ms=e.position_ms, duration_ms=e.duration_ms)
            for e in show.episodes
        )
    return is_started(
        policy, series=False, position_ms=show.position_ms, duration_ms=show.duration_ms
    ) and not _finished(show, policy)


def _finished(show: Show, policy: Policy) -> bool:
    return show.watched or is_finished(
        policy,
        position_ms=show.position_ms,
        duration_ms=show.duration_ms,
        credits_ms=show.credits_ms,
    )


def _tile(show_id: str, show: Show, policy: Policy, score: int, reason: str) -> Tile:
    up_next = show.series and _finished(show, policy)
    return Tile(
        show_id=show_id,
        kind="series" if show.series else "movie",
        title_id=show.title_id,
        season=show.season,
        episode=show.episode,
        position_ms=0 if up_next else show.position_ms,
        duration_ms=None if up_next else show.duration_ms,
        up_next=up_next,
        score=score,
        reason=reason,
    )
