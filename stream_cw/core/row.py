"""The row of a device, from the state alone and what the view adds."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from stream_cw.core.binge import GIVES_WAY, gives_way
from stream_cw.core.candidates import Candidates, candidates
from stream_cw.core.choice import AFTER, ATTENDED, LISTED, NEXT, RESUME
from stream_cw.core.columns import LAST
from stream_cw.core.experiments import Arm, Experiment, arm_of, changed
from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.offers import read_offer
from stream_cw.core.order import in_order
from stream_cw.core.packed_show import glimpse, last_play, listed_episodes, unpack_show
from stream_cw.core.placement import EVEN_CHANCE, PlacementMap, place
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.rows import MAX_TILES, Cause, Row, Tile, Version
from stream_cw.core.rules import Policy
from stream_cw.core.scoring import Ranking, Recency, Scorer
from stream_cw.core.show import bookmark_of
from stream_cw.core.state import ProfileState, find_device
from stream_cw.core.works import offers_at


class View(Struct, frozen=True, kw_only=True):
    """What a row depends on beside the state.

    Attributes
    ----------
    scorer : Scorer
    policy : Policy
    placement : PlacementMap
    experiment : Experiment or None
        Its arms go before scorer, policy and placement.
    scorers : mapping of str to Scorer
        Those that arms name.
    works : mapping of str to bytes
        The catalog: what it says of each show.
    catalog_ts : int
        When the newest record of the catalog that was read was appended, ms; 0 without one.
    catalog, model : int
        Parts of the row's version; see `rows.Version`.
    """

    scorer: Scorer = Recency()
    policy: Policy = WATCH_NEXT
    placement: PlacementMap = EVEN_CHANCE
    experiment: Experiment | None = None
    scorers: Mapping[str, Scorer] = {}
    works: Mapping[str, bytes] = {}
    catalog_ts: int = 0
    catalog: int = 0
    model: int = 0


RECENCY: Final = View()

NEW_EPISODE: Final = "new_episode"
"""The next episode came after the last play, whatever else speaks for the show."""

NEXT_EPISODE: Final = "next_episode"
"""Of a show whose place speaks for it, and whose last episode is over."""

UNFINISHED: Final = "unfinished"

ASLEEP: Final = "asleep"
"""Nobody saw the rest: the tile goes on where somebody surely was."""

_LAST_TITLE, _FOLLOWING = (RESUME, AFTER), (AFTER, NEXT)
"""What is offered from the show itself, and what comes when its last title is over."""

NOTHING: Final = Ranking(np.empty(0, np.int64), [], 0, "nothing_to_continue")


def row(state: ProfileState, profile_id: str, device_id: str, view: View = RECENCY) -> Row:
    """Build the row of one device at the state's now.

    The greatest score stands first; of equal ones the show that was played last, and of shows that
    were played in the same millisecond the one with the smaller id.

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
    arm = arm_of(view.experiment, profile_id) if view.experiment else None
    if arm is not None:
        view = view_of(view, arm)
    found = candidates(state, view.policy, view.works, slot, now_of(state, view))
    ranking = view.scorer.rank(state, slot, found) if found.ids else NOTHING
    ids, reasons = found.ids, ranking.reasons
    order = in_order(ranking.scores, found.shows[LAST], ids)[:MAX_TILES]
    if len(order) > 1 and gives_way(view.policy, state, ids[order[0]], found.packed[order[0]]):
        reasons = [GIVES_WAY if n == order[0] else reason for n, reason in enumerate(reasons)]
        order[:2] = order[1], order[0]
    return Row(
        profile_id=profile_id,
        device_id=device_id,
        session_id=state.devices[slot].session_id,
        version=Version(state.revision, view.catalog, view.model),
        ts=state.now,
        cause=Cause(state.cause_id, state.cause_type, not state.private),
        model=view.scorer.ref,
        placement=place(state, slot, ranking.p_continue, ranking.method, view.placement),
        arm=None if arm is None else arm.id,
        tiles=_tiles(found, order, ranking.scores.tolist(), reasons),
    )


def now_of(state: ProfileState, view: View) -> int:
    """Tell when what a row offers must be playable, ms.

    A release is pushed to a session while the profile's clock stands still: the catalog's own
    then goes before, but not by more than a session lasts without an event.

    Parameters
    ----------
    state : ProfileState
    view : View
    """
    ahead = view.catalog_ts - state.now
    return view.catalog_ts if 0 < ahead <= SESSION_GAP_MS else state.now


def view_of(view: View, arm: Arm) -> View:
    """Return what the rows of an arm depend on.

    Parameters
    ----------
    view : View
        With the scorer that the arm names.
    arm : Arm
    """
    return replace(
        view,
        scorer=view.scorer if arm.model is None else view.scorers[arm.model],
        policy=view.policy if arm.policy is None else changed(view.policy, arm.policy),
        placement=arm.placement or view.placement,
    )


def _tiles(
    found: Candidates, order: list[int], scores: list[int], reasons: list[str]
) -> list[Tile]:
    ids, packed = found.ids, found.packed
    kinds, asleep = found.choice.kinds.tolist(), found.choice.asleep.tolist()
    tiles = []
    for n in order:
        kind, reason = kinds[n], ASLEEP if asleep[n] else reasons[n]
        if reason == UNFINISHED and kind in _FOLLOWING:
            reason = NEXT_EPISODE
        if kind in _LAST_TITLE:
            tiles.append(_last_tile(ids[n], packed[n], scores[n], reason, up_next=kind == AFTER))
        elif kind == ATTENDED:
            tiles.append(_attended_tile(found, n, scores[n]))
        else:
            tiles.append(_offered_tile(found, n, kind, scores[n], reason))
    return tiles


def _last_tile(show_id: str, packed: bytes, score: int, reason: str, *, up_next: bool) -> Tile:
    kind, title_id, season, episode, position_ms, duration_ms = glimpse(show_id, packed)
    if up_next:
        position_ms, duration_ms = 0, None
    # By position: twenty of these are a row, and names take a third longer.
    return Tile(
        show_id, kind, title_id, season, episode, position_ms, duration_ms, up_next, score, reason
    )


def _offered_tile(found: Candidates, n: int, kind: int, score: int, reason: str) -> Tile:
    """Offer an episode of the catalog: from its start, or where it is listed to have been left."""
    work = found.works.parts[n]
    offer = read_offer(work, int(found.choice.offers[n]), offers_at(work))
    position_ms, duration_ms = 0, offer.duration_ms
    if kind == LISTED:
        left = next(e for e in listed_episodes(found.packed[n]) if e.title == offer.hash)
        position_ms, duration_ms = left.position_ms, left.duration_ms or duration_ms
    elif reason != ASLEEP and offer.from_s * 1000 > last_play(found.packed[n]):
        reason = NEW_EPISODE
    return Tile(
        show_id=found.ids[n],
        kind="series",
        title_id=offer.title_id,
        season=offer.season or None,
        episode=offer.episode or None,
        position_ms=position_ms,
        duration_ms=duration_ms,
        up_next=False,
        score=score,
        reason=reason,
    )


def _attended_tile(found: Candidates, n: int, score: int) -> Tile:
    show = unpack_show(found.ids[n], found.packed[n])
    mark, finished = bookmark_of(show), bool(found.choice.offers[n])
    return Tile(
        show_id=found.ids[n],
        kind="series" if show.series else "movie",
        title_id=mark.title_id,
        season=mark.season,
        episode=mark.episode,
        position_ms=0 if finished else mark.position_ms,
        duration_ms=None if finished else mark.duration_ms,
        up_next=finished,
        score=score,
        reason=ASLEEP,
    )
