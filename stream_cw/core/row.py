"""The row of a device, from the state alone and what the view adds."""

from typing import Final

from msgspec import Struct

from stream_cw.core.placement import place
from stream_cw.core.rows import MAX_TILES, Cause, Row, Tile, Version
from stream_cw.core.rules import WATCH_NEXT, Policy, is_finished, is_started
from stream_cw.core.scoring import Candidate, Recency, Scorer
from stream_cw.core.show import Glimpse, glimpse, last_title, listed_episodes
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
        Candidate(show_id, head, packed)
        for show_id, packed in state.shows.items()
        if belongs(head := glimpse(packed), packed, view.policy)
    ]
    scores = view.scorer.score(state, device, candidates)
    ranked = sorted(
        zip(candidates, scores, strict=True), key=lambda item: (-item[1][0], item[0].show_id)
    )
    tiles = [
        _tile(candidate, view.policy, score, reason)
        for candidate, (score, reason) in ranked[:MAX_TILES]
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


def belongs(head: Glimpse, packed: bytes, policy: Policy) -> bool:
    """Whether a show is started and not finished; a finished episode keeps its series."""
    if head.removed:
        return False
    started = is_started(
        policy, series=head.series, position_ms=head.position_ms, duration_ms=head.duration_ms
    )
    if head.series:
        return started or _has_started_episode(packed, policy)
    return started and not _finished(head, policy)


def _has_started_episode(packed: bytes, policy: Policy) -> bool:
    return any(
        is_started(policy, series=True, position_ms=e.position_ms, duration_ms=e.duration_ms)
        for e in listed_episodes(packed)
    )


def _finished(head: Glimpse, policy: Policy) -> bool:
    return head.watched or is_finished(
        policy,
        position_ms=head.position_ms,
        duration_ms=head.duration_ms,
        credits_ms=head.credits_ms,
    )


def _tile(candidate: Candidate, policy: Policy, score: int, reason: str) -> Tile:
    show_id, head, packed = candidate
    title_id, season, episode = last_title(show_id, packed)
    up_next = head.series and _finished(head, policy)
    return Tile(
        show_id=show_id,
        kind="series" if head.series else "movie",
        title_id=title_id,
        season=season,
        episode=episode,
        position_ms=0 if up_next else head.position_ms,
        duration_ms=None if up_next else head.duration_ms,
        up_next=up_next,
        score=score,
        reason=reason,
    )
